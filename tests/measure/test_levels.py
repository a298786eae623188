"""Partially pooled levels of several traps."""

from __future__ import annotations

import numpy as np
import pytest

from spamtide.measure import Interval
from spamtide.measure.levels import pooled_levels


def ratio(log: float, sd: float) -> Interval:
    return Interval(*(float(np.exp(log + k * 1.96 * sd)) for k in (0, -1, 1)))


def test_traps_that_agree_are_drawn_together_and_the_small_one_furthest() -> None:
    levels = pooled_levels([ratio(-1.0, 0.05), ratio(-1.05, 0.05), ratio(-0.3, 0.6)])
    assert levels is not None
    moved = [abs(np.log(r.value) - y) for r, y in zip(levels.ratios, (-1.0, -1.05, -0.3), strict=True)]
    assert moved[2] > 0.4 and max(moved[:2]) < 0.05
    assert levels.ratios[2].high / levels.ratios[2].low < ratio(0, 0.6).high / ratio(0, 0.6).low


def test_traps_that_differ_keep_their_own() -> None:
    levels = pooled_levels([ratio(-2.0, 0.05), ratio(-0.2, 0.05), ratio(-1.0, 0.05)])
    assert levels is not None and levels.between > 0.4
    assert [round(float(np.log(r.value)), 1) for r in levels.ratios] == [-2.0, -0.2, -1.0]


def test_two_traps_are_not_pooled() -> None:
    assert pooled_levels([ratio(-1, 0.1), ratio(-1, 0.1)]) is None
    assert pooled_levels([ratio(-1, 0.1), ratio(-1, 0.1), Interval(0.0, 0.0, 0.1)]) is None


@pytest.mark.parametrize("between", [0.0, 0.1, 0.3, 0.7])
def test_pooled_intervals_hold_each_traps_own_truth(between: float) -> None:
    rng = np.random.default_rng(1)
    held, narrower = [], []
    for _ in range(400):
        truth = -1 + between * rng.standard_normal(5)
        sds = np.exp(rng.uniform(np.log(0.05), np.log(0.5), 5))
        own = [ratio(float(t + sd * rng.standard_normal()), float(sd)) for t, sd in zip(truth, sds, strict=True)]
        levels = pooled_levels(own)
        assert levels is not None
        held += [r.low <= np.exp(t) <= r.high for r, t in zip(levels.ratios, truth, strict=True)]
        narrower += [np.log(a.high / a.low) / np.log(b.high / b.low) for a, b in zip(levels.ratios, own, strict=True)]
    assert np.mean(held) >= 0.93
    assert np.mean(narrower) < 1
