"""Ways to estimate the ratio, by name: each takes the same live days and gives an interval or its own refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spamtide.measure.latent import Fit, Floats, fit_latent
from spamtide.measure.opinions import placebo_in_time
from spamtide.measure.regressions import gls_ar1, negative_binomial_hac, quasi_poisson_days, structural
from spamtide.measure.values import DAY_US, Interval, SecondOpinion, Series

# Name for --method, and what documents say with its version.
METHODS = {
    "latent-ar1": "latent-ar1-effect-path/4",
    "gls-ar1": "gls-ar1/1",
    "placebo": "placebo-in-time/1",
    "structural": "structural-local-level/1",
    "negative-binomial-hac": "negative-binomial-hac/1",
    "quasi-poisson": "quasi-poisson/1",
}
DEFAULT_METHOD = "latent-ar1"


@dataclass(frozen=True, slots=True)
class LiveDays:
    """The live days of both windows, n rows: days from the cut, weekday, counts, exposures, which are after."""

    day: NDArray[np.int64]
    weekday: NDArray[np.int64]
    counts: Floats
    exposures: Floats
    post: NDArray[np.bool_]


def live_days(series: Series, in_before: NDArray[np.bool_], in_after: NDArray[np.bool_]) -> LiveDays:
    """Those of ``series``; the first bin after the cut is day 0, a day's weekday is that of its midpoint."""
    use = (in_before | in_after) & series.live
    starts = series.starts[use]
    first = int(series.starts[in_after][0])
    # 1970-01-01 was a Thursday.
    day, weekday = (starts - first) // series.bin_us, ((starts + series.bin_us // 2) // DAY_US + 3) % 7
    return LiveDays(day, weekday, series.counts[use], series.exposures[use], in_after[use])


def fit_default(days: LiveDays, controls: Floats | None = None, shape: str = "averaged") -> Fit:
    """The default model, with what it expected day by day."""
    return fit_latent(days.day, days.weekday, days.counts, days.exposures, days.post, controls, shape)


def placebo_of(days: LiveDays) -> tuple[SecondOpinion, float | None]:
    """The placebo opinion and its p-value: live days are laid on the calendar they came from."""
    place = days.day - days.day[0]
    n = int(place[-1]) + 1
    y, e, live = np.zeros(n), np.zeros(n), np.zeros(n)
    y[place], e[place], live[place] = days.counts, days.exposures, 1.0
    return placebo_in_time(y, e, live, int(-days.day[0]) if days.day[0] < 0 else 0)


_REGRESSIONS: dict[str, Callable[..., SecondOpinion]] = {
    "gls-ar1": gls_ar1,
    "structural": structural,
    "negative-binomial-hac": negative_binomial_hac,
    "quasi-poisson": quasi_poisson_days,
}


def answer_by(method: str, days: LiveDays, shape: str = "averaged") -> SecondOpinion:
    """What the method of this name says of these days. Only ``latent-ar1`` knows shapes."""
    if method == "latent-ar1":
        fit = fit_default(days, None, shape)
        return SecondOpinion(method, Interval(fit.value, fit.low, fit.high))
    if method == "placebo":
        return placebo_of(days)[0]
    return _REGRESSIONS[method](days.day, days.weekday, days.counts, days.exposures, days.post)
