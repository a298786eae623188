"""How far an open segment may be read: never beyond what is on disk for certain.

Of a segment that nobody writes, everything that is whole: it is synced here, and whoever takes it up cuts only what is torn.
Of one that is being written, what its writer says in the durable mark (docs/reference/segment-format.md), and nothing
where it says nothing. That a reader sees a record whole, and syncs the file itself, proves nothing while somebody writes: the
writer's own fdatasync may have failed, which the system tells only once, and then the record is cut off; so is a whole
batch when the write after it failed. Ordinals cut off are given to other messages.
"""

from __future__ import annotations

import os
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

from spamtide.archive.kernel import CorruptSegment, scan_open
from spamtide.archive.locks import lock_is_free

_MARK_BYTES = 64


@dataclass(frozen=True, slots=True)
class Durable:
    """The first ``records`` records, ``size_bytes`` bytes with the header, of segment ``number`` are on disk."""

    number: int
    records: int
    size_bytes: int


def mark_path(root: Path, feed: str, writer: str) -> Path:
    """Where the writer of (feed, writer) says how far its open segment is durable."""
    return root / "live" / f"{feed}-{writer}.mark"


def read_mark(path: Path) -> Durable | None:
    """What a mark says; None where there is none, or none that holds."""
    for _ in range(3):
        try:
            data = path.read_bytes()[:_MARK_BYTES]
        except OSError:
            return None
        said, _, check = data.decode("ascii", "replace").rstrip().rpartition(" ")
        if check == f"{zlib.crc32(said.encode()):08x}":
            number, records, size_bytes = (int(n) for n in said.split())
            return Durable(number, records, size_bytes)
        time.sleep(0.001)  # it was read while it was written
    return None


def durable_part(root: Path, feed: str, writer: str, number: int, base: Path) -> Durable:
    """What may be read of the open segment ``number`` at ``base``; nothing of one that is being sealed or is gone."""
    nothing = Durable(number, 0, 0)
    with lock_is_free(root, f"segments-{feed}-{writer}") as free:
        if free:
            try:
                return _whole(number, base.with_suffix(".open"))
            except FileNotFoundError:
                return nothing
    mark = read_mark(mark_path(root, feed, writer))
    return mark if mark is not None and mark.number == number else nothing


def _whole(number: int, path: Path) -> Durable:
    handle = os.open(path, os.O_RDONLY)
    try:
        if not os.statvfs(handle).f_flag & os.ST_RDONLY:
            os.fdatasync(handle)
        try:
            found = scan_open(str(path.with_suffix("")))
        except CorruptSegment:
            return Durable(number, 0, 0)
        return Durable(number, found["records"], os.fstat(handle).st_size - found["torn"])
    finally:
        os.close(handle)
