"""The first message of each exact group, with its text: who is first is found in a few columns, then the few texts are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spamtide.measure import first_messages, texts_at

if TYPE_CHECKING:
    from spamtide.archive import Engine

_PLACE = ("feed", "writer", "segment", "ordinal")


def first_of_each(
    engine: Engine, exacts: Sequence[str], campaigns: Sequence[str] = (), column: str = "text_masked"
) -> dict[str, dict[str, Any]]:
    """By exact group the columns of ``first_messages`` and ``text``, this column of the table ``text``; None where it holds none.

    ``campaigns``: those that hold the groups, where that is known.
    """
    if not exacts:
        return {}
    rows = engine.run(first_messages(exacts, campaigns)).to_pylist()
    found = engine.run(texts_at([r["received_at"] for r in rows], column)).to_pylist() if rows else []
    texts = {tuple(t[key] for key in _PLACE): t["text"] for t in found}
    return {r["exact"]: {**r, "text": texts.get(tuple(r[key] for key in _PLACE))} for r in rows}
