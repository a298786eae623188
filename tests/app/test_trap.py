"""The trap as its operator runs it: what is acknowledged is kept, what happens is told, a stop drains."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spamtide.app.instants import parse_instant
from spamtide.app.trapping import parse_address
from spamtide.app.workspace import Workspace
from spamtide.archive import verify_archive
from spamtide.errors import WrongUse
from trap_process import Client, TrapProcess, deliver, greeted, make_workspace, stored

BODY = b"From: a@b.example\r\nSubject: pills\r\n\r\nbuy\x00 now \xff\n\r\n"


def test_a_message_is_kept_byte_for_byte_and_found_after_a_digest(spamtide, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    before = time.time_ns() // 1000
    with TrapProcess(place) as trap:
        assert trap.events[0]["event"] == "trap.ready" and trap.ready["feed"] == "f"
        with greeted(trap.address) as client:
            assert deliver(client, BODY) == 250
            assert deliver(client, b"Subject: two\r\n\r\nx\r\n", b"anybody@anywhere.example") == 250
            assert client.say(b"QUIT") == 221
        event = trap.wait_for("message.stored", 2)
        ended = trap.wait_for("session.ended")
    assert trap.events[-1]["event"] == "trap.stopped" and trap.events[-1]["counts"]["messages"] == 2
    assert (ended["how"], ended["messages"]) == ("quit", 2)
    (meta, raw), (second, _) = stored(place)
    assert raw == BODY and second["to"] == ["anybody@anywhere.example"]
    assert (meta["peer"], meta["helo"], meta["persona"]) == ("127.0.0.1", "client.example", "plain")
    assert meta["session"] == second["session"] == event["session"]
    assert verify_archive(Workspace(place).archive).ok
    assert spamtide("--workspace", place, "digest", "--json").json["messages"] == 2
    (row,) = spamtide("--workspace", place, "search", "subject:pills", "--jsonl").rows
    assert row["id"] == "f/trap-000001/0" and row["envelope"] == {"from": "a@b.example", "to": ["x@trap.example"]}
    assert before <= parse_instant(row["received_at"]) <= time.time_ns() // 1000


def test_lmtp_answers_for_each_recipient_that_the_feed_lists(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with (place / "spamtide.toml").open("a") as file:
        file.write('[feeds.f]\naddresses = ["X@trap.example", "@other.example"]\n')
    with TrapProcess(place, "--lmtp", "127.0.0.1:0") as trap, Client(trap.lmtp) as client:
        assert client.reply() == 220 and client.say(b"LHLO c.example", b"MAIL FROM:<>") == 250
        codes = [
            client.say(b"RCPT TO:<" + r + b">") for r in (b"x@trap.example", b"no@trap.example", b"y@OTHER.example")
        ]
        assert codes == [250, 550, 250] and client.say(b"DATA") == 354
        client.send(b"hi\r\n.\r\n")
        assert [client.reply(), client.reply()] == [250, 250]
    assert stored(place)[0][0]["to"] == ["x@trap.example", "y@OTHER.example"]


def test_a_stop_lets_a_message_come_to_its_end_and_ends_idle_sessions(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    trap = TrapProcess(place)
    idle, busy = greeted(trap.address), greeted(trap.address)
    assert busy.say(b"MAIL FROM:<>", b"RCPT TO:<x@trap.example>", b"DATA") == 354
    busy.send(b"half ")
    trap.process.send_signal(signal.SIGTERM)
    assert trap.wait_for("trap.draining")["signal"] == "SIGTERM"
    assert idle.reply() == 421 and idle.reply() == 0
    with pytest.raises(OSError, match="refused"):
        Client(trap.address)
    busy.send(b"whole\r\n.\r\n")
    assert busy.reply() == 250 and busy.reply() == 421
    assert trap.stop() == 0
    assert stored(place)[0][1] == b"half whole\r\n"


def test_a_drain_has_an_end_and_what_came_is_kept_as_unfinished(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", drain_seconds=0.2)
    trap = TrapProcess(place)
    client = greeted(trap.address)
    assert client.say(b"MAIL FROM:<>", b"RCPT TO:<x@trap.example>", b"DATA") == 354
    client.send(b"never ends\n.\n")
    time.sleep(0.1)
    assert trap.stop() == 0
    (meta, raw), *_ = stored(place)
    assert raw == b"never ends\n.\n" and meta["marks"] == ["unfinished"]


def test_ctrl_c_drains_too_and_ends_with_130(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    trap = TrapProcess(place)
    with greeted(trap.address) as client:
        assert deliver(client, b"x\r\n") == 250
    assert trap.stop(signal.SIGINT) == 130
    assert len(stored(place)) == 1


def test_sessions_without_a_message_and_uptime_stand_in_the_journal(spamtide, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    started = time.time_ns() // 1000
    with TrapProcess(place, "--vantage", "planted") as trap:
        with greeted(trap.address) as client:
            assert client.say(b"VRFY root", b"QUIT") == 221
        with greeted(trap.address) as client:
            assert deliver(client, b"Subject: x\r\n\r\nx\r\n") == 250
        trap.wait_for("session.ended", 2)
    journal = Workspace(place).archive.journal
    (session,) = [r.body for r in journal.read("session")]
    assert (session["feed"], session["how"], session["helo"]) == ("f", "quit", "client.example")
    assert [s[1:] for s in session["steps"]][1] == ["VRFY root", 252]
    (uptime,) = [r.body for r in journal.read("exposure")]
    assert started <= uptime["start"] < uptime["end"] and (uptime["basis"], uptime["feed"]) == ("uptime", "f")
    card = spamtide("--workspace", place, "feeds", "show", "f", "--json").json["instrument"]
    assert (card["persona"], card["clock"]) == ("plain", "system clock") and list(card["addresses_by_vantage"]) == [
        "planted"
    ]
    spamtide("--workspace", place, "digest")
    (row,) = spamtide("--workspace", place, "series", "volume", "--feed", "f", "--json").json["rows"]
    assert row["count"] == 1 and 0 < row["exposure"] < 1


def test_a_password_is_on_no_disk_and_in_no_log(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    secret = b"canary-Zq8-secret"
    with TrapProcess(place) as trap:
        with greeted(trap.address) as client:
            assert client.say(b"AUTH PLAIN AGpvZQBjYW5hcnktWnE4LXNlY3JldA==") == 535
            assert client.say(b"AUTH LOGIN", b"am9l", b"Y2FuYXJ5LVpxOC1zZWNyZXQ=") == 535
            assert client.say(b"PASS " + secret) == 500
            assert deliver(client, b"x\r\n") == 250
        with greeted(trap.address) as client:
            assert client.say(b"AUTH PLAIN AGpvZQBjYW5hcnktWnE4LXNlY3JldA==", b"QUIT") == 221
        trap.wait_for("session.ended", 2)
    kept = b"".join(p.read_bytes() for p in place.rglob("*") if p.is_file()) + json.dumps(trap.events).encode()
    assert b"PLAIN" in kept and b"client.example" in kept
    for form in (secret, b"Y2FuYXJ5", b"canary", b"Zq8", b"AGpvZQBj"):
        assert form not in kept


def test_the_next_trap_goes_on_in_the_same_segment_and_chain(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    for n in range(3):
        with TrapProcess(place) as trap, greeted(trap.address) as client:
            assert deliver(client, b"%d\r\n" % n) == 250
    assert [raw for _, raw in stored(place)] == [b"0\r\n", b"1\r\n", b"2\r\n"]
    (segment,) = Workspace(place).archive.segments("f")
    assert segment.state == "open" and verify_archive(Workspace(place).archive).ok


def test_segments_are_sealed_by_size_and_by_age_while_mail_comes(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", segment_mib=1, segment_seconds=3600)
    with TrapProcess(place) as trap, greeted(trap.address) as client:
        for n in range(12):
            assert deliver(client, b"%04d\r\n" % n + b"x" * 998 * 300 + b"\r\n") == 250
        trap.wait_for("segment.sealed", 3)
    found = verify_archive(Workspace(place).archive)
    assert found.ok and found.messages == 12, found.problems
    assert sorted(raw[:4] for _, raw in stored(place)) == [b"%04d" % n for n in range(12)]
    place = make_workspace(tmp_path / "old", segment_seconds=1)
    with TrapProcess(place) as trap:
        with greeted(trap.address) as client:
            assert deliver(client, b"x\r\n") == 250
        assert trap.wait_for("segment.sealed")["records"] == 1


def test_one_feed_has_one_trap(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place):
        line = [
            sys.executable,
            "-m",
            "spamtide",
            "--workspace",
            str(place),
            "trap",
            "--feed",
            "f",
            "--smtp",
            "127.0.0.1:0",
        ]
        second = subprocess.run(line, capture_output=True, text=True)
        assert second.returncode == 3 and "[locked]" in second.stderr
        with TrapProcess(place, feed="g") as other:
            assert other.ready["feed"] == "g"


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place) as trap:
        where = f"127.0.0.1:{trap.address[1]}"
        line = [sys.executable, "-m", "spamtide", "--workspace", str(place), "trap", "--feed", "g", "--smtp", where]
        second = subprocess.run(line, capture_output=True, text=True)
    assert second.returncode == 3 and "[cannot_listen]" in second.stderr and where in second.stderr


@pytest.mark.parametrize(
    "text", ["", "25", "host.example:25", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "[::1:25"]
)
def test_what_is_no_place_to_listen_is_refused(text: str) -> None:
    with pytest.raises(WrongUse) as caught:
        parse_address(text)
    assert caught.value.code == "bad_listen"


def test_places_to_listen_at_are_addresses() -> None:
    assert [parse_address(t) for t in ("127.0.0.1:0", "localhost:25", "[::1]:2525")] == [
        "127.0.0.1:0",
        "127.0.0.1:25",
        "[::1]:2525",
    ]


def test_after_a_kill_the_uptime_until_the_last_message_is_written_down(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    trap = TrapProcess(place)
    ready = parse_instant(trap.ready["at"])
    with greeted(trap.address) as client:
        assert deliver(client, b"x\r\n") == 250
    trap.process.kill()
    trap.process.wait()
    with TrapProcess(place):
        pass
    killed, second = (r.body for r in Workspace(place).archive.journal.read("exposure"))
    assert killed["start"] <= ready < killed["end"] <= second["start"] and killed["basis"] == "uptime"
    with TrapProcess(place):
        pass
    assert len(Workspace(place).archive.journal.read("exposure")) == 3
