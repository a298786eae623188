"""Peer 2: plain Python doing the full list of facts of an mbox, one process: the kernel's twin.

    python bench/peer_facts.py MBOX             messages, seconds
    python bench/peer_facts.py MBOX --store     the same, each message kept as well: hashed, chained, compressed, read back
    python bench/peer_facts.py MBOX --compare   for each column, how many messages the kernel says the same of

``mailbox``, ``email``, ``html.parser``, ``re``, ``unicodedata``, ``hashlib``: every column of docs/reference/facts.md but
those that only a trap knows, the charset of undeclared text by chardet, registered domains by publicsuffixlist, the
language by py3langid, the topic by the same rule file, written as Parquet by pyarrow. Where it does less than the kernel the
ratio is too small: no session, no persona, no bounds.
"""

from __future__ import annotations

import argparse
import datetime
import email
import email.policy
import email.utils
import hashlib
import heapq
import json
import mailbox
import os
import re
import sys
import tempfile
import time
import zlib
from email.header import decode_header
from email.message import Message
from itertools import islice
from pathlib import Path
from typing import Any

import chardet
import pyarrow as pa
import pyarrow.parquet as pq
from plain_text import URL, Seen, fold, mask, peer_units
from plain_topic import Rules
from publicsuffixlist import PublicSuffixList
from py3langid.langid import MODEL_FILE, LanguageIdentifier

SIGNATURES = {
    b"MZ": "exe", b"\x7fELF": "elf", b"PK\x03\x04": "zip", b"Rar!\x1a\x07": "rar", b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x1f\x8b": "gzip", b"%PDF": "pdf", b"\x89PNG\r\n\x1a\n": "png", b"GIF8": "gif", b"\xff\xd8\xff": "jpeg", b"BM": "bmp",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "ole", b"{\\rtf": "rtf", b"RIFF": "riff", b"OggS": "ogg", b"ID3": "mp3",
    b"\x78\x9f\x3e\x22": "tnef", b"MSCF": "cab", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz",
}  # fmt: skip
TEXT = bytes(range(0x20, 0x7F)) + b"\t\n\r"
META = re.compile(rb"charset=[\"']?([A-Za-z0-9_:.-]+)")
PEER = re.compile(r"[\[( ](?:IPv6:)?(\d+\.\d+\.\d+\.\d+|[0-9a-fA-F:]*:[0-9a-fA-F:.]+)[\]) ]")
AROUND = re.compile(rb".{0,32}[\x80-\xff]+.{0,32}", re.S)


def fold_words(text: str) -> str:
    """Folded words without what else they may be read as."""
    said, more, _ = fold(text).partition("  ")
    return said + " " if more else said


PLAIN = re.compile(r"[^\d@/_=<>\\|{}]+$")
SUFFIXES = PublicSuffixList()
TOPICS = Rules(fold_words)
LANGUAGES = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
LANGUAGES.set_languages([
    "ar", "bg", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id",
    "it", "ja", "ko", "no", "nl", "pl", "pt", "ro", "ru", "sv", "th", "tr", "uk", "ur", "vi", "zh",
])  # fmt: skip
BATCH = 4096


def text_of(payload: bytes, label: str | None, is_html: bool, defects: set[str]) -> str:
    """Bytes to text: what is declared, else what ``<meta>`` says, else UTF-8, else windows-1252."""
    try:
        return payload.decode(label or "utf-8")
    except (LookupError, UnicodeDecodeError, ValueError):
        if label:
            defects.add("charset_overruled")
    found = META.search(payload[:1024]) if is_html else None
    for other in (found[1].decode() if found else "utf-8", "utf-8"):
        try:
            return payload.decode(other)
        except (LookupError, UnicodeDecodeError, ValueError):
            continue
    best = chardet.detect(telling(payload))["encoding"]
    return payload.decode(best or "cp1252", "replace")


def telling(payload: bytes) -> bytes:
    """At most 4 KiB of bytes from which the charset is guessed: those beyond ASCII and what stands around them."""
    if len(payload) <= 4096:
        return payload
    return b"".join(m[0] for m in islice(AROUND.finditer(payload), 200))[:4096] or payload[:4096]


def shown(raw: str, defects: set[str]) -> str:
    """A header field as shown: encoded words decoded, raw 8-bit read as UTF-8 or windows-1252."""
    out = []
    try:
        pieces = decode_header(raw.replace("\r", "").replace("\n", " ").replace("\t", " "))
    except (ValueError, email.errors.HeaderParseError):
        pieces = [(raw, None)]
    for piece, label in pieces:
        data = piece.encode("ascii", "surrogateescape") if isinstance(piece, str) else piece
        out.append(text_of(data, label, False, defects))
    return "".join(out).strip()


def sniff(payload: bytes) -> str:
    """Kind by the first bytes."""
    for magic, kind in SIGNATURES.items():
        if payload.startswith(magic):
            return kind
    head = payload[:512]
    if b"<html" in head.lower() or b"<!doctype html" in head.lower():
        return "html"
    return "text" if head and not head.translate(None, TEXT) else "unknown"


def domain_of(host: str) -> str | None:
    """Registered domain by the public suffix list."""
    if host.replace(".", "").isdigit():
        return host
    found: str | None = SUFFIXES.privatesuffix(host) if "." in host else None
    return found


def link_of(url: str) -> tuple[str, str, str | None] | None:
    """Link as written, scheme, host."""
    lower = url.lower()
    scheme, colon, rest = lower.partition(":")
    if not colon or not scheme.replace("+", "").isalnum() or len(scheme) > 12:
        if not lower.startswith("www."):
            return None
        scheme, rest = "http", lower
    if scheme in ("cid", "data", "javascript", "about", "mid"):
        return None
    if scheme == "mailto":
        host = re.split(r"[?, ]", rest)[0].rpartition("@")[2] if "@" in rest else ""
    else:
        host = re.split(r"[/?#\\ ]", rest.lstrip("/\\"))[0].rpartition("@")[2].split(":")[0].rstrip(".")
    return url, scheme, host if host and len(host) <= 253 and not re.search(r"\s", host) else None


def origin_of(message: Message, sender: str, subject: str) -> str:
    """Origin by the few signs that decide nearly all of it."""
    kind = str(message.get("Content-Type", "")).lower()
    local = sender.partition("@")[0]
    if kind.startswith("multipart/report"):
        return "report" if "feedback-report" in kind else "bounce"
    failed = any(
        f in subject for f in ("undeliver", "delivery status", "failure notice", "returned mail", "mail delivery")
    )
    null = str(message.get("Return-Path", "")).strip() == "<>"
    if message.get("X-Failed-Recipients") or (failed and (null or local in ("mailer-daemon", "postmaster"))):
        return "bounce"
    if message.get("X-Autoreply") or str(message.get("Auto-Submitted", "")).lower().startswith("auto-replied"):
        return "auto-reply"
    if subject.startswith(("out of office", "automatic reply", "auto-reply", "autoreply")):
        return "auto-reply"
    return (
        "list"
        if message.get("List-Id") or message.get("List-Post") or message.get("Precedence") == "list"
        else "unsolicited"
    )


def language_of(subject: str, text: str) -> str:
    """The likeliest language of the first 900 characters of words, und where there are few or it is not sure."""
    words, left = [], 900
    for word in f"{text[:4000]} {subject}".split():
        if len(word) > 24 or not PLAIN.match(word):
            continue
        words.append(word)
        left -= len(word) + 1
        if left <= 0:
            break
    sample = " ".join(words)
    if sum(map(str.isalpha, sample)) < 16:
        return "und"
    found, confidence = LANGUAGES.classify(sample)
    return "und" if confidence < 0.9 else "nb" if found == "no" else str(found)


def facts(raw: bytes, ordinal: int, rows: dict[str, list[dict[str, Any]]]) -> None:
    """All facts of one message, put into the rows of the tables."""
    defects: set[str] = set()
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    raw_of = {name.lower(): value for name, value in reversed(list(message.raw_items()))}
    subject = shown(str(raw_of["subject"]), defects) if "subject" in raw_of else None
    sender = shown(str(raw_of.get("from", "")), defects)
    address = email.utils.parseaddr(sender)[1].lower()
    if subject is None:
        defects.add("no_subject")
    try:
        date = email.utils.parsedate_to_datetime(str(raw_of["date"]))
        declared = int(date.replace(tzinfo=date.tzinfo or datetime.UTC).timestamp()) * 1_000_000
    except (KeyError, ValueError, TypeError, OverflowError, IndexError):
        declared = None
        if "date" in raw_of:
            defects.add("bad_date")
    received = message.get_all("Received", [])
    peer = next((m[1] for m in map(PEER.search, map(str, received)) if m), None)
    units = peer_units(peer) if peer else None
    try:
        at = int(email.utils.parsedate_to_datetime(str(received[0]).rpartition(";")[2]).timestamp()) * 1_000_000
    except (IndexError, ValueError, TypeError, OverflowError):
        at = declared or 0
    visible: list[str] = []
    hidden: list[str] = []
    htmls: list[str] = []
    urls: list[str] = []
    attachments: list[dict[str, Any]] = []
    leaves = []
    for part in message.walk():
        if part.is_multipart():
            continue
        payload = part.get_payload(decode=True) or b""
        unix = payload.replace(b"\r\n", b"\n")
        leaves.append(hashlib.sha256(unix).digest())
        kind = part.get_content_type()
        name = part.get_filename()
        if kind in ("text/plain", "text/html") and not (name and part.get_content_disposition() == "attachment"):
            body = text_of(unix, part.get_content_charset(), kind == "text/html", defects)
            if kind == "text/html":
                seen = Seen()
                try:
                    seen.feed(body)
                    seen.close()
                except (AssertionError, ValueError):
                    defects.add("html_in_part")
                visible.append("".join(seen.visible))
                hidden.append("".join(seen.hidden))
                htmls.append(body)
                urls += seen.links
            else:
                visible.append(body)
        else:
            attachments.append({
                "position": len(attachments), "name": name and shown(name, defects), "declared_type": kind,
                "sniffed_type": sniff(payload), "size_bytes": len(payload), "sha256": hashlib.sha256(payload).hexdigest(),
            })  # fmt: skip
    text, unseen = "\n".join(v for v in visible if v), "\n".join(h for h in hidden if h)
    known = set(urls)
    urls += [u for u in (m[0].rstrip(".,)];:!?") for m in URL.finditer(text)) if u not in known]
    links = [link for link in map(link_of, urls) if link]
    domains = [domain_of(host) if host else None for _, _, host in links]
    subject_shown = subject or ""
    subject_folded, masked_subject, masked = fold(subject_shown), mask(subject_shown, []), mask(text, [])
    empty = not masked and not attachments
    keyed = mask("\n".join(htmls), []) if empty else masked
    digests = sorted(a["sha256"] for a in attachments)
    exact = hashlib.sha256("\0".join([masked_subject, keyed, *digests]).encode("utf-8", "replace")).hexdigest()[:32]
    identical = hashlib.sha256(exact.encode() + b"".join(leaves)).hexdigest()[:32]
    hosts = " ".join(sorted({h for _, _, h in links if h}))
    text_folded, names_folded = fold(text), fold(" \n ".join(a["name"] for a in attachments if a["name"]))
    held = names_folded + fold_words(" ".join(a["sniffed_type"] for a in attachments))
    place = {"segment": 1, "ordinal": ordinal, "received_at": at}
    rows["message"].append(place | {
        "time_origin": "received", "utc_day": at // 86_400_000_000, "utc_hour": at // 3_600_000_000,
        "size_bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest(),
        "envelope_from": email.utils.parseaddr(str(raw_of.get("return-path", "")))[1], "recipients": "",
        "recipient_count": 1, "peer_address": peer, "peer_unit": units and units[0], "network": units and units[1],
        "route_hops": len(received), "subject": subject, "subject_lower": subject_shown.lower(),
        "subject_folded": subject_folded, "from_address": address or None, "from_folded": fold(sender),
        "from_lower": sender.lower(), "link_domains": " ".join(sorted({d for d in domains if d})),
        "link_hosts": hosts, "attachment_folded": names_folded,
        "attachment_count": len(attachments), "text_chars": len(text), "hidden_chars": len(unseen),
        "language": language_of(subject_shown, text), "topic": TOPICS.topic(subject_folded, text_folded, fold_words(hosts), held)[0],
        "origin": origin_of(message, address, subject_shown.lower()), "defects": " ".join(sorted(defects)),
        "identical": identical, "exact": exact, "text_empty": empty, "declared_date": declared,
    })  # fmt: skip
    rows["text"].append(place | {
        "text_folded": text_folded, "text_lower": text.lower(), "text_masked": masked, "hidden_folded": fold(unseen),
    })  # fmt: skip
    for i, ((url, scheme, host), domain) in enumerate(zip(links, domains, strict=True)):
        rows["link"].append(place | {"position": i, "url": url, "scheme": scheme, "host": host, "domain": domain})
    rows["attachment"] += [place | a for a in attachments]
    tokens = fold(masked).split()
    if len(tokens) > 7:
        shingles = {" ".join(tokens[i : i + 3]) for i in range(len(tokens) - 2)}
    else:
        joined = " ".join(tokens)
        shingles = {"c " + joined[i : i + 5] for i in range(len(joined) - 4)}
    words = subject_folded.split()
    shingles |= {"s " + " ".join(words[i : i + 2]) for i in range(len(words) - 1)}
    hashes = {hashlib.blake2b(s.encode("utf-8", "replace"), digest_size=8, key=b"spamtide").digest() for s in shingles}
    rows["sketch"].append(place | {"exact": exact, "shingles": b"".join(heapq.nsmallest(64, hashes))})


def clean(value: Any) -> Any:
    """Text without surrogates, which Parquet cannot hold."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) and not value.isascii() else value


class Store:
    """Messages kept as an import keeps them: a salted leaf and a chain each, frames of 2 MiB, compressed and read back."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb")
        self.frame: list[bytes] = []
        self.size = 0
        self.chain = b""

    def put(self, raw: bytes, source: int) -> None:
        salt, meta = os.urandom(16), json.dumps({"v": 1, "source": {"path": "mbox", "ordinal": source}}).encode()
        leaf = hashlib.sha256(salt + hashlib.sha256(meta).digest() + hashlib.sha256(raw).digest()).digest()
        self.chain = hashlib.sha256(self.chain + leaf).digest()
        self.frame += [salt, leaf, meta, raw]
        self.size += len(raw)
        if self.size >= 2 << 20:
            self.flush()

    def flush(self) -> None:
        plain = b"".join(self.frame)
        packed = zlib.compress(plain)
        if zlib.decompress(packed) != plain:
            raise OSError("a frame does not unpack to its records")
        self.file.write(packed)
        self.frame, self.size = [], 0

    def close(self) -> None:
        self.flush()
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()


def digest(mbox: str, folder: Path, store: Store | None = None) -> tuple[int, int]:
    """Every message of ``mbox`` as Parquet parts in ``folder``: messages, and of those the ones given up."""
    rows: dict[str, list[dict[str, Any]]] = {t: [] for t in ("message", "text", "link", "attachment", "sketch")}
    n = failed = 0
    box = mailbox.mbox(mbox, create=False)

    def flush() -> None:
        for table, some in rows.items():
            if some:
                columns = {name: [clean(row[name]) for row in some] for name in some[0]}
                pq.write_table(pa.table(columns), folder / f"{table}-{n}.parquet", compression="zstd")
                some.clear()

    for key in box.iterkeys():
        raw = box.get_bytes(key)
        if store is not None:
            store.put(raw, n)
        try:
            facts(raw, n, rows)
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
            failed += 1
        n += 1
        if n % BATCH == 0:
            flush()
    flush()
    if store is not None:
        store.close()
    return n, failed


def compare(mbox: str, folder: Path) -> None:
    """Print for each column on how many messages the twin and the kernel agree."""
    from spamtide.fingerprint import digest as kernel_digest
    from spamtide.fingerprint.kernel import RecordBatch

    digest(mbox, folder)
    batch = RecordBatch()
    box = mailbox.mbox(mbox, create=False)
    for i, key in enumerate(box.iterkeys()):
        batch.push(i, 0, b"{}", box.get_bytes(key))
    tables = kernel_digest(1, batch)
    for table in ("message", "text"):
        theirs = pa.concat_tables(
            [pq.read_table(p) for p in sorted(folder.glob(f"{table}-*.parquet"))], promote_options="permissive"
        )
        mine = {row["ordinal"]: row for row in tables[table].to_pylist()}
        for name in theirs.column_names:
            pairs = [
                (str(mine[i][name]).split(), str(v).split())
                for i, v in zip(theirs["ordinal"].to_pylist(), theirs[name].to_pylist(), strict=True)
            ]
            same = sum(a == b for a, b in pairs)
            print(f"{table}.{name:<20} {same:>6,} of {len(pairs):,}  {same / len(pairs):.3f}")


def main() -> None:
    """Read the mbox named by the first argument."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("mbox")
    arguments.add_argument("--store", action="store_true", help="keep the messages too, as an import does")
    arguments.add_argument("--compare", action="store_true", help="agreement with the kernel, column by column")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.compare:
            compare(given.mbox, Path(folder))
            return
        started = time.perf_counter()
        n, failed = digest(given.mbox, Path(folder), Store(Path(folder) / "store") if given.store else None)
        json.dump({"messages": n, "failed": failed, "seconds": time.perf_counter() - started}, sys.stdout)


if __name__ == "__main__":
    main()
