"""Mail that would act if it could: script in every header and body part, tricks of direction, terminals and style, and all that
would fetch something from ``canary``. Our own texts, reserved names."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from spamtide.app.cli import run
from spamtide.app.config import People
from spamtide.app.workspace import Workspace
from spamtide.archive import CaptureBatch

SCRIPT = "<script>window.hacked=1;document.title='hacked'</script><img src=x onerror=window.hacked=1>"
AT = 1_300_000_000_000_000
TO = "joe@trap.example"


def _page(canary: str) -> str:
    """HTML with every way out that we know of, each with a path of its own."""
    return f"""<html><head><meta http-equiv="refresh" content="0; url={canary}/refresh"><base href="{canary}/base/"><title>{SCRIPT}</title>
<link rel="stylesheet" href="{canary}/sheet.css"><link rel=preconnect href="{canary}"><link rel="dns-prefetch" href="{canary}"><link rel=prefetch href="{canary}/prefetch">
<style>@import url("{canary}/import.css"); @import '{canary}/import2.css'; @font-face {{ font-family: f; src: url({canary}/font.woff) }}
body {{ background: url({canary}/css-picture.png); font-family: f; }} .e {{ background: \\75rl({canary}/escaped.png) }} p {{ position: fixed; inset: 0; z-index: 99999 }}</style>
</head><body background="{canary}/background.gif" onload="window.top.hacked=1"><h1>Buy the marble garden</h1>{SCRIPT}
<img src="{canary}/pixel.gif" width="1" height="1"><img srcset="{canary}/set.png 2x"><img src="cid:inside"><picture><source srcset="{canary}/source.png"></picture>
<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><script>window.top.hacked=1</script><image href="{canary}/svg.png"/><use href="{canary}/use.svg#a"/>
<a href="javascript:window.top.hacked=1"><text>t</text></a><animate onbegin="window.top.hacked=1" attributeName="x" dur="1s"/></svg>
<form action="{canary}/form" method="post" id="f"><input name="q" autofocus onfocus="window.top.hacked=1"><button formaction="{canary}/button">go</button></form>
<iframe src="{canary}/frame"></iframe><iframe srcdoc="&lt;link rel=preconnect href={canary}&gt;&lt;img src={canary}/srcdoc.png&gt;&lt;script&gt;top.hacked=1&lt;/script&gt;"></iframe>
<object data="{canary}/object"></object><embed src="{canary}/embed"><video src="{canary}/video" poster="{canary}/poster.png" autoplay></video><audio src="{canary}/audio" autoplay></audio>
<a class="e" href="{canary}/click" ping="{canary}/ping" target="_top">click here</a> <math href="{canary}/math"><mtext>m</mtext></math>
<table background="{canary}/table.gif"><tr><td style="background-image:url({canary}/cell.png)">cell</td></tr></table><textarea></textarea><noscript><img src="{canary}/noscript.png"></noscript>
</body></html>"""


def _part(kind: str, body: bytes, more: str = "") -> bytes:
    return (
        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n{more}\r\n".encode()
        + base64.encodebytes(body)
        + b"\r\n"
    )


def _scripted(canary: str) -> bytes:
    head = "".join(
        f"{name}: {SCRIPT}\r\n"
        for name in (
            "Received",
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "X-Mailer",
            "Reply-To",
            "List-Unsubscribe",
        )
    )
    parts = [
        _part(
            "text/plain; charset=utf-8", f"{SCRIPT}\n\x1b]0;hacked\x07\x1b[31mred\x1b[0m \u202egnp.exe\u202c".encode()
        ),
        _part(f'text/html; charset="utf-8{SCRIPT[:20]}"', _page(canary).encode()),
        _part(
            f'image/svg+xml; name="{SCRIPT}.svg"',
            f'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><image href="{canary}/a.svg"/></svg>'.encode(),
            f'Content-Disposition: attachment; filename="\u202egnp{SCRIPT}.svg"\r\n',
        ),
    ]
    body = b"".join(b"--b\r\n" + part for part in parts) + b"--b--\r\n"
    return head.encode() + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + body


def hostile_messages(canary: str) -> dict[str, bytes]:
    """Raw messages by name, in the order in which ``hostile_workspace`` numbers them."""
    head = "From: a@sender.example\r\nTo: joe@trap.example\r\n"
    return {
        "scripted": _scripted(canary),
        "direction": (head + "Subject: \u202eevil\u202c \u2066inside\u2069 \x1b[2J a\u0301\u0301\u0301\u0301\u0301\u0301\r\n\r\n\u202etxet\u202c\u200b\x00\x08 end\r\n").encode(),
        "huge": head.encode() + b"Subject: " + b"long" * 20_000 + b"\r\nX-Huge: " + b"w" * 300_000 + b"\r\n\r\n" + b"W" * 1_000_000 + b"\r\n",
        "html": (head + "Subject: page\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + _page(canary)).encode(),
        "personal": (head + "In-Reply-To: <2011.1@mail.trap.example>\r\nSubject: Re: the marble house\r\n\r\nsee you in the orchard\r\n").encode(),
        "bytes": bytes(range(256)) * 8,
        "empty": b"",
    }  # fmt: skip


def hostile_workspace(folder: Path, canary: str) -> tuple[Workspace, dict[str, str]]:
    """A workspace with these messages in the feed ``hostile``, digested; and the id of each by its name. One that is there is added to."""
    workspace = Workspace(folder) if (folder / "spamtide.toml").exists() else Workspace.create(folder, People())
    batch, messages = CaptureBatch(), hostile_messages(canary)
    helo = f"mx{SCRIPT}\u202e"
    for n, raw in enumerate(messages.values()):
        transcript = {"v": 1, "steps": [[1000, f"EHLO {helo}", 250]], "protocol": "smtp"}
        meta = {"v": 1, "time_origin": "received", "from": f"a{SCRIPT}@b.example", "to": [TO], "peer": "198.51.100.7", "helo": helo, "transcript": transcript}  # fmt: skip
        batch.push(AT + n, json.dumps(meta).encode(), raw)
    with workspace.archive.writer("hostile", "made") as writer:
        writer.append(batch, os.urandom(16 * len(messages)))
    assert run(["--workspace", str(folder), "digest", "--json"]) == 0
    return workspace, {name: f"hostile/made-000001/{n}" for n, name in enumerate(messages)}
