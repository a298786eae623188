"""Lists messages in order of feed and arrival, a few parts at a time: the first page is there before the last part is read.

Takes what ``spamtide.measure.list_messages`` built. Spans of the tables follow each other in that order, so the answers over
runs of spans, one after another, are the answer over all of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spamtide.archive.manifests import read_root
from spamtide.archive.parts import Part
from spamtide.archive.spans import Span

if TYPE_CHECKING:
    from spamtide.archive.engine import EngineOptions
    from spamtide.measure import Listing

# Messages read at once: few at first, for a first page soon; never many, which bounds memory.
FIRST_RUN, LONGEST_RUN = 20_000, 320_000
_FETCH = 1_000


def run_listing(
    root: Path,
    spans: Sequence[Span],
    listing: Listing,
    options: EngineOptions,
    *,
    members: str | None = None,
    limit: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Iterator[tuple[Any, ...]]:
    """Rows of the listing's columns and behind them the campaign, at most ``limit``. ``progress`` is told how many messages have been looked at.

    ``members``: the file of a generation's table ``campaign_member``; without one, and for what it does not hold, the campaign is None.
    """
    # The compiled half of the package alone: the other half takes as long to load as a first page to find.
    import _duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": options.thread_count,
        "memory_limit": f"{options.memory_mib}MB",
        "temp_directory": options.temp_dir or tempfile.gettempdir(),
        "preserve_insertion_order": False,
    }
    left = limit
    seen = 0
    with _duckdb.connect(":memory:", config=config) as engine:
        for parts in _runs(root, spans, listing):
            engine.execute(_statement(root, parts, listing, left, members), list(listing.parameters))
            while rows := engine.fetchmany(_FETCH):
                yield from rows
                if left is not None:
                    left -= len(rows)
            if left == 0:
                return
            seen += sum(p.rows for p in parts if p.table == "message")
            if progress is not None:
                progress(seen)


def _runs(root: Path, spans: Sequence[Span], listing: Listing) -> Iterator[list[Part]]:
    """Parts of one span after another, gathered to runs of twice as many messages each time."""
    size = FIRST_RUN
    run: list[Part] = []
    rows = 0
    for span in spans:
        parts = [p for p in span.parts(root) if p.table in listing.tables]
        if not any(p.table == "message" for p in parts):
            continue
        run += parts
        rows += sum(p.rows for p in parts if p.table == "message")
        if rows >= size:
            yield run
            run, rows, size = [], 0, min(2 * size, LONGEST_RUN)
    if run:
        yield run


def _statement(root: Path, parts: Sequence[Part], listing: Listing, limit: int | None, members: str | None) -> str:
    def read(table: str) -> str:
        # File names are of our own making: feed, numbers, table.
        return _read(*(str(root / p.path) for p in parts if p.table == table))

    tables = f"{read('message')} AS m"
    if "text" in listing.tables:
        joined = " AND ".join(f"t.{key} = m.{key}" for key in listing.keys)
        tables += f" JOIN {read('text')} AS t ON {joined}"
    campaigns = f"{_read(members)} AS c" if members is not None else "(SELECT '' AS exact, NULL AS campaign) AS c"
    if listing.by_campaign:
        tables += f" LEFT JOIN {campaigns} ON c.exact = m.exact"
    columns = ", ".join(f"m.{c}" for c in listing.columns)
    order = ", ".join(f"m.{c}" for c in listing.order)
    bound = "" if limit is None else f" LIMIT {limit:d}"
    page = f"SELECT {columns} FROM {tables} WHERE {listing.where} ORDER BY {order}{bound}"
    # The campaign is looked up for the messages that are shown, not for those that were looked at.
    return (
        f"SELECT {columns}, c.campaign FROM ({page}) AS m LEFT JOIN {campaigns} ON c.exact = m.exact ORDER BY {order}"
    )


def _read(*paths: str) -> str:
    files = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{files}])"


def messages_digested(root: Path, facts_version: int, feeds: Sequence[str] = ()) -> int:
    """Records that the tables have, erased ones among them; no feed means all."""
    known = read_root(root).digested.get(str(facts_version), {})
    return sum(n for name, n in known.items() if not feeds or name.partition("/")[0] in feeds)
