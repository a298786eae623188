"""Sources: what others captured, as batches of captures, streamed. A poison source is named and the rest goes on.

A path is a file or a folder: mbox (mboxo, mboxrd, mboxcl, mboxcl2), Maildir, MH, ``.eml`` and folders of these, each also in tar or zip, and
each file also packed with gz, bz2, xz or zst. What a file is, its first bytes say, not its name.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from spamtide.capture.folders import Opened, walk
from spamtide.capture.items import Item, LeftOut, Refused, SourceOptions, shown_name
from spamtide.capture.kernel import MboxReader, capture_message

CHUNK = 4 * 1024 * 1024
# One step of a decompressor: where an archive is cut, no more than the bytes of one step are lost.
STEP = 256 * 1024
BATCH_BYTES = 8 * 1024 * 1024
# A single message file larger than this is refused: no mail system would have carried it.
MESSAGE_BYTES = 256 * 1024 * 1024
# An archive may lie in an archive, but one that unpacks to itself never ends.
PACKINGS = 8
# Packed bytes given to zstd at once: it has no bound of its own, and each may unpack to 32 KiB.
BITE = 4096
TIMES = ("auto", "received", "envelope", "date", "file")
_PACKED = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zst"}


def read_source(path: Path, options: SourceOptions) -> Iterator[Item]:
    """Captures of one path as the user gave it, in order; refusals in between, never an exception for bad input."""
    empty = True
    for found in walk(path):
        empty = empty and isinstance(found, LeftOut)
        if not isinstance(found, Opened):
            yield found
            continue
        with found.file:
            yield from _file(found.file, found.name, found.status.st_mtime_ns // 1000, options)
            if found.changed:
                yield Refused(
                    found.name, "changed while it was read; import it again when nothing writes to it", "changed"
                )
    if empty:
        yield Refused(shown_name(path), "a folder without a message", "empty")


def _file(
    file: IO[bytes], name: str, file_time: int | None, options: SourceOptions, packings: int = 0
) -> Iterator[Item]:
    """One stream: unpack it if it is packed, then by what it is. ``packings``: how many were taken off already."""
    if packings > PACKINGS:
        yield Refused(name, f"packed more than {PACKINGS} times over", "too_deep")
        return
    stream = io.BufferedReader(cast(io.RawIOBase, file), CHUNK) if not hasattr(file, "peek") else file
    head = cast(io.BufferedReader, stream).peek(512)[:512]
    packed = next((kind for magic, kind in _PACKED.items() if head.startswith(magic)), None)
    try:
        if packed is not None:
            inner = cast(IO[bytes], io.BufferedReader(_Unpacked(_unpack(stream, packed)), CHUNK))
            yield from _file(inner, name, file_time, options, packings + 1)
        elif head.startswith(b"PK\x03\x04"):
            yield from _zip(stream, name, options, packings + 1)
        elif head[257:262] == b"ustar":
            yield from _tar(stream, name, options, packings + 1)
        elif head.startswith(b"From "):
            yield from _mbox(stream, name, file_time, options, packings)
        else:
            yield from _message(stream, name, file_time, options)
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile, tarfile.TarError, zipfile.BadZipFile) as error:
        yield Refused(name, f"damaged or cut short: {error}")
    except OSError as error:
        yield Refused(name, error.strerror or f"damaged: {error}")


def _unpack(stream: IO[bytes], kind: str) -> IO[bytes]:
    # Each of these has read1: one step at a time.
    if kind == "gz":
        return cast(IO[bytes], gzip.GzipFile(fileobj=stream))
    if kind == "bz2":
        return cast(IO[bytes], bz2.BZ2File(stream))
    if kind == "xz":
        return cast(IO[bytes], lzma.LZMAFile(stream))
    return io.BufferedReader(_Zstd(stream), STEP)


class _Zstd(io.RawIOBase):
    """Frames of zstd one after the other. The end of the file within a frame is an EOFError, not an end."""

    def __init__(self, inner: IO[bytes]) -> None:
        import zstandard

        self._inner, self._make = inner, zstandard.ZstdDecompressor
        self._frame = self._make().decompressobj()
        self._fed, self._ready = False, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            packed = b""
            if self._frame.eof:
                packed, self._frame, self._fed = self._frame.unused_data, self._make().decompressobj(), False
            packed = packed or self._inner.read(BITE)
            if not packed:
                if self._fed:
                    raise EOFError("the last frame is cut short")
                return 0
            self._fed = True
            self._ready = memoryview(self._frame.decompress(packed))
        n = min(len(buffer), len(self._ready))
        buffer[:n], self._ready = self._ready[:n], self._ready[n:]
        return n


class _Unpacked(io.RawIOBase):
    """A decompressor as a raw stream, so that it can be looked into before it is read."""

    def __init__(self, inner: IO[bytes]) -> None:
        self._inner = inner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = cast(io.BufferedReader, self._inner).read1(min(len(buffer), STEP))
        buffer[: len(data)] = data
        return len(data)


def _chunks(stream: IO[bytes], failed: list[Exception]) -> Iterator[bytes]:
    """Chunks until the end; what breaks the stream ends it too, and is kept for the caller to name."""
    while True:
        try:
            chunk = cast(io.BufferedReader, stream).read1(STEP)
        except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
            failed.append(error)
            return
        except Exception as error:
            # zstandard raises an error class of its own.
            failed.append(error)
            return
        if not chunk:
            return
        yield chunk


def _mbox(stream: IO[bytes], name: str, file_time: int | None, options: SourceOptions, packings: int) -> Iterator[Item]:
    reader = MboxReader(name, options.time, file_time, options.now)
    failed: list[Exception] = []
    for chunk in _chunks(stream, failed):
        batch = reader.feed(chunk)
        if len(batch):
            yield batch
        if reader.pending > MESSAGE_BYTES:
            place, words = f"{name}#{reader.messages}", f"larger than {MESSAGE_BYTES // 2**20} MiB, which no mail is"
            if packings:  # what is packed may have no end
                yield Refused(place, f"{words}; nothing after it was read", "too_large")
                return
            yield Refused(place, words, "too_large")
            reader.skip()
    if not failed:
        last = reader.finish()
        if len(last):
            yield last
    for ordinal in reader.untimed:
        yield Refused(f"{name}#{ordinal}", "no plausible receive time; choose another with --time", "no_time")
    for error in failed:
        yield Refused(
            name, f"damaged or cut short after {reader.messages} whole messages: {error or type(error).__name__}"
        )


def _looks_like_mail(head: bytes) -> bool:
    if b"\0" in head[:4096]:
        return False
    line = head.split(b"\n", 1)[0].rstrip(b"\r")
    name, colon, _ = line.partition(b":")
    return bool(colon) and 0 < len(name) <= 76 and all(33 <= c <= 126 for c in name)


def _message(stream: IO[bytes], name: str, file_time: int | None, options: SourceOptions) -> Iterator[Item]:
    failed: list[Exception] = []
    data = bytearray()
    for chunk in _chunks(stream, failed):
        data += chunk
        if len(data) > MESSAGE_BYTES:
            yield Refused(name, f"larger than {MESSAGE_BYTES // 2**20} MiB, which no mail is", "too_large")
            return
        if not _looks_like_mail(bytes(data[:8192])):
            yield Refused(name, "neither an mbox nor a message", "not_mail")
            return
    if failed:
        yield Refused(name, f"damaged or cut short: {failed[0] or type(failed[0]).__name__}")
        return
    if not data:
        yield Refused(name, "empty file", "empty")
        return
    batch = capture_message(bytes(data), name, 0, options.time, file_time, options.now)
    yield batch if len(batch) else Refused(name, "no plausible receive time; choose another with --time", "no_time")


def _tar(stream: IO[bytes], name: str, options: SourceOptions, packings: int) -> Iterator[Item]:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if not member.isfile() or member.size == 0:
                continue
            file = archive.extractfile(member)
            if file is not None:
                yield from _file(file, f"{name}!{member.name}", int(member.mtime) * 1_000_000, options, packings)


def _can_seek(stream: IO[bytes]) -> bool:
    try:
        return stream.seekable()
    except AttributeError:
        return False  # a member of a streamed tar does not even know


def _zip(stream: IO[bytes], name: str, options: SourceOptions, packings: int) -> Iterator[Item]:
    import calendar

    if not _can_seek(stream):
        yield Refused(name, "a zip within a stream cannot be read, its directory stands at its end; unpack it first")
        return
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            if info.is_dir() or info.file_size == 0:
                continue
            member = f"{name}!{info.filename}"
            if info.flag_bits & 1:
                yield Refused(member, "locked with a password; unpack it first", "password")
                continue
            with archive.open(info) as file:
                stamp = calendar.timegm((*info.date_time, 0, 0, 0)) * 1_000_000
                yield from _file(file, member, stamp, options, packings)
