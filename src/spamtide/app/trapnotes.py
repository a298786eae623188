"""What the trap's journal is to hold: sessions without a message, and uptime with what was refused by us in it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from spamtide.archive import Journal
from spamtide.errors import BrokenWorld

_KEPT = 100_000
Event = dict[str, Any]
# (start of the minute, family of the peer, replies 4xx, of these for want of room, messages taken)
Minute = tuple[int, str, int, int, int]


def families(listeners: Sequence[str | None]) -> list[str]:
    """Families of peers that can reach listeners, given as HOST:PORT: ``[::]`` takes both."""
    found: set[str] = set()
    for text in filter(None, listeners):
        host = ipaddress.ip_address(text.rpartition(":")[0].strip("[]"))
        found |= {"ipv4", "ipv6"} if host == ipaddress.ip_address("::") else {f"ipv{host.version}"}
    return sorted(found)


@dataclass
class Notes:
    """Kept until they are written. Each family of peers has an exposure of its own."""

    journal: Journal
    sessions: Journal
    feed: str
    addresses: int | None
    persona: str
    families: list[str]
    entries: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    without_message: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    lost: int = 0
    up_since: int | None = None
    minutes: list[Minute] = field(default_factory=list)

    def session(self, event: Event) -> None:
        """Keep a session that left no message; the others stand in their messages' records."""
        if event["messages"] or event["unfinished"]:
            return
        if len(self.without_message) >= _KEPT:
            self.lost += 1
            return
        facts = {k: v for k, v in event.items() if k not in ("event", "at")}
        self.without_message.append(("session", {"feed": self.feed, **facts}))

    def refused(self, minutes: Sequence[Minute]) -> None:
        """Keep minutes in which something was refused."""
        self.minutes += minutes

    def up(self, now: int) -> None:
        """Mail is taken from now on."""
        if self.up_since is None:
            self.up_since = now

    def down(self, now: int) -> None:
        """Mail was taken until now."""
        if self.up_since is not None and now > self.up_since:
            for family in self.families:
                refusals = [[m[0], *m[2:]] for m in self.minutes if m[1] == family]
                body = {
                    "feed": self.feed,
                    "start": self.up_since,
                    "end": now,
                    "addresses": self.addresses,
                    "basis": "uptime",
                    "family": family,
                    "persona": self.persona,
                    "refused_by_us": sum(row[1] for row in refusals),
                    "refusals": refusals,
                }
                self.entries.append(("exposure", body))
            self.minutes = []
        self.up_since = None

    def write(self, now: int) -> str | None:
        """Put what is kept into the journal; what the system said where that failed."""
        if self.lost:
            self.without_message.append(("sessions_lost", {"feed": self.feed, "sessions": self.lost}))
            self.lost = 0
        try:
            self.journal.append_all(self.entries, now)
            self.entries = []
            self.sessions.append_all(self.without_message, now)
            self.without_message = []
        except (OSError, BrokenWorld) as error:
            return str(error)
        return None

    @property
    def waiting(self) -> int:
        """Entries that are not written yet."""
        return len(self.entries) + len(self.without_message)
