"""The data dictionary: every table and column that a digest writes, its type, its privacy class, what it means.

A query reads one facts version only; the version rises when any output of the digest changes (the golden digest in
tests/golden decides). No unsigned integer, no float: instants are microseconds since 1970 UTC as int64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FACTS_VERSION = 10

Privacy = Literal["public", "local", "never"]
Kind = Literal["int64", "int32", "bool", "utf8", "binary"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table of facts."""

    name: str
    kind: Kind
    privacy: Privacy
    meaning: str
    nullable: bool = False


def _c(name: str, kind: Kind, privacy: Privacy, meaning: str, nullable: bool = False) -> Column:
    return Column(name, kind, privacy, meaning, nullable)


# Every table starts with the place of its message; feed and writer are added by the archive, which knows the segment.
_PLACE = (
    _c("segment", "int32", "public", "number of the segment within (feed, writer)"),
    _c("ordinal", "int32", "public", "place within the segment, from 0"),
    _c("received_at", "int64", "local", "receive time, microseconds since 1970 UTC"),
)

TABLES: dict[str, tuple[Column, ...]] = {
    "message": (
        *_PLACE,
        _c("time_origin", "utf8", "public", "smtp, received, envelope, file, date or simulated"),
        _c("utc_day", "int32", "public", "received_at in whole UTC days since 1970, floored"),
        _c("utc_hour", "int32", "public", "received_at in whole UTC hours since 1970, floored"),
        _c("size_bytes", "int64", "public", "length of the raw bytes"),
        _c("sha256", "utf8", "local", "SHA-256 of the raw bytes, hex"),
        _c("source_path", "utf8", "never", "where an importer found it", nullable=True),
        _c("source_ordinal", "int64", "local", "place in that source, from 0", nullable=True),
        _c("session", "utf8", "local", "key of the SMTP session; null: a session of its own", nullable=True),
        _c("persona", "utf8", "public", "persona of the listener", nullable=True),
        _c("marks", "utf8", "public", "capture marks, each between spaces: ' simulated '"),
        _c("envelope_from", "utf8", "local", "reverse-path, '' for the null path", nullable=True),
        _c("recipients", "utf8", "never", "envelope recipients, joined by newlines"),
        _c("recipient_count", "int32", "public", "recipients of the envelope, at least 1"),
        _c("peer_address", "utf8", "local", "who connected, or whom a listed relay named", nullable=True),
        _c("peer_unit", "utf8", "local", "what `peers` counts: the IPv4 address, or the IPv6 /64", nullable=True),
        _c("network", "utf8", "public", "/24 or /48 of the peer", nullable=True),
        _c("helo", "utf8", "local", "name the peer gave", nullable=True),
        _c(
            "dialect_path",
            "utf8",
            "public",
            "digest of dialect_steps, 16 hex digits; null without a transcript",
            nullable=True,
        ),
        _c(
            "dialect_steps", "utf8", "public", "how the session was spoken, as templates of its commands", nullable=True
        ),
        _c(
            "dialect_features",
            "utf8",
            "public",
            "marks of the session and of the message's bytes, pace and recipients in buckets, between spaces",
            nullable=True,
        ),
        _c("route_hops", "int32", "public", "number of Received fields"),
        _c("subject", "utf8", "local", "subject as shown", nullable=True),
        _c(
            "second_subject",
            "utf8",
            "local",
            "subject by the second reading where it differs, '' for none",
            nullable=True,
        ),
        _c(
            "second_attachments",
            "utf8",
            "local",
            "attachments by the second reading where they differ, one a line",
            nullable=True,
        ),
        _c("subject_lower", "utf8", "local", "decoded subject in lower case, for the literal measure"),
        _c(
            "subject_folded",
            "utf8",
            "local",
            "folded words of the subject, each between spaces, behind two the readings: ' buy v iagra  viagra '",
        ),
        _c("from_address", "utf8", "local", "first address of From:, lower case", nullable=True),
        _c("from_folded", "utf8", "local", "folded words and readings of From: (name and address), between spaces"),
        _c("from_lower", "utf8", "local", "From: as shown, lower case"),
        _c("link_domains", "utf8", "public", "registered domains of the links, sorted, unique, between spaces"),
        _c("link_hosts", "utf8", "public", "hosts of the links, sorted, unique, between spaces"),
        _c("attachment_folded", "utf8", "local", "folded words and readings of attachment names, between spaces"),
        _c("attachment_count", "int32", "public", "number of attachments"),
        _c("text_chars", "int32", "public", "characters of visible text"),
        _c("hidden_chars", "int32", "public", "characters of hidden text"),
        _c("language", "utf8", "public", "ISO 639-1 code of subject and visible text, und where none can be told"),
        _c("topic", "utf8", "public", "what it is about: pharma, ..., other, or unknown where nothing tells"),
        _c("origin", "utf8", "public", "unsolicited, bounce, auto-reply, challenge, report, confirmation, list, ..."),
        _c("defects", "utf8", "public", "kinds of defect, sorted, unique, between spaces"),
        _c("identical", "utf8", "public", "digest of all leaf parts' decoded bytes, 32 hex digits"),
        _c("exact", "utf8", "public", "digest of masked subject, masked text and attachments, 32 hex digits"),
        _c("text_empty", "bool", "public", "no visible text and no attachment: exact is keyed by the masked raw HTML"),
        _c("declared_date", "int64", "local", "the Date: field, microseconds since 1970 UTC", nullable=True),
    ),
    "text": (
        *_PLACE,
        _c("text_folded", "utf8", "local", "folded words and readings of the visible text, between spaces"),
        _c("text_lower", "utf8", "local", "visible text in lower case, for exact: search"),
        _c(
            "second_text",
            "utf8",
            "local",
            "visible text by the second reading where it differs, lower case",
            nullable=True,
        ),
        _c("text_masked", "utf8", "local", "visible text with addresses, URLs, digits and tokens replaced by kind"),
        _c("hidden_folded", "utf8", "local", "folded words and readings of the hidden text, between spaces"),
    ),
    "link": (
        *_PLACE,
        _c("position", "int32", "public", "place among the links of the message, from 0"),
        _c("url", "utf8", "local", "the link as written"),
        _c("scheme", "utf8", "public", "http, https, mailto, ..."),
        _c("host", "utf8", "public", "host in lower case", nullable=True),
        _c("domain", "utf8", "public", "registered domain", nullable=True),
    ),
    "attachment": (
        *_PLACE,
        _c("position", "int32", "public", "place among the attachments, from 0"),
        _c("name", "utf8", "local", "declared file name", nullable=True),
        _c("declared_type", "utf8", "public", "Content-Type as declared"),
        _c("sniffed_type", "utf8", "public", "type by the first bytes, 'unknown' where none fits"),
        _c("size_bytes", "int64", "public", "decoded length"),
        _c("sha256", "utf8", "public", "SHA-256 of the decoded bytes, hex"),
    ),
    "sketch": (
        *_PLACE,
        _c("exact", "utf8", "public", "exact digest of the message"),
        _c("shingles", "binary", "local", "up to 45 smallest keyed shingle hashes, ascending, int64 little-endian"),
        _c("subject_marks", "binary", "local", "keyed hashes of the subject's bigrams, likewise, up to 16"),
        _c("link_marks", "binary", "local", "keyed hashes of hosts and registered domains of links, likewise, up to 8"),
        _c(
            "piece_marks",
            "binary",
            "local",
            "keyed hashes of content-defined pieces of attachments, likewise, up to 16",
        ),
        _c("picture_marks", "binary", "local", "perceptual hashes of its pictures, 63 bits each, likewise, up to 8"),
        _c("form_marks", "binary", "local", "keyed hashes of tag order, link shapes, header order and parts, likewise"),
    ),
}
