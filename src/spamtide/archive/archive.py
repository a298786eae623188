"""The archive of captures: feeds, segments, messages by id, copies, the journal, verification, erasure."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from spamtide.archive.journal import Journal
from spamtide.archive.kernel import CopyCounter, RecordBatch, raw_digests
from spamtide.archive.layout import check_feed, parse_id, segment_base
from spamtide.archive.segments import (
    SEGMENT_BYTES,
    FeedWriter,
    SegmentInfo,
    list_segments,
    read_segment,
    segment_bases,
)
from spamtide.errors import BrokenWorld, WrongUse


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message as it was captured. ``raw`` is empty and ``meta`` too when it was erased; thinned, ``raw`` is the header alone."""

    id: str
    feed: str
    received_at: int
    meta: dict[str, Any]
    raw: bytes
    erased: bool
    thinned: bool = False


def write_key(path: Path, key: bytes) -> None:
    """Write the archive's key with its hash, so that a flipped bit shows."""
    if len(key) != 32:
        raise WrongUse("bad_key", "The key of an archive has 32 bytes.", "Pass 32 random bytes.")
    path.write_bytes(key + hashlib.sha256(key).digest())
    path.chmod(0o600)


def read_key(path: Path) -> bytes:
    """The archive's key. Raises BrokenWorld ``corrupt_key``."""
    data = path.read_bytes()
    if len(data) != 64 or hashlib.sha256(data[:32]).digest() != data[32:]:
        raise BrokenWorld("corrupt_key", f"{path} is damaged.", "Restore it from a copy of the archive.")
    return data[:32]


class Archive:
    """An opened archive. Readers never lock; each writer holds the lock of its (feed, writer)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.journal = Journal(root)

    @staticmethod
    def create(root: Path, key: bytes) -> Archive:
        """Make an empty archive in the new folder ``root``."""
        for name in ("segments", "journal", "tables", "locks"):
            (root / name).mkdir(parents=True, exist_ok=True)
        write_key(root / "key", key)
        return Archive(root)

    @staticmethod
    def open(root: Path) -> Archive:
        """Open an archive. Raises BrokenWorld ``no_archive``."""
        if not (root / "segments").is_dir():
            raise BrokenWorld("no_archive", f"{root} holds no archive.", "Make a workspace with 'spamtide init DIR'.")
        return Archive(root)

    @cached_property
    def key(self) -> bytes:
        """Secret of this archive, for keyed hashes that must not be guessable outside."""
        return read_key(self.root / "key")

    def feeds(self) -> list[str]:
        """Feeds that hold captures or that the journal speaks of, sorted."""
        with_captures = {p.name for p in (self.root / "segments").iterdir() if p.is_dir() and segment_bases(p)}
        stated = {r.body["feed"] for r in self.journal.read("feed", "counts")}
        return sorted(with_captures | stated)

    def writer(self, feed: str, writer: str, *, segment_bytes: int = SEGMENT_BYTES) -> FeedWriter:
        """The writer of (feed, writer); use it in a ``with`` block."""
        return FeedWriter(self.root, check_feed(feed), writer, segment_bytes=segment_bytes)

    def segments(self, feed: str | None = None) -> list[SegmentInfo]:
        """Segments of one feed, or of all, in order of feed, writer, number."""
        folder = self.root / "segments"
        feeds = [check_feed(feed)] if feed is not None else sorted(p.name for p in folder.iterdir() if p.is_dir())
        return [segment for name in feeds for segment in list_segments(folder / name)]

    def records(self, segment: SegmentInfo, start: int = 0, stop: int | None = None) -> RecordBatch:
        """Records of a segment, their leaves checked."""
        return read_segment(segment.base, start, segment.records if stop is None else stop)

    def record(self, message_id: str) -> RecordBatch:
        """The one record of a message, as a digest takes it. Raises WrongUse ``bad_message_id`` or ``unknown_message``."""
        place = parse_id(message_id)
        base = segment_base(self.root, place.feed, place.writer, place.segment)
        batch = None
        if base.with_suffix(".seal").exists() or base.with_suffix(".open").exists():
            batch = read_segment(str(base), place.ordinal, place.ordinal + 1)
        if batch is None or not len(batch):
            raise WrongUse(
                "unknown_message",
                f"There is no message {message_id}.",
                "Ids come from 'spamtide search'.",
                id=message_id,
            )
        return batch

    def read(self, message_id: str) -> StoredMessage:
        """One message by id. Raises WrongUse ``bad_message_id`` or ``unknown_message``."""
        place = parse_id(message_id)
        batch = self.record(message_id)
        _, received_at, meta, raw, erased = batch.get(0)
        return StoredMessage(
            str(place), place.feed, received_at, json.loads(meta) if meta else {}, raw, erased, bool(batch.thinned())
        )

    def copies(self, feed: str) -> CopyCounter:
        """How many copies of each raw digest the feed holds."""
        counter = CopyCounter()
        for segment in self.segments(feed):
            counter.add(raw_digests(segment.base))
        return counter

    def erasure_mark(self, sha256: bytes) -> str:
        """Keyed hash by which an erased message is known again without being kept."""
        return hmac.digest(self.key, b"erased" + sha256, "sha256").hex()

    def erased_marks(self) -> set[str]:
        """Marks of everything erased so far: what an import must not bring back."""
        return {mark for r in self.journal.read("erasure") for mark in r.body.get("marks", [])}


def fresh_salts(n: int) -> bytes:
    """16 random bytes for each of ``n`` captures."""
    return os.urandom(16 * n)
