"""Daily counts of made worlds with a planted effect, in ten kinds, not drawn from the estimator's own priors.

A world is its kind and its seed. Noise: log-normal AR(1) days of a stated spread and memory. *calm* .2/.3 (day-to-day sd of
the log, correlation from day to day), *rough* .35/.6, *very rough* .5/.8; the other kinds draw theirs between calm and
rough, *no effect* one of the three. Levels from 60 to 2,000 a day, weekends of .6 to 1, 56 to 150 days before, 6 to 28 after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spamtide.measure import DAY_US, Series, Window

Floats = NDArray[np.float64]
NOISES = {"calm": (0.2, 0.3), "rough": (0.35, 0.6), "very rough": (0.5, 0.8)}
KINDS = (
    "calm",
    "rough",
    "very rough",
    "short history",
    "pre-decline",
    "shapes",
    "no effect",
    "outages",
    "displacement",
    "sparse",
)
SHAPES = ("ramp", "pulse", "decay", "pause")
MONDAY = 14_613 * DAY_US + 4 * DAY_US


@dataclass(frozen=True)
class World:
    """One world: what was counted, series beside it, the cut, and the planted ratio over the live days after it."""

    series: Series
    controls: tuple[Series, ...]
    before: Window
    after: Window
    planted: float
    shape: str


def noise(rng: np.random.Generator, n: int, sd: float, ar: float) -> Floats:
    """Log-normal AR(1) days of this stationary spread."""
    path = np.empty(n)
    path[0] = rng.normal(0, sd)
    steps = rng.normal(0, sd * np.sqrt(1 - ar**2), n)
    for t in range(1, n):
        path[t] = ar * path[t - 1] + steps[t]
    return path


def change(rng: np.random.Generator, shape: str, days: int) -> Floats:
    """The rate with the event over the rate without it, day by day after the cut."""
    age = np.arange(days) + 0.5
    ratio = float(np.exp(rng.uniform(np.log(0.12), np.log(0.9)))) if rng.random() < 0.85 else rng.uniform(1.1, 1.8)
    if shape == "step":
        return np.full(days, ratio)
    if shape == "ramp":
        return 1 - (1 - ratio) * np.minimum(1, age / (rng.uniform(0.2, 0.9) * days))
    if shape == "decay":
        first = ratio * rng.uniform(0.25, 0.6)
        return ratio + (first - ratio) * np.exp(-age / (rng.uniform(0.1, 0.4) * days))
    held = rng.uniform(0.15, 0.5) * days
    if shape == "pulse":
        return 1 - (1 - ratio) * np.where(age <= held, 1, np.exp(-(age - held) / (rng.uniform(0.1, 0.4) * days)))
    return np.where(age <= held, rng.uniform(0.02, 0.1), 1.0)


def runs(rng: np.random.Generator, days: int, share: float) -> NDArray[np.bool_]:
    """Days in runs of one to five, about ``share`` of all."""
    dead = np.zeros(days, dtype=bool)
    while dead.mean() < share:
        start = rng.integers(0, days)
        dead[start : start + rng.integers(1, 6)] = True
    return dead


def make(kind: str, seed: int) -> World:
    """One world; any number of seeds, the same seed the same world."""
    rng = np.random.default_rng([seed, *kind.encode()])
    before, after = int(rng.integers(56, 151)), int(rng.integers(6, 29))
    if kind == "short history":
        before, after = int(rng.integers(15, 41)), int(rng.integers(5, 15))
    mild = rng.random()
    sd, ar = 0.2 + 0.15 * mild, 0.3 + 0.3 * mild
    if kind in NOISES:
        sd, ar = NOISES[kind]
    if kind == "no effect":
        sd, ar = list(NOISES.values())[int(rng.integers(3))]
    n = before + after
    level = float(np.exp(rng.uniform(np.log(60), np.log(2_000)))) if kind != "sparse" else rng.uniform(0.8, 3.0)
    weekend = rng.uniform(0.6, 1.0)
    pattern = np.where(np.arange(7) >= 5, weekend, 1.0) * np.exp(rng.normal(0, 0.05, 7))
    common = noise(rng, n, sd, ar)
    without = level * pattern[np.arange(n) % 7] * np.exp(common)
    if kind == "pre-decline":
        # Falls before the event for a reason of its own, and goes on or stays where it is.
        length = int(rng.integers(14, 46))
        fall = -np.log(1 - rng.uniform(0.2, 0.6)) / length
        late = np.arange(n) - (before - length)
        end = n if rng.random() < 0.5 else length
        without *= np.exp(-fall * np.clip(late, 0, end))
    shape = "step" if kind != "shapes" else SHAPES[int(rng.integers(4))]
    factor = np.ones(n)
    if kind != "no effect":
        factor[before:] = change(rng, shape, after)
    exposures = np.ones(n)
    if kind == "outages":
        exposures = np.where(rng.random(n) < 0.15, rng.uniform(0.2, 0.9, n), 1.0)
        dead = runs(rng, n, rng.uniform(0.1, 0.25))
        dead[before + rng.permutation(after)[:4]] = False
        exposures[dead] = 0.0
    with_event = without * factor
    post = (np.arange(n) >= before) & (exposures > 0)
    planted = float((with_event * exposures)[post].sum() / (without * exposures)[post].sum())
    controls: tuple[Series, ...] = ()
    if kind == "displacement":
        moved = np.where(np.arange(n) >= before, rng.uniform(1.1, 1.6), 1.0)
        # Two other senders share two thirds of the variance, and take over what the target lost.
        others = [level * np.exp(0.82 * common + 0.57 * noise(rng, n, sd, ar)) * moved for _ in range(2)]
        controls = tuple(_series(f"other {i}", rng.poisson(o), exposures) for i, o in enumerate(others))
    series = _series("target", rng.poisson(with_event * exposures), exposures)
    starts = series.starts
    cut, end = int(starts[before]), int(starts[-1]) + DAY_US
    return World(series, controls, Window(int(starts[0]), cut), Window(cut, end), planted, shape)


def _series(name: str, counts: NDArray[np.int64], exposures: Floats) -> Series:
    starts = MONDAY + np.arange(len(counts)) * DAY_US
    return Series(
        name, "volume", "message", DAY_US, starts, counts.astype(np.float64), exposures, exposures == 0, "declared"
    )


Answers = dict[str, tuple[float, float, float] | None]
Method = Callable[[World], tuple[float, float, float] | None]
