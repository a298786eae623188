"""Coverage of the 95 % intervals in worlds with planted truth. ``make proof`` prints the table that the docs keep."""

from __future__ import annotations

import multiprocessing
import os
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pytest

from made_worlds import Answer, Kind, answers, winkler

WORLDS = 400
KINDS = (
    Kind("calm, -75 %", 0.20, 0.3),
    Kind("calm, no effect", 0.20, 0.3, ratio=1.0),
    Kind("rough, -75 %", 0.35, 0.6),
    Kind("rough, no effect", 0.35, 0.6, ratio=1.0),
    Kind("calm, ramp to -75 %", 0.20, 0.3, shape="ramp"),
    Kind("calm, 15 + 6 days, -75 %", 0.20, 0.3, before=15, after=6),
    Kind("rough, 15 + 6 days, -75 %", 0.35, 0.6, before=15, after=6),
)


@pytest.mark.proof
def test_intervals_cover_the_planted_truth() -> None:
    print(
        f"\n{WORLDS} worlds each | method | gave a figure | coverage | median interval around | width (log) | Winkler | 'changed'"
    )
    covered: dict[str, float] = {}
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=multiprocessing.get_context("spawn")) as pool:
        for kind in KINDS:
            said: dict[str, list[Answer]] = defaultdict(list)
            for world in pool.map(partial(answers, kind), range(WORLDS), chunksize=10):
                for answer in world:
                    said[answer.method].append(answer)
            for method, given in said.items():
                cover = np.mean([a.low <= a.planted <= a.high for a in given])
                ends = np.median([(a.low / a.planted, a.high / a.planted) for a in given], axis=0)
                width = np.median([np.log(a.high / a.low) for a in given])
                changed = np.mean([not a.low <= 1 <= a.high for a in given])
                score = np.mean([winkler(a) for a in given])
                print(
                    f"{kind.name} | {method} | {len(given) / WORLDS:.2f} | {cover:.3f} | {ends[0]:.2f} to {ends[1]:.2f} x truth"
                    f" | {width:.2f} | {score:.2f} | {changed:.3f}"
                )
                if method == "latent AR(1)":
                    covered[kind.name] = float(cover)
    # 400 worlds: two standard errors of a true .95 are .022.
    long = {name: cover for name, cover in covered.items() if "15 + 6" not in name}
    assert min(long.values()) >= 0.925, long
    assert min(covered.values()) >= 0.86, covered
