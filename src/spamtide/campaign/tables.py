"""The data dictionary of what is computed of all messages together: tables of generations, not of feeds and days.

Joined to the facts by ``exact``; what reads them names the generation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spamtide.fingerprint import TABLES, Column

if TYPE_CHECKING:
    import pyarrow as pa

# Bits of the exact digest that make an id, as hex digits.
_ID_DIGITS = 20

# What the table ``campaign_message`` has of a message: enough to count by, to list a campaign's values, and to find it again.
OF_MESSAGE = (
    "segment", "ordinal", "received_at", "utc_day", "utc_hour", "size_bytes", "recipient_count", "session", "marks", "origin", "defects",
    "peer_address", "peer_unit", "network", "dialect_path", "language", "topic", "exact", "subject", "from_address",
    "link_domains", "link_hosts",
)  # fmt: skip
# What the table ``message_time`` has of a message: enough to count by over any window, and to look for words in subjects.
IN_TIME = (
    *(name for name in OF_MESSAGE if name not in ("from_address", "link_domains", "link_hosts")),
    "subject_lower", "subject_folded", "time_origin", "route_hops", "helo",
)  # fmt: skip
# The commonest subjects of a campaign that a list shows, and the table ``campaign_subject`` has.
SUBJECTS = 3
# What the table ``campaign_day`` counts by, beside campaign and feed.
OF_DAY = ("utc_day", "origin", "topic", "language", "marks")
_MESSAGE = {column.name: column for column in TABLES["message"]}

GROUP_TABLES: dict[str, tuple[Column, ...]] = {
    "campaign_member": (
        Column("exact", "utf8", "public", "exact digest; each stands here once, in order"),
        Column("campaign", "utf8", "public", "id of the campaign that it belongs to"),
    ),
    "campaign": (
        Column("campaign", "utf8", "public", "id: c- and 20 hex digits of the exact digest of its earliest exact group"),
        Column("first_exact", "utf8", "public", "its earliest exact group: first to arrive, ties by digest"),
        Column("messages", "int64", "public", "its messages, of every feed and origin"),
        Column("exact_groups", "int64", "public", "its exact groups"),
        Column("first_seen", "int64", "local", "receive time of its first message, microseconds since 1970 UTC"),
        Column("last_seen", "int64", "local", "receive time of its last message"),
        Column("peers", "int64", "public", "its distinct peers"),
        Column("networks", "int64", "public", "its distinct networks, /24 or /48"),
        Column("language", "utf8", "public", "language of most of its messages, ties by name"),
        Column("topic", "utf8", "public", "topic of most of its messages, ties by name"),
    ),
    "campaign_feed": (
        Column("campaign", "utf8", "public", "id of the campaign"),
        Column("feed", "utf8", "public", "a feed that saw it"),
        Column("messages", "int64", "public", "its messages there"),
        Column("first_seen", "int64", "local", "receive time of the first of them"),
        Column("last_seen", "int64", "local", "receive time of the last of them"),
    ),
    # Every message of the tables, in order of campaign, time and place: one campaign is a run of rows, and its messages are read and no others.
    "campaign_message": (
        Column("campaign", "utf8", "public", "its campaign; null where no campaign holds its exact group", nullable=True),
        Column("feed", "utf8", "public", "feed of the message"),
        Column("writer", "utf8", "public", "its writer"),
        *(_MESSAGE[name] for name in OF_MESSAGE),
    ),
    # Every message of the tables once more, in order of time and place, over all feeds: what is counted by a window is read and no other rows.
    "message_time": (
        Column("campaign", "utf8", "public", "its campaign; null where no campaign holds its exact group", nullable=True),
        Column("feed", "utf8", "public", "feed of the message"),
        Column("writer", "utf8", "public", "its writer"),
        *(_MESSAGE[name] for name in IN_TIME),
    ),
    # Messages counted by what most series and lists ask for; each message stands in one row, and many in each.
    "campaign_day": (
        Column("campaign", "utf8", "public", "the campaign; null for messages whose exact group no campaign holds", nullable=True),
        Column("feed", "utf8", "public", "the feed"),
        *(_MESSAGE[name] for name in OF_DAY),
        Column("messages", "int64", "public", "how many messages"),
        Column("first_seen", "int64", "local", "receive time of the first of them"),
        Column("last_seen", "int64", "local", "receive time of the last of them"),
    ),
    "campaign_subject": (
        Column("campaign", "utf8", "public", "id of the campaign"),
        Column("subject", "utf8", "local", "one of the three subjects that most of its messages have, ties by name"),
        Column("messages", "int64", "public", "how many have it"),
    ),
    "campaign_edge": (
        Column("leader", "utf8", "public", "an exact group"),
        Column("member", "utf8", "public", "one that was held against it and found near: what joined them"),
        Column("similarity", "int32", "public", "how like they are, thousandths: weighted Jaccard of their sketches, bits of pictures that agree, or Jaccard of subjects"),
        Column("needed", "int32", "public", "what it had to reach, thousandths"),
        Column("by", "utf8", "public", "what held: text, or with it subject, link or build; picture (similarity of bits); heading (of subjects)"),
        Column("shingle", "int64", "local", "the keyed hash by which the two met"),
    ),
    "campaign_alias": (
        Column("alias", "utf8", "public", "an id that a campaign had in an earlier generation"),
        Column("campaign", "utf8", "public", "where its messages are now; several rows after a split", nullable=True),
        Column("why", "utf8", "public", "merged, renamed, split, or gone: none of its messages is left"),
        Column("at", "int64", "public", "when that was found, microseconds since 1970 UTC"),
    ),
}  # fmt: skip


def group_schema(table: str) -> pa.Schema:
    """Arrow schema of one table of a generation, in the dictionary's order."""
    from spamtide.fingerprint import schema_of

    return schema_of(GROUP_TABLES[table])


def campaign_id(exact: str) -> str:
    """The id of the campaign whose earliest exact group has this digest."""
    return f"c-{exact[:_ID_DIGITS]}"
