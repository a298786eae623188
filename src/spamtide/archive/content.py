"""The content digest of ``archive verify`` over any number of messages: rows are sorted in pieces, the rest lies in files.

Rows (72 bytes a message: instant, envelope digest, raw digest) are wanted in order of feed and bytes. Pieces of one feed and of 19 hours
follow each other in that order, so each can be sorted alone; memory is bounded by the busiest of them.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from spamtide.archive.kernel import raw_digests

if TYPE_CHECKING:
    from spamtide.archive.archive import Archive

ROW = 72
# Rows held before they go to files; below it no file is made.
HELD_BYTES = 32 << 20
# A piece is named by the topmost bits of its instants: 2^36 microseconds.
_SHIFT = 36

Piece = tuple[bytes, int]


class ContentDigest:
    """Takes rows in any order; ``hexdigest`` at the end. Use it in a ``with`` block, which removes the files."""

    def __init__(self, held_bytes: int = HELD_BYTES) -> None:
        self._held_bytes = held_bytes
        self._held: dict[Piece, list[bytes]] = {}
        self._size = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files: dict[Piece, Path] = {}

    def __enter__(self) -> ContentDigest:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def add(self, feed: str, rows: bytes) -> None:
        """Add the rows of one segment of ``feed``."""
        import numpy as np

        if not rows:
            return
        table = np.frombuffer(rows, np.uint8).reshape(-1, ROW)
        pieces = np.ascontiguousarray(table[:, :8]).view(">u8").ravel() >> _SHIFT
        for piece in np.unique(pieces):
            mine = table[pieces == piece].tobytes()
            self._held.setdefault((feed.encode(), int(piece)), []).append(mine)
        self._size += len(rows)
        if self._size >= self._held_bytes:
            self._put_away()

    def _put_away(self) -> None:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="spamtide-verify-")
        for piece, rows in self._held.items():
            path = self._files.setdefault(piece, Path(self._folder.name) / str(len(self._files)))
            with path.open("ab") as file:
                file.writelines(rows)
        self._held, self._size = {}, 0

    def hexdigest(self) -> str:
        """SHA-256 over (feed, 0, row) of all rows, sorted by these bytes."""
        import numpy as np

        digest = hashlib.sha256()
        # Names of feeds hold no zero byte: their order is that of the bytes that begin each row.
        for piece in sorted({*self._held, *self._files}, key=lambda p: (p[0] + b"\0", p[1])):
            rows = b"".join(self._held.get(piece, []))
            if piece in self._files:
                rows += self._files[piece].read_bytes()
            table = np.frombuffer(rows, f"S{ROW}").copy()
            # Trailing zeros are cut off by such a sort's comparison, and are the least there is: the order is that of the bytes.
            table.sort()
            prefix = np.frombuffer(piece[0] + b"\0", np.uint8)
            out = np.empty((len(table), len(prefix) + ROW), np.uint8)
            out[:, : len(prefix)] = prefix
            out[:, len(prefix) :] = table.view(np.uint8).reshape(-1, ROW)
            digest.update(out.tobytes())
        return digest.hexdigest()


def raw_content(archive: Archive, feed: str) -> str:
    """SHA-256 over the raw digests of a feed's messages, sorted: what ``content`` is without times and envelopes.

    Read from the index of each segment, 32 bytes a message; nothing is decompressed.
    """
    import numpy as np

    digests = b"".join(raw_digests(segment.base) for segment in archive.segments(feed))
    table = np.frombuffer(digests, "S32").copy()
    # As in ``hexdigest``: trailing zeros are the least there is.
    table.sort()
    return hashlib.sha256(table.tobytes()).hexdigest()
