"""A digest worker is bounded before it reads anything, and what it dies of is set apart."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from spamtide.app import digesting
from spamtide.app.pool import WorkerPool

MESSAGE = "From x Mon Mar  7 10:00:0{n} 2011\nFrom: a@b.example\nSubject: number {n}\n\nbody {n}\n\n"
# The real worker, but one that is shot whenever its range holds the fourth record.
SHOT = """
import os
from spamtide.app import digestpart, worker
real = digestpart.digest_range
def shot(stage, segment, start, stop, *more):
    if start <= 3 < stop: os.abort()
    return real(stage, segment, start, stop, *more)
digestpart.digest_range = shot
worker.main()
"""


def test_its_address_space_is_limited_and_it_leaves_no_core(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "spamtide.app.worker", str(tmp_path), "2048"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None and process.stdin is not None
    assert json.loads(process.stdout.readline()) == {"ready": process.pid}
    limits = dict(
        line.rsplit(maxsplit=3)[:2]
        for line in Path(f"/proc/{process.pid}/limits").read_text().splitlines()[1:]
        if line.startswith(("Max address", "Max core"))
    )
    process.stdin.close()
    assert process.wait(20) == 0
    assert limits == {"Max address space": str(2048 * 2**20), "Max core file size": "0"}


def test_a_message_no_worker_survives_is_quarantined_and_the_rest_is_read(
    spamtide,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "worker.py").write_text(SHOT)
    (tmp_path / "m.mbox").write_text("".join(MESSAGE.format(n=n) for n in range(8)))
    command = [sys.executable, str(tmp_path / "worker.py")]
    monkeypatch.setattr(digesting, "WorkerPool", functools.partial(WorkerPool, command=command))
    w = ("--workspace", tmp_path / "w")
    spamtide("init", tmp_path / "w")
    done = spamtide(*w, "import", tmp_path / "m.mbox", "--feed", "f", "--json").json
    assert (done["new"], done["quarantined"]) == (8, 1)
    assert [r["subject"] for r in spamtide(*w, "search", "", "--jsonl").rows] == [
        f"number {n}" for n in range(8) if n != 3
    ]
    status = spamtide(*w, "status", "--json").json
    assert [p["code"] for p in status["problems"]] == ["quarantined"]
    verified = spamtide(*w, "archive", "verify", "--json").json
    assert (verified["ok"], verified["messages"]) == (True, 8)


@pytest.mark.parametrize(
    ("start", "stop", "tasks"), [(5, 5, 0), (0, 1, 1), (0, 40_000, 1), (0, 40_001, 2), (7, 100_942, 3)]
)
def test_a_range_is_split_into_tasks_that_cover_it_once(start: int, stop: int, tasks: int) -> None:
    ranges = list(digesting.split_evenly(start, stop))
    assert [n for first, last in ranges for n in (first, last)][1:-1:2] == [first for first, _ in ranges[1:]]
    assert sum(last - first for first, last in ranges) == stop - start
    assert len(ranges) == tasks and all(0 < last - first <= digesting.TASK_RECORDS for first, last in ranges)
