"""Ids of campaigns looked up in a generation: alive, or an alias of what was merged, renamed or split. Loads no Arrow."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spamtide.archive.generations import Generation


@dataclass(frozen=True, slots=True)
class FoundId:
    """What an id leads to. ``now``: campaigns that hold its messages today, itself among them while ``alive``.

    ``why`` (merged, renamed, split, gone) and ``at`` (microseconds UTC) say what befell it; None where nothing did.
    """

    id: str
    alive: bool
    now: tuple[str, ...]
    why: str | None = None
    at: int | None = None


def find_campaign(generation: Generation, text: str) -> FoundId | None:
    """The campaign or alias of this id; None where there was never one."""
    rows = _rows(generation, "campaign", "campaign = ?", [text], "campaign")
    former = _rows(generation, "campaign_alias", "alias = ?", [text], 'campaign, why, "at"')
    if not rows and not former:
        return None
    now = (*((text,) if rows else ()), *sorted(str(r[0]) for r in former if r[0] is not None))
    return FoundId(text, bool(rows), now, *((str(former[0][1]), int(former[0][2])) if former else (None, None)))


def aliases_of(generation: Generation, campaign: str) -> list[FoundId]:
    """Older ids that lead to this campaign, in order."""
    rows = _rows(generation, "campaign_alias", "campaign = ?", [campaign], 'alias, why, "at"')
    return sorted((FoundId(str(a), False, (campaign,), str(why), int(at)) for a, why, at in rows), key=lambda f: f.id)


def campaign_ids(generation: Generation, beginning: str, at_most: int) -> list[str]:
    """Ids that begin so, of the campaigns with most messages: the table has them in that order."""
    rows = _rows(generation, "campaign", f"starts_with(campaign, ?) LIMIT {at_most:d}", [beginning], "campaign")
    return [str(row[0]) for row in rows]


def _rows(generation: Generation, table: str, where: str, values: Sequence[str], columns: str) -> list[tuple[Any, ...]]:
    path = generation.tables[table].path.replace("'", "''")
    with _engine().cursor() as engine:
        found: list[tuple[Any, ...]] = engine.execute(
            f"SELECT {columns} FROM read_parquet('{path}') WHERE {where}", list(values)
        ).fetchall()
    return found


@functools.cache
def _engine() -> Any:
    # To open one takes longer than to ask it: one for the process, a cursor for each question.
    import _duckdb

    return _duckdb.connect(":memory:", config={"threads": 1})
