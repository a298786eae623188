"""Peer 1: one process of ``mailbox`` + ``email`` + lxml doing subject, text, links and attachments of an mbox.

This is what an analyst's script does today. It prints one JSON line: messages, seconds, links, attachments.
"""

from __future__ import annotations

import email.policy
import hashlib
import json
import mailbox
import sys
import time

import lxml.html


def facts(message: email.message.EmailMessage) -> tuple[str, int, int, int]:
    """Subject, characters of text, number of links, number of attachments."""
    try:
        subject = str(message.get("Subject", ""))
    except Exception:
        subject = ""
    text, links, attachments = 0, 0, 0
    for part in message.walk():
        if part.is_multipart():
            continue
        kind = part.get_content_type()
        payload = part.get_payload(decode=True) or b""
        if kind in ("text/plain", "text/html"):
            try:
                body = payload.decode(part.get_content_charset() or "utf-8", "replace")
            except LookupError:
                body = payload.decode("latin-1")
            if kind == "text/html" and body.strip():
                try:
                    tree = lxml.html.document_fromstring(body.encode("utf-8", "replace"))
                    links += sum(1 for _ in tree.iterlinks())
                    text += len(tree.text_content())
                except (lxml.etree.LxmlError, ValueError):
                    pass
            else:
                text += len(body)
                links += body.count("http://") + body.count("https://")
        else:
            hashlib.sha256(payload).hexdigest()
            attachments += 1
    return subject, text, links, attachments


def main() -> None:
    """Read the mbox named by the first argument."""
    started = time.perf_counter()
    n = failed = links = attachments = 0
    box = mailbox.mbox(sys.argv[1], create=False)
    for key in box.iterkeys():
        try:
            message = email.message_from_bytes(box.get_bytes(key), policy=email.policy.default)
            _, _, more_links, more_attachments = facts(message)  # type: ignore[arg-type]
            links += more_links
            attachments += more_attachments
        except Exception:
            failed += 1
        n += 1
    seconds = time.perf_counter() - started
    print(json.dumps({"messages": n, "failed": failed, "links": links, "attachments": attachments, "seconds": seconds}))


if __name__ == "__main__":
    main()
