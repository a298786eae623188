"""What is known of campaigns, as unbound Ibis expressions over the messages and the table ``campaign_member``.

Joined by the exact digest: the parts of messages never hold a campaign. Every choice among equals is by name, so that
engines agree; distinct things are counted in two steps, which every engine can spill.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

from spamtide.campaign import SUBJECTS
from spamtide.measure.expressions import by_day, day_rows, matching, table
from spamtide.measure.query import EVERYTHING, And, CampaignsAmong, Term, Tree
from spamtide.measure.values import Window

# A value of which a campaign may have many, by the word that asks for it: the column it stands in.
VALUES = {
    "peers": "peer_unit", "networks": "network", "languages": "language", "topics": "topic", "origins": "origin",
    "feeds": "feed", "subjects": "subject", "hours": "utc_hour", "senders": "from_address",
}  # fmt: skip


_PLACE = ("feed", "writer", "segment", "ordinal")


def _rows(
    feeds: Sequence[str],
    origins: Sequence[str],
    campaigns: Sequence[str],
    tree: Tree = EVERYTHING,
    *,
    timed: bool = False,
) -> Any:
    if campaigns:
        among = CampaignsAmong(Term("campaign", ",".join(campaigns)), tuple(campaigns))
        tree = among if tree == EVERYTHING else And((tree, among))
    rows = matching(tree, feeds=feeds, origins=origins, with_campaigns=True, counted=True, timed=timed)
    return rows if campaigns else rows.filter(rows.campaign.notnull())


def _counted(feeds: Sequence[str], origins: Sequence[str], campaigns: Sequence[str], tree: Tree) -> Any:
    """Rows of ``campaign_day`` as ``_rows`` of messages."""
    rows = day_rows(tree, feeds=feeds, origins=origins, with_campaigns=True)
    return rows.filter(rows.campaign.isin(list(campaigns)) if campaigns else rows.campaign.notnull())


def _total(column: Any) -> Any:
    """The sum as 64 bits: DuckDB adds whole numbers up in 128, which Ibis takes for 64 already."""
    return column.cast("float64").sum().cast("int64")


def _first(column: Any, by: Any) -> Any:
    """The value of the row of which ``by`` is lowest, of several the lowest value."""
    import ibis

    return column.argmin(ibis.struct({"by": by, "value": column}))


def _most(rows: Any, column: str) -> Any:
    """``(campaign, column)``: what most of the ``messages`` of each campaign have."""
    counted = rows.group_by(["campaign", column]).aggregate(n=_total(rows.messages))
    return counted.group_by("campaign").aggregate(**{column: _first(counted[column], -counted.n)})


def _distinct(rows: Any, column: str, name: str) -> Any:
    known = rows.filter(rows[column].notnull()).select("campaign", column).distinct()
    return known.group_by("campaign").aggregate(**{name: known.count().cast("int64")})


def campaign_facts(
    *,
    feeds: Sequence[str] = (),
    origins: Sequence[str] = (),
    campaigns: Sequence[str] = (),
    since: int | None = None,
    ordered: bool = True,
    tree: Tree = EVERYTHING,
    days: bool = False,
) -> Any:
    """The columns of the table ``campaign``, one row each, most messages first where ``ordered``.

    Of all, or of some feeds, origins, campaigns, of what matches ``tree``; ``since``: those first seen (there) at or after it.
    ``days``: what days add up to may be read from ``campaign_day``, which holds the messages of every campaign.
    """
    import ibis

    rows = _rows(feeds, origins, campaigns, tree)
    groups = rows.group_by(["campaign", "exact"]).aggregate(first=rows.received_at.min())
    if days and by_day(tree):
        summed = _counted(feeds, origins, campaigns, tree)
    else:
        seen = {"first_seen": rows.received_at, "last_seen": rows.received_at}
        summed = rows.select("campaign", "language", "topic", messages=ibis.literal(1, "int64"), **seen)
    facts = summed.group_by("campaign").aggregate(
        messages=_total(summed.messages),
        first_seen=summed.first_seen.min(),
        last_seen=summed.last_seen.max(),
    )
    sizes = groups.group_by("campaign").aggregate(
        exact_groups=groups.count().cast("int64"), first_exact=_first(groups.exact, groups["first"])
    )
    facts = facts.inner_join(sizes, "campaign")
    for found in (_distinct(rows, "peer_unit", "peers"), _distinct(rows, "network", "networks")):
        facts = facts.left_join(found, "campaign").drop("campaign_right")
    for column in ("language", "topic"):
        facts = facts.inner_join(_most(summed, column), "campaign")
    facts = facts.select(
        "campaign", "first_exact", "messages", "exact_groups", "first_seen", "last_seen",
        peers=facts.peers.fill_null(0), networks=facts.networks.fill_null(0), language=facts.language, topic=facts.topic,
    )  # fmt: skip
    facts = facts if since is None else facts.filter(facts.first_seen >= since)
    return facts.order_by([ibis.desc("messages"), "first_seen", "campaign"]) if ordered else facts


def campaign_values(
    what: str,
    *,
    feeds: Sequence[str] = (),
    origins: Sequence[str] = (),
    campaigns: Sequence[str] = (),
    at_most: int | None = None,
    tree: Tree = EVERYTHING,
) -> Any:
    """``(campaign, value, messages, first_seen, last_seen)`` of one of ``VALUES``, most messages first, at most so many a campaign.

    Messages that have none are left out.
    """
    import ibis

    column = VALUES[what]
    rows = _rows(feeds, origins, campaigns, tree)
    rows = rows.filter(rows[column].notnull())
    found = rows.group_by("campaign", value=rows[column]).aggregate(
        messages=rows.count().cast("int64"), first_seen=rows.received_at.min(), last_seen=rows.received_at.max()
    )
    order = [ibis.desc("messages"), "value"]
    if at_most is not None:
        place = ibis.row_number().over(ibis.window(group_by="campaign", order_by=order))
        ranked = found.mutate(place=place)
        found = ranked.filter(ranked.place < at_most).drop("place")
    return found.order_by(["campaign", *order])


def campaign_groups(
    *,
    campaigns: Sequence[str],
    feeds: Sequence[str] = (),
    origins: Sequence[str] = (),
    at_most: int,
    tree: Tree = EVERYTHING,
) -> Any:
    """``(exact, messages, first_seen, last_seen)`` of the exact groups of some campaigns, most messages first."""
    import ibis

    rows = _rows(feeds, origins, campaigns, tree)
    found = rows.group_by("exact").aggregate(
        messages=rows.count().cast("int64"), first_seen=rows.received_at.min(), last_seen=rows.received_at.max()
    )
    return found.order_by([ibis.desc("messages"), "first_seen", "exact"]).limit(at_most)


def campaign_days(
    *,
    campaigns: Sequence[str],
    feeds: Sequence[str] = (),
    origins: Sequence[str] = (),
    tree: Tree = EVERYTHING,
    exacts: Sequence[str] = (),
) -> Any:
    """``(day, messages)`` of some campaigns, in order of the UTC day, whole days since 1970; with ``exacts`` ``(exact, day, messages)`` of these groups."""
    rows = _rows(feeds, origins, campaigns, tree)
    keys = ["exact", "day"] if exacts else ["day"]
    rows = rows.filter(rows.exact.isin(list(exacts))) if exacts else rows
    rows = rows.mutate(day=rows.utc_day.cast("int64"))
    return rows.group_by(keys).aggregate(messages=rows.count().cast("int64")).order_by(keys)


def campaign_links(
    by: str,
    *,
    campaigns: Sequence[str],
    feeds: Sequence[str] = (),
    origins: Sequence[str] = (),
    tree: Tree = EVERYTHING,
) -> Any:
    """``(value, messages, first_seen, last_seen)`` of what messages of some campaigns link to, most messages first.

    ``by``: ``host`` or ``domain``, the registered one. A message that links twice counts once.
    """
    import ibis

    rows = _rows(feeds, origins, campaigns, tree)
    # In a message each stands once, between spaces.
    each = rows.select(rows.received_at, value=rows[f"link_{by}s"].split(" ").unnest())
    each = each.filter(each.value != "")
    found = each.group_by("value").aggregate(
        messages=each.count().cast("int64"), first_seen=each.received_at.min(), last_seen=each.received_at.max()
    )
    return found.order_by([ibis.desc("messages"), "value"])


def _in_order(
    facts: Any, since: int | None, at_least: int, limit: int | None, after: tuple[int, int, str] | None
) -> Any:
    """Those of these facts that a list shows, most messages first."""
    import ibis

    conditions = [facts.messages >= at_least, *([facts.first_seen >= since] if since is not None else [])]
    if after is not None:
        messages, first_seen, campaign = after
        later = (facts.first_seen > first_seen) | ((facts.first_seen == first_seen) & (facts.campaign > campaign))
        conditions.append((facts.messages < messages) | ((facts.messages == messages) & later))
    facts = facts.filter(conditions).order_by([ibis.desc("messages"), "first_seen", "campaign"])
    return facts if limit is None else facts.limit(limit)


def campaign_order(
    *,
    feeds: Sequence[str] = (),
    origins: Sequence[str] = (),
    since: int | None = None,
    at_least: int = 1,
    limit: int,
    after: tuple[int, int, str] | None = None,
    tree: Tree = EVERYTHING,
) -> Any:
    """``(campaign)``: the campaigns of which ``campaign_listing`` tells with the same arguments, without telling of them.

    To put all in order takes three columns, to tell of a few the rest: two questions are answered sooner than one.
    """
    if by_day(tree):
        rows = _counted(feeds, origins, (), tree)
        facts = rows.group_by("campaign").aggregate(messages=rows.messages.sum(), first_seen=rows.first_seen.min())
    else:
        rows = _rows(feeds, origins, (), tree, timed=True)
        facts = rows.group_by("campaign").aggregate(
            messages=rows.count().cast("int64"), first_seen=rows.received_at.min()
        )
    return _in_order(facts, since, at_least, limit, after).select("campaign")


def campaign_listing(
    *,
    stored: bool,
    feeds: Sequence[str] = (),
    origins: Sequence[str] = (),
    campaigns: Sequence[str] = (),
    since: int | None = None,
    at_least: int = 1,
    limit: int | None = None,
    after: tuple[int, int, str] | None = None,
    tree: Tree = EVERYTHING,
    narrowed: bool = False,
) -> Any:
    """The columns of the table ``campaign`` but ``first_exact``, with ``feeds`` (names between spaces) and ``subject_0``, ... (the commonest subjects).

    Most messages first; of some campaigns, or of all. ``stored``: from the table of the generation, which holds every feed and origin; else
    computed of these. ``since``: those first seen at or after it (there); ``after``: those that follow this place in the order,
    messages, first seen and id. ``narrowed``: of the campaigns of which the table ``campaign_message`` has rows.
    """
    import ibis

    among: dict[str, Any] = {"feeds": feeds, "origins": origins, "tree": tree, "campaigns": campaigns}
    # No list shows the first exact group, and finding it sorts them all.
    facts = table("campaign") if stored else campaign_facts(**among, ordered=False, days=not narrowed)
    facts = facts.drop("first_exact")
    seen = table("campaign_feed")
    if campaigns:
        facts, seen = (rows.filter(rows.campaign.isin(list(campaigns))) for rows in (facts, seen))
    if narrowed:
        held = table("campaign_message").select("campaign").distinct()
        facts, seen = (rows.semi_join(held, "campaign") for rows in (facts, seen))
    facts = _in_order(facts, since, at_least, limit, after)
    if stored:
        seen = seen.semi_join(facts, "campaign")
    names = seen.group_by("campaign").aggregate(feeds=seen.feed.group_concat(" ", order_by=seen.feed))
    facts = facts.inner_join(names, "campaign")
    if stored:
        counted = table("campaign_subject").rename(n="messages").semi_join(facts, "campaign")
    else:
        rows = _rows(feeds, origins, campaigns, tree)
        rows = rows.filter(rows.subject.notnull()).select("campaign", "subject")
        # Where campaigns are named no others are read: joining them with facts would count all of that twice.
        rows = rows if narrowed or campaigns else rows.semi_join(facts, "campaign")
        counted = rows.group_by(["campaign", "subject"]).aggregate(n=rows.count())
    place = ibis.row_number().over(ibis.window(group_by="campaign", order_by=[ibis.desc("n"), "subject"]))
    ranked = counted.mutate(place=place)
    ranked = ranked.filter(ranked.place < SUBJECTS)
    shown = {f"subject_{i}": ranked.subject.max(where=ranked.place == i) for i in range(SUBJECTS)}
    facts = facts.left_join(ranked.group_by("campaign").aggregate(**shown), "campaign").drop("campaign_right")
    return facts.order_by([ibis.desc("messages"), "first_seen", "campaign"])


def first_messages(
    exacts: Sequence[str],
    *,
    feeds: Sequence[str] = (),
    origins: Sequence[str] = (),
    campaigns: Sequence[str] | None = None,
    tree: Tree = EVERYTHING,
) -> Any:
    """``(exact, feed, writer, segment, ordinal, received_at, subject, from_address)`` of the first message of each exact group, ties by place.

    Of all messages; or of those of ``campaigns`` (none named: of any) that match the rest: fewer rows are looked at then.
    """
    rows = table("message") if campaigns is None else _rows(feeds, origins, campaigns, tree)
    firsts = _first_of_each(rows.filter(rows.exact.isin(list(exacts))))
    return firsts.select("exact", *_PLACE, "received_at", "subject", "from_address").order_by("exact")


def texts_at(instants: Sequence[int], column: str) -> Any:
    """``(feed, writer, segment, ordinal, text)`` of what was received at one of these instants; ``text``: this column of the table ``text``."""
    texts = table("text")
    texts = texts.filter(texts.received_at.isin(sorted(set(instants))))
    return texts.select(*_PLACE, text=texts[column]).order_by(list(_PLACE))


def _first_of_each(rows: Any) -> Any:
    """The first message of each exact group among ``rows``, ties by place."""
    import ibis

    order = [rows.received_at, rows.feed, rows.writer, rows.segment, rows.ordinal]
    place = ibis.row_number().over(ibis.window(group_by="exact", order_by=order))
    ranked = rows.mutate(place=place)
    return ranked.filter(ranked.place == 0)


def _first_of_each_exact(rows: Any, text: str) -> Any:
    """The same with this column of its text, in order of ``exact``."""
    import ibis

    if "campaign" not in rows.columns:
        rows = rows.mutate(campaign=ibis.null("string"))
    firsts = _first_of_each(rows).select("exact", "campaign", *_PLACE, "received_at", "subject", "from_address")
    texts = table("text").select(*_PLACE, text=text)
    return firsts.left_join(texts, list(_PLACE)).drop([f"{k}_right" for k in _PLACE]).order_by("exact")


def campaign_texts(campaign: str, at_most: int) -> Any:
    """``(exact, messages, subject, text)`` of the exact groups of a campaign that are lowest by digest; ``text`` in lower case."""
    rows = _rows((), (), (campaign,)).drop("campaign")
    chosen = rows.select("exact").distinct().order_by("exact").limit(at_most)
    rows = rows.semi_join(chosen, "exact")
    counted = rows.group_by("exact").aggregate(messages=rows.count().cast("int64"))
    firsts = _first_of_each_exact(rows, "text_lower").select("exact", "subject", "text")
    return counted.inner_join(firsts, "exact").select("exact", "messages", "subject", "text").order_by("exact")


def other_texts(campaign: str, at_most: int) -> Any:
    """``(exact, campaign, subject, text)`` of one exact group of each other campaign, those lowest by digest."""
    heads = table("campaign")
    heads = (
        heads.filter(heads.campaign != campaign)
        .select("campaign", exact="first_exact")
        .order_by("exact")
        .limit(at_most)
    )
    rows = table("message").inner_join(heads, "exact")
    return _first_of_each_exact(rows, "text_lower").select("exact", "campaign", "subject", "text").order_by("exact")


def texts_of_exact(*, feeds: Sequence[str], origins: Sequence[str], window: Window | None = None) -> Any:
    """``(exact, subject, text)``: subject as shown and text in lower case of one message of each exact group, in order of ``exact``."""
    rows = matching(EVERYTHING, feeds=feeds, origins=origins, window=window)
    return _first_of_each_exact(rows, "text_lower").select("exact", "subject", "text")


def exact_of(places: Sequence[tuple[str, str, int, int]]) -> Any:
    """``(feed, writer, segment, ordinal, exact, campaign, subject)`` of these messages, where the tables hold them."""


def message_prints(place: tuple[str, str, int, int]) -> Any:
    """``(exact, subject, text)`` and the lists of its sketch of the message at this place, where the tables hold it; ``text`` is masked."""
    keys = ["feed", "writer", "segment", "ordinal"]
    rows = table("message")
    here = functools.reduce(operator.and_, [rows[k] == v for k, v in zip(keys, place, strict=True)])
    found = rows.filter(here).select(*keys, "exact", "subject")
    lists = ["shingles", "picture_marks", "form_marks", "link_marks", "piece_marks"]
    found = found.inner_join(table("sketch").select(*keys, *lists), keys)
    texts = table("text").select(*keys, text="text_masked")
    return found.left_join(texts, keys).select("exact", "subject", "text", *lists)


def large_campaigns(*, share: int, messages: int, wordings: int) -> Any:
    """``(campaign, feed, messages, total, exact_groups)`` of campaigns that hold ``share`` (thousandths) of a feed's messages or more.

    And of so many messages there, and so many exact groups in all.
    """
    seen = table("campaign_feed")
    totals = seen.group_by("feed").aggregate(total=seen.messages.sum())
    large = seen.filter(seen.messages >= messages).inner_join(totals, "feed")
    large = large.filter(large.messages * 1000 >= large.total * share)
    heads = table("campaign").select("campaign", "exact_groups")
    found = large.inner_join(heads.filter(heads.exact_groups >= wordings), "campaign")
    return found.select("campaign", "feed", "messages", "total", "exact_groups").order_by(["campaign", "feed"])


def exact_counts() -> Any:
    """``(exact, messages)`` of every exact group, in order of ``exact``."""
    rows = table("message")
    return rows.group_by("exact").aggregate(messages=rows.count().cast("int64")).order_by("exact")


def campaign_edges(campaign: str) -> Any:
    """The rows of the table ``campaign_edge`` that joined the exact groups of a campaign, in order."""
    members = _rows((), (), (campaign,)).select(leader="exact").distinct()
    return table("campaign_edge").semi_join(members, "leader").order_by(["leader", "member"])


def sendings_by_week(groups: Sequence[str], *, feeds: Sequence[str] = (), tree: Tree = EVERYTHING) -> Any:
    """``(campaign, dialect_path, week, messages)`` of unsolicited messages that match, weeks since Monday 5 January 1970.

    What is of no campaign that these sender groups sent is one row a week, with both null.
    """
    import ibis

    rows = matching(tree, feeds=feeds, origins=("unsolicited",), with_campaigns=True, timed=True)
    sent = table("group_sending")
    sent = sent.filter(sent.group.isin(list(groups)) if groups else ibis.literal(False))
    sent = sent.select(sent_by="campaign").distinct()
    rows = rows.left_join(sent, rows.campaign == sent.sent_by)
    rows = rows.mutate(
        campaign=rows.sent_by,
        week=((rows.utc_day.cast("int64") - 4) // 7).cast("int64"),
        dialect_path=ibis.ifelse(rows.sent_by.isnull(), ibis.null("string"), rows.dialect_path),
    )
    keys = ["campaign", "dialect_path", "week"]
    return rows.group_by(keys).aggregate(messages=rows.count().cast("int64")).order_by(keys)
