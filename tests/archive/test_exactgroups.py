"""Exact groups and their campaigns: a function of the set of messages, whatever the order and the parts."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from spamtide.archive import EngineOptions, ExactGroups, Generation, Snapshot
from spamtide.archive.generations import Basis, GenerationTable
from spamtide.campaign import group_schema

OPTIONS = EngineOptions(threads=1, memory_mib=128)
Row = tuple[str, int, bytes, bytes]


def digest(n: int) -> str:
    return f"{n:032x}"


def snapshot(folder: Path, rows: list[Row], parts: int = 1, feed: str = "f") -> Snapshot:
    """Sketches in so many parts: (exact, received_at, shingles, link_marks)."""
    import pyarrow.parquet as pq

    folder.mkdir(exist_ok=True)
    files = []
    for i in range(parts):
        mine = rows[i::parts]
        path = folder / f"{len(list(folder.iterdir()))}.parquet"
        columns = {
            "feed": pa.array([feed] * len(mine)).dictionary_encode(), "writer": ["w"] * len(mine),
            "segment": pa.array([1] * len(mine), pa.int32()),
            "ordinal": pa.array([rows.index(r) for r in mine], pa.int32()), "received_at": [r[1] for r in mine],
            "exact": [r[0] for r in mine], "shingles": [r[2] for r in mine], "link_marks": [r[3] for r in mine],
        }  # fmt: skip
        pq.write_table(pa.table(columns), path)
        files.append(str(path))
    return Snapshot(1, 7, {"sketch": tuple(files)}, 1)


def members(shot: Snapshot, labels: dict[str, int]) -> dict[str, str]:
    with ExactGroups(shot, OPTIONS) as groups:
        found = groups.fingerprints(["shingles", "link_marks"])
        groups.label(found["exact"], [labels[e] for e in found["exact"].to_pylist()])
        table = pa.Table.from_batches(groups.members(), group_schema("campaign_member"))
    assert table["exact"].to_pylist() == sorted(table["exact"].to_pylist())
    return dict(zip(table["exact"].to_pylist(), table["campaign"].to_pylist(), strict=True))


ROWS: list[Row] = [
    (digest(5), 10, b"five", b""), (digest(5), 30, b"five", b"link"), (digest(7), 20, b"seven", b"b"),
    (digest(1), 20, b"one", b""), (digest(9), 10, b"nine", b""),
]  # fmt: skip


def test_a_group_is_one_row_however_its_messages_lie(tmp_path: Path) -> None:
    wanted = None
    for seed in range(6):
        rows = random.Random(seed).sample(ROWS, len(ROWS))
        with ExactGroups(snapshot(tmp_path / str(seed), rows, 1 + seed % 3), OPTIONS) as groups:
            found = groups.fingerprints(["shingles", "link_marks"]).sort_by("exact").to_pydict()
            assert groups.messages == 5
        assert wanted in (None, found)
        wanted = found
    assert wanted == {
        "exact": [digest(n) for n in (1, 5, 7, 9)], "shingles": [b"one", b"five", b"seven", b"nine"],
        "link_marks": [b"", b"link", b"b", b""],
    }  # fmt: skip


def test_the_earliest_exact_group_names_the_campaign_ties_by_digest(tmp_path: Path) -> None:
    one = {digest(n): 0 for n in (1, 5, 7, 9)}
    made = [(e, t, s, b) for e, t, s, b in ROWS]
    # 5 and 9 came first, at the same instant; the first 80 bits of all are zeros here.
    assert set(members(snapshot(tmp_path / "a", made), one).values()) == {"c-" + "0" * 20}
    apart = {digest(n): n for n in (1, 5, 7, 9)}
    found = members(snapshot(tmp_path / "b", made), apart)
    assert found[digest(5)] == "c-" + "0" * 20, "the earliest of those that share 80 bits keeps the short id"
    assert found[digest(7)] == f"c-{digest(7)}"
    assert len(set(found.values())) == 4


@pytest.mark.parametrize("version", [7, 8])
def test_old_ids_are_followed_by_digest_or_by_place(tmp_path: Path, version: int) -> None:
    def high(n: int) -> str:
        return f"{n:x}".rjust(2, "0") * 16

    before = [(high(n), n, b"s", b"") for n in (1, 2, 3, 4)]
    # In the next facts version every digest is another one; the messages keep their places.
    after = before if version == 7 else [(high(n + 100), n, b"s", b"") for n in (1, 2, 3, 4)]
    old, new = snapshot(tmp_path / "old", before), snapshot(tmp_path / "new", after)
    path = tmp_path / "old.parquet"
    import pyarrow.parquet as pq

    first = members(old, {e: int(int(e[:2], 16) > 2) for e, *_ in before})
    pq.write_table(pa.table({"exact": list(first), "campaign": list(first.values())}), path)
    previous = Generation("campaign", 1, Basis(7, 1, "m", 4), {"campaign_member": GenerationTable(str(path), 4, "")})
    with ExactGroups(new, OPTIONS) as groups:
        found = groups.fingerprints(["shingles", "link_marks"])
        order = [e for e, *_ in after]
        groups.label(found["exact"], [int(order.index(e) == 3) for e in found["exact"].to_pylist()])
        target = tmp_path / "new.parquet"
        pq.write_table(pa.Table.from_batches(groups.members()), target)
        moves = groups.moves(previous, str(target), None if version == 7 else old)
        lead, last = (f"c-{after[i][0][:20]}" for i in (0, 3))
        assert groups.alive([lead, "c-x"]) == {lead}
        assert groups.count() == (2, 4)
    ids = {"a": f"c-{high(1)[:20]}", "b": f"c-{high(3)[:20]}"}
    assert sorted(moves) == sorted([(ids["a"], lead, 2), (ids["b"], lead, 1), (ids["b"], last, 1)])


def test_nothing_stored_is_no_group(tmp_path: Path) -> None:
    with ExactGroups(Snapshot(1, 7, {}, 1), OPTIONS) as groups:
        found = groups.fingerprints(["shingles"])
        groups.label(found["exact"], [])
        assert list(groups.members()) in ([], [b for b in groups.members() if b.num_rows == 0])
        assert groups.count() == (0, 0)
