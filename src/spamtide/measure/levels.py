"""Several traps as partially pooled levels: each trap's effect drawn towards what all of them say, as far as they agree.

Log ratios y_i with variances v_i of k traps; theta_i ~ N(mean, tau^2), y_i ~ N(theta_i, v_i); the mean is flat, tau half-normal with sd .5 (a
trap's effect may well be half or twice another's), and averaged over instead of plugged in, since three traps say little of it. A trap
that counted little is drawn far, one that counted much hardly. Source: Gelman and others, Bayesian Data Analysis, section 5.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spamtide.measure.values import Interval

# Fewer traps than this say nothing of how traps differ.
FEWEST = 3
_TAU_SD, _TAUS = 0.5, 81


@dataclass(frozen=True, slots=True)
class Levels:
    """Each trap's ratio after pooling, in the order given; the ratio of the mean trap; the sd between traps (log scale, posterior mean)."""

    ratios: tuple[Interval, ...]
    mean: Interval
    between: float


def pooled_levels(ratios: Sequence[Interval]) -> Levels | None:
    """The partially pooled ratios of traps that all have one; None for fewer than three, or where one has no finite interval."""
    if len(ratios) < FEWEST or any(r.value <= 0 or not np.isfinite(r.high) for r in ratios):
        return None
    y = np.log([r.value for r in ratios])
    v = np.maximum([r.log_sd for r in ratios], 1e-6) ** 2
    taus = np.linspace(0.0, 4 * _TAU_SD, _TAUS)
    spread = v[None, :] + taus[:, None] ** 2
    weight = 1 / spread
    mean_variance = 1 / weight.sum(axis=1)
    mean = (weight * y).sum(axis=1) * mean_variance
    log_posterior = 0.5 * np.log(mean_variance) - 0.5 * (np.log(spread) + (y - mean[:, None]) ** 2 / spread).sum(axis=1)
    log_posterior -= 0.5 * (taus / _TAU_SD) ** 2
    share = np.exp(log_posterior - log_posterior.max())
    share /= share.sum()
    own = taus[:, None] ** 2 * weight
    centre = own * y + (1 - own) * mean[:, None]
    variance = own * v + (1 - own) ** 2 * mean_variance[:, None]
    found = [_mixed(share, centre[:, i], variance[:, i]) for i in range(len(y))]
    return Levels(tuple(found), _mixed(share, mean, mean_variance), float(share @ taus))


def _mixed(share: np.ndarray, centre: np.ndarray, variance: np.ndarray) -> Interval:
    """A mixture of normals on the log scale as a ratio with its interval, by its two moments."""
    mean = float(share @ centre)
    sd = float(np.sqrt(share @ (variance + centre**2) - mean**2))
    return Interval(*(float(np.exp(mean + k * 1.959964 * sd)) for k in (0, -1, 1)))
