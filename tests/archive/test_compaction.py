"""Compaction changes where rows lie and no answer; the manifests name all there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from spamtide.archive import Tables, compact
from spamtide.fingerprint import FACTS_VERSION

DAY_US = 86_400_000_000
# 12 March 2011, noon: the world of these tests ends on the day before.
NOW = 15_045 * DAY_US + DAY_US // 2


def mbox(path: Path, first: int, last: int) -> Path:
    with path.open("w") as file:
        for n in range(first, last):
            file.write(
                f"From x Mon Mar  7 10:00:00 2011\nReceived: from x ([192.0.2.{n % 250 + 1}]) by y;"
                f" {7 + n % 5} Mar 2011 {n % 24:02d}:00:00 +0000\nFrom: a{n}@b.example\nSubject: Order {n % 7}\n\n"
                f"hello http://x{n % 9}.example/ words\n\n"
            )
    return path


@pytest.fixture
def place(spamtide, tmp_path: Path) -> Path:
    assert spamtide("init", tmp_path / "w").code == 0
    for i in range(4):
        source = mbox(tmp_path / f"{i}.mbox", 100 * i, 100 * i + 100)
        assert spamtide("--workspace", tmp_path / "w", "import", source, "--feed", "f").code == 0
    return tmp_path / "w"


def tables_of(place: Path) -> Tables:
    return Tables(place / "archive")


def answers(spamtide, place: Path) -> list[Any]:
    use = ("--workspace", place)
    window = ("--window", "2011-03-07/2011-03-09", "--compare", "2011-03-09/2011-03-11")
    return [
        spamtide(*use, "search", "", "--jsonl").rows,
        spamtide(*use, "search", "domain:x3.example", "--jsonl").rows,
        spamtide(*use, "series", "subject:order", "--feed", "f", "--by", "hour", "--json").json,
        spamtide(*use, "duplicates", "--feed", "f", "--rule", "exact", *window, "--json").json,
        spamtide(*use, "archive", "verify", "--json").json,
    ]


def test_answers_are_the_same_and_a_day_is_one_sorted_part(spamtide, place: Path) -> None:
    before = answers(spamtide, place)
    assert spamtide("--workspace", place, "digest", "--compact").code == 0
    assert answers(spamtide, place) == before
    parts = tables_of(place).parts(FACTS_VERSION)
    assert sorted({p.day for p in parts}) == [15_040, 15_041, 15_042, 15_043, 15_044]
    assert len(parts) == len({(p.table, p.day) for p in parts})
    assert sum(p.rows for p in parts if p.table == "message") == 400
    for part in parts:
        rows = pq.read_table(place / "archive" / "tables" / part.path)
        order = list(zip(*(rows[c].to_pylist() for c in ("received_at", "writer", "segment", "ordinal")), strict=True))
        assert order == sorted(order)
        assert {t // DAY_US for t, *_ in order} == {part.day}


def test_what_comes_later_is_merged_and_an_open_day_waits(spamtide, place: Path, tmp_path: Path) -> None:
    tables = tables_of(place)
    with tables.lock():
        # Every part here reaches into 11 March; while that day is open nothing is gathered.
        assert compact(tables, FACTS_VERSION, now=NOW - DAY_US).days == 0
        assert compact(tables, FACTS_VERSION, now=NOW).days == 5
    assert spamtide("--workspace", place, "import", mbox(tmp_path / "late.mbox", 400, 437), "--feed", "f").code == 0
    before = answers(spamtide, place)
    assert any(p.day is None for p in tables.parts(FACTS_VERSION))
    with tables.lock():
        assert compact(tables, FACTS_VERSION, now=NOW).days == 5
    assert answers(spamtide, place) == before
    parts = tables.parts(FACTS_VERSION)
    assert sum(p.rows for p in parts if p.table == "message") == 437
    assert all(p.day is not None for p in parts)
    assert len(parts) == len({(p.table, p.day) for p in parts})


def test_stopped_midway_nothing_has_changed(spamtide, place: Path) -> None:
    tables, before = tables_of(place), answers(spamtide, place)

    def stop(done: float, _: float | None) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with tables.lock(), pytest.raises(KeyboardInterrupt):
        compact(tables, FACTS_VERSION, now=NOW, progress=stop)
    assert answers(spamtide, place) == before
    assert all(p.day is None for p in tables.parts(FACTS_VERSION))
    with tables.lock():
        assert tables.sweep(grace_seconds=0) > 0
        assert compact(tables, FACTS_VERSION, now=NOW).days == 5
    assert answers(spamtide, place) == before


def test_a_reader_of_the_snapshot_before_still_finds_its_files(spamtide, place: Path) -> None:
    tables = tables_of(place)
    held = tables.snapshot(FACTS_VERSION)
    assert spamtide("--workspace", place, "digest", "--compact").code == 0
    with tables.lock():
        assert tables.sweep() == 0
        assert all(Path(f).exists() for files in held.files.values() for f in files)
        assert tables.sweep(grace_seconds=0) == sum(map(len, held.files.values()))


def test_an_erased_message_is_in_no_file_of_the_tables(spamtide, place: Path) -> None:
    use = ("--workspace", place)
    assert spamtide(*use, "digest", "--compact").code == 0
    assert spamtide(*use, "archive", "erase", "from:a123@b.example", "--reason", "asked for", "--yes").code == 0
    assert spamtide(*use, "search", "from:a123@b.example", "--jsonl").code == 1
    rows: dict[str, int] = {}
    for path in (place / "archive" / "tables").rglob("*.parquet"):
        data = pq.read_table(path)
        if "from_address" in data.column_names:
            name = "campaign_message" if "campaign" in data.column_names else "message"
            rows[name] = rows.get(name, 0) + data.num_rows
            assert "a123@b.example" not in data["from_address"].to_pylist()
    assert rows == {"message": 399, "campaign_message": 399}
    found = spamtide(*use, "archive", "verify", "--json").json
    assert (found["ok"], found["messages"], found["erased"]) == (True, 399, 1)


def test_a_damaged_or_missing_manifest_of_a_day_is_named(spamtide, place: Path) -> None:
    use = ("--workspace", place)
    assert spamtide(*use, "digest", "--compact").code == 0
    manifest = sorted((place / "archive" / "tables").rglob("*day*.json"))[2]
    data = bytearray(manifest.read_bytes())
    data[40] ^= 1
    manifest.write_bytes(data)
    ran = spamtide(*use, "archive", "verify", "--json")
    assert (ran.code, [p["code"] for p in ran.json["problems"]]) == (1, ["corrupt_manifest"])
    manifest.unlink()
    ran = spamtide(*use, "search", "", "--jsonl")
    assert ran.code == 3
    assert "spamtide digest" in ran.err
