"""A stop: nobody new, transactions under way come to their end or to 421, and who asks twice is heard."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from trap_process import Client, TrapProcess, greeted, make_workspace, stored


def draining(trap: TrapProcess) -> None:
    trap.process.send_signal(signal.SIGTERM)
    trap.wait_for("trap.draining")


def test_whoever_is_within_a_transaction_hands_over_his_message(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    trap = TrapProcess(place)
    mail, rcpt, data, idle = (greeted(trap.address) for _ in range(4))
    assert mail.say(b"MAIL FROM:<a@b.example>") == 250
    assert rcpt.say(b"MAIL FROM:<a@b.example>", b"RCPT TO:<x@trap.example>") == 250
    assert data.say(b"MAIL FROM:<a@b.example>", b"RCPT TO:<x@trap.example>", b"DATA") == 354
    data.send(b"in the middle of D")
    draining(trap)
    assert idle.reply() == 421 and idle.reply() == 0
    with pytest.raises(OSError, match="refused"):
        Client(trap.address)
    data.send(b"ATA\r\n.\r\n")
    assert data.reply() == 250 and data.reply() == 421
    assert rcpt.say(b"DATA") == 354
    rcpt.send(b"rcpt\r\n.\r\n")
    assert rcpt.reply() == 250 and rcpt.reply() == 421
    assert mail.say(b"RCPT TO:<y@trap.example>") == 250
    mail.send(b"BDAT 6\r\nmail\r\nBDAT 0 LAST\r\n")
    assert mail.reply() == 250 and mail.reply() == 250 and mail.reply() == 421 and mail.reply() == 0
    assert trap.process.wait(60) == 0 and trap.wait_for("trap.stopped")
    assert sorted(raw for _, raw in stored(place)) == [b"in the middle of DATA\r\n", b"mail\r\n", b"rcpt\r\n"]
    assert {e["how"] for e in trap.named("session.ended")} == {"drained"}
    assert trap.named("trap.hurried") == [] and trap.events[-1]["event"] == "trap.stopped"


def test_who_begins_another_message_is_sent_away(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    trap = TrapProcess(place)
    client = greeted(trap.address)
    assert client.say(b"MAIL FROM:<>", b"RCPT TO:<x@trap.example>") == 250
    draining(trap)
    assert deliver_rest(client, b"one\r\n") == 250 and client.reply() == 421 and client.reply() == 0
    assert trap.process.wait(60) == 0 and trap.wait_for("trap.stopped") and len(stored(place)) == 1


def deliver_rest(client: Client, body: bytes) -> int:
    assert client.say(b"DATA") == 354
    client.send(body + b".\r\n")
    return client.reply()


def test_after_the_deadline_the_rest_hears_421_and_what_came_is_kept(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", drain_seconds=0.5)
    trap = TrapProcess(place)
    rcpt, data = greeted(trap.address), greeted(trap.address)
    assert rcpt.say(b"MAIL FROM:<>", b"RCPT TO:<x@trap.example>") == 250
    assert data.say(b"MAIL FROM:<>", b"RCPT TO:<x@trap.example>", b"DATA") == 354
    data.send(b"half\n.\n")
    draining(trap)
    began = time.monotonic()
    assert rcpt.reply() == 421 and data.reply() == 421 and rcpt.reply() == data.reply() == 0
    assert 0.3 < time.monotonic() - began < 5
    assert trap.process.wait(60) == 0 and trap.wait_for("trap.stopped")
    ((meta, raw),) = stored(place)
    assert raw == b"half\n.\n" and meta["marks"] == ["unfinished"]
    assert [e["how"] for e in trap.named("session.ended")] == ["drained", "drained"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_hurries(tmp_path: Path, number: int) -> None:
    place = make_workspace(tmp_path / "w", drain_seconds=600)
    trap = TrapProcess(place)
    client = greeted(trap.address)
    assert client.say(b"MAIL FROM:<>", b"RCPT TO:<x@trap.example>", b"DATA") == 354
    client.send(b"half ")
    draining(trap)
    time.sleep(0.5)
    assert trap.process.poll() is None
    trap.process.send_signal(number)
    assert trap.wait_for("trap.hurried")["signal"] == signal.Signals(number).name
    assert client.reply() == 421 and client.reply() == 0
    assert trap.process.wait(20) == (0 if number == signal.SIGTERM else 130)


def test_a_message_whose_end_has_come_is_acknowledged_although_a_stop_hurries(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", drain_seconds=600)
    trap = TrapProcess(place)
    clients = [greeted(trap.address) for _ in range(20)]
    for client in clients:
        assert client.say(b"MAIL FROM:<>", b"RCPT TO:<x@trap.example>", b"DATA") == 354
    trap.process.send_signal(signal.SIGTERM)
    trap.wait_for("trap.draining")
    for n, client in enumerate(clients):
        client.send(b"%d\r\n.\r\n" % n)
    trap.process.send_signal(signal.SIGTERM)
    said = [client.reply() for client in clients]
    assert trap.process.wait(20) == 0
    kept = [raw for meta, raw in stored(place) if not meta.get("marks")]
    # Whoever heard 250 has his message kept; whoever heard 421 has not been told that it is.
    assert set(said) <= {250, 421} and len(kept) >= said.count(250)
    assert {b"%d\r\n" % n for n, code in enumerate(said) if code == 250} <= set(kept)
