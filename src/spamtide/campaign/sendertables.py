"""The data dictionary of dialects and sender groups: one generation of the kind ``group``. Shares and chances are whole millionths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spamtide.fingerprint import Column

if TYPE_CHECKING:
    import pyarrow as pa

# The rules of dialects, groups and membership, and their version.
SENDER_METHOD = "senders-1"

SENDER_TABLES: dict[str, tuple[Column, ...]] = {
    "dialect": (
        Column("dialect", "utf8", "public", "id of a learned dialect: d- and 12 hex digits from the lowest of its paths"),
        Column("steps", "utf8", "public", "its commonest canonical path"),
        Column("paths", "utf8", "public", "digests of its paths, between spaces"),
        Column("messages", "int64", "public", "messages that spoke one of these paths"),
        Column("peers", "int64", "public", "their distinct peers"),
        Column("networks", "int64", "public", "their distinct networks, /24 or /48"),
        Column("first_seen", "int64", "local", "receive time of the first of them, microseconds since 1970 UTC"),
        Column("last_seen", "int64", "local", "receive time of the last of them"),
    ),
    "sender_group": (
        Column("group", "utf8", "public", "id of the group: group- and 12 hex digits of its earliest sending"),
        Column("sent", "int64", "public", "messages of its sendings"),
        Column("peers", "int64", "public", "their distinct peers"),
        Column("first_seen", "int64", "local", "receive time of the first of them, microseconds since 1970 UTC"),
        Column("last_seen", "int64", "local", "receive time of the last of them"),
        Column("unfinished", "int64", "public", "messages of its members that were broken off"),
        Column("recipients", "int64", "public", "recipients of its members"),
    ),
    "group_sending": (
        Column("group", "utf8", "public", "id of the group"),
        Column("campaign", "utf8", "public", "a campaign that it sent"),
        Column("dialect", "utf8", "public", "in this dialect"),
    ),
    "group_merge": (
        Column("group", "utf8", "public", "id of the group"),
        Column("one", "utf8", "public", "a campaign of one of two parts that were put together"),
        Column("other", "utf8", "public", "a campaign of the other"),
        Column("shared", "int64", "public", "host days that both have, within reach"),
        Column("expected", "int64", "public", "millionths of host days that chance would give"),
        Column("compared", "int64", "public", "host days that could have been shared"),
        Column("log_tail", "int64", "public", "millionths of the log of the bound on the chance of so many"),
    ),
    "group_member": (
        Column("feed", "utf8", "public", "feed of the message"),
        Column("writer", "utf8", "public", "its writer"),
        Column("segment", "int32", "public", "its segment"),
        Column("ordinal", "int32", "public", "its place there"),
        Column("campaign", "utf8", "public", "its campaign"),
        Column("dialect", "utf8", "public", "its dialect; null: unknown", nullable=True),
        Column("group", "utf8", "public", "its group; null: unknown", nullable=True),
        Column("likeliest", "utf8", "public", "the group of its highest membership, enough or not", nullable=True),
        Column("membership", "int32", "public", "millionths: how surely it is of the likeliest group"),
    ),
    # The members counted, so that a day, a network or a peer of a group can be asked for without looking at every message.
    "group_day": (
        Column("group", "utf8", "public", "group of the messages; null: unknown", nullable=True),
        Column("feed", "utf8", "public", "feed of the messages"),
        Column("utc_day", "int32", "public", "whole UTC days since 1970"),
        Column("peer_unit", "utf8", "local", "their peer, a /64 in IPv6", nullable=True),
        Column("network", "utf8", "public", "its network, /24 or /48", nullable=True),
        Column("messages", "int64", "public", "members of the group of that feed, day and peer"),
        Column("first_seen", "int64", "local", "receive time of the first of them, microseconds since 1970 UTC"),
        Column("last_seen", "int64", "local", "receive time of the last of them"),
    ),
}  # fmt: skip


def sender_schema(table: str) -> pa.Schema:
    """Arrow schema of one of these tables, in the dictionary's order."""
    from spamtide.fingerprint import schema_of

    return schema_of(SENDER_TABLES[table])
