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

import table  # noqa: E402
import worlds  # noqa: E402

import peers  # noqa: E402
from spamtide.measure import latent, methods, trends  # noqa: E402

PEER = table.PEER
# By constants of the module of trends; RHO: correlations from day to day.
WAYS: dict[str, Mapping[str, Any]] = {
    "as shipped": {},
    "no trend at all": {"NO_TREND": 1.0, "SLOPE": (0.25, 0.0), "TURN_DAYS": ()},
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
    "turns at 14, 24 and 40 days": {"TURN_DAYS": ((14, 24, 40),)},
    "turns at 24 and 40 days": {"TURN_DAYS": ((24, 40), (14,))},
    "a memory of .96 too": {"RHO": (0.1, 0.45, 0.7, 0.88, 0.96)},
    "memories of .1, .3, .5, .7, .88": {"RHO": (0.1, 0.3, 0.5, 0.7, 0.88)},
}  # fmt: skip


def answer(way: str, kind: str, seed: int) -> dict[str, Any]:
    """What one way, or the peer by its name, says of one world, as ``run.answers`` has it."""
    world = worlds.make(kind, seed)
    before = world.series.starts < world.after.start
    live = methods.live_days(world.series, before, ~before)
    said = peers.structural(live, seed) if way == PEER else _under(WAYS[way], live)
    return {"planted": world.planted, "said": {way: said}}


def _under(given: Mapping[str, Any], live: methods.LiveDays) -> tuple[float, float, float]:
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
    return fit.value, fit.low, fit.high


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
            scores: dict[str, table.Score] = {}
            for way in (*WAYS, *([PEER] if peers.available() else [])):
                said = list(pool.map(partial(answer, way, kind), seeds, chunksize=20))
                own = scores[way] = table.score(said)[way]
                shipped = scores["as shipped"]
                figures = (own.coverage, own.width, own.winkler / shipped.winkler, table.ratio_error(own, shipped))
                print(f"| {way} | {' | '.join(map(table.shown, figures))} |", flush=True)


if __name__ == "__main__":
    main()
