"""The trap as a service: sockets handed over for real, the word to the service manager, the units checked by systemd's own tools."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from doc_tables import ROOT
from spamtide.app.activation import inherited_sockets, notify
from spamtide.errors import WrongUse
from trap_process import Client, TrapProcess, deliver, greeted, make_workspace, stored

UNITS = ROOT / "packaging" / "systemd"
WRAPPER = ROOT / "tests" / "handed_over.py"


def trap_line(place: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "spamtide", "--workspace", str(place), "trap", "--feed", "f", "--log", "json", *arguments]  # fmt: skip


class HandedOver(TrapProcess):
    """A trap that gets these sockets; no option says where to listen."""

    def __init__(self, place: Path, sockets: list[socket.socket], names: str, *arguments: str, confined: bool = False, **environment: str) -> None:  # fmt: skip
        import threading

        fds = [s.fileno() for s in sockets]
        told = json.dumps({"names": names, "fds": fds, "confined": confined})
        self.events, self._wrapped = [], False
        self.process = subprocess.Popen(
            [sys.executable, str(WRAPPER), told, *trap_line(place, *arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, pass_fds=fds, env={**os.environ, **environment},
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.ready = self.wait_for("trap.ready")


@contextmanager
def manager(folder: Path) -> Iterator[tuple[str, socket.socket]]:
    """A service manager that listens: its address and its socket."""
    address = str(folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address)
        heard.settimeout(60)
        yield address, heard


def test_sockets_are_those_of_this_process_by_their_names() -> None:
    def of(**environment: str) -> list[str]:
        return inherited_sockets(environment, 7)

    assert of() == of(LISTEN_PID="8", LISTEN_FDS="1") == of(LISTEN_PID="7", LISTEN_FDS="0") == of(LISTEN_PID="7", LISTEN_FDS="x") == []  # fmt: skip
    assert (
        of(LISTEN_PID="7", LISTEN_FDS="1") == of(LISTEN_PID="7", LISTEN_FDS="1", LISTEN_FDNAMES="a.socket") == ["smtp"]
    )
    assert of(LISTEN_PID="7", LISTEN_FDS="1", LISTEN_FDNAMES="lmtp") == ["lmtp"]
    assert of(LISTEN_PID="7", LISTEN_FDS="2", LISTEN_FDNAMES="smtps:smtp") == ["smtps", "smtp"]
    for names in ("", "smtp:smtp", "smtp:http", "smtp"):
        with pytest.raises(WrongUse) as caught:
            of(LISTEN_PID="7", LISTEN_FDS="2", LISTEN_FDNAMES=names)
        assert caught.value.code == "bad_sockets"


def test_a_socket_outlives_the_trap_and_nobody_is_turned_away(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with socket.create_server(("127.0.0.1", 0)) as smtp, socket.create_server(("127.0.0.1", 0)) as lmtp:
        address = smtp.getsockname()
        with HandedOver(place, [lmtp, smtp], "lmtp:smtp", "--no-digest") as trap:
            assert trap.ready["smtp"] == f"127.0.0.1:{address[1]}" and trap.address == address
            assert trap.ready["lmtp"] == f"127.0.0.1:{lmtp.getsockname()[1]}" and trap.ready["smtps"] is None
            with greeted(trap.address) as client:
                assert deliver(client, b"one\r\n") == 250
            with Client(trap.lmtp) as client:
                assert client.reply() == 220 and client.say(b"LHLO c.example") == 250
        # Nobody serves it now; who comes waits, and the next trap greets him.
        with Client(address) as waiting, HandedOver(place, [smtp], "smtp", "--no-digest"):
            assert waiting.reply() == 220 and waiting.say(b"HELO c.example") == 250
            assert deliver(waiting, b"two\r\n") == 250
    assert [raw for _, raw in stored(place)] == [b"one\r\n", b"two\r\n"]


def test_an_option_for_a_socket_that_was_handed_over_is_refused(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with socket.create_server(("127.0.0.1", 0)) as smtp:
        told = json.dumps({"names": "smtp", "fds": [smtp.fileno()]})
        line = [sys.executable, str(WRAPPER), told, *trap_line(place, "--no-digest", "--smtp", "127.0.0.1:0")]
        refused = subprocess.run(line, pass_fds=[smtp.fileno()], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2 and "[bad_sockets]" in refused.stderr


def test_what_is_no_listening_socket_is_named(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wrong:
        wrong.bind(("127.0.0.1", 0))
        told = json.dumps({"names": "smtp", "fds": [wrong.fileno()]})
        line = [sys.executable, str(WRAPPER), told, *trap_line(place, "--no-digest")]
        refused = subprocess.run(line, pass_fds=[wrong.fileno()], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 3 and "[cannot_listen]" in refused.stderr and "socket 0" in refused.stderr


def test_the_service_manager_hears_when_it_is_ready_and_when_it_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make_workspace(tmp_path / "w")
    with manager(tmp_path) as (address, heard):
        with TrapProcess(place, environment={"NOTIFY_SOCKET": address}) as trap:
            assert heard.recv(100) == b"READY=1" and trap.named("trap.ready")
            trap.process.send_signal(signal.SIGTERM)
            assert heard.recv(100) == b"STOPPING=1"
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        assert notify("x") and heard.recv(100) == b"x"
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    assert not notify("x")
    monkeypatch.delenv("NOTIFY_SOCKET")
    assert not notify("x")


def test_a_confined_trap_keeps_mail_and_reads_it(spamtide, tmp_path: Path) -> None:
    if platform.machine() != "x86_64":
        pytest.skip("the filter of the test is for x86-64")
    place = make_workspace(tmp_path / "w")
    with socket.create_server(("127.0.0.1", 0)) as smtp, manager(tmp_path) as (address, heard):
        try:
            trap = HandedOver(place, [smtp], "smtp", "--metrics", "127.0.0.1:0", confined=True, NOTIFY_SOCKET=address)
        except AssertionError as error:
            if "ended with 77" in str(error):
                pytest.skip("this kernel has no PR_SET_MDWE or no seccomp")
            raise
        with trap:
            assert heard.recv(100) == b"READY=1"
            with greeted(trap.address) as client:
                assert client.say(b"STARTTLS") == 220
            with greeted(trap.address) as client:
                assert deliver(client, b"Subject: pills\r\n\r\nx\r\n") == 250
            trap.wait_for("digest.read")
            status = Path(f"/proc/{trap.process.pid}/status").read_text()
            assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status
    assert spamtide("--workspace", place, "digest").code == 0
    assert len(spamtide("--workspace", place, "search", "subject:pills", "--jsonl").rows) == 1


def units(folder: Path) -> Path:
    """The shipped units, with a program that is there."""
    for unit in UNITS.iterdir():
        shutil.copy(unit, folder / unit.name)
    service = folder / "spamtide-trap@.service"
    service.write_text(service.read_text().replace("/opt/spamtide/.venv/bin/spamtide", "/bin/true"))
    return service


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze here")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120)


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    units(tmp_path)
    for name in ("spamtide-trap@.service", "spamtide-trap@.socket"):
        found = analyze("verify", str(tmp_path / name))
        assert found.returncode == 0 and found.stderr == "", found.stderr


def test_the_unit_is_as_little_exposed_as_the_howto_says(tmp_path: Path) -> None:
    service = units(tmp_path)
    version = analyze("--version").stdout.split()[1]
    found = analyze("security", "--offline=true", "--no-pager", "--threshold=20", str(service))
    if int(version) < 250:
        pytest.skip(f"systemd {version} cannot look at a file")
    assert found.returncode == 0, found.stdout[-200:]


def test_systemds_own_activation_starts_it(tmp_path: Path) -> None:
    program = shutil.which("systemd-socket-activate")
    if program is None:
        pytest.skip("no systemd-socket-activate here")
    place = make_workspace(tmp_path / "w")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
    line = [program, f"--listen=127.0.0.1:{address[1]}", "--fdname=smtp", *trap_line(place, "--no-digest")]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 30
            while True:
                try:
                    client = Client(address)
                    break
                except OSError:
                    assert time.monotonic() < end
                    time.sleep(0.05)
            with client:
                assert client.reply() == 220 and client.say(b"EHLO c.example") == 250
                assert deliver(client, b"x\r\n") == 250
        finally:
            process.terminate()
            assert process.wait(60) == 0
    assert len(stored(place)) == 1
