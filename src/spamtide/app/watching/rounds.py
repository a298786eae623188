"""One round over the watches: each stepped, what was raised told. For who holds the lock of the watches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from spamtide.app.watching.book import Watch, WatchBook
from spamtide.app.watching.running import Stepped, run_watches
from spamtide.app.watching.telling import tell_alarms
from spamtide.errors import BrokenWorld

if TYPE_CHECKING:
    from spamtide.app.observatory import Observatory


@dataclass(frozen=True, slots=True)
class Round:
    """The watches after it, and what of their alarms could not be delivered."""

    stepped: tuple[Stepped, ...]
    failed: tuple[BrokenWorld, ...]


def run_round(
    observatory: Observatory, watches: Sequence[Watch], *, clock: Callable[[], int], progress: Callable[[int], None] | None = None
) -> Round:  # fmt: skip
    """Step each watch to the last whole hour that is known, then tell of alarms as the settings say. Raises as ``run_watches``."""
    stepped = list(run_watches(observatory, watches, now=clock(), progress=progress))
    book, settings = WatchBook(observatory.workspace), observatory.workspace.settings.watch
    raised = [(s.alarm, document_of(s)) for s in stepped if s.alarm is not None]
    failed = tell_alarms(book, settings, raised, clock=clock)
    known = {a.id: a for a in book.alarms()}
    return Round(tuple(s if s.alarm is None else replace(s, alarm=known[s.alarm.id]) for s in stepped), tuple(failed))


def document_of(stepped: Stepped) -> dict[str, Any]:
    """What is printed, and told, of one watch."""
    from spamtide.report import watch_document

    document = watch_document(stepped.status, name=stepped.watch.name, feeds=stepped.watch.feeds)
    alarm = stepped.alarm
    return {
        **document, "hours_stepped": stepped.hours, "new_alarm": stepped.new, "alarm_id": alarm and alarm.id,
        "told": [] if alarm is None else sorted(alarm.told),
    }  # fmt: skip
