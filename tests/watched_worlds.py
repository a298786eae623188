"""Hours of a dead botnet with planted truth: five backgrounds, and returns in them. Used by tests of the alarm and by bench/alarm.py."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from spamtide.measure import HOUR_US, Refusal
from spamtide.watch import Hour, Plan, WatchState, begin_watch, step_hours

# Messages in an hour while it was active, and of the background: one in a hundred.
ACTIVE, BACKGROUND = 30.0, 0.3
LEARNT, YEAR = 60 * 24, 8_766
KINDS = ("poisson", "diurnal", "overdispersed", "day to day", "bursts", "heavy bursts")
RETURNS = (0.05, 0.33, 1.0)


def background(kind: str, rng: np.random.Generator, hours: int, rate: float = BACKGROUND) -> np.ndarray:
    """Counts of ``hours`` hours (n) of false matches."""
    at = np.arange(hours)
    match kind:
        case "poisson":
            return rng.poisson(rate, hours)
        case "diurnal":
            # Nights of a tenth, days of nearly twice the mean, and quiet weekends.
            return rng.poisson(rate * (1 + 0.8 * np.sin(2 * np.pi * at / 24)) * np.where(at // 24 % 7 >= 5, 0.6, 1.16))
        case "overdispersed":
            return rng.poisson(rng.gamma(0.5, rate / 0.5, hours))
        case "day to day":
            # Hours as overdispersed, and days that follow each other: log sd 0.35, correlation 0.5.
            days, level = hours // 24 + 1, 0.0
            levels = np.empty(days)
            for day in range(days):
                level = 0.5 * level + rng.normal(0, 0.3)
                levels[day] = level
            return rng.poisson(rng.gamma(0.5, rate / 0.5, hours) * np.exp(levels[at // 24] - 0.06))
        case "bursts":
            blocks = hours // 48 + 1
            height = np.where(rng.random(blocks) < 0.15, 0.06 * ACTIVE * rng.lognormal(0, 0.5, blocks), 0.0)
            return rng.poisson(rate + height[at // 48])
        case "heavy bursts":
            blocks = hours // 48 + 1
            height = np.where(rng.random(blocks) < 0.15, 0.03 * ACTIVE * (rng.pareto(2, blocks) + 1), 0.0)
            return rng.poisson(rate + height[at // 48])
    raise ValueError(kind)


def hours_of_counts(counts: np.ndarray, first: int = 0) -> list[Hour]:
    """Wholly live hours from hour ``first`` on."""
    return [Hour((first + i) * HOUR_US, float(c), 1.0) for i, c in enumerate(counts)]


@dataclass(frozen=True)
class Watched:
    """A world: whether its year had a false alarm, and hours until each return was noticed (infinite: not within 20 days)."""

    false_alarm: bool
    delays: dict[float, float]
    state: WatchState


def watch_world(kind: str, seed: int, years: float = 1.0) -> Watched:
    """Learn sixty days, watch a year in which nothing comes back; then, from a quiet month on, returns of each size."""
    rng = np.random.Generator(np.random.Philox(seed))
    plan = Plan(ACTIVE)
    year = int(years * YEAR)
    counts = background(kind, rng, LEARNT + year)
    begun = begin_watch(hours_of_counts(counts[:LEARNT]), plan)
    assert not isinstance(begun, Refusal)
    end = step_hours(begun, hours_of_counts(counts[LEARNT:], LEARNT), plan)
    delays = {}
    quiet = background(kind, rng, 30 * 24)
    later = background(kind, rng, 20 * 24)
    warm = step_hours(begun, hours_of_counts(quiet, LEARNT), plan)
    first = LEARNT + len(quiet)
    for share in RETURNS:
        back = hours_of_counts(later + rng.poisson(share * ACTIVE, len(later)), first)
        alarm = None if warm.alarm is not None else step_hours(warm, back, plan).alarm
        delays[share] = math.inf if alarm is None else alarm.at / HOUR_US - first
    return Watched(end.alarm is not None, delays, end)
