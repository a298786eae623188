"""The digest that a trap starts beside itself: a process of its own, started again when it dies, told of in the trap's log.

Nothing that it does or fails to do delays an acknowledgement. It ends with the trap: asked by SIGTERM, and where the trap is killed, by
the end of the pipe on its standard input.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from spamtide.app.trapevents import EVENTS, make_event

# Pause before it is started again: doubled with each death, and the first again after a life that was long enough.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, LONG_LIFE_SECONDS = 1.0, 300.0, 600.0
_STOP_SECONDS = 20.0

Event = dict[str, Any]


class Companion:
    """Keeps ``spamtide digest --follow`` running. ``look`` is called again and again by the trap's own loop.

    ``note`` is told of each change: what ``spamtide status`` reads.
    """

    def __init__(
        self,
        workspace: Path,
        *,
        tell: Callable[[Event], None],
        note: Callable[[dict[str, Any]], None],
        command: list[str] | None = None,
    ) -> None:
        follow = ["--workspace", str(workspace), "digest", "--follow", "--log", "json", "--tied"]
        self._command = command or [sys.executable, "-m", "spamtide", *follow]
        self._tell = tell
        self._note = note
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._began = 0.0
        self._again_at: float | None = None
        self._pause = FIRST_PAUSE_SECONDS
        self._deaths = 0

    def start(self, now: int) -> None:
        """Start the process; where that fails it is tried again like after a death."""
        self._again_at, self._buffer, self._began = None, b"", time.monotonic()
        try:
            # A session of its own: Ctrl-C in a terminal asks the trap, and the trap asks it when the last mail is in.
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            self._died(now, error.errno or -1)
            return
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._tell(make_event("digest.started", now, pid=self._process.pid))
        self._note({"state": "running", "pid": self._process.pid, "deaths": self._deaths, "at": now})

    def look(self, now: int) -> None:
        """Pass on what it told; see whether it lives; start it again when its time has come."""
        if self._process is not None:
            self._pass_on()
            code = self._process.poll()
            if code is not None:
                self._pass_on()
                self._died(now, code)
        elif self._again_at is not None and time.monotonic() >= self._again_at:
            self.start(now)

    def stop(self, now: int) -> None:
        """Ask it to stop, wait, and kill it if it does not."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._pass_on()
            self._close()
        self._again_at = None
        self._note({"state": "stopped", "pid": None, "deaths": self._deaths, "at": now})

    def _pass_on(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        while data := self._process.stdout.read(1 << 16):
            self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            # Only events of the catalogue: what a library prints is no line of the trap's log.
            with suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict) and event.get("event") in EVENTS:
                    self._tell(event)

    def _died(self, now: int, code: int) -> None:
        self._close()
        if time.monotonic() - self._began >= LONG_LIFE_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        self._again_at = time.monotonic() + pause
        self._deaths += 1
        self._tell(make_event("digest.died", now, code=code, again_seconds=pause))
        self._note({"state": "dead", "pid": None, "deaths": self._deaths, "at": now, "code": code})

    def _close(self) -> None:
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
        self._process = None
