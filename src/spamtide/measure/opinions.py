"""Opinions that need no regression: a plain count, and the same contrast at days when nothing happened."""

from __future__ import annotations

import numpy as np

from spamtide.measure.latent import Floats
from spamtide.measure.values import Interval, Refusal, SecondOpinion


def naive_poisson(before: float, before_days: float, after: float, after_days: float) -> SecondOpinion:
    """What a plain count would say: a ratio of rates whose interval believes that days differ by chance alone."""
    if before <= 0 or after <= 0:
        return SecondOpinion(
            "naive_poisson", None, Refusal("zero_count", {"count": 1}, {"before": before, "after": after})
        )
    ratio = (after / after_days) / (before / before_days)
    half = 1.959964 * float(np.sqrt(1 / after + 1 / before))
    return SecondOpinion("naive_poisson", Interval(ratio, ratio * float(np.exp(-half)), ratio * float(np.exp(half))))


def placebo_in_time(y: Floats, e: Floats, live: Floats, split: int) -> tuple[SecondOpinion, float | None]:
    """The same contrast at days when nothing happened: its spread, as sd x t, is the interval. And its p-value.

    ``y``, ``e``, ``live``: a row a day, in order, without gaps in the calendar; ``split`` is the first day after the cut.
    The contrast is the log rate of a window as long as the after window against the 28 days before it. Degrees of
    freedom: (history - 28) / post; refused below 2.
    """
    from scipy.special import stdtr, stdtrit

    post = len(y) - split
    freedom = (split - 28) / post
    if freedom < 2:
        needed = {"live_days_before": 28 + 2 * post}
        return SecondOpinion("placebo", None, Refusal("short_history", needed, {"live_days_before": split})), None
    days_counted = np.concatenate([[0.0], np.cumsum(np.where(live > 0, y, 0.0))])
    days_live = np.concatenate([[0.0], np.cumsum(np.where(live > 0, e, 0.0))])

    def contrast(at: int) -> float:
        n1, n0 = days_counted[at + post] - days_counted[at], days_counted[at] - days_counted[at - 28]
        e1, e0 = days_live[at + post] - days_live[at], days_live[at] - days_live[at - 28]
        if e1 <= 0 or e0 <= 0:
            return float("nan")
        return float(np.log((n1 + 0.5) / e1) - np.log((n0 + 0.5) / e0))

    placebos = np.array([contrast(at) for at in range(28, split - post + 1)])
    placebos = placebos[~np.isnan(placebos)]
    real = contrast(split)
    if len(placebos) < 2 or np.isnan(real):
        return SecondOpinion(
            "placebo", None, Refusal("no_exposure", {"placebo_windows": 2}, {"placebo_windows": len(placebos)})
        ), None
    sd = float(np.sqrt(np.mean(placebos**2)))
    half = float(stdtrit(freedom, 0.975)) * sd
    p = float(2 * stdtr(freedom, -abs(real) / sd)) if sd > 0 else 0.0
    return SecondOpinion("placebo", Interval(*(float(np.exp(x)) for x in (real, real - half, real + half)))), p
