"""The default model asked in other ways, beside the headline: without the days before, with other series, at other cuts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from spamtide.measure.enough import MIN_AFTER_DAYS, MIN_BEFORE_DAYS, counted, refusal_of
from spamtide.measure.latent import Fit
from spamtide.measure.methods import DEFAULT_METHOD, answer_by, fit_default, live_days
from spamtide.measure.opinions import naive_poisson
from spamtide.measure.values import DAY_US, Fact, Interval, Neighbour, Note, Refusal, SecondOpinion, Series, Window

DONUT_DAYS, PRE_TREND_DAYS = 21, 14
DATES = (-3, -2, -1, 1, 2, 3)
# Hours by which the instant of a cut is moved, where bins are shorter than a day.
INSTANTS = (-12, -6, -3, -1, 1, 3, 6, 12)
Bins = NDArray[np.bool_]


def interval_of(fit: Fit) -> Interval:
    """The ratio of a fit."""
    return Interval(fit.value, fit.low, fit.high)


def fit_bins(series: Series, in_before: Bins, in_after: Bins, controls: Sequence[Series] = ()) -> Fit:
    """The default model on the live bins of both windows."""
    days = live_days(series, in_before, in_after)
    columns = None
    if controls:
        use = (in_before | in_after) & series.live
        columns = np.column_stack([np.log(c.counts[use] + 0.5) - np.log(c.exposures[use]) for c in controls])
    return fit_default(days, columns)


def naive_of(series: Series, in_before: Bins, in_after: Bins) -> SecondOpinion:
    """What a plain count would say."""
    before, after = counted(series, in_before), counted(series, in_after)
    return naive_poisson(before.count, before.live_days, after.count, after.live_days)


def donut(series: Series, cut: int, in_before: Bins, in_after: Bins) -> SecondOpinion:
    """The headline without the last 21 days before the cut, in which an event may have thrown its shadow ahead."""
    far = in_before & (series.starts + series.bin_us <= cut - DONUT_DAYS * DAY_US)
    bins = int((far & series.live).sum())
    if bins < MIN_BEFORE_DAYS:
        needed: dict[str, Fact] = {"live_days_before": MIN_BEFORE_DAYS + DONUT_DAYS}
        have: dict[str, Fact] = {"live_days_before": int((in_before & series.live).sum())}
        return SecondOpinion("donut", None, Refusal("too_few_days_before", needed, have))
    return SecondOpinion("donut", interval_of(fit_bins(series, far, in_after)))


def pre_trend(series: Series, in_before: Bins) -> Note | None:
    """The last 14 days before the cut, forecast from what precedes them. None found is not none there."""
    bins = np.flatnonzero(in_before & series.live)
    if len(bins) < 2 * PRE_TREND_DAYS:
        return None
    last = np.zeros_like(in_before)
    last[bins[-PRE_TREND_DAYS:]] = True
    fit = fit_bins(series, in_before & ~last, last)
    fired = not fit.low <= 1 <= fit.high
    return Note("pre_trend_check", {"value": fit.value, "low": fit.low, "high": fit.high, "fired": fired})


def with_controls(series: Series, in_before: Bins, in_after: Bins, controls: Sequence[Series]) -> SecondOpinion:
    """The headline's model with series that the event cannot have touched as regressors."""
    known = np.logical_and.reduce([c.live for c in controls])
    bins = [int((mask & series.live & known).sum()) for mask in (in_before, in_after)]
    if bins[0] < MIN_BEFORE_DAYS or bins[1] < MIN_AFTER_DAYS:
        needed: dict[str, Fact] = {"live_days_before": MIN_BEFORE_DAYS, "live_days_after": MIN_AFTER_DAYS}
        have: dict[str, Fact] = {"live_days_before": bins[0], "live_days_after": bins[1]}
        return SecondOpinion("with_controls", None, Refusal("too_few_days_with_controls", needed, have))
    return SecondOpinion("with_controls", interval_of(fit_bins(series, in_before & known, in_after & known, controls)))


def at_cut(
    series: Series, at: int, before: Window, after: Window, method: str = DEFAULT_METHOD, shape: str = "averaged"
) -> Interval | Refusal:
    """The headline at another cut; the windows keep their outer ends, a bin that straddles the cut is in neither."""
    in_before = (series.starts >= before.start) & (series.starts + series.bin_us <= at)
    in_after = (series.starts >= at) & (series.starts < after.end)
    refused = refusal_of(series, in_before, in_after)
    if refused is not None:
        return refused
    answer = answer_by(method, live_days(series, in_before, in_after), shape)
    if answer.ratio is not None:
        return answer.ratio
    assert answer.refused is not None
    return answer.refused


def neighbours(
    series: Series, cut: int, before: Window, after: Window, method: str = DEFAULT_METHOD, shape: str = "averaged"
) -> tuple[Neighbour, ...]:
    """The headline with the cut moved by one to three days, and over shorter windows."""
    found = []
    for days in DATES:
        at = cut + days * DAY_US
        ratio = at_cut(series, at, before, after, method, shape)
        shown = ratio if isinstance(ratio, Interval) else None
        found.append(Neighbour("date", at, Window(before.start, at), Window(at, after.end), shown))
    for b, a in _shorter(cut, before, after):
        ratio = at_cut(series, cut, b, a, method, shape)
        found.append(Neighbour("window", cut, b, a, ratio if isinstance(ratio, Interval) else None))
    return tuple(found)


def _shorter(cut: int, before: Window, after: Window) -> Iterable[tuple[Window, Window]]:
    spans = [(28, None), (56, None), (120, None), (None, 3), (None, max(3, int(after.days) // 2))]
    for days_before, days_after in dict.fromkeys(spans):
        b = Window(max(before.start, cut - days_before * DAY_US), cut) if days_before else before
        a = Window(after.start, min(after.end, after.start + days_after * DAY_US)) if days_after else after
        if (b, a) != (before, after):
            yield b, a
