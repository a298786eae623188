"""Generations are complete or absent, numbered, and stay for their readers when they are replaced."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pyarrow as pa
import pytest

from spamtide.archive import Archive, Basis, Generation, Generations, verify_archive
from spamtide.errors import BrokenWorld

SCHEMA = pa.schema([("exact", pa.string()), ("n", pa.int64())])
BASIS = Basis(facts_version=7, changed=3, method="exact-1", messages=5)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.create(tmp_path / "archive", bytes(32))


@pytest.fixture
def generations(archive: Archive) -> Generations:
    return Generations(archive.root, "campaign")


def batches(*values: str) -> list[pa.RecordBatch]:
    return [pa.record_batch([[v], [1]], schema=SCHEMA) for v in values]


def write(generations: Generations, *values: str) -> Generation:
    with generations.writing_lock(), generations.draft() as draft:
        draft.write("member", SCHEMA, batches(*values))
        return draft.name(BASIS)


def read(generation: Generation | None) -> list[str]:
    import pyarrow.parquet as pq

    assert generation is not None
    return pq.read_table(generation.tables["member"].path)["exact"].to_pylist()


def test_there_is_none_at_first(generations: Generations) -> None:
    assert generations.current() is None


def test_what_is_named_is_read_and_numbered(generations: Generations) -> None:
    assert write(generations, "a", "b").number == 1
    assert write(generations, "c").number == 2
    current = generations.current()
    assert read(current) == ["c"]
    assert current is not None and current.is_of(7, 3, "exact-1") and not current.is_of(7, 4, "exact-1")
    assert current.tables["member"].rows == 1


def test_two_kinds_do_not_know_each_other(archive: Archive, generations: Generations) -> None:
    write(generations, "a")
    other = Generations(archive.root, "group")
    assert other.current() is None
    write(other, "b")
    assert (read(generations.current()), read(other.current())) == (["a"], ["b"])


@pytest.mark.parametrize("until", ["begun", "written"])
def test_a_writer_that_dies_changes_nothing(generations: Generations, until: str) -> None:
    write(generations, "a")
    with generations.writing_lock():
        draft = generations.draft().__enter__()
        if until == "written":
            draft.write("member", SCHEMA, batches("b"))
    # It died here: no __exit__, no name.
    assert read(generations.current()) == ["a"]
    assert draft.folder.exists()
    assert write(generations, "c").number == draft.number
    assert read(generations.current()) == ["c"]


def test_a_writer_that_fails_leaves_no_files(generations: Generations) -> None:
    with pytest.raises(ZeroDivisionError), generations.writing_lock(), generations.draft() as draft:
        draft.write("member", SCHEMA, (b for b in [*batches("a"), 1 / 0]))
    assert not draft.folder.exists()


def test_what_was_replaced_stays_for_those_who_read_it(generations: Generations) -> None:
    first = write(generations, "a")
    os.utime(Path(first.tables["member"].path).parent, (0, 0))
    write(generations, "b")
    write(generations, "c")
    # The grace counts from the moment of its replacement, not from when it was written.
    assert read(first) == ["a"]
    folder = Path(first.tables["member"].path).parent
    os.utime(folder, (time.time() - 16 * 60,) * 2)
    with generations.writing_lock():
        assert generations.sweep() == 1
    assert not folder.exists()


def test_two_writers_do_not_meet(generations: Generations) -> None:
    with generations.writing_lock(), pytest.raises(BrokenWorld) as refused, generations.writing_lock():
        pass
    assert refused.value.code == "locked"


def test_verification_finds_damage(archive: Archive, generations: Generations) -> None:
    generation = write(generations, "a")
    assert verify_archive(archive).ok
    path = Path(generation.tables["member"].path)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert [p.code for p in verify_archive(archive).problems] == ["corrupt_part"]
    path.unlink()
    assert [p.code for p in verify_archive(archive).problems] == ["missing_part"]
    manifest = archive.root / "tables" / "generations" / "campaign.json"
    manifest.write_text(manifest.read_text().replace('"rows": 1', '"rows": 2'))
    assert [p.code for p in verify_archive(archive).problems] == ["corrupt_generation"]
