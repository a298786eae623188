"""``digest --follow``: what arrives is there within seconds, never before it is durable, and never in a report before it is settled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from follow_made import PATIENCE, captures, followed, letter, live, subjects, until
from spamtide.app import following
from spamtide.app.digesting import pending_ranges
from spamtide.app.health import describe
from spamtide.app.observatory import Observatory
from spamtide.app.searching import search_messages
from spamtide.app.workspace import Workspace, now_us
from spamtide.archive import CaptureBatch, Durable, durable_part, fresh_salts, read_mark
from spamtide.fingerprint import FACTS_VERSION
from spamtide.measure import Window
from trap_faults import faulty
from trap_process import TrapProcess, deliver, greeted, make_workspace


def test_a_trap_shows_mail_within_seconds_and_settles_it_when_its_segment_is_sealed(spamtide, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    w = ("--workspace", place)
    with TrapProcess(place, digest=True) as trap:
        trap.wait_for("digest.ready")
        with greeted(trap.address) as client:
            assert deliver(client, letter(0)) == 250
            sent = time.monotonic()
            until(lambda: live(place))
            assert time.monotonic() - sent < 10
            for n in range(1, 6):
                assert deliver(client, letter(n)) == 250
                time.sleep(0.3)
        rows = until(lambda: (found := live(place)) and len(found) == 6 and found)
        assert subjects(rows) == [f"number {n}" for n in range(6)] and all(r["provisional"] for r in rows)
        assert max(e["oldest_seconds"] for e in trap.named("digest.read")) < 10
        # What is counted does not see them: nothing is settled.
        assert Workspace(place).tables.snapshot(FACTS_VERSION).files == {}
        assert list(search_messages(Workspace(place), "")) == []
        window = Window(now_us() - 10**12, now_us() + 10**9)
        assert not Observatory(Workspace(place)).series("volume", ["f"], window=window).counts.any()
        status = spamtide(*w, "status", "--json").json
        assert status["digest"]["following"] and status["digest"]["provisional"] == 6
        # A command that counts settles what is durable first, and then counts it.
        assert spamtide(*w, "search", "", "--by", "day", "--json").json["total"] == 6
        assert [r["provisional"] for r in live(place)] == [False] * 6
    assert [e["event"] for e in trap.events][-2:] == ["digest.stopped", "trap.stopped"]


def test_what_is_sealed_is_settled_and_no_longer_provisional(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with followed(place) as events, Workspace(place).archive.writer("f", "x") as writer:
        until(lambda: [e for e in events if e["event"] == "digest.ready"])
        writer.append(captures(letter(0), letter(1)), fresh_salts(2))
        writer.commit()
        time.sleep(2.5)
        # Nobody says how far this writer is durable: nothing of it is read.
        assert live(place) == []
        writer.roll()
        until(lambda: [e for e in events if e["event"] == "digest.settled"])
        assert [r["provisional"] for r in live(place)] == [False, False]
        writer.append(captures(letter(2)), fresh_salts(1))
        writer.close(seal=False)
    assert Workspace(place).tables.provisional.named(FACTS_VERSION) == []


def test_provisional_parts_stay_few_and_whole(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place) as trap, followed(place) as events, greeted(trap.address) as client:
        for n in range(12):
            assert deliver(client, letter(n)) == 250
            until(lambda n=n: sum(e["messages"] for e in events if e["event"] == "digest.read") == n + 1)
        assert subjects(live(place)) == [f"number {n}" for n in range(12)]
        parts = [p for p in Workspace(place).tables.provisional.named(FACTS_VERSION) if p.table == "message"]
        assert len(parts) <= 4 and sum(p.rows for p in parts) == 12


def test_a_record_is_not_read_before_its_fdatasync(shim: Path, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    trap, fault = faulty(shim, place, tmp_path)
    with trap, greeted(trap.address) as client:
        assert deliver(client, letter(0)) == 250
        with followed(place):
            until(lambda: live(place))
            fault.write_text("stall")
            for line in (b"MAIL FROM:<a@b.example>", b"RCPT TO:<x@trap.example>", b"DATA"):
                client.say(line)
            client.send(letter(1) + b".\r\n")
            archive = Workspace(place).archive
            # The record is whole in the file, and hangs in its fdatasync.
            until(lambda: archive.segments("f")[0].records == 2)
            time.sleep(2.5)
            assert subjects(live(place)) == ["number 0"]
            assert [(start, stop) for _, start, stop in pending_ranges(Workspace(place))] == [(0, 1)]
            # It fails: the record is cut off, and its place is never spoken of.
            fault.with_name("next").write_text("sync")
            fault.with_name("next").replace(fault)  # at once: never neither of the two
            assert client.reply() == 451
            fault.unlink()
            assert deliver(client, letter(2)) == 250
            until(lambda: subjects(live(place)) == ["number 0", "number 2"])


def test_a_full_disk_cuts_a_batch_off_and_its_ordinals_are_another_messages(shim: Path, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    trap, fault = faulty(shim, place, tmp_path)
    with trap, greeted(trap.address) as client, followed(place):
        assert deliver(client, letter(0)) == 250
        fault.write_text("full")
        assert deliver(client, letter(1)) == 452
        fault.unlink()
        trap.wait_for("store.recovered")
        assert deliver(client, letter(2)) == 250
        until(lambda: [(r["id"], r["subject"]) for r in live(place)][1:] == [("f/trap-000001/1", "number 2")])


def test_the_durable_mark_is_what_was_acknowledged_and_the_rest_of_a_killed_trap_is_read_too(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    trap = TrapProcess(place)
    with greeted(trap.address) as client:
        assert [deliver(client, letter(n)) for n in range(3)] == [250] * 3
    root = Workspace(place).archive.root
    base = root / "segments" / "f" / "trap-000001"
    mark = read_mark(root / "live" / "f-trap.mark")
    assert mark == Durable(1, 3, base.with_suffix(".open").stat().st_size)
    assert durable_part(root, "f", "trap", 1, base) == mark
    assert durable_part(root, "f", "trap", 2, base).records == 0
    (root / "live" / "f-trap.mark").write_bytes(b"1 9 99999 00000000\n")
    assert durable_part(root, "f", "trap", 1, base).records == 0
    trap.stop(signal.SIGKILL)
    with base.with_suffix(".open").open("ab") as file:
        file.write(b"STR1 and half a record")
    assert durable_part(root, "f", "trap", 1, base) == mark


def test_a_kill_of_the_follower_loses_nothing_and_the_trap_starts_another(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place, digest=True) as trap, greeted(trap.address) as client:
        pid = trap.wait_for("digest.started")["pid"]
        trap.wait_for("digest.ready")
        assert deliver(client, letter(0)) == 250
        os.kill(pid, signal.SIGKILL)
        assert trap.wait_for("digest.died")["code"] == -signal.SIGKILL
        assert deliver(client, letter(1)) == 250
        trap.wait_for("digest.ready", 2)
        until(lambda: subjects(live(place)) == ["number 0", "number 1"])
        state = describe(Workspace(place))
        assert [p["code"] for p in state["problems"] if p["code"] == "digest_dies"] == ["digest_dies"]


def test_a_killed_trap_takes_its_follower_with_it(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    trap = TrapProcess(place, digest=True)
    pid = trap.wait_for("digest.started")["pid"]
    trap.wait_for("digest.ready")
    trap.stop(signal.SIGKILL)

    def gone() -> bool:
        # An orphan that nobody waits for may stay a zombie.
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"

    until(gone)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_follower_stops_when_it_is_asked_and_says_what_it_did(tmp_path: Path, number: int, code: int) -> None:
    place = make_workspace(tmp_path / "w")
    with Workspace(place).archive.writer("f", "x") as writer:
        writer.append(captures(letter(0)), fresh_salts(1))
    command = [sys.executable, "-m", "spamtide", "--workspace", str(place), "digest", "--follow", "--log", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        names = []
        for line in process.stdout:
            names.append(json.loads(line)["event"])
            if names[-1] == "digest.settled":
                process.send_signal(number)
        assert process.wait(PATIENCE) == code
    assert names[0] == "digest.ready" and names[-1] == "digest.stopped"
    assert subjects(live(place)) == ["number 0"]


def test_one_follows_and_another_waits_for_its_end(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with followed(place) as first:
        until(lambda: [e for e in first if e["event"] == "digest.ready"])
        with followed(place) as second:
            until(lambda: [e for e in second if e["event"] == "digest.waiting"])
    assert [e["event"] for e in second] == ["digest.waiting"]


def test_days_that_are_over_are_gathered_while_it_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_GATHER_EVERY_SECONDS", 0.5)
    place = make_workspace(tmp_path / "w")
    batch = CaptureBatch()
    for n in range(4):
        batch.push(1_300_000_000_000_000 + n * 86_400_000_000, b'{"v": 1, "time_origin": "smtp"}', letter(n))
    with Workspace(place).archive.writer("f", "x") as writer:
        writer.append(batch, fresh_salts(4))
    with followed(place) as events:
        until(lambda: [e for e in events if e["event"] == "digest.gathered"])
    assert {p.day is not None for p in Workspace(place).tables.parts(FACTS_VERSION)} == {True}
    assert len(live(place)) == 4
