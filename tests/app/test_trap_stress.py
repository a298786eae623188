"""The trap among senders that are slow, many, or without end; an honest one is served."""

from __future__ import annotations

import re
import ssl
import time
from pathlib import Path

import pytest

from trap_process import Client, TrapProcess, deliver, greeted, make_workspace, stored


def test_a_slow_command_and_slow_data_end_with_421(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", command_seconds=0.5, data_seconds=0.5)
    with TrapProcess(place) as trap:
        silent, dripping, stalled = greeted(trap.address), greeted(trap.address), greeted(trap.address)
        assert stalled.say(b"MAIL FROM:<>", b"RCPT TO:<x@trap.example>", b"DATA") == 354
        stalled.send(b"some")
        # A drip is no command: the clock runs from our last reply.
        for _ in range(4):
            dripping.send(b"N")
            time.sleep(0.1)
        assert [c.reply() for c in (silent, dripping, stalled)] == [421, 421, 421]
        assert {trap.wait_for("session.ended", n)["how"] for n in (1, 2, 3)} == {"slow"}
    assert stored(place)[0][1] == b"some"


def test_data_below_the_least_rate_is_ended_and_data_above_it_is_not(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", slow_seconds=0.5, bytes_per_second=1000.0)
    with TrapProcess(place) as trap:
        slow, fast = greeted(trap.address), greeted(trap.address)
        for client in (slow, fast):
            assert client.say(b"MAIL FROM:<>", b"RCPT TO:<x@trap.example>", b"DATA") == 354
        for _ in range(12):
            fast.send(b"x" * 998 + b"\r\n")
            slow.send(b"x")
            time.sleep(0.1)
        fast.send(b".\r\n")
        assert fast.reply() == 250 and slow.reply() == 421


def test_one_address_has_only_its_share(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", connections_per_address=3)
    with TrapProcess(place) as trap:
        clients = [greeted(trap.address) for _ in range(3)]
        with Client(trap.address) as fourth:
            assert fourth.reply() == 421
        assert trap.wait_for("connection.refused")["why"] == "per_address"
        clients[0].say(b"QUIT")
        trap.wait_for("session.ended")
        with greeted(trap.address) as next_one:
            assert deliver(next_one, b"x\r\n") == 250


def test_under_stress_the_most_idle_makes_room_and_an_honest_client_is_served(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", connections=20)
    with TrapProcess(place) as trap:
        idle = [greeted(trap.address) for _ in range(20)]
        idle[0].say(b"NOOP")
        started = time.monotonic()
        with greeted(trap.address) as honest:
            assert deliver(honest, b"x\r\n") == 250
        assert time.monotonic() - started < 5
        # The first had said something since; the second was silent longest.
        assert idle[1].reply() == 421
        assert trap.wait_for("session.ended")["how"] in ("shed", "closed")
        assert idle[0].say(b"NOOP") == 250


def test_a_client_that_reads_nothing_holds_nobody_up(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place) as trap:
        deaf = Client(trap.address)
        deaf.send(b"EHLO a.example\r\n" * 150)
        with greeted(trap.address) as honest:
            assert deliver(honest, b"x\r\n") == 250
        deaf.close()


def test_below_the_low_water_mark_mail_is_put_off(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    text = (place / "spamtide.toml").read_text()
    (place / "spamtide.toml").write_text(text.replace("low_water_mib = 1", f"low_water_mib = {2**40}"))
    with TrapProcess(place) as trap, greeted(trap.address) as client:
        assert client.say(b"MAIL FROM:<>") == 452 and client.say(b"NOOP") == 250


def resident(pid: int) -> int:
    """Memory of a process, KiB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])  # type: ignore[index]


@pytest.mark.proof
def test_among_ten_thousand_idle_and_dripping_connections_a_message_is_acknowledged_within_a_second(
    tmp_path: Path,
) -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    n = min(10_000, hard - 500)
    place = make_workspace(tmp_path / "w", connections=n + 10, connections_per_address=n + 10, slow_seconds=600.0)

    with TrapProcess(place) as trap:
        before = resident(trap.process.pid)
        crowd = [Client(trap.address) for _ in range(n)]
        assert all(c.reply() == 220 for c in crowd)
        held = resident(trap.process.pid) - before
        for client in crowd[::10]:
            client.send(b"MAIL FROM:<>\r\nRCPT TO:<x@trap.example>\r\nDATA\r\ndrip")
        started = time.monotonic()
        with greeted(trap.address) as honest:
            assert deliver(honest, b"x\r\n") == 250
        seconds = time.monotonic() - started
        print(f"\n{n} connections: {held / n:.1f} KiB each; an honest message took {seconds:.3f} s")
        for client in crowd:
            client.close()
        assert seconds < 1 and held / n <= 8


@pytest.mark.proof
def test_idle_sessions_within_tls_are_small_too(tmp_path: Path) -> None:
    n = 1000
    place = make_workspace(tmp_path / "w", connections=n + 10, connections_per_address=n + 10)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with TrapProcess(place) as trap:
        before = resident(trap.process.pid)
        crowd = []
        for _ in range(n):
            client = greeted(trap.address)
            assert client.say(b"STARTTLS") == 220
            crowd.append(context.wrap_socket(client.socket))
        held = resident(trap.process.pid) - before
        print(f"\n{n} sessions within TLS: {held / n:.1f} KiB each")
        for socket in crowd:
            socket.close()
        assert held / n <= 64
