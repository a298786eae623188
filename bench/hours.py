"""What the instant within the day is worth: a stop at 14:45 in hourly counts, cut there, cut at midnight, and fitted hour by hour.

    python bench/hours.py [--worlds 100] [--first 0]

Hours have a daily course, a weekly one, and log-normal noise with a memory of days; counts are Poisson. *Anchored days* is what spamtide
does: the default estimator on 24-hour days that end and begin at the hour of the cut. *Midnight*: the same on days of UTC, the day of the stop counted as
after. *By the hour* and *by the day* are generalised least squares that are told the true noise and courses: what the best of
hour-level likelihoods could gain over anchored days is the difference of these two.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from spamtide.measure import DAY_US, HOUR_US, Interval, Series, effect_of_given, rebinned
from spamtide.measure.noise import Noise

Floats = NDArray[np.float64]
START = 14_613 * DAY_US + 4 * DAY_US
MINUTES = 14 * 60 + 45


@dataclass(frozen=True)
class World:
    """Hourly counts, the cut, the planted ratio, and what made them: log course, noise of a day (sd) and its memory."""

    series: Series
    cut: int
    ratio: float
    course: Floats
    sd: float
    memory: float


def make(seed: int) -> World:
    """One world; the planted ratio is that of a step, so that it holds hour by hour."""
    rng = np.random.default_rng([seed, 1445])
    before, after = int(rng.integers(56, 121)), int(rng.integers(3, 15))
    n = (before + after) * 24
    level, sd, memory = float(np.exp(rng.uniform(np.log(3), np.log(60)))), rng.uniform(0.2, 0.35), rng.uniform(0.3, 0.6)
    hour = np.arange(n)
    course = np.log(level) + 0.6 * np.cos(2 * np.pi * (hour % 24 - 12) / 24) - 0.4 * (hour // 24 % 7 >= 5)
    rho = memory ** (1 / 24)
    noise = np.empty(n)
    noise[0] = rng.normal(0, sd)
    steps = rng.normal(0, sd * np.sqrt(1 - rho**2), n)
    for t in range(1, n):
        noise[t] = rho * noise[t - 1] + steps[t]
    ratio = float(np.exp(rng.uniform(np.log(0.15), np.log(0.7))))
    cut = START + before * DAY_US + MINUTES * 60_000_000
    starts = START + hour * HOUR_US
    share = np.clip((starts + HOUR_US - cut) / HOUR_US, 0, 1)
    counts = rng.poisson(np.exp(course + noise) * (1 + (ratio - 1) * share))
    series = Series(
        "mail", "volume", "message", HOUR_US, starts.astype(np.int64), counts.astype(float), np.ones(n), np.zeros(n, dtype=bool), "declared"
    )  # fmt: skip
    return World(series, cut, ratio, course, float(sd), float(memory))


def anchored(world: World) -> Interval | None:
    """What spamtide says of the hourly counts."""
    return effect_of_given({"mail": world.series}, world.cut, diagnostics="none").ratio


def midnight(world: World) -> Interval | None:
    """The default estimator on days of UTC, cut at the midnight before the stop."""
    days = rebinned(world.series, DAY_US, START)
    return effect_of_given({"mail": days}, world.cut // DAY_US * DAY_US, diagnostics="none").ratio


def told(world: World, bin_hours: int) -> Interval:
    """Least squares of a step on log counts over bins anchored at the cut's hour, told the noise and the courses."""
    hour = (world.cut - START) // HOUR_US
    first = hour % bin_hours
    ends = [(first, hour), (hour + 1, len(world.series.counts))]
    rows = []
    for post, (a, b) in enumerate(ends):
        for i in range(a, b - bin_hours + 1, bin_hours):
            rows.append(
                (i, post, world.series.counts[i : i + bin_hours].sum(), np.exp(world.course[i : i + bin_hours]).sum())
            )
    place, post, counts, expected = (np.array(c, dtype=np.float64) for c in zip(*rows, strict=True))
    # The working response at the truth: what Fisher scoring ends in, and free of what a log does to hours of two or three.
    rate = expected * np.where(post > 0, world.ratio, 1.0)
    z = np.log(rate / expected) + counts / rate - 1
    # A day's mean of noise that remembers: its variance and the correlation of neighbours, by summing the hours'.
    lags = np.abs(np.arange(bin_hours)[:, None] - np.arange(bin_hours)[None, :])
    rho = world.memory ** (1 / 24)
    variance = world.sd**2 * (rho**lags).mean()
    beside = (
        world.sd**2
        * (rho ** (lags * 0 + bin_hours + np.arange(bin_hours)[None, :] - np.arange(bin_hours)[:, None])).mean()
    )
    memory = beside / variance
    noise = Noise.of(np.diff(place) / bin_hours, float(memory), float(variance), 1 / rate)
    x = np.column_stack([np.ones(len(z)), post])
    solved = noise.solve(np.column_stack([x, z]))
    inverse = np.linalg.inv(x.T @ solved[:, :2])
    beta, half = float((inverse @ x.T @ solved[:, 2])[1]), 1.96 * float(np.sqrt(inverse[1, 1]))
    return Interval(*(float(np.exp(beta + k * half)) for k in (0, -1, 1)))


WAYS = {
    "anchored days": anchored,
    "midnight": midnight,
    "by the hour, told the noise": lambda w: told(w, 1),
    "by the day, told the noise": lambda w: told(w, 24),
}


def scores(worlds: range) -> dict[str, tuple[float, float, float, int]]:
    """By way: coverage, median log width, mean error of the log ratio, worlds answered."""
    made = [make(seed) for seed in worlds]
    found = {}
    for name, ask in WAYS.items():
        said = [(r, w.ratio) for w in made if (r := ask(w)) is not None]
        found[name] = (
            float(np.mean([r.low <= truth <= r.high for r, truth in said])),
            float(np.median([np.log(r.high / r.low) for r, _ in said])),
            float(np.mean([np.log(r.value / truth) for r, truth in said])),
            len(said),
        )
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    print("| way | worlds | coverage | width, log of high/low | mean error of the log ratio |\n|---|---|---|---|---|")
    for name, (coverage, width, bias, n) in scores(range(asked.first, asked.first + asked.worlds)).items():
        print(f"| {name} | {n} | {coverage:.2f} | {width:.3f} | {bias:+.3f} |")


if __name__ == "__main__":
    main()
