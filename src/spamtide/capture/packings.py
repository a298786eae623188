"""Packings: gz, bz2, xz and zst, unpacked as they stream, and within a budget that no packing of mail exceeds.

The budget: what comes out may run ``AHEAD`` bytes ahead of ``RATIO`` times what was read of the file that the user named,
all layers of packings and archives counted. Honest mail of any size stays within it; a bomb does not.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from dataclasses import dataclass, field
from typing import IO, Any, Protocol, cast

# One step of a stream: where it breaks, no more than the bytes of one step are lost.
STEP = 256 * 1024
CHUNK = 4 * 1024 * 1024
RATIO = 1000
AHEAD = 1024 * 1024 * 1024
# Packed bytes given to zstd at once: it has no bound of its own, and each may unpack to 32 KiB.
BITE = 4096
# What bz2 and xz unpack at once: an error loses what the same call unpacked.
SLICE = 16 * 1024
MAGIC = {"gz": (b"\x1f\x8b",), "bz2": (b"BZh",), "xz": (b"\xfd7zXZ\x00",),
         "zst": (b"\x28\xb5\x2f\xfd", *(bytes([n]) + b"\x2a\x4d\x18" for n in range(0x50, 0x60)))}  # fmt: skip


class Damaged(Exception):
    """The stream breaks here."""


class Trailing(Exception):
    """All was unpacked, and something else follows."""


class Bomb(Exception):
    """More came out than the budget allows."""


@dataclass(slots=True)
class Budget:
    """Bytes that may still be unpacked from a file of ``size`` bytes."""

    size: int
    room: int = field(default_factory=lambda: AHEAD)

    def gain(self, read: int) -> None:
        """So many bytes of the file were read; again and again the same ones earn nothing."""
        read = min(read, self.size)
        self.size -= read
        self.room = min(AHEAD, self.room + RATIO * read)

    def spend(self, unpacked: int) -> None:
        """So many bytes came out of a packing. Raises Bomb."""
        self.room -= unpacked
        if self.room < 0:
            raise Bomb


def free() -> Budget:
    """A budget for what has been spent already."""
    return Budget(0, 1 << 62)


class Metered(io.RawIOBase):
    """The file that the user named; what is read of it is gained by the budget."""

    def __init__(self, inner: IO[bytes], budget: Budget) -> None:
        self._inner, self._budget = inner, budget

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._inner.seek(offset, whence)

    def tell(self) -> int:
        return self._inner.tell()

    def readinto(self, buffer: Any) -> int:
        n = cast(io.BufferedReader, self._inner).readinto1(buffer)
        self._budget.gain(n)
        return n


class Layer(io.RawIOBase):
    """What comes out of a packing, step by step, spent from the budget. What came before an error goes out before it."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._ready = memoryview(b"")
        self._error: Exception | None = None
        self._over = False

    def readable(self) -> bool:
        return True

    def step(self) -> bytes:
        """The next bytes, none at the end. Raises Damaged, Trailing, or OSError of the disk."""
        raise NotImplementedError

    def readinto(self, buffer: Any) -> int:
        done, wanted = 0, min(len(buffer), STEP)
        while done < wanted:
            if not self._ready and self._error is None and not self._over:
                try:
                    data = self.step()
                    self._budget.spend(len(data))
                    self._ready = memoryview(data)
                except (Damaged, Trailing, Bomb, OSError) as error:
                    self._error = error
                self._over = not self._ready
            if not self._ready:
                break
            n = min(wanted - done, len(self._ready))
            buffer[done : done + n], self._ready = self._ready[:n], self._ready[n:]
            done += n
        if not done and self._error is not None:
            raise self._error
        return done


def packing(head: bytes) -> str | None:
    """The packing that a file begins like."""
    return next((kind for kind, magic in MAGIC.items() if head.startswith(magic)), None)


def unpacked(stream: IO[bytes], kind: str, budget: Budget) -> io.BufferedReader:
    """What is packed in ``stream``; reading it raises Damaged, Trailing, Bomb, or OSError of the disk."""
    return io.BufferedReader(_Gz(stream, budget) if kind == "gz" else _Frames(stream, kind, budget), CHUNK)


class _Gz(Layer):
    def __init__(self, inner: IO[bytes], budget: Budget) -> None:
        super().__init__(budget)
        self._file, self._begun = gzip.GzipFile(fileobj=inner), False

    def step(self) -> bytes:
        try:
            data = self._file.read1(STEP)
        except gzip.BadGzipFile as error:
            if self._begun and str(error).startswith("Not a gzipped file"):
                raise Trailing("something that is no gz follows") from None
            raise Damaged(str(error)) from None
        except (EOFError, zlib.error) as error:
            raise Damaged(str(error)) from None
        self._begun = True
        return data


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Zst:
    """zstd with the face of the decompressors of the standard library."""

    needs_input = True

    def __init__(self) -> None:
        import zstandard

        self._frame, self._error = zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError

    @property
    def eof(self) -> bool:
        return bool(self._frame.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._frame.unused_data)

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        try:
            return bytes(self._frame.decompress(data))
        except self._error as error:
            if "too much memory" in str(error):
                raise Damaged("its window is above 128 MiB; unpack it first, with zstd -d --long=31") from None
            raise Damaged(str(error)) from None


_MAKE: dict[str, Any] = {"bz2": bz2.BZ2Decompressor, "xz": lzma.LZMADecompressor, "zst": _Zst}


class _Frames(Layer):
    """Frames one after the other, zeros between them as some tools write. The end of the file within one is no end."""

    def __init__(self, inner: IO[bytes], kind: str, budget: Budget) -> None:
        super().__init__(budget)
        self._inner, self._kind = inner, kind
        self._frame: _Decompressor = _MAKE[kind]()
        self._next = b""

    def step(self) -> bytes:
        while True:
            if self._frame.eof and not self._another():
                return b""
            data, self._next = self._next, b""
            if not data and self._frame.needs_input:
                data = self._inner.read(BITE)
                if not data:
                    raise Damaged("the last frame is cut short")
            try:
                out = self._frame.decompress(data, SLICE)
            except (lzma.LZMAError, EOFError, OSError, ValueError) as error:
                raise Damaged(str(error)) from None
            if out:
                return out

    def _another(self) -> bool:
        """Go to the next frame, if there is one."""
        head = self._frame.unused_data.lstrip(b"\0")
        longest = max(map(len, MAGIC[self._kind]))
        while len(head) < longest:
            more = self._inner.read(BITE)
            if not more:
                break
            head = (head + more).lstrip(b"\0")
        if head and not head.startswith(MAGIC[self._kind]):
            raise Trailing(f"something that is no {self._kind} follows")
        if head:
            self._frame, self._next = _MAKE[self._kind](), head
        return bool(head)
