"""Folders that lead nowhere, in circles, too deep, or hold what must not be opened."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from broken_sources.made import ONE, SIX, Broken, box

Fill = Callable[[Path], object]


def folder(*fills: Fill) -> Callable[[Path], Path]:
    """Makes a folder with one good message and what ``fills`` put beside it."""

    def make(place: Path) -> Path:
        (place / "box").mkdir()
        (place / "box" / "good.eml").write_bytes(SIX[0])
        for fill in fills:
            fill(place / "box")
        return place / "box"

    return make


def put(name: str, data: bytes) -> Fill:
    return lambda box: (box / name).write_bytes(data)


def link(name: str, target: str) -> Fill:
    return lambda box: (box / name).symlink_to(target)


def bound(box: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        # The path of a socket is short; a name within the folder always fits.
        before = Path.cwd()
        os.chdir(box)
        try:
            server.bind("socket")
        finally:
            os.chdir(before)


def deep(n: int) -> Fill:
    def fill(box: Path) -> None:
        inner = box.joinpath(*["d"] * n)
        inner.mkdir(parents=True)
        (inner / "1.eml").write_bytes(SIX[1])

    return fill


def maildir(*fills: Fill) -> Callable[[Path], Path]:
    def make(place: Path) -> Path:
        for name in ("cur", "new", "tmp"):
            (place / "box" / name).mkdir(parents=True)
        for fill in fills:
            fill(place / "box")
        return place / "box"

    return make


def empty(place: Path) -> Path:
    (place / "box").mkdir()
    return place / "box"


def nowhere(place: Path) -> Path:
    return place / "nowhere"


def only(fill: Fill) -> Callable[[Path], Path]:
    def make(place: Path) -> Path:
        fill(place)
        return next(place.iterdir())

    return make


def folders() -> Iterator[Broken]:
    family, one = "folder", tuple(ONE)
    for name, fill, refused in (
        ("a link to nothing", link("gone", "nowhere"), "link"), ("a link to itself", link("self", "self"), "link"), ("a link to the folder", link("loop", "."), "link"),
        ("a link to a folder above", link("up", ".."), "link"), ("a link to a device", link("null", "/dev/null"), "special_file"),
        ("a FIFO", lambda box: os.mkfifo(box / "fifo"), "special_file"), ("a socket", bound, "special_file"), ("an empty file", put("empty", b""), "empty"),
        ("65 folders one in another", deep(65), "too_deep"), ("a spreadsheet of counts", put("counts.csv", b"time,count\n2011-03-16,5\n"), "not_mail"),
        ("an index of Thunderbird", put("Inbox.msf", b"// <!-- <mdb:mork:z v=\"1.4\"/> -->\n"), "mail_format"), ("a cut archive", put("x.gz", b"\x1f\x8b\x08\0"), "unreadable"),
    ):  # fmt: skip
        yield Broken(family, name, folder(fill), one, (refused,))
    yield Broken(family, "60 folders one in another", folder(deep(60)), (*one, SIX[1]))
    yield Broken(family, "a link to a message", folder(link("again.eml", "good.eml")), (*one, *one))
    yield Broken(
        family,
        "names that begin with a dot",
        folder(put(".DS_Store", b"\0"), put(".x.eml", SIX[1])),
        one,
        left=("hidden",),
    )
    yield Broken(
        family,
        "messages that MH removed",
        folder(put("1", SIX[1]), put(",2", SIX[2])),
        (*one, SIX[1]),
        left=("mh_removed",),
    )
    names = [
        os.fsdecode(n)
        for n in (
            b"caf\xe9.eml",
            b"new\nline.eml",
            b"esc\x1b[2J.eml",
            b"n" * 255,
            b"\xff",
            b"-rf",
            b"$(id)",
            b"' OR 1=1",
        )
    ]
    yield Broken(family, "absurd names", folder(*(put(n, SIX[1]) for n in names)), (*one, *[SIX[1]] * len(names)))
    bad = folder(put(os.fsdecode(b"\x1b[2J\xff\n"), b"\0"))
    yield Broken(family, "an absurd name of what is no mail", bad, one, ("not_mail",))
    yield Broken(family, "nothing in it", empty, refused=("empty",))
    yield Broken(family, "not there", nowhere, refused=("absent",))
    yield Broken(family, "a FIFO, named itself", only(lambda p: os.mkfifo(p / "fifo")), refused=("special_file",))
    yield Broken(family, "a link to itself, named itself", only(lambda p: (p / "x").symlink_to("x")), refused=("link",))
    yield Broken(
        "Maildir",
        "only mail that is being delivered",
        maildir(put("tmp/1", SIX[0])),
        refused=("empty",),
        left=("undelivered",),
    )
    yield Broken(
        "Maildir",
        "files of its server",
        maildir(put("cur/1:2,S", SIX[0]), put("dovecot-uidlist", b"x"), put("maildirsize", b"0S\n")),
        one,
        left=("server_file",),
    )
    yield Broken(
        "Maildir",
        "a folder where a message should be",
        maildir(lambda box: (box / "new" / "1").mkdir(), put("cur/2", SIX[0])),
        one,
    )
    yield Broken("Maildir", "an mbox where a message should be", maildir(put("new/1", box(SIX))), tuple(SIX))
    yield Broken(
        "Maildir",
        "an empty message and a link to nothing",
        maildir(put("new/1", b""), link("cur/2", "gone"), put("cur/3", SIX[0])),
        one,
        ("absent", "empty"),
    )
