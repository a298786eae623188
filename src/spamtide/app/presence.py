"""How a running trap shows that it is there: the note in ``archive/live``, and a word to the service manager."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spamtide.app.activation import notify
from spamtide.app.live import write_note


@dataclass(frozen=True, slots=True)
class Presence:
    """``places``: where the trap listens, by protocol, its name (``host``), and which sockets were handed over (``inherited``)."""

    path: Path
    places: dict[str, Any]
    said: list[str] = field(default_factory=list)

    def ready(self, now: int) -> None:
        """Mail is taken from now on."""
        self._note("running", now)
        notify("READY=1")

    def stopping(self) -> None:
        """A stop was asked for: told once, however often it is asked."""
        if not self.said:
            self.said.append("STOPPING")
            notify("STOPPING=1")

    def stopped(self, now: int) -> None:
        """Everything is on disk."""
        self._note("stopped", now)

    def _note(self, state: str, now: int) -> None:
        write_note(self.path, {"state": state, "at": now, "pid": os.getpid(), "uid": os.geteuid(), **self.places})
