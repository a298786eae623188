"""The journal: entries appended by who keeps its place in the open segment, and by who does not."""

from pathlib import Path

import pytest

from spamtide.archive import Archive, Journal, journalentries, verify_archive
from spamtide.archive import segments as segments_module
from spamtide.archive.kernel import SegmentWriter


def bodies(root: Path) -> list[int]:
    """Numbers of all entries, in order."""
    return [record.body["n"] for record in Journal(root).read()]


class Counting:
    """Stands before the kernel's writer and counts how often a segment was read to be taken up."""

    def __init__(self) -> None:
        self.recovered = 0
        self.create = SegmentWriter.create

    def recover(self, base: str) -> object:
        self.recovered += 1
        return SegmentWriter.recover(base)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    """How often segments were read to be taken up."""
    counter = Counting()
    monkeypatch.setattr(segments_module, "SegmentWriter", counter)
    return counter


def test_a_kept_place_is_not_read_again(tmp_path: Path, counting: Counting) -> None:
    kept = Journal(tmp_path, "a", keep=True)
    for n in range(50):
        kept.append("x", {"n": n}, n)
    assert counting.recovered == 0 and bodies(tmp_path) == list(range(50))
    once = Journal(tmp_path, "b")
    for n in range(50, 54):
        once.append("x", {"n": n}, n)
    assert counting.recovered == 3 and bodies(tmp_path) == list(range(54))


def test_who_wrote_between_is_seen_and_nothing_is_lost(tmp_path: Path, counting: Counting) -> None:
    kept, other = Journal(tmp_path, "a", keep=True), Journal(tmp_path, "a")
    for n in range(0, 20, 2):
        kept.append("x", {"n": n}, n)
        other.append("x", {"n": n + 1}, n + 1)
    assert bodies(tmp_path) == list(range(20)) and counting.recovered > 10


def test_a_kept_place_rolls_over_and_the_chain_holds(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive", bytes(32))
    kept = Journal(archive.root, "a", keep=True, segment_bytes=4096)
    for n in range(100):
        kept.append("x", {"n": n, "text": "t" * 100}, n)
    assert bodies(archive.root) == list(range(100))
    assert len(list((archive.root / "journal").glob("**/a-*.seal"))) > 2
    assert verify_archive(archive).problems == ()


def test_after_a_failed_entry_the_next_one_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Journal(tmp_path, "a", keep=True)
    kept.append("x", {"n": 0}, 0)
    with monkeypatch.context() as patch:
        patch.setattr("os.urandom", lambda n: b"")
        with pytest.raises(ValueError, match="salt"):
            kept.append("x", {"n": 1}, 1)
    kept.append("x", {"n": 2}, 2)
    assert bodies(tmp_path) == [0, 2]


def test_a_segment_sealed_by_another_is_left(tmp_path: Path) -> None:
    kept = Journal(tmp_path, "a", keep=True)
    kept.append("x", {"n": 0}, 0)
    with segments_module.FeedWriter(tmp_path, "journal", "a"):
        pass
    kept.append("x", {"n": 1}, 1)
    assert bodies(tmp_path) == [0, 1]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the segments that were read, in order."""
    found: list[str] = []
    read = journalentries.read_segment

    def noting(base: str, start: int, stop: int) -> object:
        found.append(Path(base).name)
        return read(base, start, stop)

    monkeypatch.setattr(journalentries, "read_segment", noting)
    return found


def test_only_segments_that_changed_are_read_again(tmp_path: Path, reads: list[str]) -> None:
    for writer in ("a", "b"):
        Journal(tmp_path, writer).append("x", {"n": 0}, 0)
    asked = Journal(tmp_path)
    for _ in range(3):
        assert [record.body["n"] for record in asked.read("x")] == [0, 0]
    assert len(reads) == 2
    Journal(tmp_path, "b").append("x", {"n": 1}, 1)
    assert [record.body["n"] for record in asked.read()] == [0, 0, 1]
    assert len(reads) == 3 and reads[2] == reads[1]
    with segments_module.FeedWriter(tmp_path, "journal", "a"):
        pass
    assert [record.body["n"] for record in asked.read("x")] == [0, 0, 1] and reads[3] == reads[0]


def test_who_changes_what_was_read_changes_nobody_elses(tmp_path: Path) -> None:
    asked = Journal(tmp_path, "a")
    asked.append("x", {"n": [1]}, 0)
    asked.read()[0].body["n"].append(2)
    assert asked.read()[0].body == {"n": [1]}


def test_what_is_kept_is_bounded_and_what_was_asked_last_stays(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journalentries, "KEPT_BYTES", 2_000)
    for writer, size in (("a", 700), ("b", 700), ("c", 3_000)):
        Journal(tmp_path, writer).append("x", {"n": "t" * size}, 0)
    asked = Journal(tmp_path)
    for _ in range(3):
        assert len(asked.read()) == 3
    assert [name[0] for name in reads] == ["a", "b", "c", "c", "c"]
    Journal(tmp_path, "d").append("x", {"n": "t" * 700}, 0)
    del reads[:]
    assert len(asked.read()) == 4 and [name[0] for name in reads] == ["c", "d"]
    del reads[:]
    assert len(asked.read()) == 4 and next(name[0] for name in reads) == "a"
