"""False discoveries of ``spamtide changes`` in feeds of made series with planted truth, and what it finds of them.

    python bench/changes.py [--feeds 100] [--first 0] [--series 24] [--kind K ...]

A feed has series of every noise of the calibration worlds (calm, rough, very rough, sparse; counts are Poisson on log-normal AR(1)
days), a wave that all share, and their sum. In *nothing* no series changes; in *few* one in eight does, in *many* half: a step or a
spell of 10 to 40 days, to .15 to .6 of the level or 1.7 to 4 times it, at any instant of a day. A change that is found is false
where the series has none within its printed interval and a week to either side.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).resolve().parent / "calibration")]

import numpy as np  # noqa: E402
import worlds  # noqa: E402

from spamtide.measure import DAY_US, Series  # noqa: E402
from spamtide.measure.changepoints import Changes, find_changes  # noqa: E402

KINDS = {"nothing": 0.0, "few": 0.125, "many": 0.5}


@dataclass(frozen=True)
class Planted:
    """Series by name, the instants at which each changes, and the ratios there."""

    series: dict[str, Series]
    truth: dict[str, list[tuple[float, float]]]


def make(kind: str, seed: int, number: int = 24) -> Planted:
    """One feed; any number of seeds, the same seed the same feed."""
    rng = np.random.default_rng([seed, *kind.encode()])
    days = int(rng.integers(120, 241))
    common = worlds.noise(rng, days, 0.1, 0.6)
    noises, series, truth = [*worlds.NOISES.values(), (0.3, 0.5)], {}, {}
    total = np.zeros(days)
    for i in range(number):
        sd, ar = noises[i % 4]
        level = float(np.exp(rng.uniform(np.log(60), np.log(2_000)))) if i % 4 < 3 else rng.uniform(0.8, 3.0)
        pattern = np.where(np.arange(7) >= 5, rng.uniform(0.6, 1.0), 1.0) * np.exp(rng.normal(0, 0.05, 7))
        rate = level * pattern[np.arange(days) % 7] * np.exp(common + worlds.noise(rng, days, sd, ar))
        changes: list[tuple[float, float]] = []
        if rng.random() < KINDS[kind]:
            ratio = float(rng.uniform(0.15, 0.6) if rng.random() < 0.7 else rng.uniform(1.7, 4.0))
            begin = float(rng.uniform(28, days - 28))
            end = begin + float(rng.uniform(10, 40)) if rng.random() < 0.4 else float(days)
            share = np.clip(np.minimum(np.arange(1, days + 1), end) - np.maximum(np.arange(days), begin), 0, 1)
            rate *= 1 + (ratio - 1) * share
            changes = [(begin, ratio), *([(end, 1 / ratio)] if end < days - 7 else [])]
        name = f"s{i}"
        truth[name] = [(worlds.MONDAY + at * DAY_US, r) for at, r in changes]
        counts = rng.poisson(rate)
        total += counts
        series[name] = worlds._series(name, counts, np.ones(days))
    if kind == "nothing":
        # The sum of series of which some changed has changed too, by how much is another question.
        series["sum"], truth["sum"] = worlds._series("sum", total.astype(np.int64), np.ones(days)), []
    return Planted(series, truth)


@dataclass(frozen=True)
class Judged:
    """Of one feed: changes found, false ones, planted ones, those of them found, instants and ratios within their intervals."""

    found: int
    false: int
    planted: int
    hit: int
    placed: int
    sized: int


def judge(planted: Planted, said: Changes) -> Judged:
    """What was said beside the truth."""
    false = placed = sized = 0
    hit: set[tuple[str, float]] = set()
    for change in said.changes:
        near = [
            (at, r)
            for at, r in planted.truth[change.series]
            if change.at.low - 7 * DAY_US <= at <= change.at.high + 7 * DAY_US
        ]
        if not near:
            false += 1
            continue
        at, ratio = min(near, key=lambda t: abs(t[0] - change.at.value))
        hit.add((change.series, at))
        placed += change.at.low <= at <= change.at.high
        sized += change.ratio.low <= ratio <= change.ratio.high
    every = sum(len(t) for t in planted.truth.values())
    return Judged(len(said.changes), false, every, len(hit), placed, sized)


def run(kind: str, feeds: int, first: int = 0, number: int = 24, rate: float = 0.1) -> list[Judged]:
    """Many feeds of one kind."""
    judged = []
    for seed in range(first, first + feeds):
        planted = make(kind, seed, number)
        judged.append(judge(planted, find_changes(planted.series, rate=rate)))
    return judged


def interval(shares: list[float]) -> tuple[float, float]:
    """95 % interval of a mean of shares of feeds: Clopper and Pearson's where each is 0 or 1, else of 4,000 bootstrap samples of feeds."""
    n, k = len(shares), sum(shares)
    if set(shares) <= {0.0, 1.0}:
        from scipy.stats import beta

        return (float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0), (
            float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
        )
    means = np.random.default_rng(1).choice(shares, (4_000, n)).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def row(kind: str, judged: list[Judged]) -> str:
    """A line of the table: the false discovery rate is the mean over feeds of the share that was false."""
    shares = [j.false / max(1, j.found) for j in judged]
    found, false, planted, hit, placed, sized = (sum(getattr(j, k) for j in judged) for k in Judged.__annotations__)
    true = max(1, found - false)
    low, high = interval(shares)
    cells = [
        kind, f"{len(judged)}", f"{np.mean(shares):.3f}", f"{low:.3f} to {high:.3f}", f"{found}",
        f"{hit / planted:.2f}" if planted else "-", f"{placed / true:.2f}" if planted else "-", f"{sized / true:.2f}" if planted else "-",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--series", type=int, default=24)
    parser.add_argument("--kind", action="append", choices=KINDS, help="these kinds only")
    asked = parser.parse_args()
    print(
        "| kind | feeds | false discovery rate | 95 % interval | found | of the planted | instant in interval | ratio in interval |"
    )
    print("|" + "---|" * 8)
    for kind in asked.kind or KINDS:
        print(row(kind, run(kind, asked.feeds, asked.first, asked.series)), flush=True)


if __name__ == "__main__":
    main()
