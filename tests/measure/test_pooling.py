"""Several feeds as one: a dead feed is no fall."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spamtide.measure import DAY_US, Series, Window, estimate_effect, pooled

CUT = 15_049 * DAY_US


def feed(name: str, level: float, seed: int, basis: str = "declared") -> Series:
    day = np.arange(-80, 12)
    rng = np.random.default_rng(seed)
    counts = rng.poisson(level * np.exp(rng.normal(0, 0.1, len(day)))).astype(float)
    one = np.ones(len(day))
    return Series(name, "volume", "message", DAY_US, CUT + day * DAY_US, counts, one, one == 0, basis)


def test_exposure_is_the_share_of_the_rate_that_was_live() -> None:
    large, small = feed("large", 300, 1), feed("small", 100, 2, "probe")
    dead = replace(small, exposures=np.where(small.starts >= CUT, 0.0, 1.0))
    both = pooled([large, dead], CUT)
    assert both.name == "large,small" and both.basis == "declared"
    assert (both.counts[:80] == large.counts[:80] + small.counts[:80]).all() and (
        both.counts[80:] == large.counts[80:]
    ).all()
    assert both.exposures[0] == 1 and 0.73 < both.exposures[-1] < 0.77


def test_a_feed_that_dies_at_the_cut_is_no_effect() -> None:
    dead = feed("small", 300, 2)
    dead = replace(dead, exposures=np.where(dead.starts >= CUT, 0.0, 1.0))
    both = pooled([feed("large", 300, 1), dead], CUT)
    found = estimate_effect(
        both, CUT, before=Window(CUT - 80 * DAY_US, CUT), after=Window(CUT, CUT + 12 * DAY_US), diagnostics="none"
    )
    assert found.ratio is not None and found.ratio.low < 1 < found.ratio.high


def test_a_bin_is_missing_where_every_feed_is() -> None:
    one, other = feed("a", 50, 3), feed("b", 50, 4)
    gone = np.arange(len(one.starts)) == 7
    both = pooled([replace(one, missing=gone), replace(other, missing=gone)], CUT)
    assert both.missing.sum() == 1 and both.exposures[7] == 0
    assert not pooled([replace(one, missing=gone), other], CUT).missing.any()
