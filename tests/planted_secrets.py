"""A thousand secrets in every field and encoding of messages, and a search for each of them, in each encoding, in any text."""

from __future__ import annotations

import base64
import hashlib
import quopri
import random
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

KINDS = ("trap", "name", "verp", "message-id", "unsubscribe", "helo", "attachment", "subject", "link", "body")
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
START = datetime(2011, 1, 3, 6, 0)


def secrets(n: int = 1000, seed: int = 9) -> list[tuple[str, str]]:
    """(kind, word): each word begins with ``zq`` and has 14 letters and digits, as no other text has."""
    rng = random.Random(seed)
    words = {"zq" + "".join(rng.choice(LETTERS) for _ in range(12)) for _ in range(n)}
    assert len(words) == n
    return [(KINDS[i % len(KINDS)], word) for i, word in enumerate(sorted(words))]


def _lettered(word: str) -> str:
    return "".join(f"<b>{c}</b>" for c in word)


def _encoded_words(word: str) -> str:
    one, two = base64.b64encode(word[:7].encode()).decode(), word[7:].encode().hex().upper()
    return f"=?utf-8?b?{one}?= =?utf-8?q?{''.join('=' + two[i : i + 2] for i in range(0, len(two), 2))}?="


def _hashes(text: str) -> list[str]:
    return [hashlib.new(name, text.encode()).hexdigest() for name in ("md5", "sha1", "sha256")]


def message(i: int, words: dict[str, str], at: datetime) -> bytes:
    """One message with ten secrets; ``i`` chooses how its body is encoded."""
    trap = f"{words['trap']}@decoy.example"
    when = at.strftime("%a, %d %b %Y %H:%M:%S +0000")
    sums = _hashes(trap)
    link = f"http://shop{i % 7}.example/{words['link']}?u={sums[0]}&v={sums[1]}&w={sums[2]}&e={quote(trap)}&b={base64.urlsafe_b64encode(trap.encode()).decode()}"
    plain = f"Dear {words['name'].capitalize()}, your {words['body']} viagra at {trap} {link}\nunsubscribe {words['unsubscribe']} {_hashes(words['unsubscribe'])[0]}\n"
    html = f"<html><head><title>{words['name']}</title></head><body>Hello {_lettered(words['name'])} <!-- {words['body']} --><span style='display:none'>{words['trap']}</span><a href='{link}'>{_lettered(words['link'])}</a> {plain}</body></html>"
    coding = ("7bit", "base64", "quoted-printable")[i % 3]

    def coded(text: str) -> str:
        if coding == "base64":
            return base64.encodebytes(text.encode()).decode()
        return quopri.encodestring(text.encode()).decode() if coding == "quoted-printable" else text

    subject = [
        f"Viagra for {words['subject']}", f"Viagra {_encoded_words(words['subject'])}", f"{words['name']} {words['subject']}: cheap viagra today",
        f"viagra {' '.join(words['subject'])}",
    ][i % 4]  # fmt: skip
    return (
        f"From bounce-{words['verp']} {at:%a %b %d %H:%M:%S %Y}\n"
        f"Return-Path: <bounce-{words['verp']}+{words['trap']}=decoy.example@list.example>\nDelivered-To: {trap}\nX-Original-To: {trap}\n"
        f"Received: from {words['helo']}.example (HELO {words['helo']}) ([198.51.100.{1 + i % 200}]) by mx.decoy.example for <{trap}>; {when}\n"
        f"Date: {when}\nFrom: \"{words['name']}\" <{words['verp']}@sender.example>\nTo: \"{words['name']}\" <{trap}>\nCc: {trap}\n"
        f"Message-ID: <{words['message-id']}.{sums[1]}@sender.example>\nX-Reference: <{words['message-id']}@decoy.example>\nSubject: {subject}\n"
        f"List-Unsubscribe: <http://u.example/{words['unsubscribe']}/{sums[2]}>, <mailto:u-{words['unsubscribe']}@u.example?subject={trap}>\n"
        f"X-Token: {words['verp']}\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"{words['attachment']}\"\n\n"
        f"--{words['attachment']}\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {coding}\n\n{coded(plain)}\n"
        f"--{words['attachment']}\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: {coding}\n\n{coded(html)}\n"
        f"--{words['attachment']}\nContent-Type: application/pdf; name=\"{words['attachment']}.pdf\"\nContent-Disposition: attachment; filename=\"{words['attachment']}.pdf\"\n"
        f"Content-Transfer-Encoding: base64\n\n{base64.b64encode(words['attachment'].encode()).decode()}\n--{words['attachment']}--\n\n"
    ).encode()  # fmt: skip


def mailbox(found: list[tuple[str, str]]) -> bytes:
    """An mbox that brings every secret, ten a message, four messages a day before the stop of March 2011 and two after."""
    groups = [dict(found[i : i + len(KINDS)]) for i in range(0, len(found), len(KINDS))]
    cut, at, places = datetime(2011, 3, 16, 14, 45), START, []
    while at < datetime(2011, 3, 23):
        places.append(at)
        at += timedelta(hours=6 if at < cut else 14, minutes=7)
    return b"".join(message(i, groups[i % len(groups)], at) for i, at in enumerate(places))


def variants(word: str) -> Iterator[str]:
    """A secret as it could stand in a text: as it is is searched apart; here base64 at its three places, hex, and hashes."""
    for text in (word, f"{word}@decoy.example"):
        yield from _hashes(text)
        yield text.encode().hex()
        for shift in range(3):
            # The middle of its base64, whatever stands before and after.
            yield base64.b64encode(b"\0" * shift + text.encode()).decode().rstrip("=")[4 if shift else 0 : -2]


def _decoded(text: str) -> str:
    """What encoded words in a text say, side by side."""
    said = []
    for kind, inside in re.findall(r"=\?[\w-]+\?([bq])\?([^?]*)\?=", text, re.I):
        decode = base64.b64decode if kind in "bB" else quopri.decodestring
        said.append(decode(inside.encode()).decode("utf-8", "replace"))
    return "".join(said)


def leaks(text: str, found: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The secrets that stand in ``text``: plain in any case, letter by letter with anything between, or in another encoding."""
    words = {w: k for k, w in found}
    text += _decoded(text)
    bare = re.sub(r"<[^>]*>|[^a-zA-Z0-9]", "", text).lower()
    hit = {bare[m.start() : m.start() + 14] for m in re.finditer("(?=zq)", bare)}
    hit |= {text[m.start() : m.start() + 14].lower() for m in re.finditer("(?=zq)", text, re.I)}
    out = [(words[w], w) for w in sorted(hit) if w in words]
    lowered = text.lower()
    runs = set(re.findall(r"[0-9a-f]{28,}", lowered))
    joined = " ".join(re.findall(r"[A-Za-z0-9+/_-]{12,}", text))
    for word, kind in words.items():
        for v in variants(word):
            known = (
                v in joined
                if not re.fullmatch("[0-9a-f]+", v)
                else any(v in run for run in runs)
                if len(v) < 32
                else v in runs
            )
            if known:
                out.append((kind, v))
    return out
