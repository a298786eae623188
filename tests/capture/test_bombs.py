"""Sources made to exhaust whoever opens them: little to carry, endless to unpack."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import resource
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from spamtide.capture import CaptureBatch, Refused, SourceOptions, packings, read_source, sources
from spamtide.capture.sources import PACKINGS

OPTIONS = SourceOptions("auto", 1_300_000_000_000_000)
MESSAGE = b"From x Mon Mar  7 10:00:00 2011\nSubject: x\n\n"


def read(path: Path) -> tuple[int, list[str]]:
    items = list(read_source(path, OPTIONS))
    return sum(len(i) for i in items if isinstance(i, CaptureBatch)), [
        i.reason for i in items if isinstance(i, Refused)
    ]


def grown() -> int:
    """Peak memory of this process in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("times", [PACKINGS, PACKINGS + 1])
def test_an_archive_in_an_archive_has_an_end(tmp_path: Path, times: int) -> None:
    data = MESSAGE + b"hello\n"
    for _ in range(times):
        data = gzip.compress(data)
    (tmp_path / "deep.gz").write_bytes(data)
    assert read(tmp_path / "deep.gz") == (
        (1, []) if times <= PACKINGS else (0, [f"packed more than {PACKINGS} times over"])
    )


def zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("inner", data)
    return out.getvalue()


def tarred(data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("inner")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_archives_with_members_have_an_end_too(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    data = MESSAGE + b"hello\n"
    for _ in range(PACKINGS + 1):
        data = pack(data)
    (tmp_path / "nest").write_bytes(data)
    assert read(tmp_path / "nest") == (0, [f"packed more than {PACKINGS} times over"])


@pytest.mark.parametrize("pack", [gzip.compress, tarred, zipped])
def test_a_zip_within_a_stream_is_copied_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "x").write_bytes(pack(zipped(MESSAGE + b"hello\n")))
    assert read(tmp_path / "x") == (1, [])
    monkeypatch.setattr(sources, "COPY_BYTES", 100)
    messages, reasons = read(tmp_path / "x")
    assert messages == 0 and len(reasons) == 1 and "unpack it" in reasons[0]


def zst(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def test_what_comes_out_may_run_ahead_so_far_and_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The same message, times over: every one of them is good, and no packing of mail is so dense.
    ahead, ratio = 4 * 2**20, 10
    monkeypatch.setattr(packings, "AHEAD", ahead)
    monkeypatch.setattr(packings, "RATIO", ratio)
    one = MESSAGE + b"hello\n\n"
    honest = tmp_path / "honest.zst"
    honest.write_bytes(zst(one * (ahead // len(one))))
    assert read(honest) == (ahead // len(one), [])
    path = tmp_path / "bomb.zst"
    path.write_bytes(zst(one * 100) + zst(one * (4 * ahead // len(one))))
    messages, reasons = read(path)
    assert 99 <= messages <= (ahead + ratio * path.stat().st_size) // len(one)
    assert len(reasons) == 1 and "as bombs do" in reasons[0]


@pytest.mark.parametrize("pack", [gzip.compress, zst, zipped])
def test_honest_mail_of_any_size_stays_within_the_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    # Twice as much comes out as goes in, where three times is allowed, and four times as much as may run ahead.
    monkeypatch.setattr(packings, "AHEAD", 4 * 2**20)
    monkeypatch.setattr(packings, "RATIO", 3)
    path = tmp_path / "honest"
    path.write_bytes(pack(b"".join(MESSAGE + os.urandom(2**16).hex().encode() + b"\n\n" for _ in range(128))))
    assert read(path) == (128, [])


def test_a_budget_is_earned_by_reading_and_only_once() -> None:
    budget = packings.Budget(size=10, room=0)
    budget.gain(4)
    budget.spend(4 * packings.RATIO)
    budget.gain(100)  # of these only six are new
    budget.spend(6 * packings.RATIO)
    with pytest.raises(packings.Bomb):
        budget.spend(1)
    full = packings.Budget(size=10**12)
    full.gain(10**12)
    assert full.room == packings.AHEAD, "an honest beginning earns no bomb at the end"


def test_a_bomb_in_layers_is_named_and_the_sources_after_it_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packings, "AHEAD", 64 * 2**20)
    # 16 zips, each with 16 zips, each with 16 members of 16 MiB of messages that look like mail.
    data = zst(b"X: " + b"a" * 2**24)
    for _ in range(2):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for n in range(16):
                archive.writestr(str(n), data)
        data = out.getvalue()
    (tmp_path / "a.zip").write_bytes(data)
    (tmp_path / "b.eml").write_bytes(b"Subject: x\n\nx\n")
    items = list(read_source(tmp_path, SourceOptions("file", 2 * 10**15)))
    assert [i.code for i in items if isinstance(i, Refused)] == ["bomb"]
    assert sum(i.size_bytes for i in items if isinstance(i, CaptureBatch)) < 65 * 2**20
    assert isinstance(items[-1], CaptureBatch)


def bomb(kind: str, size: int) -> bytes:
    """Two messages, the second of ``size`` bytes without a line end, packed."""
    pieces = [MESSAGE + b"first\n\n" + MESSAGE, *[b"a" * 2**24] * (size // 2**24)]
    if kind == "xz":
        xz = lzma.LZMACompressor(preset=0)
        return b"".join([xz.compress(p) for p in pieces] + [xz.flush()])
    if kind == "gz":
        out = io.BytesIO()
        with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as file:
            for piece in pieces:
                file.write(piece)
        return out.getvalue()
    zst = zstandard.ZstdCompressor(level=1).compressobj()
    return b"".join([zst.compress(p) for p in pieces] + [zst.flush()])


@pytest.mark.parametrize("kind", ["gz", "xz", "zst"])
def test_a_message_without_an_end_is_named_and_what_came_before_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    bound = 32 * 2**20
    monkeypatch.setattr(sources, "MESSAGE_BYTES", bound)
    path = tmp_path / f"bomb.{kind}"
    path.write_bytes(bomb(kind, 12 * bound))
    assert path.stat().st_size < bound / 8
    before = grown()
    messages, reasons = read(path)
    assert messages == 1
    assert reasons == ["larger than 32 MiB, which no mail is; nothing after it was read"]
    # The buffer doubles as it grows, and one bite of zstd may unpack to 128 MiB; the bomb is 384 MiB.
    assert grown() - before < 8 * bound


def test_names_in_an_archive_are_never_paths(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ("../../escaped.mbox", "/tmp/spamtide-escaped.mbox"):
            info = tarfile.TarInfo(name)
            data = MESSAGE + b"hello\n"
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "x.tar").write_bytes(out.getvalue())
    assert read(inner / "x.tar") == (2, [])
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["x.tar"]
    assert not Path("/tmp/spamtide-escaped.mbox").exists()
