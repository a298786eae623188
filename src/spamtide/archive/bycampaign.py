"""The messages once more in two other orders, by campaign and by time: tables that a generation keeps, and views that add what came since.

Whoever asks for one campaign, or counts by campaign, would else join every message of the tables with every exact group; whoever counts by
time would open the files of every feed and day. Of each message the tables hold what is counted by (``spamtide.campaign.OF_MESSAGE``,
``IN_TIME``). ``campaign_message``: a campaign in one run of rows, in groups of rows so small that few others are read with it.
``message_time``: all feeds together in order of arrival, so that a window is one run of rows. ``campaign_day`` has their numbers by campaign,
feed, day and what most questions ask for (``OF_DAY``).

The views give the same rows as the join would now: those of the table, and those of messages that came after it, joined. Where
messages went since, or a generation has no such table, they are the join. So they are never newer or older than the table ``message``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spamtide.campaign import IN_TIME, OF_DAY, OF_MESSAGE, group_schema

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.archive.tables import Since, Snapshot

_PLACE = "feed, writer, segment, ordinal"


@dataclass(frozen=True, slots=True)
class Order:
    """A table of all messages in an order of its own. ``rows`` of a group, the least that is read."""

    table: str
    columns: tuple[str, ...]
    order: str
    rows: int


BY_CAMPAIGN = Order(
    "campaign_message", ("feed", "writer", *OF_MESSAGE), f"campaign NULLS LAST, received_at, {_PLACE}", 20_000
)
BY_TIME = Order("message_time", ("feed", "writer", *IN_TIME), f"received_at, {_PLACE}", 60_000)
# Numbers by campaign and day, and the same without campaigns.
BY_DAY, BY_FEED_DAY = "campaign_day", "feed_day"
ORDERED = frozenset({BY_CAMPAIGN.table, BY_TIME.table, BY_DAY})
MEMBERS = "campaign_member"
# The rows of ``message_time`` with their campaigns, and without: where there is no such table, the second joins nothing.
TIMED_WITH_CAMPAIGN, TIMED = "campaign_time", "message_time"


def _read(paths: Sequence[str]) -> str:
    quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{quoted}])"


def _joined(messages: str, members: str, order: Order) -> str:
    columns = ", ".join(f"m.{name}" for name in order.columns)
    return f"SELECT c.campaign, {columns} FROM {messages} AS m LEFT JOIN {members} AS c ON c.exact = m.exact"


def messages_in_order(engine: Any, order: Order, messages: Sequence[str], members: str) -> Iterator[pa.RecordBatch]:
    """Rows of the table, in order, a group of rows at a time. ``messages``: files of the table ``message``; ``members``: of ``campaign_member``.

    ``engine``: a DuckDB, which sorts on disk what its memory does not hold.
    """
    import pyarrow as pa

    if not messages:
        return
    schema = group_schema(order.table)
    query = f"{_joined(_read(messages), _read([members]), order)} ORDER BY {order.order}"
    for batch in engine.sql(query).to_arrow_reader(order.rows):
        columns = [c.cast(f.type) for c, f in zip(batch.columns, schema, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def ordered_view(snapshot: Snapshot, order: Order, table: str | None, *, with_campaign: bool = True) -> str:
    """The query of a view over the tables ``message`` and ``campaign_member`` of an engine. ``table``: the file of a generation, if it has one.

    Without ``with_campaign`` no campaign is looked up.
    """
    columns = ", ".join(order.columns)
    if table is None or snapshot.since is None:
        return _joined("message", "campaign_member", order) if with_campaign else f"SELECT {columns} FROM message"
    held = f"SELECT {'campaign, ' if with_campaign else ''}{columns} FROM {_read([table])}"
    if not snapshot.since.files:
        return held
    later = f"({_later(snapshot.since)})"
    added = _joined(later, "campaign_member", order) if with_campaign else f"SELECT {columns} FROM {later}"
    return f"{held} UNION ALL {added}"


def _counted(messages: str, members: str | None) -> str:
    """Messages of a query by day, with their campaigns where there are members."""
    keys = ", ".join(f"m.{name}" for name in ("feed", *OF_DAY))
    if members is None:
        campaign, joined = "", messages
    else:
        campaign, joined = "c.campaign, ", f"{messages} LEFT JOIN {members} AS c ON c.exact = m.exact"
    return (
        f"SELECT {campaign}{keys}, count(*)::BIGINT AS messages, min(m.received_at) AS first_seen, max(m.received_at) AS last_seen "
        f"FROM {joined} GROUP BY {campaign}{keys}"
    )


def messages_by_day(engine: Any, messages: Sequence[str], members: str) -> Iterator[pa.RecordBatch]:
    """Rows of the table ``campaign_day``, in order of its columns; the rest as ``messages_in_order``."""
    import pyarrow as pa

    if not messages:
        return
    schema = group_schema(BY_DAY)
    keys = ", ".join(f"{name} NULLS LAST" for name in ("campaign", "feed", *OF_DAY))
    query = f"SELECT * FROM ({_counted(f'{_read(messages)} AS m', _read([members]))}) ORDER BY {keys}"
    for batch in engine.sql(query).to_arrow_reader(BY_TIME.rows):
        columns = [c.cast(f.type) for c, f in zip(batch.columns, schema, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def day_view(snapshot: Snapshot, table: str | None, *, with_campaign: bool = True) -> str:
    """The query of a view as ``ordered_view``, of numbers by day. A day may stand in two rows: of the table, and of what came since."""
    members = "campaign_member" if with_campaign else None
    if table is None or snapshot.since is None:
        return _counted("message AS m", members)
    columns = ("feed", *OF_DAY, "messages", "first_seen", "last_seen")
    held = f"SELECT {', '.join(('campaign', *columns) if with_campaign else columns)} FROM {_read([table])}"
    if not snapshot.since.files:
        return held
    return f"{held} UNION ALL {_counted(f'({_later(snapshot.since)}) AS m', members)}"


def ordered_views(snapshot: Snapshot, tables: Mapping[str, str | None], *, members: bool) -> Iterator[tuple[str, str]]:
    """Name and query of each view over these tables: the file of each, where there is one. ``members``: whether there is a table of these."""
    timed = tables.get(BY_TIME.table)
    by_day = tables.get(BY_DAY)
    yield TIMED, ordered_view(snapshot, BY_TIME, timed, with_campaign=False)
    yield BY_FEED_DAY, day_view(snapshot, by_day, with_campaign=False)
    if members:
        yield BY_DAY, day_view(snapshot, by_day)
        yield TIMED_WITH_CAMPAIGN, ordered_view(snapshot, BY_TIME, timed)
        yield BY_CAMPAIGN.table, ordered_view(snapshot, BY_CAMPAIGN, tables.get(BY_CAMPAIGN.table))


def _later(since: Since) -> str:
    """Messages of these files that stand after the ends."""
    # Names are of our own making: letters, digits, dots and dashes.
    ends = ", ".join(f"('{feed}', '{writer}', {number}, {records})" for feed, writer, number, records in since.ends)
    return (
        f"SELECT n.* FROM {_read(since.files)} AS n ANTI JOIN (VALUES {ends}) AS e (feed, writer, segment, records) "
        "ON n.feed = e.feed AND n.writer = e.writer AND n.segment = e.segment AND n.ordinal < e.records"
    )
