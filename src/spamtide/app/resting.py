"""Work beside a following digest: in a thread, when it is wanted, a small share of the time.

A kill at any moment must change nothing: what such work writes is named, or in the journal, whole or not at all.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from spamtide.app.trapevents import make_event
from spamtide.errors import BrokenWorld

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

# It rests nine times as long as it took, and a minute at least.
_REST_SECONDS, _REST_TIMES = 60.0, 9.0


class RestingWork(ABC):
    """One kind of such work. ``wanted``: set it when there is some; the first look always works."""

    def __init__(
        self, workspace: Workspace, *, clock: Callable[[], int], tell: Callable[[dict[str, Any]], None]
    ) -> None:
        self._workspace = workspace
        self._clock = clock
        self._tell = tell
        self._thread: threading.Thread | None = None
        self._not_before = 0.0
        self.wanted = True

    @property
    def busy(self) -> bool:
        """Whether it goes on now."""
        return self._thread is not None and self._thread.is_alive()

    def look(self) -> None:
        """Begin where work is wanted, none goes on and it has rested."""
        if not self.wanted or self.busy or time.monotonic() < self._not_before:
            return
        self.wanted = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait for what goes on, if anything does."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        self.work()
        now = time.monotonic()
        self._not_before = now + max(_REST_SECONDS, _REST_TIMES * (now - began))

    def failed(self, error: Exception) -> None:
        """Do it again later; told, unless another process does it just now."""
        self.wanted = True
        if not isinstance(error, BrokenWorld) or error.code != "locked":
            self._tell(make_event("digest.failed", self._clock(), error=str(error)))

    @abstractmethod
    def work(self) -> None:
        """Do it once. What fails in the world goes to ``failed``."""
