"""How the journal stands, kind by kind: whoever keeps an answer that was computed from some kinds asks whether there are more of these since.

A trap writes its uptime each minute; a list of saved searches does not depend on it. Only what was appended is read, and of each entry its
kind alone.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spamtide.archive.journal import EVERY_KIND, SESSION_WRITER
from spamtide.archive.journalentries import segment_files
from spamtide.archive.segments import read_segment, segment_at, segment_bases


@dataclass
class _Segment:
    """What is known of one segment: its files as they were, how many records, sealed or not, entries by kind, how often it was read anew."""

    files: tuple[Any, ...] = ()
    records: int = 0
    sealed: bool = False
    kinds: Counter[str] = field(default_factory=Counter)
    anew: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How the journal stood at a moment."""

    _kinds: dict[str, tuple[tuple[str, int, int], ...]]

    def of(self, kinds: Iterable[str]) -> tuple[Any, ...]:
        """Equal to that of another moment as long as no entry of these kinds came or went between the two."""
        return tuple((kind, self._kinds.get(kind, ())) for kind in sorted(set(kinds)))


class JournalKinds:
    """Watches the journal of one archive; sessions, which nothing is computed from here, are left out. Any thread may ask."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "journal"
        self._known: dict[Path, _Segment] = {}
        self._lock = threading.Lock()

    def standing(self) -> Standing:
        """How it stands now. Raises BrokenWorld ``corrupt_segment``."""
        with self._lock:
            self._look()
            found: dict[str, list[tuple[str, int, int]]] = {}
            for base, known in sorted(self._known.items()):
                for kind, n in (*known.kinds.items(), (EVERY_KIND, known.kinds.total())):
                    found.setdefault(kind, []).append((base.name, known.anew, n))
        return Standing({kind: tuple(counts) for kind, counts in found.items()})

    def _look(self) -> None:
        there = {base for writer, _, base in segment_bases(self._folder) if not writer.startswith(SESSION_WRITER)}
        for base in self._known.keys() - there:
            del self._known[base]
        for base in there:
            files = segment_files(base)
            known = self._known.setdefault(base, _Segment())
            if files != known.files:
                self._read(base, known)
                known.files = files

    def _read(self, base: Path, known: _Segment) -> None:
        info = segment_at(base)
        if known.sealed or info.records < known.records:
            # What is sealed is written anew when something is erased from it.
            known.records, known.kinds, known.anew = 0, Counter(), known.anew + 1
        if info.records > known.records:
            batch = read_segment(info.base, known.records, info.records)
            for i in range(len(batch)):
                _, _, meta, _, erased = batch.get(i)
                if not erased:
                    known.kinds[json.loads(meta)["from"]] += 1
        known.records, known.sealed = info.records, info.state == "sealed"
