"""Erasure without breaking the chain: a tombstone takes the place of raw bytes, envelope and salt; the leaf stays.

The journal says who, why, when and which places; of what was erased it keeps only a keyed hash, by which an import knows
not to bring it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spamtide.archive.archive import Archive
from spamtide.archive.kernel import erase_records
from spamtide.archive.layout import Place, segment_base
from spamtide.archive.segments import FeedWriter
from spamtide.archive.tables import Tables
from spamtide.archive.thinning import forget_kept, rewriting_lock

INDEX_ROW = 96


@dataclass(frozen=True, slots=True)
class Erasure:
    """How many messages were erased, and from how many segments."""

    erased: int
    segments: int


def erase_messages(
    archive: Archive, tables: Tables, places: Sequence[Place], *, reason: str, who: str, at: int
) -> Erasure:
    """Erase messages from segments, then from tables; written into the journal before anything goes.

    An open segment of the writer concerned is sealed first, since only sealed ones are rewritten.
    """
    by_segment: dict[tuple[str, str, int], list[int]] = {}
    for place in places:
        by_segment.setdefault((place.feed, place.writer, place.segment), []).append(place.ordinal)
    if not by_segment:
        return Erasure(0, 0)
    erased = 0
    for (feed, writer, number), ordinals in sorted(by_segment.items()):
        with FeedWriter(archive.root, feed, writer) as held, rewriting_lock(archive.root):
            if held.number == number:
                held.roll()
            batch = archive.records(next(s for s in archive.segments(feed) if (s.writer, s.number) == (writer, number)))
            # Of a thinned message the raw bytes are gone; their hash stands in the index.
            digests = all_digests(segment_base(archive.root, feed, writer, number))
            marks = []
            for i in ordinals:
                *_, gone = batch.get(i)
                if not gone:
                    marks.append(archive.erasure_mark(digests[32 * i : 32 * i + 32]))
            body = {
                "feed": feed, "writer": writer, "segment": number, "ordinals": sorted(ordinals),
                "reason": reason, "who": who, "marks": sorted(marks),
            }  # fmt: skip
            archive.journal.append("erasure", body, at)
            erased += len(erase_records(str(segment_base(archive.root, feed, writer, number)), sorted(ordinals))) // 32
    # A digest that is under way may have read what is gone by now: what it names is dropped after it.
    with tables.lock(lambda: None):
        forget_kept(archive.root, by_segment)
        tables.drop_messages([(p.feed, p.writer, p.segment, p.ordinal) for p in places])
    return Erasure(erased, len(by_segment))


def all_digests(base: Path) -> bytes:
    """SHA-256 of raw of every record of a sealed segment, in order, zeros for erased ones."""
    rows = base.with_suffix(".idx").read_bytes()[:-32]
    return b"".join(rows[at + 32 : at + 64] for at in range(0, len(rows), INDEX_ROW))
