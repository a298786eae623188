"""Peer 2: plain Python doing the full list of facts of an mbox, one process.

Standard library only: decoded subject and text, visible and hidden, links, folded and masked text, exact digest, a
sketch of 64 shingles, attachments with sniffed type, route, peer, origin, defects. It is not the twin of the digest
(its tables are shorter); it does the same kinds of work, so that the ratio is of like with like.
"""

from __future__ import annotations

import email.policy
import hashlib
import heapq
import html.parser
import json
import mailbox
import re
import sys
import time
import unicodedata
from email.header import decode_header, make_header

LEET = str.maketrans("013457@$!|", "oieastasii")
URL = re.compile(r"(?:https?://|www\.)[^\s<>\"']+", re.I)
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
DIGITS = re.compile(r"\d+")
OPAQUE = re.compile(r"\b[A-Za-z0-9+/_-]{20,}\b")
TOKEN = re.compile(r"\w+")
PEER = re.compile(r"\[(\d+\.\d+\.\d+\.\d+)\]")
SIGNATURES = {
    b"PK\x03\x04": "zip",
    b"%PDF": "pdf",
    b"MZ": "exe",
    b"\x89PNG": "png",
    b"GIF8": "gif",
    b"\xff\xd8": "jpeg",
}


class Seen(html.parser.HTMLParser):
    """Visible text, hidden text and links of an HTML part."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.visible: list[str] = []
        self.hidden: list[str] = []
        self.links: list[str] = []
        self.stack: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.links += [v for k, v in attrs if k in ("href", "src") and v]
        style = (values.get("style") or "").replace(" ", "").lower()
        hides = tag in ("script", "style", "head") or "display:none" in style or "font-size:0" in style
        if tag not in ("br", "img", "hr", "meta", "input", "link"):
            self.stack.append((tag, hides))

    def handle_endtag(self, tag: str) -> None:
        while self.stack:
            if self.stack.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        (self.hidden if any(h for _, h in self.stack) else self.visible).append(data)


def fold(text: str) -> list[str]:
    """Folded tokens: NFKC, combining marks off, case, leetspeak, separators between single letters removed."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    text = re.sub(r"(?<=\b\w)[.\-_*](?=\w\b)", "", text)
    return [t.translate(LEET).replace("l", "i").replace("1", "i") if len(t) > 1 else t for t in TOKEN.findall(text)]


def mask(text: str) -> str:
    """Addresses, URLs, digit runs and opaque tokens replaced by their kind."""
    text = URL.sub("<url>", text)
    text = ADDRESS.sub("<addr>", text)
    text = OPAQUE.sub("<blob>", text)
    return re.sub(r"\s+", " ", DIGITS.sub("<n>", text)).strip()


def facts(raw: bytes) -> tuple[object, ...]:
    """All facts of one message."""
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    defects = []
    try:
        subject = str(make_header(decode_header(message.get("Subject", ""))))
    except Exception:
        subject = str(message.get("Subject", ""))
        defects.append("subject_undecodable")
    visible, hidden, links, attachments, leaves = [], [], [], [], []
    for part in message.walk():
        if part.is_multipart():
            continue
        payload = part.get_payload(decode=True) or b""
        leaves.append(hashlib.sha256(payload.replace(b"\r\n", b"\n")).digest())
        kind = part.get_content_type()
        if kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
            try:
                body = payload.decode(part.get_content_charset() or "utf-8")
            except (LookupError, UnicodeDecodeError):
                body = payload.decode("latin-1")
                defects.append("charset")
            if kind == "text/html":
                seen = Seen()
                try:
                    seen.feed(body)
                except Exception:
                    defects.append("html")
                visible.append(" ".join(seen.visible))
                hidden.append(" ".join(seen.hidden))
                links += seen.links
            else:
                visible.append(body)
                links += URL.findall(body)
        else:
            sniffed = next((v for k, v in SIGNATURES.items() if payload.startswith(k)), "unknown")
            attachments.append((part.get_filename(), kind, sniffed, len(payload), hashlib.sha256(payload).hexdigest()))
    text = "\n".join(visible)
    folded_subject, folded_text, folded_hidden = fold(subject), fold(text), fold("\n".join(hidden))
    masked = mask(text)
    exact = hashlib.sha256(repr((mask(subject), masked, sorted(a[4] for a in attachments))).encode()).hexdigest()
    identical = hashlib.sha256(b"".join(sorted(leaves))).hexdigest()
    tokens = fold(masked)
    shingles = {
        hashlib.blake2b(" ".join(tokens[i : i + 3]).encode(), digest_size=8).digest()
        for i in range(max(1, len(tokens) - 2))
    }
    sketch = heapq.nsmallest(64, shingles)
    received = message.get_all("Received", [])
    peer = PEER.search(str(received[0])) if received else None
    origin = (
        "bounce"
        if message.get_content_type() == "multipart/report"
        else "list"
        if message.get("List-Id")
        else "unsolicited"
    )
    return (subject, folded_subject, folded_text, folded_hidden, masked, exact, identical, sketch, links, attachments,
            len(received), peer and peer[1], origin, defects, hashlib.sha256(raw).hexdigest())  # fmt: skip


def main() -> None:
    """Read the mbox named by the first argument."""
    started = time.perf_counter()
    n = failed = 0
    box = mailbox.mbox(sys.argv[1], create=False)
    for key in box.iterkeys():
        try:
            facts(box.get_bytes(key))
        except Exception:
            failed += 1
        n += 1
    print(json.dumps({"messages": n, "failed": failed, "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
