"""Daily counts of a made world with a planted effect, for pages and sentences; those of the calibration are in bench."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spamtide.measure import DAY_US, Series

MONDAY = 14_613 * DAY_US + 4 * DAY_US  # 2010-01-08 is a Friday; any day does


@dataclass(frozen=True)
class Kind:
    """A kind of world: day-to-day noise, days before and after, shape of the effect, its size, mean count a day."""

    name: str
    sd: float
    ar: float
    before: int = 150
    after: int = 14
    shape: str = "step"
    ratio: float = 0.25
    level: float = 300.0


def made(kind: Kind, seed: int) -> tuple[Series, int, float]:
    """Counts of one world, its cut, and the planted ratio: sums of expected counts with and without the event."""
    rng = np.random.default_rng([seed, *kind.name.encode()])
    n = kind.before + kind.after
    days = np.arange(n)
    noise = np.empty(n)
    noise[0] = rng.normal(0, kind.sd)
    for t in range(1, n):
        noise[t] = kind.ar * noise[t - 1] + rng.normal(0, kind.sd * np.sqrt(1 - kind.ar**2))
    weekday = np.where(days % 7 >= 5, 0.75, 1.1)
    without = kind.level * rng.lognormal(0, 0.4) * weekday * np.exp(noise)
    post = days >= kind.before
    age = days - kind.before
    change = np.ones(n)
    if kind.shape == "ramp":
        change[post] = 1 - (1 - kind.ratio) * np.minimum(1, (age[post] + 0.5) / 5)
    elif kind.shape == "decay":
        change[post] = 1 - (1 - kind.ratio) * np.exp(-age[post] / 6)
    else:
        change[post] = kind.ratio
    counts = rng.poisson(without * change).astype(np.float64)
    planted = float((without * change)[post].sum() / without[post].sum())
    starts = MONDAY + days * DAY_US
    series = Series("made", "volume", "message", DAY_US, starts, counts, np.ones(n), np.zeros(n, bool), "declared")
    return series, int(starts[kind.before]), planted
