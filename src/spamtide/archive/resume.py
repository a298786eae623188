"""Resume points: which messages of a mailbox on a server a feed holds, so that they need not be fetched again.

Derived: a resume point may be lost or deleted, and then the mailbox is read anew and nothing is added twice. It is never
believed alone: a message counts as held only while the feed has a copy of it that no other message claims. It is
written after the copies are durable, never before.

archive/resume/HASH.uids    HASH: of feed and mailbox; a line of JSON, then 24 bytes a message
                            (UID, first 16 bytes of the mark that erasure uses, CRC-32), little-endian
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

from spamtide.archive.archive import Archive
from spamtide.archive.kernel import CopyCounter, raw_digests

_ENTRY = struct.Struct("<I16sI")


class ResumePoint:
    """What the feed holds of one mailbox under one UIDVALIDITY.

    ``mailbox`` names account and mailbox without UIDVALIDITY. ``previous`` is the UIDVALIDITY of a resume point that the
    server made void by choosing another, or None.
    """

    def __init__(self, archive: Archive, feed: str, mailbox: str, uidvalidity: int) -> None:
        self._archive = archive
        name = hashlib.sha256(f"{feed}\0{mailbox}".encode()).hexdigest()[:32]
        self._path = archive.root / "resume" / f"{name}.uids"
        self._header = {"format": 1, "feed": feed, "mailbox": mailbox, "uidvalidity": uidvalidity}
        self.previous: int | None = None
        self._marks: dict[int, list[bytes]] = {}
        self._digests: dict[bytes, bytes] = {}
        self._gone: set[bytes] = set()
        self._read()

    def _read(self) -> None:
        try:
            data = self._path.read_bytes()
            line, _, entries = data.partition(b"\n")
            header = json.loads(line)
        except (OSError, ValueError):
            self._start()
            return
        if header != self._header:
            same = isinstance(header, dict) and header.get("mailbox") == self._header["mailbox"]
            known = header.get("uidvalidity") if same else None
            self.previous = known if isinstance(known, int) else None
            self._start()
            return
        whole = len(entries) - len(entries) % _ENTRY.size
        for uid, mark, check in _ENTRY.iter_unpack(entries[:whole]):
            if zlib.crc32(struct.pack("<I16s", uid, mark)) == check:
                self._marks.setdefault(uid, []).append(mark)
        if whole != len(entries):  # a kill cut the last entry
            os.truncate(self._path, len(line) + 1 + whole)

    def _start(self) -> None:
        self._path.parent.mkdir(exist_ok=True)
        new = self._path.with_suffix(".new")
        _write_durably(new, json.dumps(self._header, sort_keys=True).encode() + b"\n")
        os.replace(new, self._path)

    def _mark(self, digest: bytes) -> bytes:
        return bytes.fromhex(self._archive.erasure_mark(digest))[:16]

    def match(self, feed: str, erased: set[str]) -> None:
        """Find the digests that the marks stand for among the feed's and the erased; called once, before ``claim``."""
        self._gone = {bytes.fromhex(mark)[:16] for mark in erased}
        wanted = {mark for marks in self._marks.values() for mark in marks}
        if not wanted:
            return
        for segment in self._archive.segments(feed):
            digests = raw_digests(segment.base)
            for at in range(0, len(digests), 32):
                digest = digests[at : at + 32]
                mark = self._mark(digest)
                if mark in wanted:
                    self._digests[mark] = digest

    def claim(self, uid: int, copies: CopyCounter) -> list[bytes]:
        """Digests of the copies that the feed holds of this UID, which are used up; empty when it must be fetched."""
        claimed: list[bytes] = []
        for mark in self._marks.get(uid, ()):
            digest = self._digests.get(mark)
            if digest is None or not copies.use_up(digest):
                for taken in claimed:
                    copies.add(taken)
                return []
            claimed.append(digest)
        return claimed

    def was_erased(self, uid: int) -> bool:
        """Whether all that came under this UID was erased from the archive since."""
        marks = self._marks.get(uid, [])
        return bool(marks) and all(mark in self._gone for mark in marks)

    def add(self, messages: Iterable[tuple[int, bytes]]) -> None:
        """Note (UID, digest) of messages that are durable in the feed."""
        entries = bytearray()
        for uid, digest in messages:
            mark = self._mark(digest)
            if mark in self._marks.get(uid, ()):
                continue
            self._marks.setdefault(uid, []).append(mark)
            entries += _ENTRY.pack(uid, mark, zlib.crc32(struct.pack("<I16s", uid, mark)))
        if entries:
            with self._path.open("ab") as file:
                file.write(entries)
                file.flush()
                os.fsync(file.fileno())


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
