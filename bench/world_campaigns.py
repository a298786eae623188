"""Campaigns of simulated worlds against the planted ones: B-cubed precision, recall and F1, and the largest group.

    python bench/world_campaigns.py [--seeds 21,22] [--scale .1] [WORLD ...]

Messages of the default population (unsolicited), each in the group of its exact group; the truth is the template that it was
filled in from. No threshold was chosen on these worlds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests")]

from campaign_texts import b_cubed  # noqa: E402
from spamtide.archive import Archive  # noqa: E402
from spamtide.campaign import lowest_of_each, settle  # noqa: E402
from spamtide.fingerprint import digest  # noqa: E402

WORLDS = ("march-2011", "eight-botnets", "all-kinds")


@dataclass
class Judged:
    """How the groups of one world compare with its campaigns."""

    messages: int
    campaigns: int
    groups: int
    precision: float
    recall: float
    f1: float
    largest: float
    doubled: float


def planted(world: str, seed: int, scale: float, folder: Path) -> None:
    """Write a world: archive and truth."""
    command = [sys.executable, "-m", "spamtide", "simulate", world, "--out", str(folder), "--seed", str(seed)]
    subprocess.run([*command, "--scale", str(scale), "--json"], check=True, stdout=subprocess.DEVNULL)


def judge(folder: Path) -> Judged:
    """Group what is in a folder, and hold it against the truth beside it."""
    archive = Archive.open(folder / "workspace" / "archive")
    keys: list[tuple[str, str]] = []
    sketches: list[pa.Table] = []
    for feed in archive.feeds():
        for segment in archive.segments(feed):
            found = digest(segment.number, archive.records(segment))
            keys += [(feed, e) for e in found["message"]["exact"].to_pylist()]
            sketches.append(found["sketch"])
    rest = lowest_of_each(pa.concat_tables(sketches))
    exact = rest["exact"].to_pylist()
    group_of = {e: exact[i] for e, i in zip(exact, settle(rest).label.to_pylist(), strict=True)}
    truth = pq.read_table(folder / "truth" / "messages.parquet").sort_by(
        [("feed", "ascending"), ("place", "ascending")]
    )
    order = sorted(range(len(keys)), key=lambda i: keys[i][0])
    rows = [
        (t["near"], group_of[keys[i][1]])
        for i, t in zip(order, truth.to_pylist(), strict=True)
        if t["origin"] == "unsolicited"
    ]
    near, found_in = [n for n, _ in rows], [g for _, g in rows]
    of_group = Counter(found_in)
    precision, recall, f1 = b_cubed(list(near), list(found_in))
    share = sum(n for n in of_group.values() if n > 1) / len(rows)
    return Judged(
        len(rows), len(set(near)), len(of_group), precision, recall, f1, max(of_group.values()) / len(rows), share
    )


def main() -> None:
    """Print the table; ends with 1 where F1 is below .99 in a world of text alone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("worlds", nargs="*", default=WORLDS)
    parser.add_argument("--seeds", default="21,22")
    parser.add_argument("--scale", type=float, default=0.1)
    given = parser.parse_args()
    print("| world | seed | messages | campaigns | groups | precision | recall | B-cubed F1 | largest | in a group |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    missed = False
    with tempfile.TemporaryDirectory(prefix="spamtide-worlds-") as folder:
        for world in given.worlds:
            for seed in given.seeds.split(","):
                place = Path(folder) / f"{Path(world).stem}-{seed}"
                planted(world, int(seed), given.scale, place)
                j = judge(place)
                print(
                    f"| {Path(world).stem} | {seed} | {j.messages:,} | {j.campaigns} | {j.groups} | {j.precision:.4f} | {j.recall:.4f} "
                    f"| {j.f1:.4f} | {j.largest:.1%} | {j.doubled:.1%} |",
                    flush=True,
                )
                missed |= j.f1 < 0.99 and world != "all-kinds"
    raise SystemExit(int(missed))


if __name__ == "__main__":
    main()
