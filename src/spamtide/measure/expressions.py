"""Queries as unbound Ibis expressions. Only substring tests and integer arithmetic: engines must agree to the last bit.

The fold runs here, once for each query term, by the same function that folded the messages.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

from spamtide.campaign import GROUP_TABLES, SENDER_TABLES
from spamtide.fingerprint import TABLES
from spamtide.measure.errors import BadQuery
from spamtide.measure.grammar import Count
from spamtide.measure.query import And, CampaignsAmong, Not, Or, PeersAmong, Term, Tree
from spamtide.measure.values import DAY_US, HOUR_US, Window
from spamtide.message import LANGUAGES, ORIGINS, TOPICS, fold_words

# Added before a division so that no dividend is negative: engines differ on the sign of a remainder. With instants of our time
# added, microseconds stay below 2^53: engines divide in floating point, and above that an instant just before an edge would cross it.
_FAR_DAYS = 50_000
_KEYS = ("feed", "writer", "segment", "ordinal")
# Marks of the capture by which a message does not count: for addresses outside the panel, or a delivery that stands already.
OUTSIDE_PANEL = ("conditioning", "ramp", "disclosed", "counted_before")
# Fields that can be asked of the table ``campaign_message``, which holds of each message what is counted by.
_BY_CAMPAIGN = frozenset(
    {"campaign", "network", "country", "peer", "origin", "language", "topic", "feed", "after", "before", "defect"}
)
# Fields that can be asked of the table ``message_time``.
_BY_TIME = _BY_CAMPAIGN | {"subject", "subject-literal"}
# Fields that can be asked of the table ``campaign_day``.
_BY_DAY = frozenset({"campaign", "origin", "language", "topic", "feed", "after", "before"})
# The columns that a search prints.
LISTED = (
    "feed", "writer", "segment", "ordinal", "source_path", "source_ordinal", "received_at", "time_origin",
    "peer_address", "peer_unit", "network", "envelope_from", "recipients", "subject", "sha256", "exact", "origin", "language", "topic",
    "defects",
)  # fmt: skip
# Views over tables of a generation, and those in which no campaign is looked up.
_VIEWS = {"campaign_time": "message_time", "feed_day": "campaign_day"}
_WITHOUT_CAMPAIGN = ("message_time", "feed_day")
_IBIS = {"int64": "int64", "int32": "int32", "bool": "boolean", "utf8": "string", "binary": "binary"}


def table(name: str) -> Any:
    """The unbound table of one table of facts, or of a generation."""
    import ibis

    computed = {**GROUP_TABLES, **SENDER_TABLES}
    of = _VIEWS.get(name, name)
    if of in computed:
        columns = {c.name: _IBIS[c.kind] for c in computed[of]}
        if name in _WITHOUT_CAMPAIGN:
            del columns["campaign"]
        return ibis.table(columns, name=name)
    schema = {"feed": "string", "writer": "string"} | {c.name: _IBIS[c.kind] for c in TABLES[name]}
    return ibis.table(schema, name=name)


def instant_of(term: Term) -> int:
    """Microseconds since 1970 UTC that a term names. Raises BadQuery."""
    from datetime import UTC, datetime

    text = term.value + ("T00:00:00Z" if len(term.value) == 10 else "")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadQuery(
            "bad_query",
            f"{term.value!r} after {term.field}: is no instant.",
            "Write 2011-03-16 or 2011-03-16T14:45:00Z.",
        )
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def _arrival(rows: Any, at: int) -> tuple[Any, int]:
    """What is compared to tell whether a message came before an instant: its day or hour, which are read sooner, where one begins there."""
    for unit, column in ((DAY_US, "utc_day"), (HOUR_US, "utc_hour")):
        if at % unit == 0:
            return getattr(rows, column), at // unit
    return rows.received_at, at


def since(rows: Any, at: int) -> Any:
    """Whether a message came at or after an instant."""
    column, value = _arrival(rows, at)
    return column >= value


def until(rows: Any, at: int) -> Any:
    """Whether a message came before an instant."""
    column, value = _arrival(rows, at)
    return column < value


def folded_needle(term: Term) -> str:
    """What must stand in a folded column: words between spaces; ``*`` leaves an end open. Raises BadQuery."""
    front, back = term.value.startswith("*"), term.value.endswith("*")
    inner = fold_words(term.value.strip("*")).strip(" ")
    if not inner:
        raise BadQuery("bad_query", f"{term} folds to nothing.", "Use a term with a letter or digit in it.")
    return ("" if front else " ") + inner + ("" if back else " ")


def _wild(column: Any, value: str) -> Any:
    front, back = value.startswith("*"), value.endswith("*")
    inner = value.strip("*")
    if not inner:
        return column.notnull()
    if front and back:
        return column.contains(inner)
    if front:
        return column.endswith(inner)
    if back:
        return column.startswith(inner)
    return column == inner


def _term(term: Term, rows: Any) -> Any:
    value = term.value
    match term.field:
        case "subject-literal":
            return rows.subject_lower.contains(value.lower())
        case "subject":
            return (
                rows.subject_lower.contains(value.strip("*").lower())
                if term.exact
                else rows.subject_folded.contains(folded_needle(term))
            )
        case "text":
            return (
                rows.text_lower.contains(value.strip("*").lower())
                if term.exact
                else rows.text_folded.contains(folded_needle(term))
            )
        case "from":
            return (
                rows.from_lower.contains(value.strip("*").lower())
                if term.exact
                else rows.from_folded.contains(folded_needle(term))
            )
        case "attachment":
            return rows.attachment_folded.contains(folded_needle(term))
        case "domain":
            needle = value.lower()
            front, back = needle.startswith("*"), needle.endswith("*")
            needle = ("" if front else " ") + needle.strip("*") + ("" if back else " ")
            return rows.link_domains.contains(needle) | rows.link_hosts.contains(needle)
        case "peer":
            return _wild(rows.peer_address, value).fill_null(False) | (rows.network == value).fill_null(False)
        case "origin":
            if value not in ORIGINS:
                raise BadQuery("bad_query", f"{value!r} is no origin.", f"Origins: {', '.join(ORIGINS)}.")
            return rows.origin == value
        case "language":
            if value.lower() not in LANGUAGES:
                raise BadQuery("bad_query", f"{value!r} is no language.", f"Languages: {', '.join(LANGUAGES)}.")
            return rows.language == value.lower()
        case "topic":
            if value not in TOPICS:
                raise BadQuery("bad_query", f"{value!r} is no topic.", f"Topics: {', '.join(TOPICS)}.")
            return rows.topic == value
        case "campaign":
            return (rows.campaign == value).fill_null(False)
        case "network" if "/" in value:
            return (rows.network == value).fill_null(False)
        case "network" | "country":
            raise BadQuery(
                "no_networks",
                f"{term} needs a table of networks, which is not at hand here.",
                "docs/howto/networks.md shows how to name one.",
            )
        case "feed":
            return _wild(rows.feed, value)
        case "after":
            return since(rows, instant_of(term))
        case "before":
            return until(rows, instant_of(term))
        case "defect":
            return rows.defects.contains(f" {value} ") if value != "*" else rows.defects != ""
    raise BadQuery(
        "bad_query", f"The field {term.field!r} cannot be searched.", "docs/reference/query.md lists the fields."
    )


def uses(tree: Tree, field: str) -> bool:
    """Whether a query asks for a field anywhere."""
    return field in fields_of(tree)


def fields_of(tree: Tree) -> frozenset[str]:
    """The fields that a query asks for."""
    match tree:
        case Term():
            return frozenset({tree.field})
        case PeersAmong() | CampaignsAmong():
            return frozenset({tree.term.field})
        case Not():
            return fields_of(tree.inner)
        case And() | Or():
            return frozenset[str]().union(*(fields_of(p) for p in tree.parts))


def by_campaign(tree: Tree) -> bool:
    """Whether a query can be asked of the table ``campaign_message``."""
    return fields_of(tree) <= _BY_CAMPAIGN


def by_time(tree: Tree) -> bool:
    """Whether a query can be asked of the table ``message_time``."""
    return fields_of(tree) <= _BY_TIME


def by_day(tree: Tree, *edges: int) -> bool:
    """Whether a query can be asked of the table ``campaign_day``: it and the ``edges`` (microseconds) cut no day in two."""
    return fields_of(tree) <= _BY_DAY and all(edge % DAY_US == 0 for edge in (*_instants(tree), *edges))


def _instants(tree: Tree) -> list[int]:
    match tree:
        case Term(field="after" | "before"):
            return [instant_of(tree)]
        case Not():
            return _instants(tree.inner)
        case And() | Or():
            return [at for part in tree.parts for at in _instants(part)]
    return []


def day_rows(
    tree: Tree,
    *,
    feeds: Sequence[str],
    origins: Sequence[str],
    window: Window | None = None,
    with_campaigns: bool = False,
) -> Any:
    """Rows of the table ``campaign_day`` that match, for queries and windows that are ``by_day``; the rest as ``matching``."""
    rows = table("campaign_day" if with_campaigns or uses(tree, "campaign") else "feed_day")
    conditions = conditions_of(rows, tree, feeds, origins, window)
    return rows.filter(conditions) if conditions else rows


def _only_campaigns(tree: Tree) -> list[tuple[str, ...]]:
    """Lists of campaigns of which each message that matches must be of one."""
    parts = tree.parts if isinstance(tree, And) else (tree,)
    return [p.ids for p in parts if isinstance(p, CampaignsAmong) and p.ids]


def condition(tree: Tree, rows: Any) -> Any:
    """What must hold of a row, over Ibis's columns or those of ``spamtide.measure.listing``."""
    match tree:
        case Term():
            return _term(tree, rows)
        case PeersAmong():
            named = rows.peer_unit.isin(list(tree.units)) if tree.units else _never(rows)
            return named.fill_null(False)
        case CampaignsAmong():
            named = rows.campaign.isin(list(tree.ids)) if tree.ids else _never(rows)
            return named.fill_null(False)
        case Not():
            return ~condition(tree.inner, rows)
        case And():
            return functools.reduce(operator.and_, [condition(p, rows) for p in tree.parts])
        case Or():
            return functools.reduce(operator.or_, [condition(p, rows) for p in tree.parts])


def _never(rows: Any) -> Any:
    # A column that every table of messages has.
    return rows.utc_day < -_FAR_DAYS


def with_campaign(rows: Any) -> Any:
    """The same rows with the column ``campaign``; null where the generation does not hold the exact group yet."""
    return rows.left_join(table("campaign_member"), "exact").drop("exact_right")


def matching(
    tree: Tree,
    *,
    feeds: Sequence[str] = (),
    origins: Sequence[str] = (),
    window: Window | None = None,
    with_campaigns: bool = False,
    counted: bool = False,
    timed: bool = False,
) -> Any:
    """Rows of the table ``message`` that match, unbound; ``with_campaigns``: with the column ``campaign``. No feed and no origin means all.

    With some origins named, but not all, messages that came outside the panel are left out (``OUTSIDE_PANEL``). ``counted``: the columns of
    the table ``campaign_message`` will do; ``timed``: those of ``message_time``. Then these are asked, where the query can be.
    """
    with_campaigns = with_campaigns or uses(tree, "campaign")
    conditions = []
    # A campaign is one run of rows of the one, a window of the other.
    if timed and by_time(tree) and not (with_campaigns and _only_campaigns(tree)):
        rows = table("campaign_time" if with_campaigns else "message_time")
    elif with_campaigns and (counted or timed) and by_campaign(tree):
        rows = table("campaign_message")
        # Said once more, so that it is seen which rows need not be read.
        conditions += [rows.campaign.isin(list(ids)) for ids in _only_campaigns(tree)]
    else:
        rows = table("message")
        if uses(tree, "text"):
            text = table("text").select(*_KEYS, "text_folded", "text_lower")
            rows = rows.inner_join(text, list(_KEYS))
        if with_campaigns:
            rows = with_campaign(rows)
    conditions += conditions_of(rows, tree, feeds, origins, window)
    return rows.filter(conditions) if conditions else rows


def conditions_of(
    rows: Any, tree: Tree, feeds: Sequence[str], origins: Sequence[str], window: Window | None
) -> list[Any]:
    """What must hold of rows, over Ibis's columns or those of ``spamtide.measure.listing``; no feed and no origin means all."""
    conditions = []
    if feeds:
        conditions.append(rows.feed.isin(list(feeds)))
    if origins:
        conditions.append(rows.origin.isin(list(origins)))
    if origins and set(origins) != set(ORIGINS):
        # A population is measured on the panel; who asks for every origin asks for everything that came.
        conditions += [~rows.marks.contains(f" {mark} ") for mark in OUTSIDE_PANEL]
    if window is not None:
        conditions += [since(rows, window.start), until(rows, window.end)]
    if tree != And(()):
        conditions += _seen_early(tree, rows)
        conditions.append(condition(tree, rows))
    return conditions


def _seen_early(tree: Tree, rows: Any) -> list[Any]:
    """Parts of a query that must hold, said once more without their ``fill_null``: an engine then sees which rows need not be read."""
    found = []
    for part in tree.parts if isinstance(tree, And) else (tree,):
        match part:
            case PeersAmong() if part.units:
                found.append(rows.peer_unit.isin(list(part.units)))
            case Term(field="network") if "/" in part.value:
                found.append(rows.network == part.value)
    return found


def sessions_of(rows: Any) -> Any:
    """What tells sessions apart: their key, and for a message without one its place."""
    own = rows.feed.cast("string") + "/" + rows.writer.cast("string") + "-"
    return rows.session.fill_null(own + rows.segment.cast("string") + "/" + rows.ordinal.cast("string"))


def bin_number(rows: Any, bin_us: int, anchor: int) -> Any:
    """The number of the bin of each row: which multiple of ``bin_us`` after ``anchor`` it begins at, negative before."""
    for unit, column in ((DAY_US, "utc_day"), (HOUR_US, "utc_hour")):
        if bin_us % unit == 0 and anchor % unit == 0:
            return _multiple(rows[column].cast("int64") - anchor // unit, bin_us // unit, _FAR_DAYS * DAY_US // unit)
    return _multiple(rows.received_at - anchor, bin_us, _FAR_DAYS * DAY_US)


def _multiple(number: Any, size: int, far: int) -> Any:
    """Which multiple of ``size`` a whole number begins at, rounded down; none is as far below nought as ``far``."""
    if size == 1:
        return number
    far = far // size * size
    shifted = number + far
    # The remainder is taken off first, in integers: what is left is divided without rounding.
    return ((shifted - shifted % size) // size - far // size).cast("int64")


def _quantity(rows: Any, count: Count) -> Any:
    if count.peers:
        return rows.peer_unit.nunique()
    match count.unit:
        case "session":
            return sessions_of(rows).nunique()
        case "recipient":
            return rows.recipient_count.cast("int64").sum()
        case "byte":
            return rows.size_bytes.sum()
    return rows.count()


def counts_by_bin(
    count: Count,
    *,
    bin_us: int,
    anchor: int,
    feeds: Sequence[str],
    origins: Sequence[str],
    window: Window | None = None,
) -> Any:
    """``(bin, n)``: what was counted in each bin of ``bin_us`` that starts at ``anchor`` plus a multiple, in order.

    ``bin`` is that multiple, negative before the anchor. Bins without a match have no row.
    """
    edges = (anchor, bin_us, *((window.start, window.end) if window is not None else ()))
    if count.unit == "message" and not count.peers and by_day(count.tree, *edges):
        rows = day_rows(count.tree, feeds=feeds, origins=origins, window=window)
        rows = rows.mutate(bin=bin_number(rows, bin_us, anchor))
        return rows.group_by("bin").aggregate(n=rows.messages.sum()).order_by("bin")
    rows = matching(count.tree, feeds=feeds, origins=origins, window=window, timed=True)
    rows = rows.mutate(bin=bin_number(rows, bin_us, anchor))
    return rows.group_by("bin").aggregate(n=_quantity(rows, count).cast("int64")).order_by("bin")


def counts_by_recipient(
    count: Count, *, bin_us: int, anchor: int, feeds: Sequence[str], origins: Sequence[str], window: Window
) -> Any:
    """``(bin, address, n)``: the same by first recipient, in lower case. Messages are counted, whatever the unit."""
    rows = matching(count.tree, feeds=feeds, origins=origins, window=window)
    rows = rows.mutate(bin=bin_number(rows, bin_us, anchor), address=rows.recipients.lower().split("\n")[0])
    return rows.group_by(["bin", "address"]).aggregate(n=rows.count().cast("int64")).order_by(["bin", "address"])


def topics_among(tree: Tree, *, feeds: Sequence[str], origins: Sequence[str]) -> Any:
    """``(topic, n)`` of the messages that match, most first."""
    rows = matching(tree, feeds=feeds, origins=origins, timed=True)
    found = rows.group_by("topic").aggregate(n=rows.count().cast("int64"))
    return found.order_by([found.n.desc(), found.topic])


def peer_units_seen() -> Any:
    """``(peer_unit)``: every peer unit of the tables, once, in order."""
    rows = table("message")
    return rows.filter(rows.peer_unit.notnull()).select("peer_unit").distinct().order_by("peer_unit")


def message_rows(tree: Tree, *, feeds: Sequence[str], origins: Sequence[str] = (), limit: int | None = None) -> Any:
    """The columns that a search prints, in order of feed and arrival."""
    rows = matching(tree, feeds=feeds, origins=origins)
    rows = rows.select(*LISTED).order_by(["feed", "received_at", "writer", "segment", "ordinal"])
    return rows if limit is None else rows.limit(limit)


def matching_places(tree: Tree) -> Any:
    """The place (feed, writer, segment, ordinal) of each message that matches, whatever its feed and origin."""
    return matching(tree).select(*_KEYS)


def told_topics() -> Any:
    """Place (feed, writer, segment, ordinal) and topic of each message whose topic is told: neither ``other`` nor ``unknown``."""
    rows = matching(And(()))
    return rows.filter(rows.topic.notin(("other", "unknown"))).select(*_KEYS, "topic")


def group_rows(
    rule: str,
    *,
    feeds: Sequence[str],
    origins: Sequence[str],
    window: Window,
    placed: bool = False,
    ordered: bool = True,
) -> Any:
    """``(key, received_at)`` of every message of a window: what duplicate shares are computed from; ``placed``: and its place.

    By the rule ``near`` a message that no generation holds yet has its exact group for a key.
    """
    near = rule == "near"
    rows = matching(
        And(()), feeds=feeds, origins=origins, window=window, with_campaigns=near, timed=rule != "identical"
    )
    if near:
        rows = rows.mutate(near=rows.campaign.fill_null(rows.exact))
    place = ["feed", "writer", "segment", "ordinal"] if placed else []
    rows = rows.select(*place, key=rows[rule], received_at=rows.received_at)
    return rows.order_by(["received_at", "key", *place]) if ordered else rows


def groups_seen(rule: str, *, feeds: Sequence[str], origins: Sequence[str], window: Window) -> Any:
    """``(key, n, first)``: of each group of ``group_rows`` its messages, and when the first of them came, in order of the key."""
    rows = group_rows(rule, feeds=feeds, origins=origins, window=window, ordered=False)
    return rows.group_by("key").aggregate(n=rows.count().cast("int64"), first=rows.received_at.min()).order_by("key")


def arrival_times(*, feeds: Sequence[str]) -> Any:
    """``(first, last, n)`` of everything that arrived at the feeds, whatever its origin."""
    rows = matching(And(()), feeds=feeds)
    return rows.aggregate(first=rows.received_at.min(), last=rows.received_at.max(), n=rows.count())


def first_hits(feed: str, addresses: Sequence[str]) -> Any:
    """``(address, first)``: when something first came for each of these, in lower case; ``@domain`` means any of one."""
    rows = matching(And(()), feeds=[feed])
    each = rows.select(rows.received_at, address=rows.recipients.lower().split("\n").unnest())
    domains = [a for a in addresses if a.startswith("@")]
    whole = [a for a in addresses if not a.startswith("@")]
    kinds = [each.filter(each.address.endswith(d)).mutate(address=_text(d)) for d in domains]
    if whole:
        kinds.append(each.filter(each.address.isin(whole)))
    found = functools.reduce(lambda a, b: a.union(b), [k.select("address", "received_at") for k in kinds])
    return found.group_by("address").aggregate(first=found.received_at.min()).order_by("address")


def _text(value: str) -> Any:
    import ibis

    return ibis.literal(value, "string")
