"""The first message of each exact group, with its text: who is first is found in a few columns, then the few texts are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spamtide.archive import run_of_days
from spamtide.measure import DAY_US, first_messages, texts_at

if TYPE_CHECKING:
    from spamtide.archive import Engine

_PLACE = ("feed", "writer", "segment", "ordinal")


def first_of_each(
    engine: Engine, exacts: Sequence[str], column: str = "text_masked", **among: Any
) -> dict[str, dict[str, Any]]:
    """By exact group the columns of ``first_messages`` and ``text``, this column of the table ``text``; None where it holds none.

    ``among``: ``campaigns`` that hold the groups, where that is known, and the rest that ``first_messages`` takes.
    """
    if not exacts:
        return {}
    rows = engine.run(first_messages(exacts, **among)).to_pylist()
    found = []
    if rows:
        instants = [r["received_at"] for r in rows]
        found = run_of_days(engine, "text", [at // DAY_US for at in instants], texts_at(instants, column)).to_pylist()
    texts = {tuple(t[key] for key in _PLACE): t["text"] for t in found}
    return {r["exact"]: {**r, "text": texts.get(tuple(r[key] for key in _PLACE))} for r in rows}
