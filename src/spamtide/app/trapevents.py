"""The catalogue of the trap's events: every name, what it means, its keys. docs/reference/log.md is made from it."""

from __future__ import annotations

import json
from typing import Any

from spamtide.app.instants import format_instant

EVENTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "trap.ready": (
        "The sockets take connections; always the first event.",
        ("smtp", "lmtp", "smtps", "metrics", "feed", "writer", "persona", "addresses", "connections", "trusted", "proxy"),
    ),
    "trap.counts": ("Counts since the start, every `trap.counts_seconds`.", ("counts",)),
    "trap.reloaded": (
        "SIGHUP: settings and journal were read again; sessions that are open go on as they began. `addresses`: how many in each state.",
        ("persona", "addresses"),
    ),
    "trap.reload_failed": ("SIGHUP, and settings or journal could not be read: nothing is changed.", ("error",)),
    "trap.draining": ("A stop was asked for: no more connections; sessions end, but those within a transaction go on for `trap.drain_seconds`.", ("signal",)),
    "trap.hurried": ("A stop was asked for again: these end now, too.", ("signal",)),
    "trap.drained": ("No session is left; with the counts since the start.", ("counts",)),
    "trap.stopped": ("Everything that was acknowledged is on disk; always the last event.", ("counts",)),
    "trap.few_descriptors": ("The system allows fewer open files than connections are set; fewer are taken.", ("connections",)),
    "connection.refused": ("A connection was answered 421: `why` is `per_address` or `total`; also a session whose true client, named by a relay, has too many.", ("peer", "why")),
    "connection.failed": ("The system could not take a connection, mostly for want of descriptors.", ("error",)),
    "session.ended": (
        "A session is over. `how`: `quit`, `closed` or `lost` by the peer; `refused` (a bound was met), `slow`, `tls_failed` (the handshake; `handshake` says why), `unproxied` (no PROXY header that can be believed; the key of that name says why), `shed` (too busy), `drained` by us. "
        "The other keys are those of the journal's `session`.",
        (
            "session", "peer", "protocol", "persona", "tls", "handshake", "helo", "began", "lasted", "messages", "refused", "unfinished", "how", "v",
            "steps", "cut", "parameters", "auth", "dialect", "treatment", "bounced", "via", "unproxied",
        ),
    ),
    "message.stored": (
        "A message is on disk and was answered 250; only with `--log json`.",
        ("id", "code", "session", "peer", "recipients", "size_bytes", "sha256"),
    ),
    "message.unfinished": (
        "What came of a message whose session ended within it is on disk; nobody acknowledged it. Only with `--log json`.",
        ("id", "code", "session", "peer", "recipients", "size_bytes", "sha256"),
    ),
    "message.put_off": (
        "A message was answered 452 (no room) or 451 (perhaps not on disk).",
        ("id", "code", "session", "peer", "recipients", "size_bytes", "sha256"),
    ),
    "store.failed": ("A write or its fdatasync failed; how many messages were put off.", ("error", "messages")),
    "store.full": ("Less free disk than `trap.low_water_mib`, or a write found none: MAIL is answered 452.", ()),
    "store.recovered": ("There is room again.", ()),
    "segment.recovered": (
        "The segment that was open when the trap ended last was taken up; bytes that were half-written are cut.",
        ("cut_bytes", "rot"),
    ),
    "segment.sealed": ("A segment is whole and compressed.", ("number", "records")),
    "segment.left": ("A segment could not be sealed; its records are kept, the next start tries again.", ("number", "error")),
    "digest.started": ("The digest that follows was started as a process of its own.", ("pid",)),
    "digest.ready": ("It follows: workers are started, nobody else does.", ("facts_version",)),
    "digest.waiting": ("Another process follows this workspace; it waits for its end.", ()),
    "digest.read": (
        "Messages of an open segment are in provisional parts; `oldest_seconds`: since the first of them arrived. Only with `--log json`.",
        ("feed", "segment", "messages", "oldest_seconds"),
    ),
    "digest.settled": ("Sealed segments are in the tables.", ("segments", "messages")),
    "digest.grouped": (
        "Campaigns are those of everything that is settled by now.",
        ("generation", "messages", "campaigns", "seconds"),
    ),
    "watch.alarm": (
        "A watch raised an alarm while the digest follows; it is told as `watch.webhook` and `watch.command` say. Its words are those of `watch status`.",
        ("watch", "status", "alarm_id"),
    ),
    "digest.gathered": ("The tables of days that are over were put together.", ("days", "parts")),
    "digest.thinned": ("Bodies were dropped by the written policy; how many messages are on hold.", ("messages", "bytes", "held")),
    "digest.quarantined": ("A message that no worker survives was set apart.", ("id", "reason")),
    "digest.failed": ("The disk or another thing of the world failed; it is tried again after a pause.", ("error",)),
    "digest.stopped": ("It was asked to stop; what it settled.", ("segments", "messages")),
    "digest.died": ("Its process ended of itself, or could not be started; when the next is started.", ("code", "again_seconds")),
    "journal.failed": ("Sessions and exposure could not be written into the journal; they are kept and tried again.", ("error", "waiting")),
}  # fmt: skip

# Counts travel as one object, so that a new one is no new key.
_COUNTED = {"trap.drained"}


def read_event(line: str) -> dict[str, Any]:
    """An event of the kernel as it is logged: counts under one key, the instant as text."""
    event: dict[str, Any] = json.loads(line)
    name, at = event.pop("event"), event.pop("at")
    if name in _COUNTED:
        event = {"counts": event}
    return make_event(name, at, **event)


def make_event(name: str, at: int, **facts: Any) -> dict[str, Any]:
    """An event of the catalogue at an instant (microseconds since 1970)."""
    unknown = set(facts) - set(EVENTS[name][1])
    assert not unknown, (name, unknown)
    return {"event": name, "at": format_instant(at), **facts}


def event_line(event: dict[str, Any]) -> str:
    """One line of the log: ASCII only, so that no attacker's text is a control character or a line of its own."""
    return json.dumps(event, ensure_ascii=True, allow_nan=False)
