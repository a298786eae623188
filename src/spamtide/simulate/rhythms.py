"""How a volume goes from day to day. Only "ar" is of the family that the default estimator assumes; the others are made to be
unlike it, so that a coverage measured on them is no tautology.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spamtide.simulate.chance import stream
from spamtide.simulate.scenario import GroupPlan

Floats = NDArray[np.float64]


def day_factors(group: GroupPlan, seed: int, days: int) -> Floats:
    """Relative volume of each day, around 1."""
    rng = stream("days", seed, group.name)
    match group.rhythm:
        case "episodes":
            factor = _episodes(rng, group.day_sd, days)
        case "bursts":
            factor = _bursts(rng, group.day_sd, days)
        case "heavy":
            # Student's t with three degrees of freedom has no fourth moment; cut where a day would be all there is.
            kicks = rng.standard_t(3, days) * group.day_sd * np.sqrt((1 - group.day_ar**2) / 3)
            factor = np.exp(np.clip(_remember(kicks, group.day_ar), -2.5, 2.5))
        case "regimes":
            factor = _regimes(rng, group.day_sd, days)
        case _:
            kicks = rng.standard_normal(days) * group.day_sd * np.sqrt(1 - group.day_ar**2)
            factor = np.exp(_remember(kicks, group.day_ar) - group.day_sd**2 / 2)
    return np.asarray(factor, dtype=np.float64)


def _remember(kicks: Floats, memory: float) -> Floats:
    walk = np.zeros(len(kicks))
    for i, kick in enumerate(kicks):
        walk[i] = (memory * walk[i - 1] if i else 0.0) + kick
    return walk


def _episodes(rng: np.random.Generator, spread: float, days: int) -> Floats:
    """Campaigns that begin at random, of unequal size, each swelling and ebbing; a floor of a fifth."""
    early = 40
    number = rng.poisson((days + early) / 3.0)
    begin = rng.uniform(-early, days, number)
    size = rng.lognormal(0.0, max(4 * spread, 0.1), number)
    length = 1.5 + rng.gamma(2.0, 3.0, number)
    age = (np.arange(days)[:, None] + 0.5 - begin[None, :]) / length[None, :]
    wave = np.where((age > 0) & (age < 8), age * np.exp(1 - age), 0.0)
    shot = wave @ size
    mean = shot.mean() if len(shot) and shot.mean() > 0 else 1.0
    return np.asarray(0.2 + 0.8 * shot / mean, dtype=np.float64)


def _bursts(rng: np.random.Generator, spread: float, days: int) -> Floats:
    """Quiet days with bursts of two days, about one in twelve days, of Pareto height."""
    factor = np.exp(rng.standard_normal(days) * spread / 3)
    at = rng.exponential(12.0)
    while at < days:
        height = min(1 + 4 * spread * rng.pareto(1.5), 8.0)
        factor[int(at) : int(at) + 2] *= height
        at += 2 + rng.exponential(12.0)
    return np.asarray(factor, dtype=np.float64)


def _regimes(rng: np.random.Generator, spread: float, days: int) -> Floats:
    """Three levels, each held for about twelve days, with a jump between."""
    levels = np.exp(np.array([-2.0, 0.0, 1.5]) * spread)
    factor, at, now = np.empty(days), 0, int(rng.integers(3))
    while at < days:
        stay = 1 + int(rng.exponential(12.0))
        factor[at : at + stay] = levels[now]
        at += stay
        now = (now + 1 + int(rng.integers(2))) % 3
    return factor * np.exp(rng.standard_normal(days) * spread / 4)
