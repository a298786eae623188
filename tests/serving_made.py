"""A small workspace for the tests of the dashboard, and its server without sockets."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from starlette.testclient import TestClient

from spamtide.app.cli import run
from spamtide.app.serving.application import make_application
from spamtide.app.serving.asking import Asker
from spamtide.app.serving.entrance import Entrance
from spamtide.app.serving.security import Front
from spamtide.app.workspace import Workspace, now_us

BASE = "http://127.0.0.1:8025"


def make_workspace(folder: Path, scale: float = 0.02) -> Workspace:
    """The March 2011 story, small, digested and grouped."""
    assert run(["simulate", "march-2011", "--out", str(folder), "--scale", str(scale)]) == 0
    assert run(["--workspace", str(folder / "workspace"), "digest"]) == 0
    return Workspace(folder / "workspace")


def client_of(
    workspace: Workspace, *, local: bool = True, tokens: Sequence[str] = (), front: Front | None = None
) -> TestClient:
    """A client of the whole server over a workspace."""
    asker = Asker(workspace, local=local, clock=now_us)
    application = make_application(asker, front or Front(True), Entrance(tokens))
    return TestClient(application, base_url=BASE, follow_redirects=False)


class ServeProcess:
    """``spamtide serve`` as a process of its own, on a free port of loopback. Use it in a ``with`` block."""

    def __init__(self, place: Path, *options: str) -> None:
        command = [sys.executable, "-m", "spamtide", "--workspace", str(place), "serve", "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None and self.process.stderr is not None
        self.url = self.process.stdout.readline().strip()
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(20)
        self._reader.join(5)
        return code

    def __enter__(self) -> ServeProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
