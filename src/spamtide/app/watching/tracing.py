"""How the alarm's statistic of a watch went, day by day: the same steps as a run's, from the beginning, written down by nobody."""

from __future__ import annotations

from typing import Any

from spamtide.app.instants import format_instant
from spamtide.app.observatory import Observatory
from spamtide.app.watching.book import Watch, WatchBook
from spamtide.app.watching.running import known_until, step_through
from spamtide.app.watching.targets import Target, hourly
from spamtide.measure import DAY_US, EVERYTHING, HOUR_US, Tree
from spamtide.watch import THRESHOLD, Hour, WatchState, hours_of


def trace_watch(
    observatory: Observatory, watch: Watch, *, now: int, filters: Tree = EVERYTHING
) -> list[dict[str, Any]]:
    """Rows a day: ``time``, ``count``, ``exposure`` (share of the day), ``statistic`` (the day's highest; None while nothing could be said), ``threshold``.

    ``filters``: as if it watched the messages that match these alone; then nobody has decided about what it finds.
    """
    series = hourly(observatory, Target(watch.measure, watch.feeds, watch.expressions, filters))
    until = known_until(observatory, watch.feeds, now)
    hours = [h for h in hours_of(series) if h.start + HOUR_US <= until]
    best: dict[int, float] = {}

    def took(hour: Hour, state: WatchState) -> None:
        if state.baseline is not None:
            day = hour.start // DAY_US
            best[day] = max(best.get(day, 0.0), state.detector.statistic)

    decided = WatchBook(observatory.workspace).alarms() if filters == EVERYTHING else []
    raised = [a for a in decided if a.key == watch.key]
    step_through(watch, hours, series, None, raised, took)
    found: dict[int, dict[str, Any]] = {}
    for hour in hours:
        day = hour.start // DAY_US
        row = found.setdefault(
            day,
            {
                "time": format_instant(day * DAY_US),
                "count": 0,
                "exposure": 0.0,
                "statistic": None,
                "threshold": THRESHOLD,
            },
        )
        row["count"] += hour.count or 0
        row["exposure"] += hour.exposure / 24
    for day, row in found.items():
        row["exposure"] = float(f"{min(row['exposure'], 1.0):.6g}")
        row["statistic"] = float(f"{best[day]:.6g}") if day in best else None
    return list(found.values())
