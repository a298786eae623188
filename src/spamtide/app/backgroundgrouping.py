"""Campaigns grouped beside a following digest, when segments were settled.

A kill at any moment changes nothing: the generation that was being written is named by nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from spamtide.app.resting import RestingWork
from spamtide.app.settling import settle_campaigns
from spamtide.app.trapevents import make_event
from spamtide.errors import BrokenWorld

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace


class BackgroundGrouping(RestingWork):
    """Groups what was settled since the last time. A grouping looks at every message, so it rests long."""

    def __init__(
        self, workspace: Workspace, *, clock: Callable[[], int], tell: Callable[[dict[str, Any]], None]
    ) -> None:
        super().__init__()
        self._workspace = workspace
        self._clock = clock
        self._tell = tell

    def work(self) -> None:
        """Group once. Where another process does, later."""
        try:
            done = settle_campaigns(self._workspace, now=self._clock())
        except (OSError, BrokenWorld) as error:
            self.wanted = True
            if not isinstance(error, BrokenWorld) or error.code != "locked":
                self._tell(make_event("digest.failed", self._clock(), error=str(error)))
            return
        if done.new:
            self._tell(
                make_event(
                    "digest.grouped", self._clock(), generation=done.generation, messages=done.messages,
                    campaigns=done.campaigns, seconds=done.seconds,
                )
            )  # fmt: skip
