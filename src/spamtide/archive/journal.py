"""The journal: what cannot be recomputed. Append-only records in the format of segments; meta says the kind.

Counts, exposure, events added, instrument facts, quarantine, erasure, configuration and software changes. Each process
kind writes under a name of its own, so that two never wait for each other.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spamtide.archive.journalentries import JournalEntries
from spamtide.archive.kernel import CaptureBatch
from spamtide.archive.layout import JOURNAL_FEED, format_id
from spamtide.archive.segments import SEGMENT_BYTES, FeedWriter, segment_bases

# Sessions without a message are written under names that begin so, and nothing else is.
SESSION_WRITER = "sessions"
SESSION_KINDS = frozenset({"session", "sessions_lost"})


# Kinds that were read in this context so far, where somebody wants to know.
_READ: ContextVar[set[str] | None] = ContextVar("journal_kinds_read", default=None)
EVERY_KIND = "*"


@contextlib.contextmanager
def noting_kinds() -> Iterator[set[str]]:
    """A block in which the kinds of entries that somebody reads are noted, ``EVERY_KIND`` where all are read; blocks around it note them too."""
    mine: set[str] = set()
    token = _READ.set(mine)
    try:
        yield mine
    finally:
        _READ.reset(token)
        note_kinds(mine)


def note_kinds(kinds: Iterable[str]) -> None:
    """As if entries of these kinds were read here: what is told was computed from them."""
    seen = _READ.get()
    if seen is not None:
        seen.update(kinds)


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """One entry: its kind, when it was written (microseconds UTC), its body, its id."""

    kind: str
    at: int
    body: dict[str, Any]
    id: str


class Journal:
    """The journal of one archive. Reading never locks; appending takes the writer's lock for a moment.

    ``keep``: for one thread that appends for hours. Its place in the open segment is kept between entries, so that the segment is
    not read for each; it is sealed at ``segment_bytes`` as any other.
    """

    def __init__(
        self, root: Path, writer: str = "cli", *, keep: bool = False, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        self._root = root
        self._writer = writer
        self._segment_bytes = segment_bytes
        self._kept = self._appender() if keep else None
        self._entries = JournalEntries()

    def _appender(self) -> FeedWriter:
        return FeedWriter(self._root, JOURNAL_FEED, self._writer, segment_bytes=self._segment_bytes)

    def append(self, kind: str, body: dict[str, Any], at: int) -> None:
        """Append one entry; durable when this returns."""
        self.append_all([(kind, body)], at)

    def append_all(self, entries: Iterable[tuple[str, dict[str, Any]]], at: int) -> None:
        """Append several entries with one fsync."""
        batch = CaptureBatch()
        for kind, body in entries:
            meta = json.dumps({"v": 1, "time_origin": "journal", "from": kind})
            batch.push(at, meta.encode(), json.dumps(body, sort_keys=True, ensure_ascii=False).encode())
        if not len(batch):
            return
        with self._kept or self._appender() as writer:
            writer.append(batch, os.urandom(16 * len(batch)))
            if writer is self._kept:
                writer.pause()
            else:
                writer.close(seal=False)

    def read(self, *kinds: str) -> list[JournalRecord]:
        """Entries of these kinds, or all, in order of time, writer and place."""
        note_kinds(kinds or (EVERY_KIND,))
        found: list[tuple[int, str, int, int, JournalRecord]] = []
        # Sessions outnumber all else a thousandfold: who does not ask for them does not open their files.
        seldom = bool(kinds) and not SESSION_KINDS & set(kinds)
        for writer, number, base in segment_bases(self._root / "journal"):
            if seldom and writer.startswith(SESSION_WRITER):
                continue
            for entry in self._entries.of(base):
                if not kinds or entry.kind in kinds:
                    place = format_id(JOURNAL_FEED, writer, number, entry.ordinal)
                    record = JournalRecord(entry.kind, entry.at, json.loads(entry.raw), place)
                    found.append((entry.at, writer, number, entry.ordinal, record))
        return [entry[-1] for entry in sorted(found, key=lambda e: e[:4])]
