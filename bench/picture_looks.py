"""What pictures look like: how far disguises of one picture lie apart, how far two pictures, and what a picture costs.

    python bench/picture_looks.py [--made 60] [--messages 4000]

Made pictures (`tests/pictures.py`) are varied as image spam varies them: size, border, shade, dots, a line. Of the private collections
the pictures are decoded by the digest alone: how many have a hash, how many could not be read, how many messages of few words have one.
"""

from __future__ import annotations

import argparse
import itertools
import lzma
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

from measure import calibrate, corpus  # noqa: E402
from pictures import disguised, letter, mail, png  # noqa: E402
from spamtide.campaign.bare import BARE  # noqa: E402
from spamtide.campaign.looks import ALIKE_BITS  # noqa: E402
from spamtide.fingerprint import digest  # noqa: E402
from spamtide.fingerprint.kernel import RecordBatch  # noqa: E402

COLLECTIONS = ("trec07p-spam-20070408-0424", "openlists-trap-2019-2022", "phishing_pot-2022-2023")


def read(raws: list[bytes]) -> list[tuple[list[int], bool, bool]]:
    """Of each message: marks of its pictures, whether it is bare, whether a picture could not be read."""
    batch = RecordBatch()
    for i, raw in enumerate(raws):
        batch.push(i, 0, b"{}", raw)
    tables = digest(1, batch)
    marks, forms = (tables["sketch"][name].to_pylist() for name in ("picture_marks", "form_marks"))
    defects = tables["message"]["defects"].to_pylist()
    return [
        (np.frombuffer(m or b"", np.int64).tolist(), BARE in np.frombuffer(f or b"", np.int64), "picture_unread" in d)
        for m, f, d in zip(marks, forms, defects, strict=True)
    ]


def made(n: int) -> None:
    """Bits that differ within and between made pictures."""
    rng = np.random.default_rng(2026)
    shown = [[png(disguised(one, rng)) for _ in range(8)] for one in (letter(rng) for _ in range(n))]
    raws = [mail([data], subject="x") for own in shown for data in own]
    started = time.process_time()
    found = [marks[0] for marks, _, _ in read(raws)]
    took = (time.process_time() - started) / len(raws)
    marks = [found[i : i + 8] for i in range(0, len(found), 8)]
    within = [(a ^ b).bit_count() for own in marks for a, b in itertools.combinations(own, 2)]
    between = [(a ^ b).bit_count() for x, y in itertools.combinations(marks, 2) for a in x for b in y]
    near = [any(b is not a and (a ^ b).bit_count() <= ALIKE_BITS for b in own) for own in marks for a in own]
    print(f"{n} pictures, 8 disguises each: {np.mean(np.array(within) <= ALIKE_BITS):.1%} of pairs of one are alike, "
          f"{np.mean(near):.1%} have one that is; of {len(between):,} pairs of two pictures {sum(b <= ALIKE_BITS for b in between)} "
          f"are (least {min(between)} bits, median {int(np.median(between))}); {took * 1e3:.2f} ms a message")  # fmt: skip


def collection(path: Path, most: int) -> None:
    """What the pictures of a collection are like."""
    messages = [b"From " + part for part in lzma.decompress(path.read_bytes()).split(b"\nFrom ")[1 : most + 1]]
    started = time.process_time()
    rows = [
        row
        for i in range(0, len(messages), 500)
        for row in read([m.split(b"\n", 1)[-1] for m in messages[i : i + 500]])
    ]
    took = time.process_time() - started
    seen = [row for row in rows if row[0]]
    print(f"{path.name}: {len(rows):,} messages, {len(seen)} with a picture that has a hash, {sum(r[1] for r in seen)} of them of few words; "
          f"{sum(r[2] for r in rows)} with one that could not be read; {len({m for r in seen for m in r[0]})} hashes; {took / len(rows) * 1e6:.0f} us a message")  # fmt: skip


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--made", type=int, default=60)
    parser.add_argument("--messages", type=int, default=4_000)
    given = parser.parse_args()
    print(f"calibration: {calibrate():.1f} million SHA-256 blocks/s")
    made(given.made)
    folder = corpus()
    for name in COLLECTIONS:
        path = folder and folder / f"{name}.mbox.xz"
        if path and path.exists():
            collection(path, given.messages)


if __name__ == "__main__":
    main()
