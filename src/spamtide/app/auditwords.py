"""A pair of messages for a person's eyes, and what an audit says in words. Attacker's text is made harmless."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from spamtide.app.instants import format_instant
from spamtide.app.output import printable
from spamtide.message import message_texts

if TYPE_CHECKING:
    from spamtide.app.auditing import Side
    from spamtide.archive import Archive

# Lines of a text that are shown at once, and characters of it that are shown at all.
LINES, CHARACTERS = 18, 20_000


def message_lines(archive: Archive, side: Side, name: str, *, whole: bool) -> Iterator[str]:
    """One message: text first, then what else tells it apart. Nothing of it is opened or fetched."""
    message = archive.read(side.id)
    subject, text, sender, attachments = message_texts(message.raw, json.dumps(message.meta).encode())
    yield f"{name}  {printable(subject or '(no subject)', 200)}"
    lines = list(_wrapped(text[:CHARACTERS]))
    if message.thinned:
        yield "   (its text was dropped by the retention policy)"
    yield from (f"   {line}" for line in (lines if whole else lines[:LINES]))
    if len(lines) > LINES and not whole:
        yield f"   ... {len(lines) - LINES} lines more: m shows them"
    if attachments.strip():
        yield f"   attachments: {printable(' '.join(attachments.split()), 200)}"
    yield f"   from {printable(' '.join(sender.split()), 100)}, {format_instant(side.received_at)[:16]}, {side.id}"


def _wrapped(text: str) -> Iterator[str]:
    width = max(40, min(110, shutil.get_terminal_size().columns) - 6)
    for line in text.splitlines():
        shown = printable(" ".join(line.split()), 2_000)
        if shown:
            yield from textwrap.wrap(shown, width, break_long_words=True)


def audit_lines(document: dict[str, Any]) -> Iterator[str]:
    """What the judgements of one person say."""
    d = document
    yield f"{d['audit']}: {d['judged']} of {d['pairs_drawn']} pairs judged by {printable(d['by'], 60)}, of generation {d['generation']}."
    if not d["current"]:
        yield "  The grouping has changed since; these pairs are judged all the same, and the figures are of that generation."
    if d["precision"] is not None:
        yield f"  together rightly: {_shares(d['precision'])} of the messages that stand beside another in one campaign"
        if any(s["cannot_tell"] for s in d["strata"]):
            yield f"  counting each that cannot be told as wrong: {_shares(d['precision_if_doubts_differ'])}"
    else:
        yield f"  no precision yet: {d['refused']['text']}"
    missed = d["missed"]
    yield f"  {missed['near']:,} of {missed['looked']:,} messages have one of another campaign that is all but near enough."
    if missed["share"] is not None:
        yield f"  of these, missed: {_shares(missed['share'])} belong together after all"
    for s in d["strata"]:
        weight = "" if s["weight"] is None else f"weight {s['weight']:.1%}, "
        yield f"  {s['stratum']:<9} {weight}{s['same']} same, {s['different']} different, {s['cannot_tell']} cannot be told, {s['left']} left"
    for a in d["agreement"]:
        yield f"  {printable(a['with'], 60)} judged {a['both']} of them too and says the same of {a['agree']}"


def _shares(interval: dict[str, float]) -> str:
    return f"{interval['value']:.1%} (95 %: {interval['low']:.1%} to {interval['high']:.1%})"
