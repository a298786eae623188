"""Mailboxes of one account as a source of an import: what was asked for, the connection there is, what came of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from spamtide.app.imap.address import ImapAddress
from spamtide.app.imap.answers import Denied, Dropped, SaysNo
from spamtide.app.imap.session import Session


@dataclass(frozen=True, slots=True)
class ImapOptions:
    """``tls``: auto, starttls, none. ``timeout`` and ``pause`` in seconds, ``pause`` before the first new try.

    ``attempts``: connections in a row that may bring nothing. ``move_to``: where confirmed messages go afterwards.
    """

    tls: str = "auto"
    timeout: float = 60.0
    attempts: int = 6
    pause: float = 1.0
    move_to: bytes | None = None


@dataclass(slots=True)
class ImapOutcome:
    """What an import from servers did beside the messages themselves. ``noticed``: what was odd and harmless, counted."""

    mailboxes: int = 0
    held: int = 0
    fetched: int = 0
    received_bytes: int = 0
    connections: int = 0
    moved: int = 0
    noticed: Counter[str] = field(default_factory=Counter)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "mailboxes": self.mailboxes,
            "held": self.held,
            "fetched": self.fetched,
            "received_bytes": self.received_bytes,
            "connections": self.connections,
            "moved": self.moved,
            "noticed": dict(sorted(self.noticed.items())),
        }


@dataclass(slots=True)
class Mailbox:
    """One mailbox of this import: what was handled, and (UID, digest) of what the feed must hold before a move."""

    name: bytes
    source: str
    uidvalidity: int
    handled: set[int] = field(default_factory=set)
    held: list[tuple[int, bytes]] = field(default_factory=list)


class ImapSource:
    """Mailboxes of one account as a source of an import: those named, or all. ``tell`` takes lines for a person."""

    def __init__(
        self,
        address: ImapAddress,
        names: tuple[bytes, ...],
        password: str,
        options: ImapOptions,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.address, self.names, self.options, self.tell = address, names, options, tell
        self._password = password
        self._session: Session | None = None
        self.outcome = ImapOutcome()
        self.mailboxes: list[Mailbox] = []

    def session(self) -> Session:
        """A connection: the one there is, or a new one."""
        if self._session is None:
            self._session = Session(self.address, self._password, self.options.tls, self.options.timeout)
            self.outcome.connections += 1
        return self._session

    def close(self, *, politely: bool = True) -> None:
        """End the connection."""
        if self._session is not None:
            self.outcome.received_bytes += self._session.received
            self._session.close(politely=politely)
            self._session = None

    def trying(self, gained: Callable[[], int]) -> Iterator[Callable[[Dropped], None]]:
        """Tries: until the body of the loop breaks out, or it has reported ``attempts`` drops in a row without gain.

        The last drop is raised by the report.
        """
        failures, before = 0, gained()
        while True:

            def report(drop: Dropped) -> None:
                nonlocal failures, before
                self.close(politely=False)
                failures = 1 if gained() > before else failures + 1
                before = gained()
                if failures >= self.options.attempts:
                    raise drop
                self.tell(f"{drop.source}: {drop.reason}; connecting again ({failures} of {self.options.attempts - 1})")
                time.sleep(min(60.0, self.options.pause * 2 ** (failures - 1)))

            yield report

    def wanted(self) -> list[bytes]:
        """Names of the mailboxes to read. Raises Denied, Dropped."""
        for report in self.trying(lambda: 0):
            try:
                session = self.session()
                if self.names:
                    return list(self.names)
                names, again = session.mailboxes()
                for name in again:
                    self.outcome.noticed["mailbox_shows_others"] += 1
                    self.tell(f"{self.address.place(name)}: left out, it shows messages of other mailboxes")
                if not names:
                    raise Denied(self.address.account, "lists no mailbox", "no_mailbox")
                return [name for name in names if name != self.options.move_to]
            except SaysNo as error:
                raise Denied(self.address.account, f"does not list its mailboxes: {error}", "no_mailbox") from None
            except Dropped as drop:
                report(drop)
        raise AssertionError("tries end with an answer or a drop")
