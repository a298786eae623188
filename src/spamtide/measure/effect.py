"""The effect of an event: headline, refusals, second opinions, neighbours, confidence. docs/explanation/effect.md."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spamtide.measure.confidence import grade
from spamtide.measure.latent import Fit, fit_latent
from spamtide.measure.opinions import gls_ar1, naive_poisson, placebo_in_time
from spamtide.measure.values import (
    DAY_US,
    Effect,
    Fact,
    Interval,
    Neighbour,
    Note,
    Path,
    Refusal,
    SecondOpinion,
    Series,
    Window,
    WindowCount,
)

MAX_BEFORE_DAYS = 240
MIN_BEFORE_DAYS, MIN_AFTER_DAYS, MIN_COUNT, PLAIN_DAYS = 14, 3, 20, 28
DONUT_DAYS, PRE_TREND_DAYS = 21, 14
METHOD = "latent-ar1-effect-path/1"


def default_windows(
    cut: int, data_start: int, data_end: int, earlier_end: int | None = None, next_start: int | None = None
) -> tuple[Window, Window]:
    """Before: from the last earlier event's end, at most 240 days, whole anchored days. After: to the next event or the
    end of data. ``data_start`` and ``data_end`` bound what could be seen."""
    start = max(cut - MAX_BEFORE_DAYS * DAY_US, data_start, earlier_end if earlier_end is not None else data_start)
    days = max(0, (cut - start) // DAY_US)
    end = min(data_end, next_start) if next_start is not None else data_end
    return Window(cut - days * DAY_US, cut), Window(cut, max(cut, end))


def estimate_effect(
    series: Series,
    cut: int,
    *,
    before: Window,
    after: Window,
    feed: str | None = None,
    target: str | None = None,
    event: str | None = None,
    excluded: Sequence[Window] = (),
    also_at: Sequence[int] = (),
    warnings: Sequence[Note] = (),
    competing: bool = False,
    diagnostics: str = "standard",
    population: str = "unsolicited",
    controls: Sequence[Series] = (),
) -> Effect:
    """Ratio of the counts in ``after`` to what they would have been without the event at ``cut``.

    ``series`` holds one row an anchored day (``bin_us`` a day; exposure as a share of the day; missing rows have none).
    The interval is 95 %, from the latent AR(1) model; 3,000 draws, seeded by the inputs. Too little data is a
    ``Refusal`` with ``reason`` and ``needed``, never an exception. ``diagnostics``: none, standard or full; with none,
    the opinions that cost a fit of their own are left out too. ``controls`` (same bins as ``series``) enter an opinion
    beside the headline, since an event may spill over into them.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        return _estimate(
            series, cut, before, after, feed, target, event, excluded, also_at, warnings, competing, diagnostics,
            population, controls,
        )  # fmt: skip


def _estimate(
    series: Series, cut: int, before: Window, after: Window, feed: str | None, target: str | None, event: str | None,
    excluded: Sequence[Window], also_at: Sequence[int], warnings: Sequence[Note], competing: bool, diagnostics: str,
    population: str, controls: Sequence[Series],
) -> Effect:  # fmt: skip
    in_before = (series.starts >= before.start) & (series.starts < before.end)
    in_after = (series.starts >= after.start) & (series.starts < after.end)
    counted = [_counted(series, mask) for mask in (in_before, in_after)]
    refused = _refusal(counted[0], counted[1])
    notes = list(warnings)
    if series.basis == "import-span":
        notes.append(Note("exposure_inferred"))
    if refused is not None:
        return _result(
            series, cut, before, after, feed, target, event, excluded, counted, None, refused, (), (), None, (), None,
            None, notes, None, population, competing,
        )  # fmt: skip
    if counted[0].bins < PLAIN_DAYS:
        notes.append(
            Note("short_history", {"live_days_before": counted[0].bins, "coverage_low": 0.88, "coverage_high": 0.93})
        )
    fit = _fit(series, in_before, in_after)
    ratio = Interval(fit.value, fit.low, fit.high)
    whole = in_before | in_after
    first = int(np.argmax(whole))
    y, e = series.counts[first:], series.exposures[first:]
    last = int(np.flatnonzero(in_after)[-1]) + 1 - first
    live = (series.live & whole)[first:].astype(np.float64)
    placebo, p = placebo_in_time(y[:last], e[:last], live[:last], int(np.argmax(in_after)) - first)
    naive = naive_poisson(counted[0].count, counted[0].live_days, counted[1].count, counted[1].live_days)
    opinions = [placebo, _gls(series, in_before, in_after)]
    pre_trend = None
    if diagnostics != "none":
        donut = _donut(series, cut, in_before, in_after)
        opinions.append(donut)
        pre_trend = _pre_trend(series, in_before)
        if pre_trend is not None and pre_trend.facts.get("fired"):
            both = [i for i in (ratio, donut.ratio) if i is not None]
            notes.append(
                Note(
                    "pre_trend",
                    {"low": min(i.low for i in both), "high": max(i.high for i in both), "days": DONUT_DAYS},
                )
            )
        if controls:
            opinions.append(_with_controls(series, in_before, in_after, controls))
    opinions.append(naive)
    if placebo.ratio is not None and _disagree(ratio, placebo.ratio):
        notes.append(Note("placebo_disagrees", {"low": placebo.ratio.low, "high": placebo.ratio.high}))
    neighbours = _neighbours(series, cut, before, after) if diagnostics != "none" else ()
    others = tuple((at, _at(series, at, before, after)) for at in also_at)
    mde = float(np.exp(-2.8 * np.log(ratio.high / ratio.low) / 3.92))
    path = _path(series, in_before | in_after, in_after, fit)
    return _result(
        series, cut, before, after, feed, target, event, excluded, counted, ratio, None, tuple(opinions), others, mde,
        neighbours, p, pre_trend, notes, path, population, competing,
    )  # fmt: skip


def _counted(series: Series, mask: np.ndarray) -> WindowCount:
    live = mask & series.live
    return WindowCount(float(series.counts[live].sum()), float(series.exposures[live].sum()), int(live.sum()))


def _refusal(before: WindowCount, after: WindowCount) -> Refusal | None:
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
    return Refusal(reason, needed, have)


def _calendar(series: Series, use: np.ndarray, in_after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of each used bin, the first after the cut being 0, and its weekday: that of its midpoint."""
    starts = series.starts[use]
    first = int(series.starts[in_after][0])
    # 1970-01-01 was a Thursday.
    return (starts - first) // series.bin_us, ((starts + series.bin_us // 2) // DAY_US + 3) % 7


def _fit(series: Series, in_before: np.ndarray, in_after: np.ndarray, controls: Sequence[Series] = ()) -> Fit:
    use = (in_before | in_after) & series.live
    day, weekday = _calendar(series, use, in_after)
    columns = None
    if controls:
        columns = np.column_stack([np.log(c.counts[use] + 0.5) - np.log(c.exposures[use]) for c in controls])
    return fit_latent(day, weekday, series.counts[use], series.exposures[use], in_after[use], columns)


def _disagree(one: Interval, other: Interval) -> bool:
    verdicts = [0 if i.low <= 1 <= i.high else (1 if i.low > 1 else -1) for i in (one, other)]
    return verdicts[0] != verdicts[1] or one.high < other.low or other.high < one.low


def _gls(series: Series, in_before: np.ndarray, in_after: np.ndarray) -> SecondOpinion:
    use = (in_before | in_after) & series.live
    day, weekday = _calendar(series, use, in_after)
    return gls_ar1(day, weekday, series.counts[use], series.exposures[use], in_after[use])


def _donut(series: Series, cut: int, in_before: np.ndarray, in_after: np.ndarray) -> SecondOpinion:
    """The headline without the last 21 days before the cut, in which an event may have thrown its shadow ahead."""
    far = in_before & (series.starts + series.bin_us <= cut - DONUT_DAYS * DAY_US)
    bins = int((far & series.live).sum())
    if bins < MIN_BEFORE_DAYS:
        needed: dict[str, Fact] = {"live_days_before": MIN_BEFORE_DAYS + DONUT_DAYS}
        have: dict[str, Fact] = {"live_days_before": int((in_before & series.live).sum())}
        return SecondOpinion("donut", None, Refusal("too_few_days_before", needed, have))
    fit = _fit(series, far, in_after)
    return SecondOpinion("donut", Interval(fit.value, fit.low, fit.high))


def _pre_trend(series: Series, in_before: np.ndarray) -> Note | None:
    """The last 14 days before the cut, forecast from what precedes them. None found is not none there."""
    bins = np.flatnonzero(in_before & series.live)
    if len(bins) < 2 * PRE_TREND_DAYS:
        return None
    last = np.zeros_like(in_before)
    last[bins[-PRE_TREND_DAYS:]] = True
    fit = _fit(series, in_before & ~last, last)
    fired = not fit.low <= 1 <= fit.high
    return Note("pre_trend_check", {"value": fit.value, "low": fit.low, "high": fit.high, "fired": fired})


def _with_controls(
    series: Series, in_before: np.ndarray, in_after: np.ndarray, controls: Sequence[Series]
) -> SecondOpinion:
    known = np.logical_and.reduce([c.live for c in controls])
    bins = [int((mask & series.live & known).sum()) for mask in (in_before, in_after)]
    if bins[0] < MIN_BEFORE_DAYS or bins[1] < MIN_AFTER_DAYS:
        needed: dict[str, Fact] = {"live_days_before": MIN_BEFORE_DAYS, "live_days_after": MIN_AFTER_DAYS}
        have: dict[str, Fact] = {"live_days_before": bins[0], "live_days_after": bins[1]}
        return SecondOpinion("with_controls", None, Refusal("too_few_days_with_controls", needed, have))
    fit = _fit(series, in_before & known, in_after & known, controls)
    return SecondOpinion("with_controls", Interval(fit.value, fit.low, fit.high))


def _at(series: Series, at: int, before: Window, after: Window) -> Interval | Refusal:
    """The headline at another cut; the windows keep their outer ends, a bin that straddles the cut is in neither."""
    in_before = (series.starts >= before.start) & (series.starts + series.bin_us <= at)
    in_after = (series.starts >= at) & (series.starts < after.end)
    refused = _refusal(_counted(series, in_before), _counted(series, in_after))
    if refused is not None:
        return refused
    fit = _fit(series, in_before, in_after)
    return Interval(fit.value, fit.low, fit.high)


def _neighbours(series: Series, cut: int, before: Window, after: Window) -> tuple[Neighbour, ...]:
    found = []
    for days in (-2, -1, 1, 2):
        at = cut + days * DAY_US
        ratio = _at(series, at, before, after)
        shown = ratio if isinstance(ratio, Interval) else None
        found.append(Neighbour("date", at, Window(before.start, at), Window(at, after.end), shown))
    spans = [(28, None), (56, None), (120, None), (None, 3), (None, max(3, int(after.days) // 2))]
    for days_before, days_after in dict.fromkeys(spans):
        b = Window(max(before.start, cut - days_before * DAY_US), cut) if days_before else before
        a = Window(cut, min(after.end, cut + days_after * DAY_US)) if days_after else after
        if (b, a) == (before, after):
            continue
        ratio = _at(series, cut, b, a)
        found.append(Neighbour("window", cut, b, a, ratio if isinstance(ratio, Interval) else None))
    return tuple(found)


def _path(series: Series, whole: np.ndarray, in_after: np.ndarray, fit: Fit) -> Path:
    live = series.live[whole]
    blank = np.full(int(whole.sum()), np.nan)
    expected, low, high = blank.copy(), blank.copy(), blank.copy()
    e = series.exposures[whole][live]
    expected[live], low[live], high[live] = fit.expected * e, fit.expected_low * e, fit.expected_high * e
    return Path(
        series.starts[whole], series.counts[whole], series.exposures[whole], series.missing[whole], in_after[whole],
        expected, low, high,
    )  # fmt: skip


def _result(
    series: Series, cut: int, before: Window, after: Window, feed: str | None, target: str | None, event: str | None,
    excluded: Sequence[Window], counted: list[WindowCount], ratio: Interval | None, refused: Refusal | None,
    opinions: tuple[SecondOpinion, ...], also_at: tuple[tuple[int, Interval | Refusal], ...], mde: float | None,
    neighbours: tuple[Neighbour, ...], placebo_p: float | None, pre_trend: Note | None, notes: list[Note],
    path: Path | None, population: str, competing: bool,
) -> Effect:  # fmt: skip
    confidence = grade(
        ratio=ratio, basis=series.basis, bins_before=counted[0].bins, placebo_p=placebo_p, mde=mde,
        neighbours=neighbours, warnings=notes, competing=competing,
    )  # fmt: skip
    return Effect(
        measure=series.measure, unit=series.unit, feed=feed, target=target, event=event, cut=cut, before=before,
        after=after, excluded=tuple(excluded), counted_before=counted[0], counted_after=counted[1], ratio=ratio,
        refused=refused, method=METHOD, second_opinions=opinions, also_at=also_at, minimum_detectable=mde,
        neighbours=neighbours, pre_trend=pre_trend, placebo_p=placebo_p, warnings=tuple(notes), confidence=confidence,
        path=path, basis=series.basis, population=population,
    )  # fmt: skip
