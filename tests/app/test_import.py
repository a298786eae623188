"""Import: sources, copies, refusals, kills; the same content however it came about."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from spamtide.app.config import People
from spamtide.app.importing import import_sources
from spamtide.app.workspace import Workspace
from spamtide.archive import verify_archive

NOW = 1_300_000_000_000_000


def message(n: int) -> bytes:
    return (
        f"Received: from x ([192.0.2.{n % 250 + 1}]) by y; Mon, 7 Mar 2011 10:{n % 60:02d}:00 +0000\n"
        f"From: a{n}@b.example\nSubject: Order {n}\n\nhello {n}\n>From the start\n"
    ).encode()


def mbox(numbers: list[int]) -> bytes:
    out = b""
    for n in numbers:
        out += b"From x Mon Mar  7 10:00:00 2011\n" + message(n).replace(b"\n>From", b"\n>>From") + b"\n"
    return out


def workspace(path: Path) -> Workspace:
    return Workspace.create(path, People())


def content(w: Workspace) -> str:
    found = verify_archive(w.archive)
    assert found.ok, found.problems
    return found.content


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "spam.mbox"
    path.write_bytes(mbox(list(range(40))))
    return path


def test_every_packing_gives_the_same_messages(tmp_path: Path, source: Path) -> None:
    data = source.read_bytes()
    packed = {
        "gz": gzip.compress(data), "bz2": bz2.compress(data), "xz": lzma.compress(data),
        "zst": zstandard.ZstdCompressor().compress(data),
    }  # fmt: skip
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as archive:
        info = tarfile.TarInfo("a/spam.mbox")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    packed["tar.gz"] = tar.getvalue()
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as z:
        z.writestr("spam.mbox", data)
    packed["zip"] = zipped.getvalue()
    maildir = tmp_path / "maildir"
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    for n in range(40):
        (maildir / ("cur" if n % 2 else "new") / f"{n}.host:2,S").write_bytes(message(n))
    (maildir / "tmp" / "half").write_bytes(message(99))
    w = workspace(tmp_path / "plain")
    assert import_sources(w, [source], "f", now=NOW).new == 40
    expected = content(w)
    for name, bytes_ in packed.items():
        path = tmp_path / f"spam.{name}"
        path.write_bytes(bytes_)
        other = workspace(tmp_path / f"w-{name}")
        assert import_sources(other, [path], "f", now=NOW).new == 40, name
        assert content(other) == expected, name
    other = workspace(tmp_path / "w-maildir")
    assert import_sources(other, [maildir], "f", now=NOW).new == 40
    assert content(other) == expected


def test_imported_twice_adds_nothing_and_two_equal_messages_are_two(tmp_path: Path, source: Path) -> None:
    w = workspace(tmp_path / "w")
    import_sources(w, [source], "f", now=NOW)
    before = content(w)
    assert import_sources(w, [source], "f", now=NOW).new == 0
    assert content(w) == before
    twice = tmp_path / "twice.mbox"
    twice.write_bytes(mbox([1, 1, 2]))
    assert import_sources(w, [twice], "f", now=NOW).new == 1
    assert import_sources(w, [twice], "f", append=True, now=NOW).new == 3


def test_bad_sources_are_named_and_the_rest_is_kept(tmp_path: Path, source: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "a.eml").write_bytes(message(1))
    (folder / "binary").write_bytes(bytes(range(256)) * 20)
    (folder / "empty").write_bytes(b"")
    (folder / "cut.xz").write_bytes(lzma.compress(source.read_bytes())[:-200])
    (folder / "old.eml").write_bytes(b"Subject: no time\n\nx\n")
    os.utime(folder / "old.eml", (100_000_000, 100_000_000))
    w = workspace(tmp_path / "w")
    outcome = import_sources(w, [folder, tmp_path / "nowhere"], "f", now=NOW)
    names = {Path(r.source.split("#")[0]).name: r.reason for r in outcome.refused}
    assert set(names) == {"binary", "empty", "cut.xz", "old.eml", "nowhere"}
    assert outcome.new >= 1
    content(w)
