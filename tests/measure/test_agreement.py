"""One event at several feeds: heterogeneity against a published example, pooling by groups only, coverage of its interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm, t

from spamtide.measure import FeedEffect, Interval, agree
from spamtide.measure.agreement import differ, pool, reml

# The counts are those of dat.bcg in R's metadat; tau^2 .3132 is what metafor prints for them (read in RoBMA's vignette on that data set), its I^2 of .9222
# is of another definition than ours, which is (Q - df) / Q.
# Cases and others among vaccinated and not, 13 trials of BCG (Colditz and others, JAMA 271, 1994), the usual example of the method.
TRIALS = (
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761), (180, 1361, 372, 1079),
    (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600), (186, 50448, 141, 27197),
    (5, 2493, 3, 2338), (27, 16886, 29, 17825),
)  # fmt: skip
Z = norm.ppf(0.975)


def effect(name: str, log_ratio: float, error: float, group: str | None = None) -> FeedEffect:
    value = Interval(*(math.exp(log_ratio + z * error) for z in (0, -Z, Z)))
    return FeedEffect(name, name if group is None else group, "volume", value)


def trials() -> list[FeedEffect]:
    found = []
    for i, (a, b, c, d) in enumerate(TRIALS):
        log_ratio = math.log(a / (a + b)) - math.log(c / (c + d))
        found.append(effect(f"trial-{i}", log_ratio, math.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))))
    return found


def test_the_published_example_is_recomputed_to_its_digits() -> None:
    h = differ(trials())
    assert h is not None
    assert (h.k, h.df) == (13, 12)
    assert h.q == pytest.approx(152.2330, abs=5e-5)
    assert h.i2 == pytest.approx(0.9212, abs=5e-5)
    assert h.tau2 == pytest.approx(0.3132, abs=5e-5)
    pooled = pool(trials())
    assert pooled is not None
    assert math.log(pooled.ratio.value) == pytest.approx(-0.7145, abs=5e-5)
    assert pooled.ratio.value == pytest.approx(0.489, abs=5e-4)


def test_the_interval_is_hartung_and_knapps_by_its_formula() -> None:
    effects = trials()
    y = np.array([math.log(e.ratio.value) for e in effects if e.ratio])
    v = np.array([(math.log(e.ratio.high / e.ratio.low) / (2 * Z)) ** 2 for e in effects if e.ratio])
    w = 1 / (v + reml(y.tolist(), v.tolist()))
    mean = (w * y).sum() / w.sum()
    error = math.sqrt((w * (y - mean) ** 2).sum() / (12 * w.sum()))
    pooled = pool(effects)
    assert pooled is not None
    assert math.log(pooled.ratio.low) == pytest.approx(mean - t.ppf(0.975, 12) * error)
    assert math.log(pooled.ratio.high) == pytest.approx(mean + t.ppf(0.975, 12) * error)
    assert pooled.prediction is not None
    assert pooled.prediction.low < pooled.ratio.low and pooled.prediction.high > pooled.ratio.high


def test_the_variance_between_effects_is_where_the_restricted_likelihood_is_highest() -> None:
    y, v = [-1.2, -0.7, -0.9, 0.1], [0.02, 0.05, 0.01, 0.03]

    def likelihood(tau2: float) -> float:
        w = [1 / (x + tau2) for x in v]
        mean = sum(a * b for a, b in zip(w, y, strict=True)) / sum(w)
        squares = sum(a * (b - mean) ** 2 for a, b in zip(w, y, strict=True))
        return 0.5 * (sum(math.log(a) for a in w) - math.log(sum(w)) - squares)

    best = reml(y, v)
    assert best > 0
    assert likelihood(best) >= max(likelihood(best * s) for s in (0.9, 0.99, 1.01, 1.1))
    assert reml([-1.0, -1.01, -0.99], [0.04, 0.04, 0.04]) == 0, "what differs by less than its errors does not differ"


def test_two_groups_are_a_table_and_a_range_and_three_are_a_mean_too() -> None:
    two = agree([effect("a", -1.3, 0.1), effect("b", -1.1, 0.1)])
    assert two.pooled is None
    assert two.not_pooled is not None
    assert (two.not_pooled.needed["independence_groups"], two.not_pooled.have["independence_groups"]) == (3, 2)
    assert two.lowest == pytest.approx(math.exp(-1.3)) and two.highest == pytest.approx(math.exp(-1.1))
    three = agree([effect("a", -1.3, 0.1), effect("b", -1.1, 0.1), effect("c", -1.2, 0.1)])
    assert three.pooled is not None and three.not_pooled is None
    assert three.pooled.groups == ("a", "b", "c")
    for w in three.leave_one_out:
        assert w.pooled is None, "without one of three there are two"
        assert w.lowest >= three.lowest and w.highest <= three.highest


def test_feeds_of_one_group_are_one_witness_however_many() -> None:
    own = [effect(f"own-{i}", -1.4, 0.1, "us") for i in range(9)]
    others = [effect("b", -0.6, 0.1), effect("c", -0.7, 0.1)]
    few, many = agree([own[0], *others]), agree([*own, *others])
    assert few.pooled is not None and many.pooled is not None
    assert many.pooled.ratio.value == pytest.approx(few.pooled.ratio.value)
    assert many.pooled.ratio.high == pytest.approx(few.pooled.ratio.high), "nine copies narrow nothing"
    assert agree(own).pooled is None


def test_a_feed_nobody_vouches_for_is_in_the_table_and_never_pooled() -> None:
    known = [effect("a", -1.3, 0.1), effect("b", -1.1, 0.1)]
    stray = [effect(f"x{i}", -0.2, 0.1, "unknown") for i in range(4)]
    value = agree([*known, *stray])
    assert len(value.effects) == 6 and value.highest == pytest.approx(math.exp(-0.2))
    assert value.pooled is None
    with_third = agree([*known, *stray, effect("c", -1.2, 0.1)])
    assert with_third.pooled is not None and with_third.pooled.ratio.value < math.exp(-1)


def test_a_refused_effect_stands_in_the_table_alone() -> None:
    refused = FeedEffect("r", "r", "volume", None)
    value = agree([effect("a", -1.3, 0.1), refused, effect("b", -1.1, 0.1)])
    assert value.heterogeneity is not None and value.heterogeneity.k == 2
    assert {r.overlap for r in value.replications if "r" in r.feeds} == {None}
    nothing = agree([refused])
    assert (nothing.lowest, nothing.heterogeneity, nothing.leave_one_out) == (None, None, ())


def test_what_one_feed_is_to_another() -> None:
    a, b = effect("a", -1.3, 0.1), effect("b", -1.25, 0.1)
    other = FeedEffect("c", "c", "subject:viagra", Interval(0.9, 0.85, 0.95))
    kinds = {
        r.feeds: (r.kind, r.overlap)
        for r in agree([a, b, other, effect("d", -1.3, 0.1, "a"), effect("e", -1.3, 0.1, "unknown")]).replications
    }
    assert kinds["a", "b"] == ("same-metric", True)
    assert kinds["a", "c"] == ("related-metric", False)
    assert kinds["a", "d"][0] == kinds["a", "e"][0] == "restates"


def test_a_ratio_of_nothing_has_a_place_in_the_table() -> None:
    value = agree([FeedEffect("a", "a", "volume", Interval(0.0, 0.0, 0.01)), effect("b", -1.0, 0.1)])
    assert value.lowest == 0
    assert value.heterogeneity is not None and math.isfinite(value.heterogeneity.q)


@pytest.mark.parametrize("tau", [0.0, 0.3])
def test_the_interval_of_three_groups_covers(tau: float) -> None:
    """1,500 worlds of three witnesses with unequal errors; Hartung and Knapp's interval, wide as it is, must hold its level."""
    rng = np.random.Generator(np.random.Philox(11))
    inside = 0
    for _ in range(1500):
        errors = rng.uniform(0.05, 0.4, 3)
        logs = -1.0 + tau * rng.standard_normal(3) + errors * rng.standard_normal(3)
        pooled = pool([effect(str(i), float(y), float(e)) for i, (y, e) in enumerate(zip(logs, errors, strict=True))])
        assert pooled is not None
        inside += pooled.ratio.low <= math.exp(-1.0) <= pooled.ratio.high
    assert inside / 1500 >= 0.935
