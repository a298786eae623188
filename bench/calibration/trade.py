"""What the weights of trends buy and cost: the default estimator in calm worlds and in worlds that fell beforehand, under other weights.

    python bench/calibration/trade.py [--worlds 200] [--first 500000] [--kind calm --kind pre-decline]

Each world is fitted once, under every trend that any way has; a way is then only other weights of the same points. So the ways are compared in the same
worlds, at the cost of one. A point's ratio is taken as log-normal, by its mean and sd. Beside the peer (statsmodels) where it is installed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).resolve().parent)]

import numpy as np  # noqa: E402
import table  # noqa: E402
import worlds  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

import peers  # noqa: E402
from spamtide.measure import grid, latent, methods, trends  # noqa: E402

Floats = NDArray[np.float64]
# Priors of a turn at the cut, as (mean, sd): the one that is shipped, and one that leaves out what is hardly a turn.
SHIPPED, APART = ((0.0, trends.TURN_SD),), ((0.5, 0.25), (-0.5, 0.25))


@dataclass(frozen=True)
class Way:
    """Weights: of the slope; of all turns where nothing speaks for one; the most, and the Bayes factors between which it is reached; priors of a
    turn; weights of turns 14, 24 and 40 days before the cut."""

    slope: float = trends.SLOPE[1][1]
    turns: float = trends.TURN_WEIGHT
    most: float = trends.TURN_HEAVY
    between: tuple[float, float] = (trends.TURN_FROM, trends.TURN_TO)
    priors: tuple[tuple[float, float], ...] = SHIPPED
    days: tuple[float, ...] = (1.0, 1.0, 1.0)


WAYS = {
    "as shipped": Way(),
    "no trend at all": Way(0.0, 0.0, 0.0),
    "no slope": Way(0.0),
    "slope .05": Way(0.05),
    "turns .2, whatever the days before say": Way(most=0.2),
    "turns .3, whatever the days before say": Way(turns=0.3, most=0.3),
    "turns .1, at most .5": Way(turns=0.1),
    "turns .1, at most .5 from .3 on, slope .05": Way(0.05, 0.1, 0.5, (0.3, 1.0)),
    "the same, no turn at 14 days": Way(0.05, 0.1, 0.5, (0.3, 1.0), days=(0.0, 1.0, 1.0)),
    "the same, turns apart from nothing": Way(0.05, 0.1, 0.5, (0.3, 1.0), APART),
    "turns apart from nothing .4": Way(turns=0.4, most=0.4, priors=APART),
}


@dataclass(frozen=True)
class Fitted:
    """One world: the truth (log); of every trend what the days before the cut say and its (turn's days or 0, prior); points as rows of log weight, trend, mean, sd."""

    truth: float
    evidence: Floats
    tags: tuple[tuple[int, tuple[float, float]], ...]
    points: Floats
    peer: tuple[float, float, float] | None


def fitted(kind: str, seed: int) -> Fitted:
    """The world under every trend of every way."""
    world = worlds.make(kind, seed)
    before = world.series.starts < world.after.start
    live = methods.live_days(world.series, before, ~before)
    days = latent._Days(live.day, live.weekday, live.post, None, "averaged")
    z, v = latent._working_response(days, live.counts, np.log(live.exposures))
    n = len(days.t) - len(days.post)
    ways = [(trend, 0, (0.0, trend.sd)) for trend in days.trends if not trend.turn]
    turns = [trend for trend in days.trends if trend.turn]
    ways += [(t, trends.TURN_DAYS[i // 2], prior) for i, t in enumerate(turns) for prior in (*SHIPPED, *APART)]
    evidence, rows = [], []
    for k, (trend, _, (mean, sd)) in enumerate(ways):
        days.trends = [trends.Trend(trend.columns, sd, 1.0, trend.turn)]
        moved = z - mean * trend.columns[:, 0] if trend.columns.shape[1] else z
        said = grid.evidence(
            days.trends, days.steady[:n], days.sds, days.gaps[: n - 1], moved[:n], v[:n], latent.NOISES
        )
        evidence.append(float(said[0]))
        points = days.points(moved, v, latent.NOISES)
        rows += [(float(w), k, points, i) for i, w in enumerate(points.log_weights)]
    heaviest = max(row[0] for row in rows)
    kept = [(w, k, *_moments(days, points.point(i))) for w, k, points, i in rows if w > heaviest - 10]
    peer = peers.structural(live, seed) if peers.available() else None
    return Fitted(
        float(np.log(world.planted)), np.array(evidence), tuple((d, p) for _, d, p in ways), np.array(kept), peer
    )


def _moments(days: latent._Days, point: grid.Point) -> tuple[float, float]:
    """Mean and sd of the log of the window's mean ratio; days count alike."""
    from scipy.linalg import solve_triangular

    wanted = 1 if not point.curve.wobble else 64
    rng = np.random.default_rng(1)
    if wanted == 1:
        ends = np.zeros(len(point.mean))
        ends[point.width] = 1.0
        half = solve_triangular(point.root, ends, trans=1, check_finite=False)
        return float(point.mean[point.width]), float(np.sqrt(half @ half))
    drawn = solve_triangular(point.root, rng.standard_normal((len(point.mean), wanted)), check_finite=False)
    path = days.effect(point, point.mean[:, None] + np.hstack([drawn, -drawn]))
    logs = np.log(np.exp(np.clip(path, -30, 30)).mean(axis=0))
    return float(logs.mean()), float(logs.std())


def interval(world: Fitted, way: Way) -> tuple[float, float]:
    """The 95 % interval of the log ratio under this way's weights."""
    from scipy.special import ndtr

    turn = np.array([days > 0 for days, _ in world.tags])
    share = np.zeros(len(turn))
    for i, (days, prior) in enumerate(world.tags):
        if days and prior in way.priors:
            share[i] = way.days[trends.TURN_DAYS.index(days)]
    heavy = way.turns if share.any() else 0.0
    share[turn] *= heavy / max(share.sum(), 1e-12)
    share[0], share[1] = 1 - heavy - way.slope, way.slope
    with np.errstate(divide="ignore"):
        logs = np.log(share)
    if heavy and way.most > way.turns:
        factor = trends._mean(world.evidence, logs, turn) - trends._mean(world.evidence, logs, ~turn)
        low, high = np.log(way.between)
        grown = way.turns + (way.most - way.turns) * float(np.clip((factor - low) / (high - low), 0.0, 1.0))
        logs += np.where(turn, np.log(grown / heavy), np.log((1 - grown) / (1 - heavy)))
    weight, trend, mean, sd = world.points.T
    weight = weight + logs[trend.astype(int)]
    weight = np.exp(weight - weight.max())

    def quantile(level: float) -> float:
        low, high = float((mean - 6 * sd).min()), float((mean + 6 * sd).max())
        for _ in range(45):
            middle = (low + high) / 2
            below = weight @ ndtr((middle - mean) / sd) < level * weight.sum()
            low, high = (middle, high) if below else (low, middle)
        return middle

    return quantile(0.025), quantile(0.975)


def row(
    name: str, made: list[Fitted], ends: Callable[[Fitted], tuple[float, float] | None], first: float
) -> tuple[str, float]:
    """A line of the table and its score; ``first``: the score it is held against, 0 for its own."""
    said = [(e, world.truth) for world in made if (e := ends(world)) is not None]
    covered = np.mean([low <= truth <= high for (low, high), truth in said])
    width = np.median([high - low for (low, high), _ in said])
    score = float(
        np.mean(
            [
                table.winkler(
                    *np.exp([low, high, truth]),
                )
                for (low, high), truth in said
            ]
        )
    )
    return (
        f"| {name} | {table.shown(covered)} | {table.shown(width)} | {table.shown(score)} | {table.shown(score / (first or score))} |",
        score,
    )


def main() -> None:
    """Print a table a kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--first", type=int, default=500_000)
    parser.add_argument("--kind", action="append", choices=worlds.KINDS)
    asked = parser.parse_args()
    for kind in asked.kind or ("calm", "pre-decline"):
        made = [fitted(kind, seed) for seed in range(asked.first, asked.first + asked.worlds)]
        print(
            f"\n{kind}, {len(made)} worlds\n\n| way | coverage | width | Winkler | beside as shipped |\n|---|---|---|---|---|"
        )
        first = 0.0
        for name, way in WAYS.items():
            text, score = row(name, made, lambda world, way=way: interval(world, way), first)
            first = first or score
            print(text, flush=True)
        if any(world.peer for world in made):
            print(
                row(
                    "statsmodels",
                    made,
                    lambda w: None if w.peer is None else (np.log(w.peer[1]), np.log(w.peer[2])),
                    first,
                )[0]
            )


if __name__ == "__main__":
    main()
