"""Campaigns grouped beside a following digest: in a thread, when segments were settled, a small share of the time.

A kill at any moment changes nothing: the generation that was being written is named by nobody.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from spamtide.app.settling import settle_campaigns
from spamtide.app.trapevents import make_event
from spamtide.errors import BrokenWorld

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

# A grouping looks at every message: it rests nine times as long as it took, and a minute at least.
_REST_SECONDS, _REST_TIMES = 60.0, 9.0


class BackgroundGrouping:
    """Groups what was settled since the last time. ``wanted``: set it when something was; the first look always groups."""

    def __init__(
        self, workspace: Workspace, *, clock: Callable[[], int], tell: Callable[[dict[str, Any]], None]
    ) -> None:
        self._workspace = workspace
        self._clock = clock
        self._tell = tell
        self._thread: threading.Thread | None = None
        self._not_before = 0.0
        self.wanted = True

    def look(self) -> None:
        """Start a grouping where one is wanted and none goes on."""
        if not self.wanted or time.monotonic() < self._not_before:
            return
        if self._thread is not None and self._thread.is_alive():
            return
        self.wanted = False
        self._thread = threading.Thread(target=self._group, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait for the grouping that goes on, if one does."""
        if self._thread is not None:
            self._thread.join()

    def _group(self) -> None:
        began = time.monotonic()
        try:
            done = settle_campaigns(self._workspace, now=self._clock())
        except (OSError, BrokenWorld) as error:
            self.wanted = True
            if not isinstance(error, BrokenWorld) or error.code != "locked":
                self._tell(make_event("digest.failed", self._clock(), error=str(error)))
        else:
            if done.new:
                self._tell(
                    make_event(
                        "digest.grouped", self._clock(), generation=done.generation, messages=done.messages,
                        campaigns=done.campaigns, seconds=done.seconds,
                    )
                )  # fmt: skip
        now = time.monotonic()
        self._not_before = now + max(_REST_SECONDS, _REST_TIMES * (now - began))
