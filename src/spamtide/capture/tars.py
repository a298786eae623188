"""Members of a tar, as it streams by."""

from __future__ import annotations

import io
import re
import struct
import tarfile
from collections.abc import Iterator
from typing import IO, Any, cast

from spamtide.capture.items import LeftOut, Refused, shown_name
from spamtide.capture.members import Left, Member
from spamtide.capture.packings import SLICE, STEP, Budget, Damaged, Layer, free

# Bytes of a name, of a map of holes, or of other words about a member.
ABOUT_BYTES = 1024 * 1024
# Seconds since 1970 that can be the time of a file: to the year 9999.
_LATEST = 253_402_300_799


def is_tar(head: bytes) -> bool:
    """Whether a tar begins so; an old one has no magic, but a sum over its first header."""
    if head[257:262] == b"ustar":
        return True
    if len(head) < 512 or not head[0] or not re.fullmatch(rb" *[0-7]+[\0 ]*", head[148:156]):
        return False
    return int(head[148:156].strip(b"\0 "), 8) == sum(head[:148]) + 8 * 32 + sum(head[156:512])


class _TarInfo(tarfile.TarInfo):
    """A header of a tar. Where the library would end in silence, it says that the archive is damaged."""

    @classmethod
    def fromtarfile(cls, tarfile_: Any) -> Any:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.EmptyHeaderError:  # type: ignore[attr-defined]
            raise tarfile.ReadError("it ends without its end mark") from None
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"a header is damaged: {error}") from None

    def _proc_gnusparse_10(self, next_: Any, pax_headers: Any, tarfile_: Any) -> None:
        """The map of holes that GNU tar writes before the data: a number of lines, then so many pairs of lines."""
        lines: list[bytes] = []
        text, wanted, read = b"", 1, 0
        while len(lines) < wanted:
            head, end, rest = text.partition(b"\n")
            if not end:
                block = tarfile_.fileobj.read(tarfile.BLOCKSIZE)
                read += len(block)
                if not block or read > ABOUT_BYTES:
                    raise tarfile.ReadError("its map of holes is damaged or too long")
                text += block
                continue
            lines.append(head)
            text = rest
            wanted = 1 + 2 * int(lines[0])
        numbers = [int(line) for line in lines[1:]]
        next_.offset_data = tarfile_.fileobj.tell()
        next_.sparse = list(zip(numbers[::2], numbers[1::2], strict=True))

    def _proc_pax(self, tarfile_: Any) -> Any:
        """Words about a member that are noise are none: some versions of the library pass over them, others give up what follows."""
        try:
            return super()._proc_pax(tarfile_)  # type: ignore[misc]
        except tarfile.InvalidHeaderError:  # type: ignore[attr-defined]
            pass
        try:
            found = self.fromtarfile(tarfile_)
        except tarfile.HeaderError as error:
            raise tarfile.SubsequentHeaderError(str(error)) from None  # type: ignore[attr-defined]
        found.offset = self.offset
        return found

    def _proc_member(self, tarfile_: Any) -> Any:
        if self.size < 0:
            raise tarfile.ReadError("a header is damaged: a size below 0")
        if self.type in b"LKxgX" and self.size > ABOUT_BYTES:
            raise tarfile.ReadError(f"a name of {self.size} bytes")
        return super()._proc_member(tarfile_)  # type: ignore[misc]


def tar_members(stream: IO[bytes], name: str, budget: Budget) -> Iterator[Member | Refused | LeftOut]:
    """Files of a tar that streams by. Raises Damaged where it breaks."""
    left = Left(name)
    broken = None
    try:
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_TarInfo, bufsize=STEP) as archive:
            while (info := _next(archive)) is not None:
                archive.members = []  # type: ignore[attr-defined]
                shown = f"{name}!{shown_name(info.name)}"
                if info.isdir() or left.took(info.name):
                    continue
                if info.islnk():
                    left.left_out(shown_name(info.name), "second names of a member", "hard_link")
                elif info.issym():
                    yield Refused(shown, "a link; not followed within an archive", "link")
                elif not info.isfile():
                    yield Refused(shown, "a FIFO, a device or another special file; not opened", "special_file")
                elif info.size == 0:
                    yield Refused(shown, "empty file", "empty")
                elif (file := archive.extractfile(info)) is not None:
                    content = _Content(file, budget if info.issparse() else free())
                    yield Member(shown, io.BufferedReader(content, STEP), _time(info.mtime))
            # The end mark was read. What follows it may be more than the zeros that fill the last block.
            while rest := cast(IO[bytes], archive.fileobj).read(STEP):
                if rest.strip(b"\0"):
                    yield Refused(
                        name, "something follows the end of the tar; unpack it with tar -i, import what comes out"
                    )
                    break
    except (tarfile.TarError, OverflowError, ValueError, struct.error, RecursionError) as error:
        broken = error
    yield from left.items()
    if broken is not None:
        raise Damaged(str(broken))


def _next(archive: tarfile.TarFile) -> tarfile.TarInfo | None:
    """The next member. The library would skip a size that lies in as many steps as it says, at the end of the file too."""
    stream = cast(IO[bytes], archive.fileobj)
    while (left := archive.offset - stream.tell()) > 0 and archive.firstmember is None:  # type: ignore[attr-defined]
        if not stream.read(min(left, STEP)):
            raise tarfile.ReadError("unexpected end of data")
    return archive.next()


class _Content(Layer):
    """What a member holds. The holes of a sparse file are made of nothing, and spent."""

    def __init__(self, file: IO[bytes], budget: Budget) -> None:
        super().__init__(budget)
        self._file = file

    def step(self) -> bytes:
        try:
            return self._file.read(SLICE)
        except tarfile.TarError as error:
            raise Damaged(str(error)) from None


def _time(seconds: float) -> int | None:
    return int(seconds) * 1_000_000 if 0 <= seconds <= _LATEST else None
