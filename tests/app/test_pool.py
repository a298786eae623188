"""The pool against a real worker process that dies of chosen records."""

import sys
from pathlib import Path

import pytest

from spamtide.app.pool import Done, Poison, Task, WorkerPool
from spamtide.errors import BrokenWorld

WORKER = """
import json, os, sys, time
print(json.dumps({"ready": 1}), flush=True)
for line in sys.stdin:
    task = json.loads(line)
    poison = task["segment"]["poison"]
    hit = [p for p in poison if task["start"] <= p < task["stop"]]
    if hit:
        if task["segment"]["how"] == "die": os.abort()
        if task["segment"]["how"] == "hang": time.sleep(60)
        print(json.dumps({"error": "no"}), flush=True); continue
    print(json.dumps({"messages": task["stop"] - task["start"]}), flush=True)
"""


def pool(tmp_path: Path, text: str = WORKER, seconds: float = 5.0) -> WorkerPool:
    script = tmp_path / "worker.py"
    script.write_text(text)
    return WorkerPool(
        2, stage=str(tmp_path), address_space_mib=0, task_seconds=seconds, command=[sys.executable, str(script)]
    )


@pytest.mark.parametrize(("how", "reason"), [("die", "killed"), ("hang", "timed_out"), ("refuse", "no")])
def test_poison_messages_are_found_and_the_rest_is_answered(tmp_path: Path, how: str, reason: str) -> None:
    with pool(tmp_path, seconds=0.4 if how == "hang" else 20.0) as workers:
        workers.submit(Task({"poison": [5], "how": how}, 0, 16))
        results = list(workers.results())
    assert [(r.task.start, r.reason) for r in results if isinstance(r, Poison)] == [(5, reason)]
    assert sum(r.answer["messages"] for r in results if isinstance(r, Done)) == 15


def test_a_worker_that_cannot_start_is_an_error_not_a_poison_message(tmp_path: Path) -> None:
    with pool(tmp_path, "raise SystemExit(1)") as workers:
        workers.submit(Task({"poison": [], "how": "die"}, 0, 4))
        with pytest.raises(BrokenWorld, match="before it was ready"):
            list(workers.results())


def test_a_message_in_quarantine_is_named_and_read_again_later(spamtide, tmp_path: Path) -> None:
    # A real worker with too little memory for one large message, the real parser, the real journal.
    place, mbox = tmp_path / "w", tmp_path / "m.mbox"
    large = ("x" * 9_999 + "\n") * 12_000
    for subject, body in (("small", "words"), ("large", large), ("last", "words")):
        with mbox.open("a") as file:
            file.write(
                f"From x Mon Mar  7 10:00:00 2011\nFrom: a@b.example\nSubject: {subject}\n"
                f"Content-Type: text/html\n\n{body}\n\n"
            )
    assert spamtide("init", place).code == 0
    settings = place / "spamtide.toml"
    roomy = settings.read_text()
    settings.write_text(roomy + "\n[digest]\nworkers = 1\naddress_space_mib = 420\n")
    ran = spamtide("--workspace", place, "import", mbox, "--feed", "f", "--json")
    assert ran.json["quarantined"] == 1
    assert [p["code"] for p in spamtide("--workspace", place, "status", "--json").json["problems"]] == ["quarantined"]
    assert [m["subject"] for m in spamtide("--workspace", place, "search", "", "--jsonl").rows] == ["small", "last"]
    again = spamtide("--workspace", place, "digest", "--retry-quarantine", "--json").json
    assert (again["messages"], again["quarantined"]) == (0, 1)
    settings.write_text(roomy)
    again = spamtide("--workspace", place, "digest", "--retry-quarantine", "--json").json
    assert (again["messages"], again["quarantined"]) == (1, 0)
    assert [m["subject"] for m in spamtide("--workspace", place, "search", "", "--jsonl").rows] == [
        "small",
        "large",
        "last",
    ]
    assert spamtide("--workspace", place, "status", "--json").json["problems"] == []
    assert spamtide("--workspace", place, "archive", "verify", "--json").json["ok"]
    assert spamtide("--workspace", place, "digest", "--retry-quarantine", "--json").json["messages"] == 0
