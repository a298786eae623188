"""What is new, as unbound Ibis expressions: counts by feed and hour, networks and campaigns of the last day beside those before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spamtide.measure.expressions import bin_number, matching, table
from spamtide.measure.query import Tree
from spamtide.measure.values import Window


def counts_by_feed(
    tree: Tree,
    *,
    bin_us: int,
    anchor: int,
    feeds: Sequence[str] = (),
    origins: Sequence[str] = (),
    window: Window | None = None,
) -> Any:
    """``(feed, bin, n)``: messages that match, in order of feed and bin; ``bin`` is a multiple of ``bin_us`` after ``anchor``."""
    rows = matching(tree, feeds=feeds, origins=origins, window=window)
    rows = rows.mutate(bin=bin_number(rows, bin_us, anchor))
    return rows.group_by(["feed", "bin"]).aggregate(n=rows.count().cast("int64")).order_by(["feed", "bin"])


def networks_lately(
    tree: Tree,
    *,
    since: int,
    window: Window,
    feeds: Sequence[str] = (),
    origins: Sequence[str] = (),
    at_most: int,
) -> Any:
    """``(network, n, before, peers)`` of a window, most messages since ``since`` first: ``n`` since then, ``before`` earlier in the window.

    ``peers``: distinct peers since then. Messages without a network are left out.
    """
    import ibis

    rows = matching(tree, feeds=feeds, origins=origins, window=window)
    rows = rows.filter(rows.network.notnull())
    late = rows.received_at >= since
    found = rows.group_by("network").aggregate(
        n=late.cast("int64").sum(),
        before=(~late).cast("int64").sum(),
        peers=rows.peer_unit.nunique(where=late).cast("int64"),
    )
    return found.filter(found.n > 0).order_by([ibis.desc("n"), "network"]).limit(at_most)


def campaigns_lately(
    tree: Tree,
    *,
    window: Window,
    feeds: Sequence[str] = (),
    origins: Sequence[str] = (),
    limit: int,
    after: tuple[int, str] | None = None,
) -> Any:
    """``(campaign, messages, exact_groups, peers, networks, first_seen, last_seen, topic, language, subject)`` of campaigns never seen before ``window``.

    Counted within it, most messages first, ties by id; ``after``: those that follow this (messages, campaign). ``topic``, ``language`` and
    ``subject`` are those of the campaign's first message.
    """
    import ibis

    heads = table("campaign")
    fresh = heads.filter((heads.first_seen >= window.start) & (heads.first_seen < window.end)).select(
        "campaign", "topic", "language", head="first_exact"
    )
    # Few are new: the members of these alone are joined to the messages, which are those of the window.
    members = table("campaign_member").semi_join(fresh, "campaign").select("exact", "campaign")
    rows = matching(tree, feeds=feeds, origins=origins, window=window).inner_join(members, "exact")
    found = rows.group_by("campaign").aggregate(
        messages=rows.count().cast("int64"),
        exact_groups=rows.exact.nunique().cast("int64"),
        peers=rows.peer_unit.nunique().cast("int64"),
        networks=rows.network.nunique().cast("int64"),
        first_seen=rows.received_at.min(),
        last_seen=rows.received_at.max(),
    )
    if after is not None:
        messages, campaign = after
        found = found.filter((found.messages < messages) | ((found.messages == messages) & (found.campaign > campaign)))
    order = [ibis.desc("messages"), "campaign"]
    found = found.order_by(order).limit(limit).inner_join(fresh, "campaign")
    heads_of = rows.semi_join(found, rows.exact == found["head"])
    subjects = heads_of.group_by("exact").aggregate(subject=heads_of.subject.min())
    found = found.left_join(subjects, found["head"] == subjects.exact).drop("exact", "head")
    return found.order_by(order)


def campaigns_since(*, window: Window) -> Any:
    """``(n)``: how many campaigns were first seen in a window, at any feed."""
    heads = table("campaign")
    fresh = heads.filter((heads.first_seen >= window.start) & (heads.first_seen < window.end))
    return fresh.aggregate(n=fresh.count().cast("int64"))
