"""A trap in a process of its own, and small clients that speak to it over loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spamtide.app.config import People
from spamtide.app.workspace import Workspace

PATIENCE = 60.0


def make_workspace(place: Path, **settings: object) -> Path:
    """A workspace whose ``[trap]`` has these settings."""
    Workspace.create(place, People())
    with (place / "spamtide.toml").open("a") as file:
        file.write("[trap]\nname = 'mx.trap.example'\nlow_water_mib = 1\n")
        file.writelines(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    return place


class TrapProcess:
    """``spamtide trap`` with its events; use it in a ``with`` block, which stops it by SIGTERM."""

    def __init__(
        self,
        place: Path,
        *arguments: str,
        feed: str = "f",
        smtp: str = "127.0.0.1:0",
        before: Sequence[str] = (),
        digest: bool = False,
        environment: dict[str, str] | None = None,
    ) -> None:
        line = [sys.executable, "-m", "spamtide", "--workspace", str(place), "trap", "--feed", feed, "--log", "json"]
        self.events: list[dict[str, Any]] = []
        self._wrapped = bool(before)
        self.process = subprocess.Popen(
            [*before, *line, "--smtp", smtp, *([] if digest else ["--no-digest"]), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.ready = self.wait_for("trap.ready")

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def named(self, name: str) -> list[dict[str, Any]]:
        """Events of that name so far."""
        return [e for e in self.events if e["event"] == name]

    def wait_for(self, name: str, n: int = 1) -> dict[str, Any]:
        """The ``n``-th event of that name."""
        end = time.monotonic() + PATIENCE
        while len(self.named(name)) < n:
            if self.process.poll() is not None:
                self._reader.join(5)
                if len(self.named(name)) >= n:
                    break
                assert self.process.stderr is not None
                raise AssertionError(f"the trap ended with {self.process.returncode}: {self.process.stderr.read()}")
            assert time.monotonic() < end, f"no {name} among {[e['event'] for e in self.events][-20:]}"
            time.sleep(0.01)
        return self.named(name)[n - 1]

    @property
    def address(self) -> tuple[str, int]:
        """Where SMTP is spoken."""
        host, _, port = self.ready["smtp"].rpartition(":")
        return host, int(port)

    @property
    def lmtp(self) -> tuple[str, int]:
        """Where LMTP is spoken."""
        host, _, port = self.ready["lmtp"].rpartition(":")
        return host, int(port)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end; the exit code."""
        if self.process.poll() is None:
            pid = self.process.pid
            if self._wrapped:
                # A tracer between us and the trap keeps signals to itself.
                pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
            os.kill(pid, number)
        code = self.process.wait(PATIENCE)
        self._reader.join(10)
        return code

    def __enter__(self) -> TrapProcess:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        code = self.stop()
        assert kind is not None or code == 0, self.process.stderr and self.process.stderr.read()


class Client:
    """Sends bytes and reads replies."""

    def __init__(self, address: tuple[str, int], source: str = "") -> None:
        self.socket = socket.create_connection(address, timeout=PATIENCE, source_address=(source, 0))
        self.file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self) -> int:
        """Code of the next reply; 0 when the connection has ended."""
        while True:
            line = self.file.readline()
            if not line:
                return 0
            if line[3:4] != b"-":
                return int(line[:3])

    def say(self, *lines: bytes) -> int:
        """Send lines one by one; the code of the last reply."""
        code = 0
        for line in lines:
            self.send(line + b"\r\n")
            code = self.reply()
        return code

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def greeted(address: tuple[str, int]) -> Client:
    """A client that has said EHLO."""
    client = Client(address)
    assert client.reply() == 220 and client.say(b"EHLO client.example") == 250
    return client


def deliver(client: Client, body: bytes, rcpt: bytes = b"x@trap.example") -> int:
    """Hand over one message, ``body`` already stuffed and without its end; the code."""
    for line in (b"MAIL FROM:<a@b.example>", b"RCPT TO:<" + rcpt + b">", b"DATA"):
        if (code := client.say(line)) >= 400:
            return code
    client.send(body + b".\r\n")
    return client.reply()


def stored(place: Path, feed: str = "f") -> list[tuple[dict[str, Any], bytes]]:
    """(meta, raw) of every record of a feed, in order."""
    archive = Workspace(place).archive
    found = []
    for segment in archive.segments(feed):
        batch = archive.records(segment)
        for i in range(len(batch)):
            _, _, meta, raw, _ = batch.get(i)
            found.append((json.loads(meta), raw))
    return found
