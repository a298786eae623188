"""Counts by calendar month that somebody else made: a segmented regression, and nothing that thinks in days.

The model of weekdays and days is of no use where a bin is a month. What is asked of such counts is the textbook's question: a step
and a trend, the seasons as pairs of sine and cosine, a population as offset. The month that the cut lies within is in neither window.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spamtide.errors import WrongUse
from spamtide.measure.columns import segmented, waves
from spamtide.measure.confidence import grade
from spamtide.measure.cuts import Cut
from spamtide.measure.methods import METHODS
from spamtide.measure.regressions import quasi_poisson
from spamtide.measure.values import Confidence, Effect, Note, Refusal, Series, Window, WindowCount

# Nobody counts with it; it says that a bin is longer than a day.
MONTH_US = 2_629_800_000_000
_MIN_BEFORE, _MIN_AFTER = 12, 3


def month_numbers(starts: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Months since January 1970 of instants that are all the first of one, else None."""
    days = starts.astype("datetime64[us]").astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    whole = (months.astype("datetime64[us]").astype(np.int64) == starts).all()
    return months.astype(np.int64) if whole and len(starts) > 1 else None


def effect_of_months(
    series: Series,
    cut: Cut,
    *,
    target: str | None,
    harmonics: int,
    before: Window | None = None,
    after: Window | None = None,
) -> Effect:
    """The effect at ``cut`` on counts by month, with exposure as a share of the largest population: quasi-Poisson, step and trend.

    ``harmonics``: pairs of sine and cosine of the year, 0 for none. Refused below 12 months before or 3 after. Source: Lopez Bernal,
    Cummins and Gasparrini, Int J Epidemiol 2017. Raises WrongUse ``cut_outside`` where no month lies on one side.
    """
    months = month_numbers(series.starts)
    assert months is not None
    ends = (months + 1).astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
    at_edge = bool((series.starts == cut.at).any())
    holes = (
        [] if at_edge else [Window(int(s), int(e)) for s, e in zip(series.starts, ends, strict=True) if s < cut.at < e]
    )
    edge_before, edge_after = (holes[0].start, holes[0].end) if holes else (cut.at, cut.at)
    b = before or Window(min(int(series.starts[0]), edge_before), edge_before)
    a = after or Window(edge_after, max(int(ends[-1]), edge_after))
    if b.end <= b.start or a.end <= a.start:
        raise WrongUse(
            "cut_outside", "The cut lies outside these months.", "Name an instant that has months before and after it."
        )
    in_before = (series.starts >= b.start) & (ends <= b.end)
    in_after = (series.starts >= a.start) & (ends <= a.end)
    notes = [*cut.notes, *([Note("window_chosen")] if before is not None or after is not None else [])]
    use = (in_before | in_after) & series.live
    post = in_after[use]
    have = {"live_months_before": int((~post).sum()), "live_months_after": int(post.sum())}
    need = {"live_months_before": _MIN_BEFORE, "live_months_after": _MIN_AFTER}
    ratio, refused = None, None
    if any(have[k] < need[k] for k in need):
        refused = Refusal("too_few_months", need, have)
    else:
        t = (months[use] - months[0] + 1).astype(np.float64)
        x = segmented(post, waves(t, 12.0, harmonics), trend=t)
        answer = quasi_poisson(x, series.counts[use], series.exposures[use])
        ratio, refused = answer.ratio, answer.refused
    detectable = None if ratio is None else ratio.detectable
    effect = Effect(
        measure=series.measure, unit=series.unit, feed=None, target=target, event=cut.event, cut=cut.at, before=b, after=a,
        excluded=tuple(holes), counted_before=_counted(series, in_before), counted_after=_counted(series, in_after),
        ratio=ratio, refused=refused, method=METHODS["quasi-poisson"], second_opinions=(), also_at=(), minimum_detectable=detectable,
        neighbours=(), pre_trend=None, placebo_p=None, warnings=tuple(notes), confidence=Confidence(1, ()), path=None,
        basis=series.basis, population="as given", shape="step",
    )  # fmt: skip
    graded = grade(
        ratio=ratio, basis=effect.basis, bins_before=int(effect.counted_before.live_days), placebo_p=None, mde=detectable, neighbours=(),
        warnings=effect.warnings, competing=cut.competing,
    )  # fmt: skip
    return replace(effect, confidence=graded)


def _counted(series: Series, inside: NDArray[np.bool_]) -> WindowCount:
    live = inside & series.live
    months = series.starts[live].astype("datetime64[us]").astype("datetime64[M]")
    lengths = (months + 1).astype("datetime64[D]").astype(np.int64) - months.astype("datetime64[D]").astype(np.int64)
    return WindowCount(float(series.counts[live].sum()), float(lengths.sum()), int(live.sum()))
