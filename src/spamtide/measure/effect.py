"""The effect of an event: headline, refusals, second opinions, neighbours, confidence. docs/explanation/effect.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spamtide.measure.attribution import Evidence, attribute, bounds_of
from spamtide.measure.beside import (
    DONUT_DAYS,
    PRE_TREND_DAYS,
    Bins,
    at_cut,
    donut,
    fit_bins,
    interval_of,
    naive_of,
    neighbours,
    pre_trend,
    with_controls,
)
from spamtide.measure.confidence import grade
from spamtide.measure.enough import MIN_AFTER_DAYS, MIN_BEFORE_DAYS, MIN_COUNT, PLAIN_DAYS, counted, refusal_of
from spamtide.measure.latent import Fit
from spamtide.measure.methods import DEFAULT_METHOD, METHODS, answer_by, fit_default, live_days, placebo_of
from spamtide.measure.values import (
    DAY_US,
    Attribution,
    Check,
    Confidence,
    Displacement,
    Effect,
    Interval,
    Neighbour,
    Note,
    Path,
    Refusal,
    SecondOpinion,
    Series,
    Window,
)

MAX_BEFORE_DAYS = 240
METHOD = METHODS[DEFAULT_METHOD]

__all__ = [
    "DONUT_DAYS", "MAX_BEFORE_DAYS", "METHOD", "MIN_AFTER_DAYS", "MIN_BEFORE_DAYS", "MIN_COUNT", "PRE_TREND_DAYS",
    "default_windows", "estimate_effect",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """How to estimate, and what to add beside the headline."""

    method: str
    shape: str
    diagnostics: str
    controls: Sequence[Series]
    rest: Series | None
    also_at: Sequence[int]
    placebos: Sequence[Series]
    doses: Sequence[tuple[float, Series]]
    rivals: Mapping[str, Series]


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
    method: str = DEFAULT_METHOD,
    shape: str = "averaged",
    rest: Series | None = None,
    placebos: Sequence[Series] = (),
    doses: Sequence[tuple[float, Series]] = (),
    rivals: Mapping[str, Series] | None = None,
) -> Effect:
    """Ratio of the counts in ``after`` to what they would have been without the event at ``cut``.

    ``series`` holds one row an anchored day (``bin_us`` a day; exposure as a share of the day; missing rows have none).
    The interval is 95 %, by default from the latent AR(1) model; 3,000 draws, seeded by the inputs. Too little data is a
    ``Refusal`` with ``reason`` and ``needed``, never an exception. ``diagnostics``: none, standard or full; with none,
    the opinions that cost a fit of their own are left out too. ``controls`` (same bins as ``series``) enter an opinion
    beside the headline, since an event may spill over into them; with full diagnostics each is asked as a placebo target.
    ``placebos``: series that the event cannot have touched, ``doses``: parts of the mail with the target's share of each before the cut; both,
    in the same bins, and ``rivals``, by competing event the mail of its own target, decide whether the word is "after" or "because of". ``rest``: all else in the same bins, for the table of direct, displacement and net. ``method``: a name of ``METHODS``; ``shape``: of ``SHAPES``, for the default method.
    """
    from threadpoolctl import threadpool_limits

    notes = [*warnings, *([Note("exposure_inferred")] if series.basis == "import-span" else [])]
    in_before = (series.starts >= before.start) & (series.starts < before.end)
    in_after = (series.starts >= after.start) & (series.starts < after.end)
    effect = Effect(
        measure=series.measure, unit=series.unit, feed=feed, target=target, event=event, cut=cut, before=before, after=after,
        excluded=tuple(excluded), counted_before=counted(series, in_before), counted_after=counted(series, in_after),
        ratio=None, refused=refusal_of(series, in_before, in_after), method=METHODS[method], second_opinions=(),
        also_at=(), minimum_detectable=None, neighbours=(), pre_trend=None, placebo_p=None, warnings=tuple(notes),
        confidence=Confidence(1, ()), path=None, basis=series.basis, population=population, shape=shape,
    )  # fmt: skip
    asked = Asked(method, shape, diagnostics, controls, rest, also_at, placebos, doses, rivals or {})
    if effect.refused is None:
        with threadpool_limits(1, "blas"):
            effect = _estimated(effect, series, in_before, in_after, asked)
    return replace(effect, confidence=_confidence(effect, competing))


def _estimated(effect: Effect, series: Series, in_before: Bins, in_after: Bins, asked: Asked) -> Effect:
    cut, before, after = effect.cut, effect.before, effect.after
    days = live_days(series, in_before, in_after)
    fit = fit_default(days, None, asked.shape)
    headline = SecondOpinion(asked.method, interval_of(fit))
    if asked.method != DEFAULT_METHOD:
        headline = answer_by(asked.method, days)
    ratio = headline.ratio
    if ratio is None:
        return replace(effect, refused=headline.refused)
    notes = list(effect.warnings)
    if effect.counted_before.bins < PLAIN_DAYS:
        facts = {"live_days_before": effect.counted_before.bins, "coverage_low": 0.94, "coverage_high": 0.99}
        notes.append(Note("short_history", facts))
    placebo, p = placebo_of(days)
    opinions = [placebo, answer_by("gls-ar1", days)]
    pre = None
    if asked.diagnostics != "none":
        hole = donut(series, cut, in_before, in_after)
        opinions.append(hole)
        pre = pre_trend(series, in_before)
        if pre is not None and pre.facts.get("fired"):
            both = [i for i in (ratio, hole.ratio) if i is not None]
            facts = {"low": min(i.low for i in both), "high": max(i.high for i in both), "days": DONUT_DAYS}
            notes.append(Note("pre_trend", facts))
        if asked.controls:
            opinions.append(with_controls(series, in_before, in_after, asked.controls))
    if asked.diagnostics == "full":
        opinions += [answer_by(name, days) for name in ("structural", "negative-binomial-hac")]
    if asked.method != DEFAULT_METHOD:
        opinions.insert(0, SecondOpinion("latent_ar1", interval_of(fit)))
    opinions.append(naive_of(series, in_before, in_after))
    own = asked.method.replace("-", "_")
    if placebo.ratio is not None and _disagree(ratio, placebo.ratio):
        notes.append(Note("placebo_disagrees", {"low": placebo.ratio.low, "high": placebo.ratio.high}))
    around: tuple[Neighbour, ...] = ()
    if asked.diagnostics != "none":
        # Each neighbour weighing all shapes would take a second: they have the shape that fits best.
        nearest = fit.shapes[0][0] if asked.shape == "auto" else asked.shape
        around = neighbours(series, cut, before, after, asked.method, nearest)
    checks: tuple[Check, ...] = ()
    if asked.diagnostics == "full":
        from spamtide.measure.checks import checks_of

        checks = checks_of(series, cut, before, after, ratio, around, asked.controls)
    attribution = _attributed(replace(effect, ratio=ratio, warnings=tuple(notes)), asked)
    table: Displacement | Refusal | None = None
    if asked.rest is not None:
        from spamtide.measure.displacement import displacement_of

        table = displacement_of(series, asked.rest, before, after)
    return replace(
        effect, ratio=ratio, second_opinions=tuple(o for o in opinions if o.method != own), warnings=tuple(notes),
        also_at=tuple((at, at_cut(series, at, before, after, asked.method, asked.shape)) for at in asked.also_at),
        minimum_detectable=ratio.detectable, neighbours=around, pre_trend=pre,
        placebo_p=p, path=_path(series, in_before | in_after, in_after, fit), shapes=fit.shapes, checks=checks,
        displacement=table, attribution=attribution,
    )  # fmt: skip


def _attributed(effect: Effect, asked: Asked) -> Attribution:
    """What the placebo targets, the competing events and the doses allow to be said."""
    assert effect.ratio is not None
    windows = effect.before, effect.after
    rivals = {event: _moved(series, *windows) for event, series in asked.rivals.items()}
    counted_after = effect.counted_after.count
    evidence = Evidence(
        effect.event, effect.ratio, [(s.name, _beside(s, *windows)) for s in asked.placebos],
        [str(n.facts["event"]) for n in effect.warnings if n.code == "competing_event"],
        bounds_of(counted_after - max(counted_after, 0.5) / effect.ratio.value, {e: m for e, m in rivals.items() if m is not None}),
        [(s.name, share, _beside(s, *windows)) for share, s in asked.doses],
    )  # fmt: skip
    return attribute(evidence)


def _moved(series: Series, before: Window, after: Window) -> Interval | None:
    """Messages that came less or more after the cut than were expected; None where there is too little."""
    ratio = _beside(series, before, after)
    if ratio is None:
        return None
    n = max(float(series.counts[(series.starts >= after.start) & (series.starts < after.end) & series.live].sum()), 0.5)
    low, high = (n - n / end for end in (ratio.low, ratio.high))
    return Interval(n - n / ratio.value, low, high)


def _beside(series: Series, before: Window, after: Window) -> Interval | None:
    """The headline's question asked of another series; None where it has too little."""
    early, late = ((series.starts >= w.start) & (series.starts < w.end) for w in (before, after))
    return interval_of(fit_bins(series, early, late)) if refusal_of(series, early, late) is None else None


def _confidence(effect: Effect, competing: bool) -> Confidence:
    return grade(
        ratio=effect.ratio, basis=effect.basis, bins_before=effect.counted_before.bins, placebo_p=effect.placebo_p,
        mde=effect.minimum_detectable, neighbours=effect.neighbours, warnings=effect.warnings, competing=competing,
        pre_trend=effect.pre_trend,
    )  # fmt: skip


def _disagree(one: Interval, other: Interval) -> bool:
    verdicts = [0 if i.low <= 1 <= i.high else (1 if i.low > 1 else -1) for i in (one, other)]
    return verdicts[0] != verdicts[1] or one.high < other.low or other.high < one.low


def _path(series: Series, whole: Bins, in_after: Bins, fit: Fit) -> Path:
    live = series.live[whole]
    blank = np.full(int(whole.sum()), np.nan)
    expected, low, high = blank.copy(), blank.copy(), blank.copy()
    e = series.exposures[whole][live]
    expected[live], low[live], high[live] = fit.expected * e, fit.expected_low * e, fit.expected_high * e
    return Path(
        series.starts[whole], series.counts[whole], series.exposures[whole], series.missing[whole], in_after[whole],
        expected, low, high,
    )  # fmt: skip
