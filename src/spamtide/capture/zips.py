"""Members of a zip, by its directory, which stands at its end; where that is missing or damaged, by the header before each.

Directory and headers are written by whoever made the zip: where they disagree, or members share bytes, that is named.
"""

from __future__ import annotations

import calendar
import io
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, Any

from spamtide.capture.items import LeftOut, Refused, shown_name
from spamtide.capture.kinds import document, not_mail
from spamtide.capture.members import Left, Member
from spamtide.capture.packings import BITE, SLICE, Budget, Damaged, Layer, free, unpacked

# Bytes of the directory of a zip, which is read as a whole: some 400,000 members.
DIRECTORY_BYTES = 32 * 1024 * 1024
# The end of a zip: at most this much comment, and before it the 64-bit records.
_TAIL = 65_535 + 22 + 20 + 56
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LISTED = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_MAGIC = b"PK\x03\x04"
# After a member may stand its sums, with or without a mark.
_SUMS = 24
_WIDE = 0xFFFF_FFFF
_METHODS = {1: "shrink", 6: "implode", 9: "deflate64", 14: "lzma", 97: "wavpack", 98: "ppmd"}
_STREAMS = {12: "bz2", 93: "zst", 95: "xz"}


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    at: int
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    time: int | None
    mode: int

    @property
    def sizes_follow(self) -> bool:
        """Sizes and sum stand behind the member, not before it."""
        return bool(self.flags & 8)


def zip_members(stream: IO[bytes], name: str, budget: Budget) -> Iterator[Member | Refused | LeftOut]:
    """Files of a zip that can be sought in."""
    left = Left(name)
    try:
        entries, start = _directory(stream)
    except Damaged as error:
        yield Refused(
            name, f"damaged or cut short: {error}; members were read one after the other up to where it breaks"
        )
        yield from _one_after_the_other(stream, name, budget, left)
    except _TooMany as error:
        yield Refused(name, f"a directory of {error} bytes; unpack it, import what comes out", "too_many_members")
    else:
        if not entries:
            yield Refused(name, "a zip without members", "empty")
        elif what := document({e.name for e in entries}):
            yield not_mail(name, what)
        else:
            yield from _listed(stream, name, sorted(entries, key=lambda e: e.at), start, budget, left)
    yield from left.items()


class _TooMany(Exception):
    pass


def _size(stream: IO[bytes]) -> int:
    return stream.seek(0, io.SEEK_END)


def _read(stream: IO[bytes], at: int, n: int) -> bytes:
    stream.seek(at)
    return stream.read(n)


def _directory(stream: IO[bytes]) -> tuple[list[_Entry], int]:
    """What the directory lists, and where it begins. Raises Damaged, _TooMany."""
    size = _size(stream)
    tail_at = max(0, size - _TAIL)
    tail = _read(stream, tail_at, _TAIL)
    i = tail.rfind(b"PK\x05\x06")
    if i < 0 or len(tail) - i < _END.size:
        raise Damaged("no directory at its end")
    _, _, _, _, count, length, offset, _ = _END.unpack_from(tail, i)
    end = tail_at + i
    if i >= 20 and tail[i - 20 : i - 16] == b"PK\x06\x07":
        wide_at = end - 20 - _END64.size
        wide = _read(stream, max(0, wide_at), _END64.size)
        if len(wide) < _END64.size or wide[:4] != b"PK\x06\x06":
            raise Damaged("the end of its directory is damaged")
        count, length, offset = _END64.unpack(wide)[7:10]
        end = wide_at
    if length > DIRECTORY_BYTES:
        raise _TooMany(length)
    start = end - length
    if start < 0 or (length and _read(stream, start, 4) != b"PK\x01\x02"):
        raise Damaged("its directory is not where it should be")
    data = _read(stream, start, length)
    entries: list[_Entry] = []
    at, shift = 0, start - offset
    while at < len(data):
        if data[at : at + 4] != b"PK\x01\x02" or len(data) - at < _LISTED.size:
            raise Damaged("its directory is damaged")
        (_, _, _, flags, method, clock, day, crc, packed, full, n, m, k, _, _, outer, place) = _LISTED.unpack_from(
            data, at
        )
        at += _LISTED.size
        packed, full, place = _wide(data[at + n : at + n + m], packed, full, place)
        entries.append(
            _Entry(_text(data[at : at + n], flags), place, flags, method, crc, packed, full,
                   _time(day, clock), outer >> 16)
        )  # fmt: skip
        at += n + m + k
    # Offsets count from the first member, whatever stands before it; some programs count from elsewhere.
    moved = entries[0].at + shift if entries else -1
    if shift and moved >= 0 and _read(stream, moved, 4) == _LOCAL_MAGIC:
        entries = [replace(e, at=e.at + shift) for e in entries]
    if count & 0xFFFF != len(entries) & 0xFFFF:
        raise Damaged(f"its directory lists {len(entries)} members and says {count}")
    return entries, start


def _wide(extra: bytes, packed: int, full: int, place: int = 0) -> tuple[int, int, int]:
    """Sizes and place with those that need 64 bits taken from the extra field."""
    at = 0
    while at + 4 <= len(extra):
        kind, n = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            numbers = iter(struct.unpack_from(f"<{min(n, len(extra) - at - 4) // 8}Q", extra, at + 4))
            full = next(numbers, full) if full == _WIDE else full
            packed = next(numbers, packed) if packed == _WIDE else packed
            place = next(numbers, place) if place == _WIDE else place
            break
        at += 4 + n
    return packed, full, place


def _text(name: bytes, flags: int) -> str:
    return name.decode("utf-8" if flags & 0x800 else "cp437", "backslashreplace")


def _time(day: int, clock: int) -> int | None:
    """Microseconds since 1970 of the time that DOS writes; the zone nobody knows counts as UTC."""
    date = (day >> 9) + 1980, day >> 5 & 15, day & 31
    try:
        return calendar.timegm((*date, clock >> 11, clock >> 5 & 63, (clock & 31) * 2, 0, 0, 0)) * 1_000_000
    except ValueError:
        return None


def _local(stream: IO[bytes], at: int) -> tuple[_Entry, int] | None:
    """The header at ``at``, and where its data begin."""
    head = _read(stream, at, _LOCAL.size)
    if len(head) < _LOCAL.size or head[:4] != _LOCAL_MAGIC:
        return None
    _, _, flags, method, clock, day, crc, packed, full, n, m = _LOCAL.unpack(head)
    name, extra = stream.read(n), stream.read(m)
    if len(name) + len(extra) < n + m:
        return None
    packed, full, _ = _wide(extra, packed, full)
    return _Entry(
        _text(name, flags), at, flags, method, crc, packed, full, _time(day, clock), 0
    ), at + _LOCAL.size + n + m


def _listed(
    stream: IO[bytes], name: str, entries: list[_Entry], start: int, budget: Budget, left: Left
) -> Iterator[Member | Refused]:
    covered, unlisted = 0, False
    for entry in entries:
        shown = f"{name}!{shown_name(entry.name)}"
        if entry.at < covered:
            yield Refused(shown, "shares its bytes with another member, as bombs do; not read", "bomb")
            continue
        unlisted |= _hidden(stream, covered, entry.at)
        found = _local(stream, entry.at) if entry.at >= 0 else None
        if found is None:
            yield Refused(shown, "not where the directory says")
            continue
        local, data = found
        known = not local.sizes_follow and not entry.flags & 0x2000
        if local.method != entry.method or (known and (local.packed, local.size) != (entry.packed, entry.size)):
            yield Refused(shown, "directory and header of the member disagree; not read")
            continue
        covered = data + entry.packed
        if covered > start:
            yield Refused(shown, "larger than what is there")
            continue
        yield from _member(stream, entry, shown, data, budget, left)
    if unlisted or _hidden(stream, covered, start):
        yield Refused(
            name, "holds members that its directory does not list; unpack it with care, import what comes out"
        )


def _hidden(stream: IO[bytes], end: int, then: int) -> bool:
    """Whether another member begins where one ended, though the next that is listed begins at ``then``."""
    if then <= end:
        return False
    found = _read(stream, end, _SUMS + 4).find(_LOCAL_MAGIC)
    return 0 <= found < then - end


def _member(
    stream: IO[bytes], entry: _Entry, shown: str, data: int, budget: Budget, left: Left
) -> Iterator[Member | Refused]:
    if (entry.name.endswith("/") and not entry.size) or left.took(entry.name):
        return
    file = _File(stream, data, entry, budget)
    if stat.S_ISLNK(entry.mode):
        yield Refused(shown, "a link; not followed within an archive", "link")
    elif entry.flags & 0x41:
        yield Refused(shown, "locked with a password; unpack it first", "password")
    elif not file.known:
        method = _METHODS.get(entry.method, f"method {entry.method}")
        yield Refused(shown, f"packed with {method}, which is not read; unpack it, import what comes out", "packing")
    elif not entry.size:
        yield Refused(shown, "empty file", "empty")
    else:
        yield Member(shown, io.BufferedReader(file, SLICE * 16), entry.time)


def _one_after_the_other(stream: IO[bytes], name: str, budget: Budget, left: Left) -> Iterator[Member | Refused]:
    """Members by the headers before them, as far as they follow one another."""
    at = 0
    while (found := _local(stream, at)) is not None:
        entry, data = found
        shown = f"{name}!{shown_name(entry.name)}"
        open_ended = entry.sizes_follow and not entry.packed
        if (open_ended and entry.method != 8) or entry.flags & 0x2000:
            yield Refused(shown, "where it ends, only the directory says")
            return
        if open_ended:
            entry = replace(entry, size=-1, packed=-1, crc=-1)
        yield from _member(stream, entry, shown, data, budget, left)
        end = data + entry.packed
        if open_ended:
            file = _File(stream, data, entry, budget)
            try:
                while file.step():
                    pass
            except Damaged:
                return
            end = data + file.taken
        found_at = _read(stream, end, _SUMS + 4).find(b"PK")
        if found_at < 0:
            return
        at = end + found_at
        if _read(stream, at, 4) == b"PK\x07\x08":
            found_at = _read(stream, at + 4, _SUMS).find(b"PK")
            if found_at < 0:
                return
            at += 4 + found_at


class _Section(io.RawIOBase):
    """The packed bytes of a member: ``length`` of them, or as many as come where that is below 0."""

    def __init__(self, stream: IO[bytes], at: int, length: int) -> None:
        self._stream, self.at, self._left = stream, at, length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        wanted = len(buffer) if self._left < 0 else min(len(buffer), self._left)
        data = _read(self._stream, self.at, wanted)
        self.at += len(data)
        self._left -= len(data) if self._left >= 0 else 0
        buffer[: len(data)] = data
        return len(data)


class _File(Layer):
    """What a member holds, its length and its sum checked."""

    def __init__(self, stream: IO[bytes], at: int, entry: _Entry, budget: Budget) -> None:
        super().__init__(budget)
        self._entry, self._section = entry, _Section(stream, at, entry.packed)
        self._start = at
        self._crc, self._length = 0, 0
        self._inflate = zlib.decompressobj(-15)
        self._packed, self._more = b"", False
        self.known = (entry.method in (0, 8) or entry.method in _STREAMS) and not entry.flags & 0x20
        kind = _STREAMS.get(entry.method)
        self._inner = unpacked(io.BufferedReader(self._section, BITE), kind, free()) if kind else None

    @property
    def taken(self) -> int:
        """Packed bytes that were needed so far."""
        return self._section.at - self._start - len(self._packed) - len(self._inflate.unused_data)

    def step(self) -> bytes:
        data = self._unpack()
        if not data:
            if self._entry.size >= 0 and (self._length, self._crc) != (self._entry.size, self._entry.crc):
                raise Damaged("its length or its sum is not what it should be")
            return b""
        self._length += len(data)
        self._crc = zlib.crc32(data, self._crc)
        if 0 <= self._entry.size < self._length:
            raise Damaged("longer than it should be")
        return data

    def _unpack(self) -> bytes:
        if self._inner is not None:
            return self._inner.read1(SLICE)
        if self._entry.method == 0:
            return self._section.read(SLICE) or b""
        while not self._inflate.eof:
            if not self._packed and not self._more:
                self._packed = self._section.read(BITE) or b""
                if not self._packed:
                    raise Damaged("cut short")
            try:
                data = self._inflate.decompress(self._packed, SLICE)
            except zlib.error as error:
                raise Damaged(str(error)) from None
            self._packed = self._inflate.unconsumed_tail
            self._more = len(data) == SLICE
            if data:
                return data
        return b""
