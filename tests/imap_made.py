"""Made mailboxes, and what came of importing them; shared by the tests of import from servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conftest import Ran
from imap_server import Mailbox, Message
from spamtide.app.workspace import Workspace


def raw(n: int) -> bytes:
    return (
        f"Received: from x ([192.0.2.{n % 250 + 1}]) by y; Mon, 7 Mar 2011 10:{n % 60:02d}:00 +0000\r\n"
        f"From: a{n}@b.example\r\nSubject: Order {n}\r\n\r\nhello {n}\r\n"
    ).encode() + b"words\r\n" * (n % 7 * 30)


def box(n: int, **more: Any) -> Mailbox:
    return Mailbox([Message(3 * i + 5, raw(i)) for i in range(n)], **more)


def stored(tmp_path: Path, feed: str = "f") -> list[bytes]:
    """The messages in the feed, sorted."""
    archive = Workspace(tmp_path / "w").archive
    segments = archive.segments(feed)
    return sorted(
        archive.read(f"{feed}/{s.base.rpartition('/')[2]}/{n}").raw for s in segments for n in range(s.records)
    )


def codes(ran: Ran) -> list[str]:
    return sorted(r["code"] for r in ran.json["refused"])
