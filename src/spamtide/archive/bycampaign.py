"""The messages in order of their campaign: a table that a generation keeps, and a view that adds what came since.

Whoever asks for one campaign, or counts by campaign, would else join every message of the tables with every exact group. The table
holds of each message what is counted by (``spamtide.campaign.OF_MESSAGE``), a campaign in one run of rows, in groups of rows so
small that few others are read with it.

The view gives the same rows as that join would now: those of the table, and those of messages that came after it, joined. Where
messages went since, or a generation has no such table, it is the join. So it is never newer or older than the table ``message``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from spamtide.campaign import OF_MESSAGE, group_schema

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.archive.tables import Since, Snapshot

TABLE = "campaign_message"
# Rows of a group, the least that is read.
_ROWS = 20_000
_ORDER = "campaign NULLS LAST, received_at, feed, writer, segment, ordinal"
_COLUMNS = ("feed", "writer", *OF_MESSAGE)


def _read(paths: Sequence[str]) -> str:
    quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{quoted}])"


def _joined(messages: str, members: str) -> str:
    columns = ", ".join(f"m.{name}" for name in _COLUMNS)
    return f"SELECT c.campaign, {columns} FROM {messages} AS m LEFT JOIN {members} AS c ON c.exact = m.exact"


def messages_by_campaign(engine: Any, messages: Sequence[str], members: str) -> Iterator[pa.RecordBatch]:
    """Rows of the table, in order, a group of rows at a time. ``messages``: files of the table ``message``; ``members``: of ``campaign_member``.

    ``engine``: a DuckDB, which sorts on disk what its memory does not hold.
    """
    import pyarrow as pa

    if not messages:
        return
    schema = group_schema(TABLE)
    query = f"{_joined(_read(messages), _read([members]))} ORDER BY {_ORDER}"
    for batch in engine.sql(query).to_arrow_reader(_ROWS):
        columns = [c.cast(f.type) for c, f in zip(batch.columns, schema, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def campaign_message_view(snapshot: Snapshot, table: str | None) -> str:
    """The query of the view over the tables ``message`` and ``campaign_member`` of an engine. ``table``: the file of a generation, if it has one."""
    if table is None or snapshot.since is None:
        return _joined("message", "campaign_member")
    held = f"SELECT campaign, {', '.join(_COLUMNS)} FROM {_read([table])}"
    if not snapshot.since.files:
        return held
    return f"{held} UNION ALL {_joined(f'({_later(snapshot.since)})', 'campaign_member')}"


def _later(since: Since) -> str:
    """Messages of these files that stand after the ends."""
    # Names are of our own making: letters, digits, dots and dashes.
    ends = ", ".join(f"('{feed}', '{writer}', {number}, {records})" for feed, writer, number, records in since.ends)
    return (
        f"SELECT n.* FROM {_read(since.files)} AS n ANTI JOIN (VALUES {ends}) AS e (feed, writer, segment, records) "
        "ON n.feed = e.feed AND n.writer = e.writer AND n.segment = e.segment AND n.ordinal < e.records"
    )
