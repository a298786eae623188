"""The default estimator against its dense twin; shapes that are planted and found."""

from __future__ import annotations

import numpy as np
import pytest

import dense_latent
from spamtide.measure.latent import fit_latent
from spamtide.measure.methods import METHODS, LiveDays, answer_by
from spamtide.measure.noise import Noise
from spamtide.measure.regressions import gls_ar1, negative_binomial_hac, structural
from spamtide.measure.shapes import NAMED, SHAPES, curves, wobbling
from spamtide.measure.values import METHOD_NAMES, SHAPE_NAMES


def days(n: int, m: int, level: float, change: object = 0.4, seed: int = 1, sd: float = 0.25) -> LiveDays:
    """Live days with holes and half-days; ``change`` after the cut."""
    rng = np.random.default_rng(seed)
    day = np.arange(-n, m)
    kept = (day % 11 != 4) | (day == 0)
    post = day >= 0
    factor = np.ones(n + m)
    factor[post] = change
    exposures = np.where(day % 9 == 0, 0.5, 1.0)
    counts = rng.poisson(level * np.exp(rng.normal(0, sd, n + m)) * factor * exposures).astype(float)
    return LiveDays(day[kept], (day % 7)[kept], counts[kept], exposures[kept], post[kept])


@pytest.mark.parametrize(
    ("n", "m", "level"), [(150, 14, 300.0), (60, 20, 3.0), (20, 6, 300.0), (30, 6, 300.0), (90, 40, 40.0)]
)
def test_the_fast_fit_is_the_dense_one(n: int, m: int, level: float) -> None:
    d = days(n, m, level)
    controls = np.random.default_rng(2).normal(0, 0.2, (len(d.day), 1)) if m == 14 else None
    given = (d.day, d.weekday, d.counts, d.exposures, d.post, controls)
    fast, slow = fit_latent(*given), dense_latent.fit_latent(*given)
    # What is not drawn is the same; what is drawn differs by the draws.
    for name in ("expected", "expected_low", "expected_high"):
        np.testing.assert_allclose(getattr(fast, name), getattr(slow, name), rtol=1e-6)
    assert fast.value == pytest.approx(slow.value, rel=0.03)
    width = np.log(slow.high / slow.low)
    assert np.log(fast.high / fast.low) == pytest.approx(width, rel=0.12)


def test_the_fast_fit_is_the_dense_one_where_the_days_before_fall() -> None:
    d = days(90, 12, 300.0, sd=0.2)
    fall = np.exp(-0.9 * np.clip((d.day + 24) / 24, 0, None))
    counts = np.round(d.counts * fall)
    given = (d.day, d.weekday, counts, d.exposures, d.post)
    fast, slow = fit_latent(*given), dense_latent.fit_latent(*given)
    np.testing.assert_allclose(fast.expected, slow.expected, rtol=1e-6)
    assert fast.value == pytest.approx(slow.value, rel=0.05)


def test_the_noise_is_the_matrix_it_stands_for() -> None:
    t = np.array([0.0, 1, 2, 5, 6, 20, 21])
    independent = np.linspace(0.1, 0.4, 7)
    dense = 0.3 * 0.7 ** np.abs(t[:, None] - t[None, :]) + np.diag(independent)
    noise = Noise.of(np.diff(t), 0.7, 0.3, independent)
    np.testing.assert_allclose(noise.solve(np.eye(7)), np.linalg.inv(dense), atol=1e-12)
    assert noise.logdet == pytest.approx(np.linalg.slogdet(dense)[1])


def test_the_same_counts_give_the_same_figures() -> None:
    d = days(60, 10, 50.0)
    first, second = (answer_by("latent-ar1", d) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("shape", NAMED)
def test_a_planted_shape_is_weighed_heaviest_and_its_ratio_found(shape: str) -> None:
    age = np.arange(28) + 0.5
    change = {
        "step": np.full(28, 0.3), "ramp": 1 - 0.8 * np.minimum(1, age / 21), "decay": 0.7 - 0.6 * np.exp(-age / 5),
        "pulse": 1 - 0.85 * np.where(age <= 7, 1, np.exp(-(age - 7) / 4)), "pause": np.where(age <= 10, 0.05, 1.0),
    }[shape]  # fmt: skip
    inside, first = 0, 0
    for seed in range(3):
        d = days(100, 28, 400.0, change, seed=seed, sd=0.15)
        fit = fit_latent(d.day, d.weekday, d.counts, d.exposures, d.post, None, "auto")
        truth = float((change[d.day[d.post]] * d.exposures[d.post]).sum() / d.exposures[d.post].sum())
        inside += fit.low <= truth <= fit.high
        first += fit.shapes[0][0] == shape
        assert sum(weight for _, weight in fit.shapes) == pytest.approx(1.0)
    assert inside >= 2 and first >= 2


@pytest.mark.parametrize("shape", SHAPES)
def test_weights_of_curves_add_up_to_one(shape: str) -> None:
    for length in (3, 6, 30):
        found = curves(shape, np.arange(length) + 0.5, float(length))
        if shape != "averaged":
            found += wobbling(found, np.arange(len(found), dtype=float))
        assert sum(c.weight for c in found) == pytest.approx(1.0)
        assert all(np.abs(c.columns).max() <= 1 + 1e-9 for c in found)


def test_names_of_methods_and_shapes_are_those_of_the_options() -> None:
    assert tuple(METHODS) == METHOD_NAMES and SHAPES == SHAPE_NAMES


def known() -> LiveDays:
    """A series without chance, so that others can compute the same."""
    n, m = 70, 14
    t = np.arange(-n, m)
    weekday = (t + n) % 7
    rate = 200 * np.exp(0.3 * np.sin(t * 1.7) + 0.2 * np.cos(t * 0.31) + 0.1 * np.sin(t * t * 0.13))
    e = np.where(t % 10 == 3, 0.5, 1.0)
    y = np.round(np.round(rate * np.where(weekday >= 5, 0.7, 1) * np.where(t >= 0, 0.4, 1)) * e)
    return LiveDays(t, weekday, y, e, t >= 0)


def test_negative_binomial_hac_is_that_of_statsmodels() -> None:
    """statsmodels 0.15.0: GLM(NegativeBinomial(alpha=.0724701), offset=log e), cov_type HAC, maxlags 3, use_correction.

    Its sandwich has the observed information where ours has the expected one, so that ends differ by less than 1 %.
    """
    d = known()
    ratio = negative_binomial_hac(d.day, d.weekday, d.counts, d.exposures, d.post).ratio
    assert ratio is not None
    assert ratio.value == pytest.approx(0.4031705, rel=1e-6)
    assert (ratio.low, ratio.high) == (pytest.approx(0.31825492, rel=0.01), pytest.approx(0.51074294, rel=0.01))


def test_structural_is_that_of_statsmodels() -> None:
    """statsmodels 0.15.0: UnobservedComponents(llevel, weekday dummies, mle_regression=False), 20,000 simulated futures."""
    d = known()
    ratio = structural(d.day, d.weekday, d.counts, d.exposures, d.post).ratio
    assert ratio is not None
    # Its variances are those of the highest likelihood before the diffuse weekdays, ours after.
    assert ratio.value == pytest.approx(0.40331308, rel=0.01)
    assert (ratio.low, ratio.high) == (pytest.approx(0.33927887, rel=0.02), pytest.approx(0.47915287, rel=0.02))


def test_methods_refuse_with_what_would_be_enough() -> None:
    d = days(8, 3, 30.0)
    for name in ("gls-ar1", "placebo", "structural", "negative-binomial-hac"):
        answer = answer_by(name, d)
        assert answer.ratio is None and answer.refused is not None and answer.refused.needed
    d = known()
    zero = np.where(d.post, 0.0, d.counts)
    for method in (structural, negative_binomial_hac):
        answer = method(d.day, d.weekday, zero, d.exposures, d.post)
        assert answer.refused is not None and answer.refused.reason == "zero_count"
    flat = gls_ar1(d.day, d.weekday, np.full(len(d.day), 5.0), np.ones(len(d.day)), d.post)
    assert flat.refused is not None and flat.refused.reason == "no_variation"
