"""What broken sources are made of: messages, mailboxes, and the value that says what must come of a source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FROM = b"From x Mon Mar  7 10:00:00 2011\n"


def message(n: int, body: bytes = b"hello\n") -> bytes:
    """One good message."""
    return (
        b"Received: from x ([192.0.2.%d]) by y; Mon, 7 Mar 2011 10:%02d:00 +0000\nFrom: a@sender.example\n"
        b"Date: Mon, 7 Mar 2011 10:00:00 +0000\nSubject: Order %d\n\n" % (n % 250 + 1, n % 60, n)
    ) + body


def box(messages: list[bytes]) -> bytes:
    """An mbox of messages."""
    return b"".join(FROM + m + b"\n" for m in messages)


SIX = [message(n) for n in range(6)]
ONE = [message(0)]


@dataclass(frozen=True)
class Broken:
    """A source, broken or strange, and what must come of it.

    ``make`` puts it into an empty folder and returns what is imported. ``kept``: the raw bytes that the feed must hold, no more and
    no less. ``refused``, ``left``: codes. ``defects``: names that the messages must have among theirs. ``error``: the code of
    the whole command, which then does nothing. ``counts``: rows of counts taken.
    """

    family: str
    name: str
    make: Callable[[Path], Path]
    kept: tuple[bytes, ...] = ()
    refused: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()
    error: str | None = None
    counts: int = 0
    options: tuple[str, ...] = ()

    @property
    def exit(self) -> int:
        """The exit code that follows."""
        return 2 if self.error else 3 if self.refused else 0


def file(data: bytes, name: str = "source") -> Callable[[Path], Path]:
    """Makes one file."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make
