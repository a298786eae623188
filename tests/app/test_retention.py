"""Thinning by written policy: bodies go, everything else stays, the journal knows, holds hold, and a kill leaves old or new."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from spamtide.app import digesting, retention
from spamtide.app.retention import active_holds, apply_retention
from spamtide.app.workspace import Workspace
from spamtide.archive import CaptureBatch, fresh_salts, kept_facts, verify_archive
from spamtide.archive.kernel import thin_records
from spamtide.errors import BrokenWorld
from spamtide.fingerprint import arrow_schema
from trap_process import make_workspace

DAY = 86_400_000_000
NOW = 1_300_000_000_000_000 // DAY * DAY + 20 * DAY
META = b'{"v": 1, "time_origin": "smtp", "from": "a@b.example", "to": ["x@trap.example"]}'


def letter(text: str, body: str) -> bytes:
    return f"From: a@b.example\r\nSubject: {text}\r\n\r\n{body} http://pills.example/{text}\r\n".encode()


def filled(place: Path, *, policy: str = "raw_days = 10", days: int = 20, copies: int = 3) -> Path:
    """A feed of ``days`` days, on each the same message ``copies`` times and one of its own; sealed and digested."""
    make_workspace(place)
    with (place / "spamtide.toml").open("a") as file:
        file.write(f"[feeds.f.retention]\n{policy}\n")
    batch = CaptureBatch()
    for day in range(days):
        for n in range(copies):
            batch.push(NOW - (20 - day) * DAY + n * 1000, META, letter("same", "buy " * 50))
        batch.push(NOW - (20 - day) * DAY + 10**9, META, letter(f"own{day}", f"words of day {day} " * 50))
    workspace = Workspace(place)
    with workspace.archive.writer("f", "x") as writer:
        writer.append(batch, fresh_salts(len(batch)))
    digesting.digest_workspace(workspace, now=NOW)
    return place


def raws(place: Path) -> list[tuple[bytes, bool]]:
    archive = Workspace(place).archive
    return [(m.raw, m.thinned) for m in (archive.read(f"f/x-000001/{n}") for n in range(80))]


def rows(spamtide: Any, place: Path) -> list[Any]:
    return spamtide("--workspace", place, "search", "", "--jsonl").rows


def test_old_bodies_go_and_headers_facts_hashes_and_content_stay(spamtide, tmp_path: Path) -> None:
    place = filled(tmp_path / "w")
    before, whole, found = verify_archive(Workspace(place).archive), raws(place), rows(spamtide, place)
    outcome = apply_retention(Workspace(place), now=NOW)
    assert (outcome.messages, outcome.segments) == (40, 1) and outcome.bytes > 40 * 200
    after = verify_archive(Workspace(place).archive)
    assert after.ok, after.problems
    assert (after.content, after.messages, after.thinned, after.erased) == (before.content, 80, 40, 0)
    for n, ((old, _), (new, thinned)) in enumerate(zip(whole, raws(place), strict=True)):
        assert thinned == (n < 40)
        assert new == (old[: old.index(b"\r\n\r\n") + 4] if thinned else old)
    assert rows(spamtide, place) == found
    assert spamtide("--workspace", place, "search", "text:words", "--by", "day", "--json").json["total"] == 20
    # Once is enough, and the facts outlive the tables.
    assert apply_retention(Workspace(place), now=NOW).messages == 0
    shutil.rmtree(place / "archive" / "tables")
    assert rows(spamtide, place) == found
    assert spamtide("--workspace", place, "search", "text:words", "--by", "day", "--json").json["total"] == 20
    got = spamtide("--workspace", place, "search", "subject:own0", "--jsonl", "--raw").rows
    assert [r["raw"] for r in got] == [None]
    said = spamtide("--workspace", place, "archive", "verify").out
    assert "40 thinned by policy" in said


def test_of_much_repeated_messages_the_first_of_each_closed_day_are_kept(tmp_path: Path) -> None:
    place = filled(tmp_path / "w", policy="keep_per_group_day = 2", days=21)
    assert apply_retention(Workspace(place), now=NOW + 3600).messages == 20
    archive = Workspace(place).archive
    kept = [n for n in range(84) if not archive.read(f"f/x-000001/{n}").thinned]
    # Of the day that is not over nothing goes.
    assert kept == [n for n in range(84) if n % 4 != 2 or n >= 80]


def test_nothing_is_thinned_without_a_written_policy(tmp_path: Path) -> None:
    place = filled(tmp_path / "w", policy="")
    assert apply_retention(Workspace(place), now=NOW + 4000 * DAY).messages == 0
    assert verify_archive(Workspace(place).archive).thinned == 0


def test_a_thinning_that_the_journal_does_not_know_fails_verification(tmp_path: Path) -> None:
    place = filled(tmp_path / "w")
    thin_records(str(place / "archive" / "segments" / "f" / "x-000001"), [3])
    found = verify_archive(Workspace(place).archive)
    assert [p.code for p in found.problems] == ["unjournaled_thinning"] and not found.ok


def test_facts_that_cannot_be_made_again_are_verified(spamtide, tmp_path: Path) -> None:
    place = filled(tmp_path / "w")
    apply_retention(Workspace(place), now=NOW)
    (lost,) = (place / "archive" / "kept" / "f").glob("*-message.parquet")
    lost.unlink()
    assert [p.code for p in verify_archive(Workspace(place).archive).problems] == ["facts_lost"]


def test_a_hold_keeps_what_matches_from_thinning_and_erasure_until_it_is_lifted(spamtide, tmp_path: Path) -> None:
    place = filled(tmp_path / "w")
    w = ("--workspace", place)
    holds = spamtide(*w, "archive", "hold", "subject:own3", "--reason", "case 7", "--who", "counsel", "--json").json
    (hold,) = holds["items"]
    assert (hold["query"], hold["reason"], hold["who"]) == ("subject:own3", "case 7", "counsel")
    outcome = apply_retention(Workspace(place), now=NOW)
    assert (outcome.messages, outcome.held) == (39, 1)
    assert not Workspace(place).archive.read("f/x-000001/15").thinned
    refused = spamtide(*w, "archive", "erase", "subject:own3", "--reason", "x", "--yes", "--json")
    assert (refused.code, refused.json["error"]) == (2, "on_hold")
    assert (
        spamtide(*w, "archive", "hold", "--lift", "nothing", "--reason", "x", "--json").json["error"] == "unknown_hold"
    )
    assert spamtide(*w, "archive", "hold", "--lift", hold["id"], "--reason", "settled", "--json").json["items"] == []
    assert active_holds(Workspace(place)) == []
    assert apply_retention(Workspace(place), now=NOW).messages == 1
    assert verify_archive(Workspace(place).archive).ok


def test_a_thinned_message_can_be_erased_and_leaves_nothing(spamtide, tmp_path: Path) -> None:
    place = filled(tmp_path / "w")
    apply_retention(Workspace(place), now=NOW)
    w = ("--workspace", place)
    assert spamtide(*w, "archive", "erase", "subject:own3", "--reason", "asked", "--yes", "--json").json["erased"] == 1
    found = verify_archive(Workspace(place).archive)
    assert found.ok and (found.erased, found.thinned) == (1, 39), found.problems
    shutil.rmtree(place / "archive" / "tables")
    assert spamtide(*w, "search", "subject:own3", "--jsonl").rows == []
    assert spamtide(*w, "search", "subject:own4", "--jsonl").rows != []
    assert not any(b"own3" in p.read_bytes() for p in (place / "archive" / "kept").rglob("*.parquet"))


def test_copies_that_the_feed_has_are_known_though_thinned(spamtide, tmp_path: Path) -> None:
    place = filled(tmp_path / "w")
    apply_retention(Workspace(place), now=NOW)
    assert len(Workspace(place).archive.copies("f")) == 80


THIN = """
import sys
from pathlib import Path
from spamtide.app.retention import apply_retention
from spamtide.app.workspace import Workspace
print("go", flush=True)
apply_retention(Workspace(Path(sys.argv[1])), now=int(sys.argv[2]))
"""


def test_killed_at_any_moment_a_segment_is_as_it_was_or_thinned(spamtide, tmp_path: Path) -> None:
    model = filled(tmp_path / "model")
    whole, found = raws(model), rows(spamtide, model)
    content = verify_archive(Workspace(model).archive).content
    rng = random.Random(5)
    seen = set()
    for n in range(12):
        place = tmp_path / f"w{n}"
        shutil.copytree(model, place)
        process = subprocess.Popen([sys.executable, "-c", THIN, str(place), str(NOW)], stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"go\n"
        time.sleep(rng.random() * 0.35)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        # Read as it lies there, before anybody mends it.
        state = raws(place)
        thinned = {flag for _, flag in state[:40]}
        assert len(thinned) == 1 and all(old[0].startswith(new[0]) for old, new in zip(whole, state, strict=True))
        seen |= thinned
        assert rows(spamtide, place) == found
        apply_retention(Workspace(place), now=NOW)
        checked = verify_archive(Workspace(place).archive)
        assert checked.ok and (checked.thinned, checked.content) == (40, content), checked.problems
        assert rows(spamtide, place) == found
        shutil.rmtree(place)


@pytest.mark.parametrize("renamed", [0, 1, 2, 3])
def test_between_any_two_renames_the_segment_can_be_read(tmp_path: Path, renamed: int) -> None:
    place = filled(tmp_path / "w")
    whole = raws(place)
    folder = place / "archive" / "segments" / "f"
    shutil.copytree(folder, tmp_path / "old")
    apply_retention(Workspace(place), now=NOW)
    for n, ending in enumerate(("seg", "idx", "seal")):
        if n >= renamed:
            (folder / f"x-000001.{ending}").rename(folder / f"x-000001.{ending}-new")
            shutil.copy(tmp_path / "old" / f"x-000001.{ending}", folder)
    state = raws(place)
    assert len({flag for _, flag in state[:40]}) == 1
    assert all(old[0].startswith(new[0]) for old, new in zip(whole, state, strict=True))
    retention.settle_rewritten(Workspace(place).archive.root)
    assert verify_archive(Workspace(place).archive).ok
    assert not [p for p in os.listdir(folder) if p.endswith("-new")]


def test_a_trap_that_runs_is_not_in_the_way(tmp_path: Path) -> None:
    place = filled(tmp_path / "w")
    with Workspace(place).archive.writer("f", "x"):
        assert apply_retention(Workspace(place), now=NOW).messages == 40


def test_a_column_that_kept_facts_do_not_have_is_null_or_nothing(tmp_path: Path) -> None:
    place = filled(tmp_path / "w")
    apply_retention(Workspace(place), now=NOW)
    base = str(place / "archive" / "segments" / "f" / "x-000001")
    schema = arrow_schema("message")
    wider = schema.append(pa.field("later", pa.int32(), nullable=False)).append(pa.field("unsure", pa.string()))
    rows = kept_facts(base, [0, 7], {"message": wider})["message"]
    assert rows.select(schema.names).schema == schema and rows["subject"].to_pylist() == ["same", "own1"]
    assert (rows["later"].to_pylist(), rows["unsure"].to_pylist()) == ([0, 0], [None, None])
    with pytest.raises(BrokenWorld, match="facts of 1 thinned"):
        kept_facts(base, [0, 60], {"message": schema})
