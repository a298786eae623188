"""Whether a series holds enough for a figure: what was counted in a window, and the refusal that says what it would take."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spamtide.measure.values import Fact, Refusal, Series, WindowCount

MIN_BEFORE_DAYS, MIN_AFTER_DAYS, MIN_COUNT, PLAIN_DAYS = 14, 3, 20, 28


def counted(series: Series, mask: NDArray[np.bool_]) -> WindowCount:
    """Sum, live days and live bins of the bins in ``mask``."""
    live = mask & series.live
    return WindowCount(float(series.counts[live].sum()), float(series.exposures[live].sum()), int(live.sum()))


def refusal_of(series: Series, in_before: NDArray[np.bool_], in_after: NDArray[np.bool_]) -> Refusal | None:
    """Why no figure is given, or None: under 14 live days before, 3 after, or 20 counted before."""
    before, after = counted(series, in_before), counted(series, in_after)
    live = np.flatnonzero(series.live)
    needed: dict[str, Fact] = {}
    if before.bins < MIN_BEFORE_DAYS:
        needed["live_days_before"] = MIN_BEFORE_DAYS
    if after.bins < MIN_AFTER_DAYS:
        needed["live_days_after"] = MIN_AFTER_DAYS
    if before.count < MIN_COUNT:
        needed["count_before"] = MIN_COUNT
    if not needed:
        return None
    reason = {
        "live_days_before": "too_few_days_before", "live_days_after": "too_few_days_after", "count_before": "too_few_counts_before",
    }[next(iter(needed))]  # fmt: skip
    have: dict[str, Fact] = {
        "live_days_before": before.bins, "live_days_after": after.bins, "count_before": before.count,
    }  # fmt: skip
    if len(live) and not (before.bins and after.bins):
        first, last = int(series.starts[live[0]]), int(series.starts[live[-1]]) + series.bin_us
        return Refusal("cut_outside_data", needed, {**have, "data_from": _day(first), "data_to": _day(last)})
    if len(live) and not series.counts[live].any():
        return Refusal("all_zero", needed, have)
    return Refusal(reason, needed, have)


def _day(instant: int) -> str:
    return str(np.datetime_as_string(np.datetime64(instant, "us"), unit="m")) + "Z"
