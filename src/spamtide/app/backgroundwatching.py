"""Watches stepped beside a following digest: each hour, and when segments were settled. What ``watch run`` does, by the same code.

A kill at any moment changes nothing: an alarm is in the journal before the step that raised it is saved, and what was told too.
"""

from __future__ import annotations

from spamtide.app.resting import RestingWork
from spamtide.app.trapevents import make_event
from spamtide.errors import SpamtideError
from spamtide.measure import HOUR_US


class BackgroundWatching(RestingWork):
    """Steps every watch of the workspace to the last whole hour that is known, and tells of alarms as [watch] in spamtide.toml says."""

    _hour: int | None = None

    def look(self) -> None:
        """As for all such work; a new hour is wanted too."""
        hour = self._clock() // HOUR_US
        if hour != self._hour:
            self._hour, self.wanted = hour, True
        super().look()

    def work(self) -> None:
        """Step once. Where another process does, or an alarm could not be delivered, again later."""
        from spamtide.app.observatory import Observatory
        from spamtide.app.watching import WatchBook, run_round
        from spamtide.archive import hold_watch_lock

        watches = WatchBook(self._workspace).watches()
        if not watches:
            return
        try:
            with hold_watch_lock(self._workspace.archive.root):
                done = run_round(Observatory(self._workspace), watches, clock=self._clock)
        except (OSError, SpamtideError) as error:
            self.failed(error)
            return
        for stepped in done.stepped:
            if stepped.new and stepped.alarm is not None:
                facts = {"watch": stepped.watch.name, "status": stepped.status.code, "alarm_id": stepped.alarm.id}
                self._tell(make_event("watch.alarm", self._clock(), **facts))
        for failure in done.failed:
            self.failed(failure)
