"""Sources beyond four gigabytes: streamed, every message right, in memory that does not grow with them."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
import zstandard

from broken_sources.made import FROM, message

GIB = 2**30
# The attachment of one campaign, in every message the same; what differs is what differs in any mail, ids and a name.
SAME = b"\n".join(hashlib.sha512(b"%d" % n).hexdigest().encode()[:76] for n in range(500))
SCRIPT = """
import resource, sys, pathlib
from spamtide.capture import CaptureBatch, SourceOptions, read_source
count, size, last, early = 0, 0, b"", None
for item in read_source(pathlib.Path(sys.argv[1]), SourceOptions("auto", 1_400_000_000_000_000)):
    if isinstance(item, CaptureBatch):
        count += len(item); size += item.size_bytes; last = item.raw_digests()[-32:]
    else:
        print("refused", item.code, file=sys.stderr)
    if early is None and size > 2**28:
        early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(count, size, last.hex(), early or 0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def body(n: int) -> bytes:
    own = hashlib.sha512(b"message %d" % n).hexdigest().encode()
    return own + b"\n" + SAME + b"\n%d words of our own\n" % n


def pieces(size: int) -> Iterator[tuple[int, bytes]]:
    """Messages of an mbox until ``size`` bytes, in larger pieces, each with the number of its last."""
    total, n = 0, 0
    while total < size:
        out = []
        for _ in range(50):
            out.append(FROM + message(n, body(n)) + b"\n")
            n += 1
        piece = b"".join(out)
        total += len(piece)
        yield n, piece


def read(path: Path) -> tuple[int, int, str, int, int, str]:
    """Count, bytes, digest of the last; memory after the first part and at the end, in KiB; what was refused."""
    ran = subprocess.run([sys.executable, "-c", SCRIPT, str(path)], capture_output=True, text=True, check=True)
    count, size, last, early, late = ran.stdout.split()
    return int(count), int(size), last, int(early), int(late), ran.stderr


def opened(kind: str, path: Path) -> IO[bytes]:
    if kind == "gz":
        return gzip.open(path, "wb", compresslevel=1)
    return zstandard.open(path, "wb", cctx=zstandard.ZstdCompressor(level=3))


@pytest.mark.proof
@pytest.mark.parametrize("kind", ["zst", "gz"])
def test_a_packed_mbox_of_five_gibibytes_is_read_whole_in_flat_memory(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"huge.mbox.{kind}"
    total = 0
    with opened(kind, path) as file:
        for count, piece in pieces(5 * GIB):  # noqa: B007
            file.write(piece)
            total += len(piece)
    found, size, last, early, late, refused = read(path)
    print(
        f"\n{kind}: {total / GIB:.2f} GiB in {path.stat().st_size / 2**20:.1f} MiB, 1 to {total / path.stat().st_size:.0f}; {found} messages, {early / 1024:.0f} and {late / 1024:.0f} MiB"
    )
    assert (found, refused) == (count, "")
    assert size == total - count * (len(FROM) + 1) > 2**32
    assert last == hashlib.sha256(message(count - 1, body(count - 1))).hexdigest()
    assert late - early < 64 * 1024


@pytest.mark.proof
def test_a_message_beyond_a_hole_of_five_gibibytes_is_found(tmp_path: Path) -> None:
    path = tmp_path / "sparse.mbox"
    with path.open("wb") as file:
        file.write(FROM + message(1) + b"\n" + FROM + message(2))
        file.seek(5 * GIB)
        file.write(b"\n\n" + FROM + message(3) + b"\n")
    found, _, last, _, late, refused = read(path)
    assert (found, refused.split()) == (2, ["refused", "too_large"])
    assert last == hashlib.sha256(message(3)).hexdigest()
    assert late < 900 * 1024
