"""Tars that are cut, lie, or hold what is no file: headers written byte by byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from broken_sources.made import SIX, Broken, box, file


@dataclass(frozen=True)
class Info:
    """One member; what is None is as it should be."""

    name: bytes = b"a.eml"
    data: bytes = b""
    kind: bytes = b"0"
    size: bytes | None = None
    sum: bytes | None = None
    target: bytes = b""
    mtime: bytes = b"11535073140\0"
    magic: bytes = b"ustar\x0000"
    tail: bytes = b""


def header(info: Info) -> bytes:
    size = b"%011o\0" % len(info.data) if info.size is None else info.size
    out = info.name[:100].ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + size + info.mtime + b" " * 8 + info.kind
    out += info.target[:100].ljust(100, b"\0") + info.magic + info.tail
    out = out.ljust(512, b"\0")
    total = b"%06o\0 " % sum(out) if info.sum is None else info.sum
    return out[:148] + total + out[156:]


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def tar(*infos: Info, end: bytes = bytes(1024)) -> bytes:
    """A tar."""
    return b"".join(header(i) + padded(i.data) for i in infos) + end


def pax(**fields: str) -> Info:
    text = b""
    for key, value in fields.items():
        pair = b" %s=%s\n" % (key.replace("__", ".").encode(), value.encode())
        n = len(pair) + 2
        while len(b"%d" % n) + len(pair) != n:
            n += 1 if len(b"%d" % n) + len(pair) > n else -1
        text += b"%d" % n + pair
    return Info(b"PaxHeader", text, b"x")


def tars() -> Iterator[Broken]:
    family = "tar"
    a, b, c = (Info(b"%d.eml" % n, SIX[n]) for n in range(3))
    three, outer = tuple(SIX[:3]), (SIX[0], SIX[2])
    good = tar(a, b, c)

    def made(name: str, data: bytes, kept: tuple[bytes, ...] = (), *refused: str, **more: tuple[str, ...]) -> Broken:
        return Broken(family, name, file(data), kept, refused, **more)

    yield made("good", good, three)
    yield made(
        "without a magic, as before 1988", tar(*(Info(i.name, i.data, magic=b"", kind=b"\0") for i in (a, b, c))), three
    )
    yield made("cut within the first header", good[:300], (), "unreadable")
    yield made("cut within the second header", good[: 1024 + 300], three[:1], "unreadable")
    yield made("cut within the third member", good[: 2560 + 60], three[:2], "unreadable")
    yield made("cut between two members", good[:2048], three[:2], "unreadable")
    yield made("without its end mark", tar(a, b, c, end=b""), three, "unreadable")
    yield made("half an end mark", tar(a, b, c, end=bytes(512)), three)
    yield made("a second tar follows", tar(a, b) + tar(c), three[:2], "unreadable")
    yield made("text follows", good + b"and so on", three, "unreadable")
    yield made("zeros follow", good + bytes(10_240), three)
    yield made(
        "a header whose sum is wrong", tar(a, Info(b.name, b.data, sum=b"000001\0 "), c), three[:1], "unreadable"
    )
    yield made(
        "noise where a header should be",
        header(a) + padded(a.data) + bytes(range(1, 129)) * 4 + good,
        three[:1],
        "unreadable",
    )
    yield made(
        "a size that is no number", tar(a, Info(b.name, b.data, size=b"zzzzzzzzzzz\0"), c), three[:1], "unreadable"
    )
    yield made("a size below 0", tar(a, Info(b.name, b.data, size=b"\xff" * 11 + b"\x00"), c), three[:1], "unreadable")
    yield made("a size beyond the end", tar(a, Info(b.name, b.data, size=b"00077777777\0")), three[:1], "unreadable")
    yield made(
        "a size of 2^60", tar(a, Info(b.name, b.data, size=b"\x80\0\0\0\x10" + bytes(7))), three[:1], "unreadable"
    )
    yield made("an empty member", tar(a, Info(b"e.eml"), c), outer, "empty")
    yield made("only a folder", tar(Info(b"box/", kind=b"5")), (), "empty")
    yield made("a hard link", tar(a, Info(b"x.eml", kind=b"1", target=a.name), c), outer, left=("hard_link",))
    yield made("a link to a member", tar(a, Info(b"x.eml", kind=b"2", target=a.name), c), outer, "link")
    yield made("a link to /etc/passwd", tar(a, Info(b"x.eml", kind=b"2", target=b"/etc/passwd"), c), outer, "link")
    yield made("a device", tar(a, Info(b"zero", kind=b"3"), c), outer, "special_file")
    yield made("a disk", tar(a, Info(b"sda", kind=b"4"), c), outer, "special_file")
    yield made("a FIFO", tar(a, Info(b"fifo", kind=b"6"), c), outer, "special_file")
    yield made("a kind nobody knows", tar(a, Info(b.name, b.data, kind=b"Z"), c), outer, "special_file")
    for name, odd in (
        ("an absolute name", b"/tmp/spamtide-escaped.eml"), ("a name that climbs", b"../../escaped.eml"), ("a name with a line end and an escape", b"a\nb\x1b[2J"),
        ("a name that is no UTF-8", b"\xff\xfe\xe9.eml"), ("a name of 100 bytes", b"n" * 100),
    ):  # fmt: skip
        yield made(name, tar(Info(odd, SIX[0])), three[:1])
    yield made("a name of 5,000 bytes", tar(Info(b"././@LongLink", b"n" * 5000, b"L"), a), three[:1])
    yield made("a name of 2 MB", tar(Info(b"././@LongLink", b"n" * 2_000_000, b"L"), a), (), "unreadable")
    yield made(
        "a name of 8 GiB",
        tar(c, Info(b"././@LongLink", b"n", b"L", size=b"\x80" + (2**33).to_bytes(11, "big")), a),
        three[2:],
        "unreadable",
    )
    yield made(
        "5,000 names for one member", tar(c, *[Info(b"././@LongLink", b"n", b"L")] * 5000, a), three[2:], "unreadable"
    )
    yield made("a time that is no number", tar(pax(mtime="nan"), a), three[:1])
    yield made("a time beyond all clocks", tar(pax(mtime="1e300"), a), three[:1])
    yield made("a size in words, below 0", tar(b, pax(size="-5"), a), three[1:2], "empty", "unreadable")
    yield made(
        "words about a member that are noise",
        tar(b, Info(b"PaxHeader", b"99999 nonsense" * 9, b"x"), a),
        (SIX[1], SIX[0]),
    )
    holes = b"%012o%012o" % (0, len(SIX[0]))
    size = b"%011o\0" % len(SIX[0])
    tail = b"\0" * (386 - 265) + holes
    sparse = Info(b"s.eml", SIX[0], b"S", magic=b"ustar  \0", tail=tail + bytes(72) + b"\0" + size, size=size)
    yield made("a sparse file", tar(sparse, b), three[:2])
    vast = Info(
        b"s.eml",
        SIX[0],
        b"S",
        magic=b"ustar  \0",
        tail=tail + bytes(72) + b"\0" + b"\x80\0\0\0" + (2**50).to_bytes(8, "big"),
        size=size,
    )
    yield made("a sparse message of 2^50 bytes", tar(vast, b), three[1:2], "not_mail")
    mapped = pax(
        GNU__sparse__major="1",
        GNU__sparse__minor="0",
        GNU__sparse__name="s.eml",
        GNU__sparse__realsize=str(len(SIX[0])),
    )
    yield made(
        "a sparse file with a map", tar(mapped, Info(b"s", padded(b"1\n0\n%d\n" % len(SIX[0])) + SIX[0]), b), three[:2]
    )
    yield made(
        "a map of holes that is noise",
        tar(b, mapped, Info(b"s", padded(b"9999999999\n0\n") + SIX[0])),
        three[1:2],
        "unreadable",
    )
    yield made(
        "a Maildir with its server's files",
        tar(a, Info(b"box/dovecot-uidlist", b"3 V1\n"), Info(b"box/.updated", b"x")),
        three[:1],
        left=("hidden", "server_file"),
    )
    yield made("an image beside a message", tar(a, Info(b"x.png", b"\x89PNG\r\n\x1a\n"), c), outer, "not_mail")
    yield made("a cut mbox within", tar(Info(b"a.mbox", box(SIX)[:-20])), (*SIX[:5], SIX[5][:-19]))
