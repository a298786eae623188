"""Until when the tables know everything, and the days that are counted back from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spamtide.app.serving.asking import Asker
from spamtide.measure import DAY_US, Window

# Silence that is worth a word.
QUIET_US = 2 * 3_600_000_000


@dataclass(frozen=True, slots=True)
class Lately:
    """The last day that is known, and the week before it. ``until``: just after the newest message that the tables hold."""

    until: int
    now: int

    @property
    def since(self) -> int:
        """Where the last day begins."""
        return self.until - DAY_US

    @property
    def day(self) -> Window:
        """The last day."""
        return Window(self.since, self.until)

    @property
    def week(self) -> Window:
        """That day and the seven before it."""
        return Window(self.until - 8 * DAY_US, self.until)

    @property
    def behind(self) -> bool:
        """Whether the newest message is older than it should be where mail comes all the time."""
        return self.now - self.until > QUIET_US


def newest(asker: Asker) -> int | None:
    """When the newest message of the tables came; None where there is none."""
    from spamtide.measure import newest_message

    found: Any = asker.kept("newest", lambda: asker.ask(newest_message())[0]["last"])
    return found if found is None else int(found)


def lately(asker: Asker, window: Window | None) -> Lately | None:
    """The last day, or the last day of a window that was asked for; None where there is no message."""
    last = newest(asker)
    if last is None:
        return None
    until = last + 1
    if window is not None:
        until = min(until, window.end) if window.end > window.start else until
    return Lately(until, asker.now())
