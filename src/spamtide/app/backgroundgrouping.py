"""Campaigns grouped beside a following digest, when segments were settled.

A kill at any moment changes nothing: the generation that was being written is named by nobody.
"""

from __future__ import annotations

from spamtide.app.resting import RestingWork
from spamtide.app.settling import settle_campaigns
from spamtide.app.trapevents import make_event
from spamtide.errors import BrokenWorld


class BackgroundGrouping(RestingWork):
    """Groups what was settled since the last time. A grouping looks at every message, so it rests long."""

    def work(self) -> None:
        """Group once. Where another process does, later."""
        try:
            done = settle_campaigns(self._workspace, now=self._clock())
        except (OSError, BrokenWorld) as error:
            self.failed(error)
            return
        if done.new:
            self._tell(
                make_event(
                    "digest.grouped", self._clock(), generation=done.generation, messages=done.messages,
                    campaigns=done.campaigns, seconds=done.seconds,
                )
            )  # fmt: skip
