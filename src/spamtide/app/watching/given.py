"""The status of counts that somebody else made: one series of a CSV, watched from its background on."""

from __future__ import annotations

from pathlib import Path

from spamtide.app.given import read_series
from spamtide.measure import HOUR_US, Refusal, Series, Window, rebinned, series_named
from spamtide.watch import (
    Evidence,
    Hour,
    Plan,
    Signature,
    WatchState,
    WatchStatus,
    begin_watch,
    check_windows,
    hours_of,
    judge,
    measure_silence,
    step_hours,
    within,
)


def status_of_file(
    path: Path,
    *,
    target: str | None,
    silent_since: int | None,
    active: Window | None = None,
    background: Window | None = None,
    recall: tuple[float, float] | None = None,
) -> WatchStatus:
    """The status of a series at its end; no workspace is needed. An alarm needs a ``background`` of 60 quiet days by the hour.

    Raises BadWatch ``overlapping_windows``, BadGivenSeries, and as ``read_series``.
    """
    check_windows(active, background)
    series = series_named(read_series(path), target or "volume")
    signature = Signature(series.measure, recall)
    if series.bin_us > HOUR_US:
        hours = _spread(series)
        state: WatchState | Refusal = Refusal("coarse_bins", {"bin_hours": 1}, {"bin_hours": series.bin_us // HOUR_US})
    else:
        hours = hours_of(series if series.bin_us == HOUR_US else rebinned(series, HOUR_US, 0))
        state = _stepped(hours, silent_since, active, background)
    alarm = state.alarm if isinstance(state, WatchState) else None
    evidence = None if alarm is None else Evidence(int(sum(h.count or 0 for h in hours if h.start >= alarm.since)))
    return judge(
        hours, state, signature=signature, silent_since=silent_since, active=active, evidence=evidence, basis=series.basis,
        warnings=series.warnings,
    )  # fmt: skip


def _stepped(
    hours: list[Hour], silent_since: int | None, active: Window | None, background: Window | None
) -> WatchState | Refusal:
    plan = Plan(measure_silence(hours, silent_since, active=active).active_per_hour)
    begun = begin_watch(within(hours, background) if background is not None else (), plan)
    if isinstance(begun, Refusal) or background is None:
        return begun
    start = max(background.end, silent_since or 0)
    return step_hours(begun, [h for h in hours if h.start >= start], plan)


def _spread(series: Series) -> list[Hour]:
    """Longer bins as hours of equal counts: enough for rates, not for an alarm."""
    parts = series.bin_us // HOUR_US
    return [
        Hour(int(t) + i * HOUR_US, None if m else float(c) / parts, float(e))
        for t, c, e, m in zip(series.starts, series.counts, series.exposures, series.missing, strict=True)
        for i in range(parts)
    ]
