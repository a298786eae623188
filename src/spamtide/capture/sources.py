"""Sources: what others captured, as batches of captures, streamed. A poison source is named and the rest goes on.

A path is a file or a folder: mbox (mboxo, mboxrd, mboxcl, mboxcl2), Maildir, MH, ``.eml`` and folders of these, each also in tar or zip, and
each file also packed with gz, bz2, xz or zst, one in another up to a depth. What a file is, its first bytes say, not its name.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from spamtide.capture.folders import Opened, walk
from spamtide.capture.items import Item, LeftOut, Refused, SourceOptions, shown_name
from spamtide.capture.kernel import MboxReader, capture_message
from spamtide.capture.kinds import HEAD, known, not_mail
from spamtide.capture.members import Member
from spamtide.capture.packings import (
    AHEAD,
    RATIO,
    STEP,
    Bomb,
    Budget,
    Damaged,
    Metered,
    Trailing,
    packing,
    unpacked,
)
from spamtide.capture.tars import is_tar, tar_members
from spamtide.capture.zips import zip_members

BATCH_BYTES = 8 * 1024 * 1024
# A single message file larger than this is refused: no mail system would have carried it.
MESSAGE_BYTES = 256 * 1024 * 1024
# An archive may lie in an archive, but one that unpacks to itself never ends.
PACKINGS = 8
# A zip within a stream is copied, since its directory stands at its end: to memory first, then to a temporary file.
COPY_BYTES = 4 * 1024 * 1024 * 1024
_IN_MEMORY = 8 * 1024 * 1024
TIMES = ("auto", "received", "envelope", "date", "file")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# The first line of an mbox has a clock time or a header field after it; a text that begins with "From " has neither.
_MBOX = re.compile(rb"From [^\n]*(\d\d:\d\d|\n>?[\x21-\x39\x3b-\x7e]+:)")

_OLD_MAC = re.compile(rb"(From |[\x21-\x39\x3b-\x7e]+:)[^\r]*\r[\x21-\x39\x3b-\x7e]+:[^\r]*\r")


def read_source(path: Path, options: SourceOptions) -> Iterator[Item]:
    """Captures of one path as the user gave it, in order; refusals in between, never an exception for bad input."""
    empty = True
    for found in walk(path):
        empty = empty and isinstance(found, LeftOut)
        if not isinstance(found, Opened):
            yield found
            continue
        with found.file:
            budget = Budget(found.status.st_size)
            # What is read at once earns at once: so little that it never fills the budget.
            file = io.BufferedReader(Metered(found.file, budget), HEAD)
            try:
                yield from _file(file, found.name, found.status.st_mtime_ns // 1000, options, budget)
            except Bomb:
                yield Refused(
                    found.name,
                    f"unpacks to more than {AHEAD // 2**30} GiB and {RATIO} times its size, as bombs do; nothing after that was read. If you trust it, unpack it yourself, import what comes out",
                    "bomb",
                )
            if found.changed:
                yield Refused(
                    found.name, "changed while it was read; import it again when nothing writes to it", "changed"
                )
    if empty:
        yield Refused(shown_name(path), "a folder without a message", "empty")


def _file(
    file: IO[bytes], name: str, file_time: int | None, options: SourceOptions, budget: Budget, packings: int = 0
) -> Iterator[Item]:
    """One stream: unpack it if it is packed, then by what it is. ``packings``: how many were taken off already."""
    if packings > PACKINGS:
        yield Refused(name, f"packed more than {PACKINGS} times over", "too_deep")
        return
    stream = cast(io.BufferedReader, file)
    try:
        head = stream.peek(HEAD)[:HEAD]
        text = head.removeprefix(BYTE_ORDER_MARK).lstrip(b"\r\n")
        if kind := packing(head):
            yield from _file(unpacked(stream, kind, budget), name, file_time, options, budget, packings + 1)
        elif head.startswith(b"PK\x05\x06"):
            yield Refused(name, "a zip without members", "empty")
        elif head.startswith(b"PK\x03\x04"):
            yield from _zip(stream, name, options, budget, packings + 1)
        elif is_tar(head):
            yield from _members(tar_members(stream, name, budget), name, options, budget, packings + 1)
        elif b"\n" not in head and _OLD_MAC.match(text):
            yield Refused(
                name,
                "mail with the line ends of an old Mac; turn them into others, for instance with mac2unix",
                "mail_format",
            )
        elif _MBOX.match(text):
            yield from _mbox(stream, name, file_time, options, packings)
        elif refused := known(head, name):
            yield refused
        else:
            yield from _message(stream, name, file_time, options)
    except Trailing as error:
        yield Refused(name, f"{error}; all before it was read")
    except Damaged as error:
        yield Refused(name, f"damaged or cut short: {error}")
    except OSError as error:
        yield Refused(name, error.strerror or f"damaged: {error}")


def _members(
    found: Iterator[Member | Refused | LeftOut], name: str, options: SourceOptions, budget: Budget, packings: int
) -> Iterator[Item]:
    empty = True
    for member in found:
        empty = empty and isinstance(member, LeftOut)
        if isinstance(member, Member):
            yield from _file(member.file, member.name, member.time, options, budget, packings)
        else:
            yield member
    if empty:
        yield Refused(name, "an archive without a message", "empty")


def _zip(stream: IO[bytes], name: str, options: SourceOptions, budget: Budget, packings: int) -> Iterator[Item]:
    if packings == 1:
        yield from _members(zip_members(stream, name, budget), name, options, budget, packings)
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
        size = 0
        failed: list[Exception] = []
        for chunk in _chunks(stream, failed):
            size += len(chunk)
            if size > COPY_BYTES:
                yield Refused(
                    name,
                    f"a zip above {COPY_BYTES // 2**30} GiB within a packing; unpack it, import what comes out",
                    "too_large",
                )
                return
            copy.write(chunk)
        for error in failed:
            yield Refused(name, f"damaged or cut short: {error}")
        yield from _members(zip_members(cast(IO[bytes], copy), name, budget), name, options, budget, packings)


def _chunks(stream: IO[bytes], failed: list[Exception]) -> Iterator[bytes]:
    """Chunks until the end; what breaks the stream ends it too, and is kept for the caller to name."""
    while True:
        try:
            chunk = cast(io.BufferedReader, stream).read1(STEP)
        except (Damaged, Trailing, OSError) as error:
            failed.append(error)
            return
        if not chunk:
            return
        yield chunk


def _mbox(stream: IO[bytes], name: str, file_time: int | None, options: SourceOptions, packings: int) -> Iterator[Item]:
    reader = MboxReader(name, options.time, file_time, options.now)
    failed: list[Exception] = []
    begun = False
    for chunk in _chunks(stream, failed):
        batch = reader.feed(chunk if begun else chunk.removeprefix(BYTE_ORDER_MARK).lstrip(b"\r\n"))
        begun = True
        if len(batch):
            yield batch
        if reader.pending > MESSAGE_BYTES:
            place, words = f"{name}#{reader.messages}", f"larger than {MESSAGE_BYTES // 2**20} MiB, which no mail is"
            if packings:  # what is packed may have no end
                yield Refused(place, f"{words}; nothing after it was read", "too_large")
                return
            yield Refused(place, words, "too_large")
            reader.skip()
    if all(isinstance(error, Trailing) for error in failed):
        last = reader.finish()
        if len(last):
            yield last
    for ordinal in reader.untimed:
        yield Refused(f"{name}#{ordinal}", "no plausible receive time; choose another with --time", "no_time")
    for error in failed:
        yield Refused(name, _broken(error, f" after {reader.messages} whole messages"))


def _broken(error: Exception, place: str = "") -> str:
    if isinstance(error, Trailing):
        return f"{error}; all before it was read"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}{place}"
    return f"damaged or cut short{place}: {error}"


def _looks_like_mail(head: bytes) -> bool:
    if b"\0" in head[:4096]:
        return False
    line = head.removeprefix(BYTE_ORDER_MARK).split(b"\n", 1)[0].rstrip(b"\r")
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
            yield not_mail(name)
            return
    for error in failed:
        yield Refused(name, _broken(error))
        if not isinstance(error, Trailing):
            return
    if not data:
        if not failed:
            yield Refused(name, "empty file", "empty")
        return
    batch = capture_message(bytes(data), name, 0, options.time, file_time, options.now)
    yield batch if len(batch) else Refused(name, "no plausible receive time; choose another with --time", "no_time")
