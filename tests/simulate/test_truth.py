"""The truth of each message, beside what the pipeline finds; the pipeline never reads it."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from spamtide.archive import parse_id


def test_groups_found_are_the_groups_planted_by_each_rule(spamtide, tmp_path: Path) -> None:
    world = tmp_path / "sim"
    assert spamtide("simulate", "march-2011", "--out", world, "--scale", "0.05", "--seed", "3").code == 0
    rows = {}
    for m in spamtide("--workspace", world / "workspace", "search", "", "--jsonl").rows:
        place = parse_id(m["id"])
        rows.setdefault(m["feed"], []).append(((place.segment, place.ordinal), m))
    truth = pq.read_table(world / "truth" / "messages.parquet").to_pylist()
    assert len(truth) == sum(map(len, rows.values()))
    found: dict[str, set[str]] = {}
    planted: dict[str, set[str]] = {}
    parents: dict[str, set[tuple[str, str]]] = {"exact": set(), "near": set()}
    ordered = {feed: [m for _, m in sorted(some, key=lambda r: r[0])] for feed, some in rows.items()}
    for t in truth:
        m = ordered[t["feed"]][t["place"]]
        found.setdefault(m["exact"], set()).add(t["exact"])
        planted.setdefault(t["exact"], set()).add(m["exact"])
        parents["exact"].add((t["identical"], t["exact"]))
        parents["near"].add((t["exact"], t["near"]))
    assert all(len(keys) == 1 for keys in found.values())
    assert all(len(keys) == 1 for keys in planted.values())
    assert len(found) > 100
    # Each rule contains the one before: no two identical messages are of two exact groups, nor those of two campaigns.
    for pairs in parents.values():
        assert len(pairs) == len({below for below, _ in pairs})
