"""Plays bytes to the kernel's dialogue machine, in any chunks, and gathers what came of it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from spamtide.capture.kernel import DIALOGUE_BOUNDS, SmtpDialogue

BOUNDS = {name: n for name, n, _, _ in DIALOGUE_BOUNDS}
HOST = "mx.trap.example"


def session(protocol: str = "smtp", now: int = 0, **options: Any) -> SmtpDialogue:
    """A session from a documentation address."""
    return SmtpDialogue(HOST, protocol, "plain", "192.0.2.7", "s1", now, **options)


@dataclass
class Talk:
    """Replies and messages of one session."""

    sent: bytes = b""
    messages: list[tuple[dict[str, Any], bytes]] = field(default_factory=list)
    secures: int = 0
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def codes(self) -> list[int]:
        """Reply codes but for the greeting, one a reply."""
        return [int(c) for c in re.findall(rb"^(\d{3}) ", self.sent, re.M)][1:]

    @property
    def dialect(self) -> set[str]:
        """Marks of the first message."""
        return set(self.messages[0][0]["transcript"]["dialect"])


def settle(machine: SmtpDialogue, talk: Talk, now: int, verdict: str = "stored") -> None:
    """Do what the machine asks for."""
    while (event := machine.event()) is not None:
        kind, captured = event
        if kind == "secure":
            talk.secures += 1
            return
        assert captured is not None
        talk.messages.append((json.loads(captured[1]), captured[2]))
        machine.verdict(verdict, now)


def talk(
    data: bytes,
    cuts: Sequence[int] = (),
    *,
    taking: bool = False,
    how: str = "closed",
    verdict: str = "stored",
    **options: Any,
) -> Talk:
    """Give ``data`` cut at ``cuts``; with ``taking``, send replies after each chunk; then end the session."""
    machine, result = session(**options), Talk()
    places = sorted({0, len(data), *(c % (len(data) + 1) for c in cuts)})
    if taking:
        result.sent += machine.bytes_to_send()
    for start, end in pairwise(places):
        machine.receive(data[start:end], 0)
        settle(machine, result, 0, verdict)
        if taking:
            result.sent += machine.bytes_to_send()
    left = machine.end(0)
    if left is not None:
        result.messages.append((json.loads(left[1]), left[2]))
    result.sent += machine.bytes_to_send()
    result.facts = json.loads(machine.facts(how))
    return result


def said(*lines: bytes) -> bytes:
    """Lines with CRLF."""
    return b"".join(line + b"\r\n" for line in lines)


def letter(body: bytes, *, greeting: bytes = b"EHLO a.example", rcpt: bytes = b"RCPT TO:<x@trap.example>") -> bytes:
    """A session with one message; ``body`` as on the wire, its end included."""
    return said(greeting, b"MAIL FROM:<a@b.example>", rcpt, b"DATA") + body
