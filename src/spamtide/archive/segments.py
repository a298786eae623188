"""Segments of one (feed, writer): listing them, and the one writer that appends to the newest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spamtide.archive.durable import mark_path
from spamtide.archive.kernel import (
    CaptureBatch,
    CorruptSegment,
    RecordBatch,
    SegmentWriter,
    read_records,
    read_seal,
    scan_open,
    settle_segment,
)
from spamtide.archive.layout import JOURNAL_FEED, check_feed, check_writer, segment_base
from spamtide.archive.locks import hold_lock
from spamtide.errors import BrokenWorld

SEGMENT_BYTES = 64 * 1024 * 1024
NO_CHAIN = "0" * 64
_NAME = re.compile(r"([a-z0-9]+)-(\d{6,})\.(open|seal)")


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """One segment as its seal states it, or as a scan found it while it is open. Receive times are 0 without records."""

    feed: str
    writer: str
    number: int
    state: str
    records: int
    erased: int
    raw_bytes: int
    first_received_at: int
    last_received_at: int
    previous_chain: str
    chain: str
    sha256: str | None
    base: str
    frames: tuple[tuple[int, int], ...]


def _info(stated: dict[str, Any], base: Path, state: str) -> SegmentInfo:
    return SegmentInfo(
        feed=stated["feed"],
        writer=stated["writer"],
        number=stated["number"],
        state=state,
        records=stated["records"],
        erased=stated["erased"],
        raw_bytes=stated["raw_bytes"],
        first_received_at=stated["first_received_at"],
        last_received_at=stated["last_received_at"],
        previous_chain=stated["previous_chain"],
        chain=stated["chain"],
        sha256=stated["sha256"] or None,
        base=str(base),
        frames=tuple(stated["frames"]),
    )


def segment_bases(folder: Path) -> list[tuple[str, int, Path]]:
    """(writer, number, base) of every segment in a folder, in order."""
    found = set()
    if folder.is_dir():
        for path in folder.iterdir():
            match = _NAME.fullmatch(path.name)
            if match:
                found.add((match[1], int(match[2]), folder / f"{match[1]}-{match[2]}"))
    return sorted(found)


def list_segments(folder: Path) -> Iterator[SegmentInfo]:
    """Every segment of a folder. Raises BrokenWorld ``corrupt_segment`` for one whose seal does not hold."""
    for _, _, base in segment_bases(folder):
        yield segment_at(base)


def segment_at(base: Path) -> SegmentInfo:
    """One segment, open or sealed. Raises BrokenWorld ``corrupt_segment``."""
    try:
        stated = read_seal(str(base))
        if stated is not None:
            return _info(stated, base, "sealed")
        return _info(scan_open(str(base)), base, "open")
    except FileNotFoundError:
        # It was sealed between the two looks.
        if (stated := read_seal(str(base))) is None:
            raise
        return _info(stated, base, "sealed")
    except CorruptSegment as error:
        raise BrokenWorld(
            "corrupt_segment", f"{error}.", "Run 'spamtide archive verify' and restore that file from a copy."
        ) from None


def sealed_segment(base: Path) -> SegmentInfo:
    """What the seal of one segment states. Raises BrokenWorld ``corrupt_segment``."""
    try:
        stated = read_seal(str(base))
    except CorruptSegment as error:
        raise BrokenWorld("corrupt_segment", f"{error}.", "Run 'spamtide archive verify'.") from None
    if stated is None:
        raise FileNotFoundError(f"{base}.seal")
    return _info(stated, base, "sealed")


def read_segment(base: str, start: int, stop: int) -> RecordBatch:
    """Records ``start`` to ``stop`` of a segment; what a worker calls. Raises BrokenWorld ``corrupt_segment``."""
    try:
        return read_records(base, start, stop)
    except CorruptSegment as error:
        raise BrokenWorld("corrupt_segment", f"{error}.", "Run 'spamtide archive verify'.") from None


class FeedWriter:
    """Appends to the newest segment of (feed, writer), rolls over by size, seals on leaving.

    Holds the lock of (feed, writer). Takes up what a crash left: settles half-made seals, cuts a torn tail; rot in
    the middle stays where it is and is named in ``rot``. ``pause`` in place of ``close`` lets go of the lock only: who enters
    again goes on where it was, without reading the segment, unless somebody has changed it meanwhile.
    """

    def __init__(self, root: Path, feed: str, writer: str, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._root = root
        self.feed = feed if feed == JOURNAL_FEED else check_feed(feed)
        self.writer = check_writer(writer)
        self._segment_bytes = segment_bytes
        self._held = ExitStack()
        self._open: SegmentWriter | None = None
        self._number = 0
        self._chain = NO_CHAIN
        self._left: tuple[int, ...] | None = None
        self.rot: list[tuple[int, int]] = []
        self.cut_bytes = 0

    def __enter__(self) -> FeedWriter:
        self._held.enter_context(hold_lock(self._root, f"segments-{self.feed}-{self.writer}"))
        try:
            left, self._left = self._left, None
            if left is None or left != self._state():
                self._open = None
                self._take_up()
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._left = None
        try:
            if self._left is None:
                self.close(seal=kind is None or not issubclass(kind, Exception))
        finally:
            self._held.close()

    def _take_up(self) -> None:
        folder = segment_base(self._root, self.feed, self.writer, 1).parent
        folder.mkdir(parents=True, exist_ok=True)
        leftovers = {p.stem for p in folder.glob(f"{self.writer}-*.*-new")}
        mine = [(n, base) for w, n, base in segment_bases(folder) if w == self.writer]
        for number, base in mine:
            if base.name in leftovers or base.with_suffix(".open").exists():
                settle_segment(str(base))
            self._number = number
        for _, base in mine[:-1]:
            # The trap opens the next segment while the last one is being sealed.
            if base.with_suffix(".open").exists():
                SegmentWriter.recover(str(base))[0].seal()
        for number, base in mine[-1:]:
            stated = read_seal(str(base))
            if stated is not None:
                self._chain = stated["chain"]
            else:
                self._open, self.cut_bytes, self.rot = SegmentWriter.recover(str(base))
                self._number = number

    def hand_over(self) -> dict[str, Any]:
        """Where the kernel's trap goes on to append while this lock is held: folder, names, last number, chain, open or not."""
        is_open, self._open = self._open is not None, None
        folder = segment_base(self._root, self.feed, self.writer, 1).parent
        return {
            "folder": str(folder),
            "feed": self.feed,
            "writer": self.writer,
            "number": self._number,
            "chain": self._chain,
            "open": is_open,
            "mark": str(self._mark()),
        }

    def _mark(self) -> Path:
        path = mark_path(self._root, self.feed, self.writer)
        path.parent.mkdir(exist_ok=True)
        return path

    @property
    def number(self) -> int:
        """Number of the segment that the last record went into."""
        return self._number

    @property
    def records(self) -> int:
        """Records in the open segment."""
        return 0 if self._open is None else self._open.records

    def append(self, batch: CaptureBatch, salts: bytes) -> tuple[int, int, int]:
        """Append a batch: (segment, first ordinal, ordinal after the last). Durable after ``commit`` only."""
        if self._open is None:
            self._number += 1
            base = segment_base(self._root, self.feed, self.writer, self._number)
            self._open = SegmentWriter.create(str(base), self.feed, self.writer, self._number, self._chain)
        first = self._open.records
        self._open.append(batch, salts)
        number, last = self._number, self._open.records
        if self._open.size_bytes >= self._segment_bytes:
            self.roll()
        return number, first, last

    def commit(self) -> None:
        """Make what was appended durable."""
        if self._open is not None:
            self._open.commit()

    def roll(self) -> None:
        """Seal the open segment; the next record starts another."""
        if self._open is not None:
            self._open.commit()
            self._chain = self._open.seal()["chain"]
            self._open = None

    def pause(self) -> None:
        """Make what was appended durable; leaving then keeps the place in the segment and seals nothing."""
        self.commit()
        self._left = self._state()

    def _state(self) -> tuple[int, ...] | None:
        """What tells whether the open segment is as it was left; None where there is none."""
        try:
            at = segment_base(self._root, self.feed, self.writer, self._number).with_suffix(".open").stat()
        except FileNotFoundError:
            return None
        return at.st_dev, at.st_ino, at.st_size, at.st_mtime_ns

    def close(self, *, seal: bool = True) -> None:
        """End writing: seal the open segment, or leave it open and durable."""
        if self._open is not None and self._open.records and seal:
            self.roll()
        elif self._open is not None:
            self._open.commit()
            self._open = None
