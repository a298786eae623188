"""One message for the eye: facts that the kernel reads of it now, its text, its fields as they stand, its route, its parts.

Read anew from the archive, so that a message of a moment ago is there too. A message in quarantine, which killed its reader
before, is not parsed again: only its bytes are shown.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

from spamtide.app.instants import format_instant
from spamtide.app.quarantine import in_quarantine
from spamtide.archive import parse_id
from spamtide.fingerprint import FACTS_VERSION, digest
from spamtide.message import DEFECTS, Outline, html_of, message_texts, outline, remote_references

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace
    from spamtide.archive import StoredMessage

# Characters of the text, bytes of the raw form, fields, hops, parts and links that a page shows at first, and at most.
TEXT, RAW, ROWS = 6_000, 8_000, 60
MOST_TEXT, MOST_RAW, MOST_ROWS = 400_000, 400_000, 2_000

_FROM = re.compile(r"\bfrom\s{1,20}(\S{1,300})", re.I)
_BY = re.compile(r"\bby\s{1,20}(\S{1,300})", re.I)


def read_letter(workspace: Workspace, message_id: str) -> tuple[StoredMessage, dict[str, Any]]:
    """The message and what stands of it in any case; ``state``: readable, thinned, erased or quarantined.

    Raises WrongUse ``bad_message_id``, ``unknown_message``.
    """
    message = workspace.archive.read(message_id)
    state = "erased" if message.erased else "thinned" if message.thinned else "readable"
    held = in_quarantine(workspace, FACTS_VERSION).get(parse_id(message_id))
    head: dict[str, Any] = {
        "id": message.id,
        "feed": message.feed,
        "received_at": format_instant(message.received_at),
        "size_bytes": len(message.raw),
        "state": state if held is None else "quarantined",
        "quarantine": None if held is None else held.reason,
        "time_origin": message.meta.get("time_origin"),
        "simulated": "simulated" in message.meta.get("marks", ()),
    }
    return message, head


def facts_of(workspace: Workspace, message: StoredMessage) -> dict[str, list[dict[str, Any]]]:
    """Rows of the tables of facts of this one message, read by the kernel now."""
    batch = workspace.archive.record(message.id)
    return {name: table.to_pylist() for name, table in digest(parse_id(message.id).segment, batch).items()}


def letter(message: StoredMessage, facts: dict[str, list[dict[str, Any]]], *, whole: bool) -> dict[str, Any]:
    """What a page shows of a message that can be parsed; with ``whole`` up to the outer bounds."""
    row = facts["message"][0]
    subject, text, sender, _ = message_texts(message.raw, json.dumps(message.meta).encode())
    outlined = outline(message.raw)
    html = html_of(message.raw, outlined)
    rows, characters = (MOST_ROWS, MOST_TEXT) if whole else (ROWS, TEXT)
    hidden = facts["text"][0]["hidden_folded"].strip() if facts["text"] else ""
    return {
        "subject": subject, "from": sender,
        "envelope": {"from": message.meta.get("from"), "to": list(message.meta.get("to", ()))},
        "peer": {"address": message.meta.get("peer"), "network": row["network"], "helo": message.meta.get("helo")},
        **{key: row[key] for key in ("origin", "language", "topic", "exact", "sha256")},
        "text": text[:characters], "text_characters": len(text), "hidden": hidden[:characters],
        "has_html": html is not None,
        "remote": [{"kind": r.kind, "url": r.url} for r in remote_references(html or "")][:rows],
        "links": [{key: link[key] for key in ("url", "host", "domain", "scheme")} for link in facts["link"]][:rows],
        "attachments": [
            {key: a[key] for key in ("name", "declared_type", "sniffed_type", "size_bytes", "sha256")}
            for a in facts["attachment"]
        ][:rows],
        "fields": [{"name": f.name, "value": f.value} for f in outlined.fields][:rows], "field_count": len(outlined.fields),
        "route": route(outlined)[:rows],
        "session": session_of(message.meta),
        "parts": [
            {"path": p.path, "depth": p.depth, "type": p.content_type, "charset": p.charset, "encoding": p.encoding,
             "disposition": p.disposition, "size_bytes": p.size_bytes}
            for p in outlined.parts
        ],
        "bounds_met": list(outlined.cut),
        "defects": [{"defect": d, "meaning": DEFECTS.get(d, "")} for d in row["defects"].split()],
    }  # fmt: skip


def raw_view(raw: bytes, *, whole: bool) -> dict[str, Any]:
    """The bytes as a page shows them: as UTF-8 where they are, else one character a byte."""
    part = raw[: MOST_RAW if whole else RAW]
    try:
        shown = part.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character that was cut in two at the end is no reason to leave UTF-8.
        shown = part[: error.start].decode("utf-8") if error.start > len(part) - 4 else part.decode("latin-1")
    return {"raw": shown, "raw_bytes": len(raw), "raw_shown": len(part)}


def raw_document(raw: bytes) -> dict[str, Any]:
    """The bytes for a program."""
    return {"raw_base64": base64.b64encode(raw).decode()}


def route(outlined: Outline) -> list[dict[str, Any]]:
    """What the Received fields claim, newest first; who writes one can write anything."""
    hops = []
    for value in outlined.named("received"):
        text = value[:2_000]
        words, _, date = text.rpartition(";")
        said = words or text
        sender, by = _FROM.search(said), _BY.search(said)
        hops.append(
            {"from": sender[1] if sender else None, "by": by[1] if by else None, "at": date.strip()[:100], "text": text}
        )
    return hops


def session_of(meta: dict[str, Any]) -> list[dict[str, Any]]:
    """The SMTP session as the trap heard it: after how many seconds, which command, which answer."""
    steps = meta.get("transcript", {}).get("steps", ()) if isinstance(meta.get("transcript"), dict) else ()
    return [
        {"after_seconds": round(step[0] / 1_000_000, 3), "command": str(step[1]), "reply": step[2]}
        for step in steps[:200]
        if isinstance(step, list) and len(step) == 3
    ]
