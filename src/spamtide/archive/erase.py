"""Erasure without breaking the chain: a tombstone takes the place of raw bytes, envelope and salt; the leaf stays.

The journal says who, why, when and which places; of what was erased it keeps only a keyed hash, by which an import knows
not to bring it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spamtide.archive.archive import Archive
from spamtide.archive.kernel import erase_records
from spamtide.archive.layout import Place, segment_base
from spamtide.archive.segments import FeedWriter
from spamtide.archive.tables import Tables


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
        with FeedWriter(archive.root, feed, writer) as held:
            if held.number == number:
                held.roll()
            batch = archive.records(next(s for s in archive.segments(feed) if (s.writer, s.number) == (writer, number)))
            marks = []
            for i in ordinals:
                _, _, _, raw, gone = batch.get(i)
                if not gone:
                    marks.append(archive.erasure_mark(_sha256(raw)))
            body = {
                "feed": feed, "writer": writer, "segment": number, "ordinals": sorted(ordinals),
                "reason": reason, "who": who, "marks": sorted(marks),
            }  # fmt: skip
            archive.journal.append("erasure", body, at)
            erased += len(erase_records(str(segment_base(archive.root, feed, writer, number)), sorted(ordinals))) // 32
    # A digest that is under way may have read what is gone by now: what it names is dropped after it.
    with tables.lock(lambda: None):
        tables.drop_messages([(p.feed, p.writer, p.segment, p.ordinal) for p in places])
    return Erasure(erased, len(by_segment))


def _sha256(raw: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(raw).digest()
