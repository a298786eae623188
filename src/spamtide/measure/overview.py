"""What is new, as statements of SQL for the embedded engine: counts by feed and hour, networks and campaigns of the last day.

As in ``spamtide.measure.listing``, and for its reason: a person waits, and to build and to write an Ibis expression of this size takes
longer than to answer it. The conditions are the same code's. Integers and strings come back, in a total order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spamtide.measure.expressions import by_time, condition, conditions_of, uses
from spamtide.measure.listing import Columns, Sql
from spamtide.measure.query import And, Tree
from spamtide.measure.values import Window

_KEYS = ("feed", "writer", "segment", "ordinal")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with a ``?`` for each of its parameters, in order, over the tables of the engine."""

    text: str
    parameters: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Among:
    """The messages that are counted: a query, feeds and origins (none meaning all), a window.

    With some origins named, but not all, messages that came outside the panel are left out.
    """

    tree: Tree
    feeds: Sequence[str] = ()
    origins: Sequence[str] = ()

    def tables(self) -> str:
        """What is read, the messages as ``m``."""
        text = ""
        if uses(self.tree, "text"):
            text += " JOIN text AS t ON " + " AND ".join(f"t.{key} = m.{key}" for key in _KEYS)
        if uses(self.tree, "campaign"):
            text += " LEFT JOIN campaign_member AS c ON c.exact = m.exact"
        return f"{'message_time' if by_time(self.tree) else 'message'} AS m{text}"

    def where(self, window: Window | None = None, campaign: str = "c.campaign") -> Sql:
        """What must hold of a message ``m``; ``campaign``: where its campaign is found."""
        parts = conditions_of(Columns(campaign), self.tree, self.feeds, self.origins, window)
        return Sql(" AND ".join(p.text for p in parts) or "true", [v for p in parts for v in p.parameters])


def newest_message() -> Statement:
    """``(last)``: when the newest message came; null without one."""
    return Statement("SELECT max(received_at) AS last FROM message_time", ())


def counts_by_feed(among: Among, *, bin_us: int, anchor: int, window: Window) -> Statement:
    """``(feed, bin, n)``: messages of a window that begins at or after ``anchor``, by feed and by the multiple of ``bin_us`` after it."""
    assert window.start >= anchor
    where = among.where(window)
    text = (
        f"SELECT m.feed AS feed, (m.received_at - {anchor:d}) // {bin_us:d} AS bin, count(*) AS n FROM {among.tables()} "
        f"WHERE {where.text} GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return Statement(text, where.parameters)


def networks_lately(among: Among, *, since: int, window: Window, at_most: int) -> Statement:
    """``(network, n, before, peers)`` of a window, most messages at or after ``since`` first; ``before``: those earlier in the window.

    ``peers``: distinct peers since then. Messages without a network are left out.
    """
    where = among.where(window)
    late = f"m.received_at >= {since:d}"
    text = (
        f"SELECT m.network AS network, count(*) FILTER ({late}) AS n, count(*) FILTER (NOT {late}) AS before, "
        f"count(DISTINCT m.peer_unit) FILTER ({late}) AS peers FROM {among.tables()} "
        f"WHERE {where.text} AND m.network IS NOT NULL GROUP BY 1 HAVING count(*) FILTER ({late}) > 0 "
        f"ORDER BY n DESC, network LIMIT {at_most:d}"
    )
    return Statement(text, where.parameters)


def campaigns_lately(among: Among, *, window: Window, limit: int, after: tuple[int, str] | None = None) -> Statement:
    """``(campaign, messages, exact_groups, peers, networks, first_seen, last_seen, topic, language, subject, total)`` of campaigns never seen before a window.

    Counted within it, most messages first, ties by id; ``after``: those that follow this (messages, campaign). ``subject`` is one of its
    first exact group; ``total``: how many there are, however many are listed.
    """
    where = among.where(window)
    beyond, place = "", tuple[Any, ...]()
    if after is not None:
        beyond = "WHERE messages < ? OR (messages = ? AND f.campaign > ?)"
        place = (after[0], after[0], after[1])
    rows, kept = (
        among.tables(),
        "JOIN campaign_member AS b ON b.exact = m.exact JOIN fresh ON fresh.campaign = b.campaign",
    )
    if by_time(among.tree) and not uses(among.tree, "campaign"):
        rows, kept = "campaign_time AS m", "JOIN fresh ON fresh.campaign = m.campaign"
    text = (
        "WITH fresh AS (SELECT campaign, topic, language, first_exact FROM campaign WHERE first_seen >= ? AND first_seen < ?), "
        "f AS MATERIALIZED (SELECT fresh.campaign AS campaign, count(*) AS messages, count(DISTINCT m.exact) AS exact_groups, "
        "count(DISTINCT m.peer_unit) AS peers, count(DISTINCT m.network) AS networks, min(m.received_at) AS first_seen, "
        "max(m.received_at) AS last_seen, min(CASE WHEN m.exact = fresh.first_exact THEN m.subject END) AS subject "
        f"FROM {rows} {kept} WHERE {where.text} GROUP BY 1) "
        "SELECT f.campaign AS campaign, messages, exact_groups, peers, networks, f.first_seen AS first_seen, last_seen, topic, language, subject, "
        f"(SELECT count(*) FROM f) AS total FROM f JOIN fresh ON fresh.campaign = f.campaign {beyond} ORDER BY messages DESC, campaign LIMIT {limit:d}"
    )
    return Statement(text, (window.start, window.end, *where.parameters, *place))


def senders_among(tree: Tree, *, feeds: Sequence[str] = (), days: tuple[int, int] | None = None) -> Statement:
    """``(group, feed, messages, peers, first_seen, last_seen)`` of each sender group among messages of some feeds, peers and UTC days.

    ``feed`` null: of all of these feeds together; ``group`` null: of no group. ``tree`` asks for networks and countries and nothing else; ``days``:
    the first and the one after the last.
    """
    rows: Any = Columns()
    parts: list[Sql] = [rows.feed.isin(list(feeds))] if feeds else []
    if days is not None:
        parts += [rows.utc_day >= days[0], rows.utc_day < days[1]]
    if tree != And(()):
        parts.append(condition(tree, rows))
    where = Sql(" AND ".join(p.text for p in parts) or "true", [v for p in parts for v in p.parameters])
    text = (
        'SELECT m."group" AS "group", CASE WHEN grouping(m.feed) = 0 THEN m.feed END AS feed, sum(m.messages)::BIGINT AS messages, '
        "count(DISTINCT m.peer_unit) AS peers, min(m.first_seen) AS first_seen, max(m.last_seen) AS last_seen "
        f"FROM group_day AS m WHERE {where.text} "
        'GROUP BY GROUPING SETS ((m."group"), (m."group", m.feed)) ORDER BY 1 NULLS LAST, 2 NULLS FIRST'
    )
    return Statement(text, where.parameters)
