"""Entries of journal segments as they were read, kept while their files stay as they were: one page reads the journal ten times."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spamtide.archive.layout import file_stamp
from spamtide.archive.segments import read_segment, segment_at

_FILES = (".open", ".seal", ".seg")
# Of all segments together; the one that was not asked for the longest goes first.
KEPT_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its place in the segment, when it was written, its kind, its body as JSON."""

    ordinal: int
    at: int
    kind: str
    raw: bytes


def segment_files(base: Path) -> tuple[Any, ...]:
    """How the files of a segment are: equal as long as nobody wrote to them."""
    return tuple(file_stamp(base.with_suffix(suffix)) for suffix in _FILES)


class JournalEntries:
    """Reads segments, and keeps what it read up to ``KEPT_BYTES``. Any thread may ask."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, tuple[tuple[Any, ...], tuple[Entry, ...], int]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def of(self, base: Path) -> tuple[Entry, ...]:
        """Entries of one segment that are not erased. Raises BrokenWorld ``corrupt_segment``."""
        # Looked at before it is read: what comes in between is read now and once more the next time.
        files = segment_files(base)
        with self._lock:
            known = self._kept.get(base)
            if known is not None and known[0] == files:
                self._kept.move_to_end(base)
                return known[1]
        entries = _entries(base)
        size = sum(len(entry.raw) + 200 for entry in entries)
        with self._lock:
            self._forget(base)
            if size <= KEPT_BYTES:
                self._kept[base] = (files, entries, size)
                self._bytes += size
            while self._bytes > KEPT_BYTES:
                self._forget(next(iter(self._kept)))
        return entries

    def _forget(self, base: Path) -> None:
        known = self._kept.pop(base, None)
        if known is not None:
            self._bytes -= known[2]


def _entries(base: Path) -> tuple[Entry, ...]:
    info = segment_at(base)
    batch = read_segment(info.base, 0, info.records)
    found = []
    for i in range(len(batch)):
        ordinal, at, meta, raw, erased = batch.get(i)
        if not erased:
            found.append(Entry(ordinal, at, json.loads(meta)["from"], bytes(raw)))
    return tuple(found)
