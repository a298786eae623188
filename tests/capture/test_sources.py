"""What sources yield: every packing, cut short anywhere; what could be read is kept and the rest is named."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from doc_tables import ROOT, codes, section, tables
from spamtide.capture import (
    CaptureBatch,
    Refused,
    SourceOptions,
    folders,
    packings,
    read_source,
    sheets,
    sources,
    tars,
    zips,
)

NOW = 1_300_000_000_000_000
OPTIONS = SourceOptions("auto", NOW)


def mbox(n: int) -> bytes:
    one = b"From x Mon Mar  7 10:00:00 2011\nFrom: a@b.example\nSubject: %d\n\n%s\n\n"
    return b"".join(one % (i, os.urandom(600).hex().encode()) for i in range(n))


def read(path: Path) -> tuple[int, list[Refused]]:
    items = list(read_source(path, OPTIONS))
    refused = [i for i in items if isinstance(i, Refused)]
    return sum(len(i) for i in items if isinstance(i, CaptureBatch)), refused


def tar(data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in ("one.mbox", "two.mbox"):
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), NOW // 1_000_000
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one.mbox", data)
    return out.getvalue()


PACKINGS = {
    "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstandard.ZstdCompressor().compress,
    "tar": tar, "tar.gz": lambda data: gzip.compress(tar(data)), "zip": zipped,
}  # fmt: skip


@pytest.mark.parametrize("kind", PACKINGS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_archive_is_named_and_what_came_before_is_kept(tmp_path: Path, kind: str, part: float) -> None:
    whole = PACKINGS[kind](mbox(4000))
    path = tmp_path / f"spam.mbox.{kind}"
    path.write_bytes(whole)
    full, refused = read(path)
    assert refused == [] and full in (4000, 8000)
    path.write_bytes(whole[: int(len(whole) * part)])
    kept, refused = read(path)
    assert refused, "a cut archive must be named"
    assert kept < full
    if kind != "zip" and part >= 0.5:  # the directory of a zip stands at its end: nothing can be read without it
        assert kept > 0


def test_frames_of_zstd_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "two.mbox.zst"
    path.write_bytes(b"".join(zstandard.ZstdCompressor().compress(mbox(7)) for _ in range(3)))
    assert read(path) == (21, [])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (os.urandom(5000), "neither"),
        (b"\x7fELF" + bytes(4000), "neither"),
        (b"Subject: x\n\n" + bytes(20), "neither"),
        (b"just words\nand more\n", "neither"),
        (b"\x1f\x8bnot really", "damaged"),
        (b"PK\x03\x04not really", "damaged"),
    ],
)
def test_what_is_no_mail_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "thing"
    path.write_bytes(data)
    kept, refused = read(path)
    assert kept == 0 and len(refused) == 1 and words in refused[0].reason


def test_a_password_is_named_not_guessed(tmp_path: Path) -> None:
    data = bytearray(zipped(mbox(2)))
    at = data.find(b"PK\x01\x02")
    data[6] |= 1
    data[at + 8] |= 1
    path = tmp_path / "locked.zip"
    path.write_bytes(bytes(data))
    kept, refused = read(path)
    assert kept == 0 and "password" in refused[0].reason


def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    locked, open_ = tmp_path / "locked", tmp_path / "open"
    for folder in (locked, open_):
        folder.mkdir()
        (folder / "a.mbox").write_bytes(mbox(3))
    (open_ / "b.eml").write_bytes(b"From: a@b.example\nDate: Mon, 7 Mar 2011 10:00:00 +0000\n\nx\n")
    (open_ / "b.eml").chmod(0)
    locked.chmod(0)
    try:
        if os.access(locked, os.R_OK):
            pytest.skip("this user may read everything; run as another to see it")
        kept, refused = read(tmp_path)
    finally:
        locked.chmod(0o700)
    assert kept == 3 and len(refused) == 2 and all("ermission" in r.reason for r in refused)


def test_links_in_a_folder_are_named_when_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    folder.mkdir()
    (folder / "one.eml").write_bytes(b"From: a@b.example\nSubject: x\n\nhello\n")
    (folder / "again.eml").symlink_to(folder / "one.eml")
    (folder / "gone").symlink_to(tmp_path / "nowhere")
    (folder / "loop").symlink_to(folder)
    items = list(read_source(folder, SourceOptions("auto", 2 * NOW)))
    assert sorted(Path(i.source).name for i in items if isinstance(i, Refused)) == ["gone", "loop"]
    assert sum(len(i) for i in items if not isinstance(i, Refused)) == 2


def test_what_another_user_may_not_read_is_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    """As root everything may be read, so a child gives up its rights first."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user; test_a_folder_without_permission_is_named shows the same")
    with tempfile.TemporaryDirectory() as place:
        box = Path(place) / "box"
        (box / "locked").mkdir(parents=True)
        os.chmod(place, 0o755)
        (box / "locked" / "a.eml").write_bytes(b"Subject: x\n\nx\n")
        (box / "open.eml").write_bytes(b"Subject: x\n\nx\n")
        (box / "shut.eml").write_bytes(b"Subject: x\n\nx\n")
        (box / "counts.csv").write_bytes(b"time,count\n2011-03-16,5\n")
        for name in ("locked", "shut.eml", "counts.csv"):
            (box / name).chmod(0)
        script = (
            "import os, sys, pathlib; from spamtide.capture import *\n"
            "path = pathlib.Path(sys.argv[1]); os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "for item in read_source(path, SourceOptions('file', 2 * 10**15)):\n"
            "    print(len(item) if isinstance(item, CaptureBatch) else pathlib.Path(item.source).name + ' ' + item.code)\n"
            "try: read_counts(path / 'counts.csv')\n"
            "except NotOpened as error: print(error.refused.code)\n"
        )
        ran = subprocess.run([sys.executable, "-c", script, str(box)], capture_output=True, text=True)
    assert ran.stdout.splitlines() == [
        "counts.csv no_permission", "locked no_permission", "1", "shut.eml no_permission", "no_permission",
    ], ran.stderr  # fmt: skip


def test_the_bounds_of_an_import_are_listed() -> None:
    modules = [tars, packings, sources, zips, folders, sheets]
    rows = tables(section(ROOT / "docs" / "reference" / "limits.md", "Bounds of an import from files"))[0]
    listed = {codes(row[0])[0]: int(row[1].replace(",", "")) for row in rows}
    assert listed.pop("HONOURED_BYTES") == 64 * 2**20  # of the kernel: rust/src/pure/mbox.rs
    assert listed == {name: getattr(m, name) for m in modules for name in listed if name in vars(m)}
