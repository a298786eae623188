"""Python's ``email`` as a second opinion, in a process of its own: it fails on deep nesting and takes minutes on some
headers, so it never reads spam in a program that must go on. Reads JSON lines ``{"raw": base64}``, answers one each."""

from __future__ import annotations

import base64
import email
import email.header
import email.message
import hashlib
import json
import sys


def shown(value: object) -> str:
    """A header as shown: encoded words decoded."""
    parts = email.header.decode_header(str(value))
    return str(email.header.make_header(parts))


def leaves(message: email.message.Message) -> list[email.message.Message]:
    """Parts that contain no other."""
    if message.is_multipart():
        return [leaf for part in message.get_payload() for leaf in leaves(part)]
    return [message]


def facts(raw: bytes) -> dict[str, object]:
    """Subject, attachments (SHA-256 of the decoded bytes) and plain text, by the rules of this project, read by ``email``."""
    message = email.message_from_bytes(raw)
    subject = message["Subject"]
    attachments, texts, html = [], [], False
    for part in leaves(message):
        data = part.get_payload(decode=True) or b""
        kind, name = part.get_content_type(), part.get_filename()
        attached = part.get_content_disposition() == "attachment"
        if kind == "text/html" and not (attached and name):
            html = True
        elif (kind == "text/plain" or (kind.startswith("text/") and not name)) and not (attached and name):
            charset = part.get_content_charset() or "utf-8"
            try:
                texts.append(data.decode(charset, "replace"))
            except LookupError:
                texts.append(data.decode("latin-1"))
        else:
            attachments.append(hashlib.sha256(data).hexdigest())
    return {
        "subject": None if subject is None else shown(subject),
        "attachments": sorted(attachments),
        "text": "\n".join(texts),
        "html": html,
    }


def main() -> None:
    """Answer each line of stdin."""
    for line in sys.stdin:
        try:
            answer = facts(base64.b64decode(json.loads(line)["raw"]))
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
