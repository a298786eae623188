"""How soon a return would be noticed, and how small a one: the alarm itself, run on returns drawn beside the learnt background."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spamtide.watch.values import BETS, THRESHOLD, Baseline

# Returns that are told of, as shares of the active rate: a start, what Lethic did, all of it.
RETURNS = (0.05, 0.33, 1.0)
WITHIN_HOURS = 7 * 24
# Shares among which the smallest return is looked for, and how often it must be found.
_SHARES = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.14, 0.18, 0.25, 0.33, 0.5, 0.7, 1.0)
FOUND = 0.8
_PATHS = 200
# Quiet hours before the return: the detectors are at what they are at on a quiet day.
_WARM_HOURS = 100
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Power:
    """A return at ``share`` of the active rate: the chance of an alarm within ``hours``, and the median delay in hours (None: later)."""

    share: float
    chance: float
    hours: float
    median_delay_hours: float | None


def alarm_power(baseline: Baseline, active_rate: float, threshold: float = THRESHOLD) -> tuple[Power, ...]:
    """The power of the alarm for each of ``RETURNS``; 200 drawn paths, seeded by the inputs. 0.1 s."""
    return tuple(
        _power(baseline, active_rate, share, _delays(baseline, active_rate * share, threshold)) for share in RETURNS
    )


def smallest_visible(baseline: Baseline, active_rate: float, threshold: float = THRESHOLD) -> float | None:
    """The smallest of some returns, as a share of the active rate, that is found within seven days four times in five; None: not even all of it."""
    for share in _SHARES:
        if np.isfinite(_delays(baseline, active_rate * share, threshold)).mean() >= FOUND:
            return share
    return None


def _power(baseline: Baseline, active_rate: float, share: float, delays: Floats) -> Power:
    median = float(np.median(delays))
    return Power(share, float(np.isfinite(delays).mean()), WITHIN_HOURS, median if np.isfinite(median) else None)


def _delays(baseline: Baseline, rate: float, threshold: float) -> Floats:
    """Hours to the alarm of each path, infinite where it takes more than a week. Every hour is wholly live."""
    key = hashlib.sha256(np.array([baseline.mean, baseline.bound, baseline.variance, rate]).tobytes()).digest()
    rng = np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16], "little")))
    bets = np.array(BETS)
    statistics = np.zeros((_PATHS, len(bets)))
    delays = np.full(_PATHS, np.inf)
    for hour in range(-_WARM_HOURS, WITHIN_HOURS):
        counts = _background(rng, baseline) + (rng.poisson(rate, _PATHS) if hour >= 0 else 0)
        statistics = (statistics + 1.0) * (1.0 + bets * (counts[:, None] / baseline.bound - 1.0))
        statistics = np.minimum(statistics, 1e200)
        crossed = statistics.mean(axis=1) >= threshold
        if hour < 0:
            statistics[crossed] = 0.0
        else:
            delays[crossed & np.isinf(delays)] = hour + 1
    return delays


def _background(rng: np.random.Generator, baseline: Baseline) -> Floats:
    """One hour of each path: Poisson, or negative binomial where hours vary more than that."""
    mean, beyond = baseline.mean, baseline.variance - baseline.mean
    if mean <= 0:
        return np.zeros(_PATHS)
    if beyond <= 0.01 * mean:
        return rng.poisson(mean, _PATHS).astype(np.float64)
    shape = mean**2 / beyond
    return rng.poisson(rng.gamma(shape, mean / shape, _PATHS)).astype(np.float64)
