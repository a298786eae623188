"""What the priors of trends buy and cost: the default estimator under other ones, in calm worlds and in worlds that fell beforehand.

    python bench/calibration/trade.py [--worlds 800] [--first 500000] [--kind calm --kind pre-decline] [--processes 1]

Every way is asked of the same worlds, so that its score beside the shipped one is known better than either; the error is that of the difference. Beside the
peer (statsmodels) where it is installed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).resolve().parent)]

import numpy as np  # noqa: E402
import table  # noqa: E402
import worlds  # noqa: E402

import peers  # noqa: E402
from spamtide.measure import latent, methods, trends  # noqa: E402

PEER = "statsmodels"
# By constants of the module of trends; RHO: correlations from day to day.
WAYS: dict[str, Mapping[str, Any]] = {
    "as shipped": {},
    "no trend at all": {"NO_TREND": 1.0, "SLOPE": (0.25, 0.0), "TURN_DAYS": (), "LATE_TURN": 1_000_000},
    "slope .02": {"NO_TREND": 0.58, "SLOPE": (0.25, 0.02)},
    "slope .15": {"NO_TREND": 0.45, "SLOPE": (0.25, 0.15)},
    "turns .3": {"NO_TREND": 0.65, "TURN_WEIGHT": 0.3},
    "turns .5": {"NO_TREND": 0.45, "TURN_WEIGHT": 0.5},
    "turns of .5, sd .25": {"TURN_MEAN": 0.5, "TURN_SD": 0.25},
    "turns of .7, sd .3": {"TURN_MEAN": 0.7, "TURN_SD": 0.3},
    "turns of .8, sd .2": {"TURN_MEAN": 0.8, "TURN_SD": 0.2},
    "turns not apart from nothing: 0, sd .5, weight .2": {
        "TURN_MEAN": 0.0, "TURN_SD": 0.5, "TURN_WEIGHT": 0.2, "NO_TREND": 0.75,
    },
    "turns at 14, 24 and 40 days": {"TURN_DAYS": (14, 24, 40)},
    "turns at 24 and 40 days": {"TURN_DAYS": (24, 40)},
    "a memory of .96 too": {"RHO": (0.1, 0.45, 0.7, 0.88, 0.96)},
    "memories of .1, .3, .5, .7, .88": {"RHO": (0.1, 0.3, 0.5, 0.7, 0.88)},
}  # fmt: skip


def ends(way: str, kind: str, seed: int) -> tuple[float, float, float]:
    """Low, high and truth (ratios) of one world under one way; the peer by its name, nan where it fails."""
    world = worlds.make(kind, seed)
    before = world.series.starts < world.after.start
    live = methods.live_days(world.series, before, ~before)
    if way == PEER:
        _, low, high = peers.structural(live, seed) or (np.nan, np.nan, np.nan)
        return low, high, world.planted
    given = WAYS[way]
    old = {name: getattr(trends, name) for name in given if name != "RHO"}, latent.NOISES
    try:
        for name in old[0]:
            setattr(trends, name, given[name])
        rhos = given.get("RHO", latent.RHO)
        latent.NOISES = tuple((r, s, n) for r in rhos for s in latent.SIGMA for n in latent.NUGGET)
        fit = latent.fit_latent(live.day, live.weekday, live.counts, live.exposures, live.post)
    finally:
        for name, value in old[0].items():
            setattr(trends, name, value)
        latent.NOISES = old[1]
    return fit.low, fit.high, world.planted


def main() -> None:
    """Print a table a kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=800)
    parser.add_argument("--first", type=int, default=500_000)
    parser.add_argument("--kind", action="append", choices=worlds.KINDS)
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.worlds)
    with ProcessPoolExecutor(asked.processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for kind in asked.kind or ("calm", "pre-decline"):
            print(f"\n{kind}, {len(seeds)} worlds\n\n| way | coverage | width | Winkler beside as shipped | error |")
            print("|---|---|---|---|---|")
            shipped = np.empty(0)
            for way in (*WAYS, *([PEER] if peers.available() else [])):
                said = np.array(list(pool.map(partial(ends, way, kind), seeds, chunksize=20)))
                low, high, truth = said[np.isfinite(said).all(axis=1)].T
                scores = np.array([table.winkler(*row) for row in said])
                shipped = shipped if len(shipped) else scores
                both = np.isfinite(scores) & np.isfinite(shipped)
                a, b = scores[both], shipped[both]
                ratio = a.mean() / b.mean()
                figures = (
                    np.mean((low <= truth) & (truth <= high)), np.median(np.log(high / np.maximum(low, 1e-3))), ratio,
                    np.std(a - ratio * b) / b.mean() / np.sqrt(len(a)),
                )  # fmt: skip
                print(f"| {way} | {' | '.join(table.shown(float(x)) for x in figures)} |", flush=True)


if __name__ == "__main__":
    main()
