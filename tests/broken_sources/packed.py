"""Packings that are cut, flipped, wrong or endless."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator

import zstandard

from broken_sources.made import ONE, SIX, Broken, box, file

# Long enough that nothing is packed to less than the headers of a frame.
UNITS = [box([m]) for m in SIX]


def gz(data: bytes, level: int = 6) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, compresslevel=level) as packed:
        packed.write(data)
    return out.getvalue()


def zst(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


PACKINGS = {"gz": gz, "bz2": bz2.compress, "xz": lzma.compress, "zst": zst}
# Bytes at the end of a frame that hold nothing but its sum, or stand behind it.
SUM = {"gz": 8, "bz2": 2, "xz": 12, "zst": 4}
# A byte of the header behind the magic, and the length of the magic.
HEADER = {"gz": 2, "bz2": 4, "xz": 7, "zst": 4}
MAGIC = {"gz": 2, "bz2": 3, "xz": 6, "zst": 4}


def flipped(data: bytes, at: int) -> bytes:
    out = bytearray(data)
    out[at] ^= 0x40
    return bytes(out)


def packed() -> Iterator[Broken]:
    six, five = tuple(SIX), tuple(SIX[:5])
    for kind, pack in PACKINGS.items():
        family = f"packed with {kind}"
        frames = [pack(u) for u in UNITS]
        whole = b"".join(frames)
        third = len(b"".join(frames[:3]))
        yield Broken(family, "frames one after the other", file(whole), six)
        yield Broken(family, "cut after one byte", file(whole[:1]), refused=("not_mail",))
        yield Broken(family, "cut within the first header", file(whole[:6]), refused=("unreadable",))
        yield Broken(family, "cut within the fourth header", file(whole[: third + 7]), six[:2], ("unreadable",))
        yield Broken(family, "the last byte is missing", file(whole[:-1]), five, ("unreadable",))
        yield Broken(
            family, "a bit of the header is wrong", file(flipped(whole, HEADER[kind])), refused=("unreadable",)
        )
        yield Broken(family, "the fourth magic is wrong", file(flipped(whole, third + 1)), six[:3], ("unreadable",))
        yield Broken(
            family,
            "the last sum is wrong",
            file(flipped(whole, len(whole) - SUM[kind] + 1)),
            five if kind == "gz" else five[:4],
            ("unreadable",),
        )
        yield Broken(family, "text follows", file(whole + b"and so on"), six, ("unreadable",))
        yield Broken(family, "zeros follow", file(whole + bytes(512)), six)
        yield Broken(family, "nothing is in it", file(pack(b"")), refused=("empty",))
        yield Broken(family, "an image is in it", file(pack(b"\x89PNG\r\n\x1a\n" + bytes(100))), refused=("not_mail",))
        yield Broken(family, "an empty frame comes first", file(pack(b"") + whole), six)
        yield Broken(family, "its name says otherwise", file(whole, "source.zip"), six)
        yield Broken(
            family,
            "random bytes behind a good magic",
            file(whole[: MAGIC[kind]] + bytes(range(7, 250))),
            refused=("unreadable",),
        )
    deep = box(ONE)
    for _ in range(8):
        deep = gz(deep)
    yield Broken("packed again", "eight times", file(deep), tuple(ONE))
    yield Broken("packed again", "nine times", file(gz(deep)), refused=("too_deep",))
    mixed = zst(lzma.compress(bz2.compress(gz(box(SIX)))))
    yield Broken("packed again", "all four, one in another", file(mixed), six)
    yield Broken("packed again", "all four, cut", file(mixed[:-30]), refused=("unreadable",))
    # A stored block, so that the flipped bit is one of a letter, whatever zlib made of it.
    stored = flipped(gz(box(SIX), 0), 15 + len(UNITS[0]) - 4)
    yield Broken("packed again", "a letter is not what it was", file(stored), kept_of_stored(stored), ("unreadable",))
    yield Broken(
        "packed again",
        "a frame of zst that may be skipped",
        file(b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zst(box(SIX))),
        six,
    )
    yield Broken("packed again", "64 MiB of zeros", file(zeros()), refused=("not_mail",))
    yield Broken("packed again", "one message without an end", file(endless()), tuple(ONE), ("too_large",))


def kept_of_stored(stored: bytes) -> tuple[bytes, ...]:
    """The messages as they came out, the last one not known to be whole."""
    text = stored[15:-8]  # behind the header of gz and that of the one stored block
    pieces = text.split(b"From x Mon Mar  7 10:00:00 2011\n")[1:]
    return tuple(p.removesuffix(b"\n") for p in pieces[:5])


def zeros() -> bytes:
    """64 MiB of zeros."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    block = bytes(2**24)
    return b"".join([packer.compress(block) for _ in range(4)] + [packer.flush()])


def endless() -> bytes:
    """A message, then one of 320 MiB."""
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    pieces = [box(ONE) + b"From x Mon Mar  7 10:00:00 2011\nSubject: x\n\n", *[b"a" * 2**24] * 20]
    return b"".join([packer.compress(p) for p in pieces] + [packer.flush()])
