"""Zips that are cut, locked, overlapped or lie: written byte by byte, so that directory and headers can differ."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from broken_sources.made import ONE, SIX, Broken, box, file
from broken_sources.packed import gz, zst
from broken_sources.tars_made import Info, tar

SIX_BOX = tuple(SIX)


@dataclass(frozen=True)
class Part:
    """One member; what is None is as it should be."""

    name: bytes = b"one.mbox"
    data: bytes = box(SIX)
    method: int = 8
    flags: int = 0
    crc: int | None = None
    packed: int | None = None
    size: int | None = None
    day: int = 0x3E67
    place: int | None = None
    mode: int = 0
    local_name: bytes | None = None
    local_packed: int | None = None
    listed: bool = True
    written: bool = True


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


PACK = {0: bytes, 8: raw_deflate, 93: zst}


def zipped(
    *parts: Part, count: int | None = None, offset: int = 0, length: int | None = None, comment: bytes = b""
) -> bytes:
    """A zip."""
    out, directory = b"", b""
    at = 0
    for p in parts:
        data = PACK.get(p.method, bytes)(p.data)
        crc = zlib.crc32(p.data) if p.crc is None else p.crc
        packed, size = len(data) if p.packed is None else p.packed, len(p.data) if p.size is None else p.size
        if p.written:
            at = len(out)
            behind = p.flags & 8
            sums = (0, 0, 0) if behind else (crc, packed if p.local_packed is None else p.local_packed, size)
            name = p.name if p.local_name is None else p.local_name
            out += (
                struct.pack("<4s5H3L2H", b"PK\3\4", 20, p.flags, p.method, 0, p.day, *sums, len(name), 0) + name + data
            )
            if behind:
                out += struct.pack("<4s3L", b"PK\7\x08", crc, packed, size)
        if p.listed:
            place = at if p.place is None else p.place
            directory += struct.pack(
                "<4s6H3L5H2L", b"PK\1\2", 788, 20, p.flags, p.method, 0, p.day, crc, packed, size, len(p.name), 0, 0, 0, 0,
                p.mode << 16, place,
            ) + p.name  # fmt: skip
    listed = sum(p.listed for p in parts) if count is None else count
    end = struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, listed & 0xFFFF, listed & 0xFFFF, len(directory) if length is None else length,
        len(out) + offset, len(comment),
    )  # fmt: skip
    return out + directory + end + comment


def zips() -> Iterator[Broken]:
    family = "zip"
    a, b, c = (Part(b"%d.eml" % n, SIX[n]) for n in range(3))
    three = tuple(SIX[:3])
    good = zipped(a, b, c)
    first, second = zipped(a).index(b"PK\1\2"), zipped(a, b).index(b"PK\1\2")
    third = good.index(b"PK\1\2")

    def made(name: str, data: bytes, kept: tuple[bytes, ...] = (), *refused: str, **more: tuple[str, ...]) -> Broken:
        return Broken(family, name, file(data), kept, refused, **more)

    yield made("good", good, three)
    yield made("sizes behind the members", zipped(*(replace(p, flags=8) for p in (a, b, c))), three)
    yield made("stored, and packed with zst", zipped(replace(a, method=0), replace(b, method=93), c), three)
    yield made("cut within the first header", good[:20], (), "unreadable")
    yield made("cut within the second header", good[: first + 20], three[:1], "unreadable")
    yield made("cut within the third member", good[: second + 60], three[:2], "unreadable")
    yield made("cut before the directory", good[:third], three, "unreadable")
    yield made("cut within the directory", good[: third + 60], three, "unreadable")
    yield made("cut within its end", good[:-5], three, "unreadable")
    streamed = zipped(*(replace(p, flags=8) for p in (a, b, c)))
    yield made(
        "sizes behind the members, cut before the directory", streamed[: streamed.index(b"PK\1\2")], three, "unreadable"
    )
    yield made("text follows", good + b"and so on" * 100, three)
    yield made("a comment", zipped(a, b, c, comment=b"hello PK"), three)
    yield made("offsets that are wrong by 7", zipped(a, b, c, offset=7), three)
    yield made("it lists fewer than it says", zipped(a, b, c, count=9), three, "unreadable")
    yield made("it says that it lists none", zipped(a, b, c, count=0), three, "unreadable")
    yield made("a directory of 2 GiB", zipped(a, b, c, length=2**31), (), "too_many_members")
    yield made("a directory longer than the file", zipped(a, b, c, length=2**20), three, "unreadable")
    yield made("no member", zipped(), (), "empty")
    yield made("only a folder", zipped(Part(b"box/", b"", 0)), (), "empty")
    yield made("an empty member", zipped(a, replace(b, data=b""), c), (SIX[0], SIX[2]), "empty")
    yield made("a sum that is wrong", zipped(a, replace(b, crc=7), c), (SIX[0], SIX[2]), "unreadable")
    broken = bytearray(good)
    broken[first + 45] ^= 0xFF
    yield made("a packed member that is damaged", bytes(broken), (SIX[0], SIX[2]), "unreadable")
    yield made("a member that says it is shorter", zipped(a, replace(b, size=30), c), (SIX[0], SIX[2]), "unreadable")
    yield made("a member that says it is longer", zipped(a, replace(b, size=3000), c), (SIX[0], SIX[2]), "unreadable")
    yield made(
        "a header that disagrees on a size", zipped(a, replace(b, local_packed=4), c), (SIX[0], SIX[2]), "unreadable"
    )
    yield made("a header that disagrees on a name", zipped(a, replace(b, local_name=b"9.eml"), c), three)
    yield made(
        "a member beyond the end", zipped(a, replace(b, place=10**8, written=False), c), (SIX[0], SIX[2]), "unreadable"
    )
    yield made(
        "a member where none is", zipped(a, c, replace(b, place=first + 9, written=False)), (SIX[0], SIX[2]), "bomb"
    )
    yield made(
        "a member listed twice", zipped(a, a, replace(b, place=0, written=False), c), (SIX[0], SIX[0], SIX[2]), "bomb"
    )
    over = [replace(a, name=b"%d" % n, place=0, written=False) for n in range(50)]
    yield made("fifty members that share their bytes", zipped(a, *over), three[:1], "bomb")
    yield made("a member that is not listed", zipped(a, replace(b, listed=False), c), (SIX[0], SIX[2]), "unreadable")
    yield made("a first member that is not listed", zipped(replace(a, listed=False), b, c), three[1:], "unreadable")
    yield made("a last member that is not listed", zipped(a, b, replace(c, listed=False)), three[:2], "unreadable")
    yield made("one member locked with a password", zipped(a, replace(b, flags=1), c), (SIX[0], SIX[2]), "password")
    yield made("all members locked with a password", zipped(*(replace(p, flags=1) for p in (a, b, c))), (), "password")
    yield made("locked with AES", zipped(a, replace(b, flags=1, method=99)), three[:1], "password")
    for method, name in (
        (1, "shrink"),
        (6, "implode"),
        (9, "deflate64"),
        (14, "lzma"),
        (98, "ppmd"),
        (77, "a method nobody knows"),
    ):
        yield made(
            f"one member packed with {name}", zipped(a, replace(b, method=method), c), (SIX[0], SIX[2]), "packing"
        )
    yield made("a link", zipped(a, replace(b, mode=0o120777, data=b"/etc/passwd")), three[:1], "link")
    yield made("a month 0", zipped(replace(a, day=0)), three[:1])
    for name, odd in (
        ("an absolute name", b"/tmp/spamtide-escaped.eml"), ("a name that climbs", b"../../escaped.eml"), ("a name with a line end and an escape", b"a\nb\x1b[2J"),
        ("a name without letters", b""), ("a name with a NUL", b"a\0b"), ("a name of 5,000 bytes", b"n" * 5000), ("a name of Windows", b"C:\\mail\\x.eml"),
    ):  # fmt: skip
        yield made(name, zipped(replace(a, name=odd)), three[:1])
    yield made(
        "a name that is no UTF-8, though it says so", zipped(replace(a, name=b"\xff\xfe\xe9", flags=0x800)), three[:1]
    )
    yield made("names of a Mac", zipped(a, replace(b, name=b"__MACOSX/._1.eml")), three[:1], left=("hidden",))
    yield made(
        "an Office document",
        zipped(Part(b"[Content_Types].xml", b"<?xml?>"), Part(b"word/document.xml", b"<x/>")),
        (),
        "not_mail",
    )
    yield made(
        "an OpenDocument",
        zipped(Part(b"mimetype", b"application/x", 0), Part(b"META-INF/manifest.xml", b"<x/>")),
        (),
        "not_mail",
    )
    yield made(
        "a Java archive",
        zipped(Part(b"META-INF/MANIFEST.MF", b"x"), Part(b"A.class", b"\xca\xfe\xba\xbe")),
        (),
        "not_mail",
    )
    yield made(
        "an image and a program beside a message",
        zipped(a, Part(b"x.png", b"\x89PNG\r\n\x1a\n"), Part(b"x.exe", b"MZ\0\0")),
        three[:1],
        "not_mail",
    )
    yield made("the first volume of many", b"PK\x07\x08" + good, (), "packing")
    yield made("a bomb beside a message", zipped(a, Part(b"zeros", bytes(50_000_000)), c), (SIX[0], SIX[2]), "not_mail")
    nest = box(ONE)
    for n in range(8):
        nest = zipped(Part(b"inner%d" % n, nest))
    family = "archive in archive"
    yield made("eight zips one in another", nest, tuple(ONE))
    yield made("nine zips one in another", zipped(Part(b"x", nest)), (), "too_deep")
    yield made("a tar in a zip", zipped(Part(b"x.tar", tar(Info(b"a.mbox", box(SIX))))), SIX_BOX)
    yield made("a zip in a tar, packed", gz(tar(Info(b"x.zip", good))), three)
    yield made("a zip in a zip, cut", zipped(Part(b"x.zip", good[: second + 60])), three[:2], "unreadable")
    yield made("a zip, packed, cut", gz(good, 0)[: 15 + second + 60], three[:2], "unreadable")
    yield made("an mbox.gz in a tar", tar(Info(b"a.mbox.gz", gz(box(SIX)))), SIX_BOX)
    yield made("an mbox.zst in a zip in a tar.gz", gz(tar(Info(b"z", zipped(Part(b"a.zst", zst(box(SIX))))))), SIX_BOX)
    yield made(
        "a locked zip beside a good one",
        zipped(Part(b"1.zip", zipped(replace(a, flags=1))), Part(b"2.zip", zipped(b))),
        three[1:2],
        "password",
    )
    yield made(
        "a 7z and a rar beside a message",
        tar(
            Info(b"a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(90)),
            Info(b"b.rar", b"Rar!\x1a\x07\0" + bytes(90)),
            Info(b"c.eml", SIX[0]),
        ),
        three[:1],
        "packing",
    )
