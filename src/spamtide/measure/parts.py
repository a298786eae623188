"""Counts by day and by what a message is: topic, language, origin, campaign, dialect, sender group, peer. Integers from the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spamtide.measure.expressions import bin_number, matching, table
from spamtide.measure.query import Tree
from spamtide.measure.values import Window

PLACE = ("feed", "writer", "segment", "ordinal")
# What a message can be told by, and the column that says so.
PARTS = {
    "topic": "topic",
    "language": "language",
    "origin": "origin",
    "campaign": "campaign",
    "dialect": "dialect",
    "botnet": "group",
    "network": "network",
    "peer": "peer_unit",
}
# These come from the generation of sender groups.
OF_SENDERS = ("dialect", "botnet")


def counts_by_parts(
    tree: Tree,
    by: Sequence[str],
    *,
    bin_us: int,
    anchor: int,
    feeds: Sequence[str],
    origins: Sequence[str],
    window: Window,
) -> Any:
    """``(bin, <by...>, n)`` of the messages that match ``tree``; ``by``: names of ``PARTS``. What is not known is the empty string."""
    how: Any = {"feeds": feeds, "origins": origins, "window": window}
    rows = matching(tree, **how, with_campaigns="campaign" in by, timed=True)
    if any(name in OF_SENDERS for name in by):
        members = table("group_member").select(*PLACE, "dialect", "group")
        rows = rows.left_join(members, list(PLACE)).drop(*[f"{c}_right" for c in PLACE])
    named = {name: rows[PARTS[name]].fill_null("") for name in by}
    rows = rows.mutate(bin=bin_number(rows, bin_us, anchor), **{f"by_{name}": column for name, column in named.items()})
    keys = ["bin", *[f"by_{name}" for name in by]]
    return rows.group_by(keys).aggregate(n=rows.count().cast("int64")).order_by(keys)
