"""A message that really kills the worker that reads it: set apart while mail goes on, named, and read when there is room for it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from follow_made import letter, live, subjects, until
from spamtide.app.quarantine import in_quarantine, split_around
from spamtide.app.workspace import Workspace, now_us
from spamtide.archive import CaptureBatch, Place, fresh_salts
from trap_process import TrapProcess, deliver, greeted, make_workspace

# Nearly the longest that the trap takes; the worker needs more than its length to read it.
BOMB = b"Subject: bomb\r\n\r\n" + b"x y z w\r\n" * (60 * 2**20 // 9)


def survives(mib: int, base: str, stage: Path) -> bool:
    """Whether a worker with so much address space reads an ordinary message."""
    task = {"segment": {"feed": "f", "writer": "x", "number": 1, "base": base}, "start": 0, "stop": 1}
    done = subprocess.run(
        [sys.executable, "-m", "spamtide.app.worker", str(stage), str(mib)],
        input=json.dumps({**task, "provisional": None}).encode() + b"\n",
        capture_output=True,
    )
    return b'"messages": 1' in done.stdout


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> int:
    """The least address space, in steps of 32 MiB, in which a worker reads an ordinary message on this machine."""
    folder = tmp_path_factory.mktemp("tight")
    place = make_workspace(folder / "w")
    batch = CaptureBatch()
    batch.push(now_us(), b'{"v": 1, "time_origin": "smtp"}', letter(0))
    with Workspace(place).archive.writer("f", "x") as writer:
        writer.append(batch, fresh_salts(1))
    (folder / "stage").mkdir()
    base = str(place / "archive" / "segments" / "f" / "x-000001")
    return next(mib for mib in range(256, 2048, 32) if survives(mib, base, folder / "stage"))


def limited(place: Path, mib: int) -> None:
    text = (place / "spamtide.toml").read_text().split("[digest]")[0]
    (place / "spamtide.toml").write_text(f"{text}[digest]\naddress_space_mib = {mib}\n")


def test_a_message_that_kills_a_worker_is_set_apart_while_mail_goes_on(spamtide, tmp_path: Path, tight: int) -> None:
    place = make_workspace(tmp_path / "w")
    limited(place, tight)
    w = ("--workspace", place)
    with TrapProcess(place, digest=True) as trap, greeted(trap.address) as client:
        assert deliver(client, letter(0)) == 250
        assert deliver(client, BOMB) == 250
        assert deliver(client, letter(2)) == 250
        event = trap.wait_for("digest.quarantined")
        assert event["id"] == "f/trap-000001/1" and event["reason"] in ("killed", "out_of_memory")
        until(lambda: subjects(live(place)) == ["number 0", "number 2"])
        (problem,) = (p for p in spamtide(*w, "status", "--json").json["problems"] if p["code"] == "quarantined")
        assert f"f/trap-000001/1 ({event['reason']})" in problem["text"]
        assert deliver(client, letter(3)) == 250
        until(lambda: len(live(place)) == 3)
        time.sleep(2)
        # It killed one worker, not one a look; the process that follows lives on.
        assert not trap.named("digest.died") and len(trap.named("digest.quarantined")) == 1
    # Settling its segment leaves it out as well.
    done = spamtide(*w, "digest", "--json").json
    assert (done["messages"], done["quarantined"]) == (3, 0)
    assert list(in_quarantine(Workspace(place))) == [Place("f", "trap", 1, 1)]
    assert spamtide(*w, "digest", "--retry-quarantine", "--json").json["quarantined"] == 1
    limited(place, 3072)
    assert spamtide(*w, "digest", "--retry-quarantine", "--json").json["messages"] == 1
    assert in_quarantine(Workspace(place)) == {}
    assert subjects(spamtide(*w, "search", "", "--jsonl").rows) == ["number 0", "bomb", "number 2", "number 3"]


def test_a_message_released_before_its_segment_is_settled_is_read_once_with_it(
    spamtide, tmp_path: Path, tight: int
) -> None:
    place = make_workspace(tmp_path / "w")
    limited(place, tight)
    with TrapProcess(place, digest=True) as trap, greeted(trap.address) as client:
        assert [deliver(client, raw) for raw in (letter(0), BOMB)] == [250] * 2
        trap.wait_for("digest.quarantined")
    limited(place, 3072)
    w = ("--workspace", place)
    assert spamtide(*w, "digest", "--retry-quarantine", "--json").json["messages"] == 1
    assert subjects(spamtide(*w, "search", "", "--jsonl").rows) == ["number 0", "bomb"]


def test_a_worker_that_finds_no_room_on_the_disk_blames_no_message(spamtide, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    batch = CaptureBatch()
    batch.push(now_us(), b'{"v": 1, "time_origin": "smtp"}', letter(0))
    with Workspace(place).archive.writer("f", "x") as writer:
        writer.append(batch, fresh_salts(1))
    stage = Workspace(place).tables.stage(1).with_name("facts-full")
    from spamtide.app.pool import Task, WorkerPool

    # A folder that is gone stands for a disk that takes nothing.
    segment = {"feed": "f", "writer": "x", "number": 1, "base": str(place / "archive" / "segments" / "f" / "x-000001")}
    with WorkerPool(1, stage=str(stage), address_space_mib=0, task_seconds=60) as pool:
        pool.submit(Task(segment, 0, 1))
        with pytest.raises(OSError, match="No such file"):
            list(pool.results())


def test_ranges_leave_out_what_is_held() -> None:
    held = [Place("f", "x", 1, n) for n in (0, 4, 9)] + [Place("f", "x", 2, 5)]
    assert list(split_around(held, ("f", "x", 1), 0, 10)) == [(1, 4), (5, 9)]
    assert list(split_around(held, ("f", "x", 1), 4, 5)) == []
    assert list(split_around([], ("f", "x", 1), 4, 6)) == [(4, 6)]
