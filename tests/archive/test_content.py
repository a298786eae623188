"""The content digest is the same however its rows are gathered, and needs no memory for those that it does not hold."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from spamtide.archive.content import ROW, ContentDigest


def plain(rows: list[tuple[str, bytes]]) -> str:
    """What docs/reference/segment-format.md says, and nothing else."""
    return hashlib.sha256(b"".join(sorted(feed.encode() + b"\0" + row for feed, row in rows))).hexdigest()


def made(rng: random.Random, n: int) -> list[tuple[str, bytes]]:
    rows = []
    for _ in range(n):
        at = ((1 << 63) + rng.randint(-(10**12), 10**15)).to_bytes(8, "big")
        # Few different bytes, zeros at the end among them: what a sort may get wrong.
        rest = bytes(rng.choice((0, 0, 1, 127, 128, 255)) for _ in range(ROW - 8))
        rows.append((rng.choice(("a", "a-b", "a.b", "ab", "B")), rng.choice((at, b"\x80" + b"\0" * 7)) + rest))
    return rows + rows[: n // 3]


@pytest.mark.parametrize("held_bytes", [1, 5_000, 10**9])
def test_it_is_that_of_all_rows_sorted(held_bytes: int) -> None:
    rng = random.Random(held_bytes)
    rows = made(rng, 600)
    with ContentDigest(held_bytes) as content:
        at = 0
        while at < len(rows):
            feed = rows[at][0]
            end = at
            while end < len(rows) and rows[end][0] == feed:
                end += 1
            content.add(feed, b"".join(row for _, row in rows[at:end]))
            at = end
        assert content.hexdigest() == plain(rows)
        folder = content._folder
        assert (folder is None) == (held_bytes == 10**9)
    assert folder is None or not Path(folder.name).exists()


def test_of_nothing_it_is_the_digest_of_nothing() -> None:
    with ContentDigest() as content:
        assert content.hexdigest() == hashlib.sha256().hexdigest()
