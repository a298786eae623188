"""The default estimator once more, slow and obvious: each covariance of the grid written out, one Cholesky each.

The twin of src/spamtide/measure/latent.py, which never forms them. Priors and grid are read from there; what is done with
them is not.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spamtide.measure.latent import (
    BETA_SD,
    CONTROL_SD,
    DRAWS,
    MU_SD,
    NUGGET,
    RHO,
    SHAPE,
    SIGMA,
    WEEKDAY_SD,
)
from spamtide.measure.trends import NO_TREND, SLOPE, TURN_DAYS, TURN_MEAN, TURN_SD, TURN_WEIGHT

Floats = NDArray[np.float64]

_PATH_POINTS = 12


@dataclass(frozen=True, slots=True)
class Fit:
    """Posterior of the window's ratio, and of what was expected without the event on each live day (log scale)."""

    value: float
    low: float
    high: float
    expected: Floats
    expected_low: Floats
    expected_high: Floats


def philox(purpose: str, *inputs: Floats | NDArray[np.int64] | NDArray[np.bool_] | float) -> np.random.Generator:
    """A generator keyed by a stable hash of its purpose and inputs: no global seed, same inputs same draws."""
    digest = hashlib.sha256(purpose.encode())
    for value in inputs:
        digest.update(np.ascontiguousarray(value, dtype=np.float64).tobytes())
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest.digest()[:16], "little")))


def _working_response(y: Floats, log_e: Floats, prior: Floats) -> tuple[Floats, Floats]:
    """Pseudo-observations of the log rate and their variances: direct for counts of 30 and more, Laplace below."""
    from scipy.linalg import cho_factor, cho_solve

    z, v = np.log(y + 0.5) - log_e, 1.0 / (y + 0.5)
    small = y < 30
    if not small.any():
        return z, v
    eta = z.copy()
    for _ in range(25):
        rate = np.where(small, np.exp(np.clip(eta + log_e, -12, 12)), y + 0.5)
        zz = np.where(small, eta + (y - rate) / rate, z)
        vv = 1.0 / rate
        factor = cho_factor(prior + np.diag(vv), lower=True)
        new = prior @ cho_solve(factor, zz)
        step = np.clip(new - eta, -2.0, 2.0)
        eta = np.where(small, eta + step, new)
        if np.abs(step).max() < 1e-6:
            break
    rate = np.exp(np.clip(eta + log_e, -12, 12))
    return np.where(small, eta + (y - rate) / rate, z), np.where(small, 1.0 / rate, v)


def fit_latent(
    day: NDArray[np.int64], weekday: NDArray[np.int64], count: Floats, exposure: Floats, post: NDArray[np.bool_],
    controls: Floats | None = None,
) -> Fit:  # fmt: skip
    """Fit live days only (n rows, no missing, exposure above 0); ``day`` counts anchored days, the cut starts day 0.

    ``controls`` (n by k) are log rates of series not touched by the event, centred here; coefficient prior sd .7.
    Weights of days in the ratio: exposure times the weekday's factor. Deterministic.
    """
    from scipy.linalg import solve_triangular

    n = len(day)
    t = day.astype(np.float64)
    log_e = np.log(exposure)
    gap = np.abs(t[:, None] - t[None, :])
    same_weekday = (weekday[:, None] == weekday[None, :]).astype(np.float64)
    fixed = MU_SD**2 + WEEKDAY_SD**2 * same_weekday
    if controls is not None:
        centred = controls - controls.mean(axis=0)
        fixed = fixed + CONTROL_SD**2 * centred @ centred.T
    # Every trend as a mean and a covariance: none, a slope, turns either way that stop at the cut or go on.
    flat = np.zeros(n)
    trends = [
        (np.zeros((n, n)), NO_TREND, False, flat),
        (SLOPE[0] ** 2 * np.outer(t, t) / 900.0, SLOPE[1], False, flat),
    ]
    turns = [d for d in TURN_DAYS[0] if t[0] <= -d - 14] or [d for d in TURN_DAYS[1] if t[0] <= -d - 14]
    for d in turns:
        for ends in (True, False):
            path = np.array([max(0.0, (min(x, 0.0) if ends else x) + d) / d for x in t])
            for mean in (-TURN_MEAN, TURN_MEAN):
                trends.append((TURN_SD**2 * np.outer(path, path), TURN_WEIGHT / len(turns) / 4, True, mean * path))
    both_post = np.outer(post, post).astype(np.float64)
    length = max(1.0, float(t[post].max() - t[post].min() + 1))
    drift = np.exp(-gap / (length / 2)) * both_post
    powers = {rho: rho**gap for rho in RHO}
    eye = np.eye(n)

    def baseline(rho: float, sigma: float, nugget: float, trend: Floats) -> Floats:
        return np.asarray(fixed + trend + sigma**2 * ((1 - nugget) * powers[rho] + nugget * eye))

    reference = baseline(0.45, 0.27, 0.5, trends[1][0]) + both_post * BETA_SD**2 + 0.36 * drift
    z, v = _working_response(count, log_e, reference)
    noise = np.diag(v)
    points = []
    for rho in RHO:
        for sigma in SIGMA:
            prior_sigma = -0.5 * np.log(sigma / 0.3) ** 2
            for nugget in NUGGET:
                for slope, slope_weight, turn, shift in trends:
                    base = baseline(rho, sigma, nugget, slope)
                    for shape, shape_weight in SHAPE:
                        if turn and shape:
                            continue
                        effect = both_post * BETA_SD**2 + shape**2 * drift
                        chol = np.linalg.cholesky(base + effect + noise)
                        half = solve_triangular(chol, z - shift, lower=True, check_finite=False)
                        log_weight = -0.5 * half @ half - np.log(np.diag(chol)).sum()
                        log_weight += prior_sigma + np.log(slope_weight * shape_weight)
                        points.append((log_weight, rho, sigma, nugget, slope, shape, chol, half, shift))
    log_weights = np.array([p[0] for p in points])
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    rng = philox("latent", t, count, exposure, post)
    drawn = rng.multinomial(DRAWS, weights)
    factor = _weekday_factor(points[int(weights.argmax())], same_weekday)
    day_weight = (exposure * factor)[post]
    day_weight = day_weight / day_weight.sum()
    ratios = []
    for (_, _, _, _, _, shape, chol, half, _), k in zip(points, drawn, strict=True):
        if k == 0:
            continue
        effect = (both_post * BETA_SD**2 + shape**2 * drift)[post]
        solved = solve_triangular(chol, effect.T, lower=True, check_finite=False)
        mean = solved.T @ half
        covariance = effect[:, post] - solved.T @ solved
        root = np.linalg.cholesky(covariance + 1e-9 * np.eye(len(mean)))
        paths = mean[:, None] + root @ rng.standard_normal((len(mean), k))
        ratios.append(day_weight @ np.exp(np.clip(paths, -30, 30)))
    low, value, high = np.quantile(np.concatenate(ratios), (0.025, 0.5, 0.975))
    expected = np.zeros(n)
    second = np.zeros(n)
    top = np.argsort(weights)[::-1][:_PATH_POINTS]
    for i in top:
        _, rho, sigma, nugget, slope, _, chol, half, shift = points[i]
        base = baseline(rho, sigma, nugget, slope)
        solved = solve_triangular(chol, base, lower=True, check_finite=False)
        mean = solved.T @ half + shift
        share = weights[i] / weights[top].sum()
        expected += share * mean
        second += share * (np.diag(base) - (solved**2).sum(axis=0) + mean**2)
    sd = np.sqrt(np.maximum(second - expected**2, 0.0))
    return Fit(
        float(value),
        float(low),
        float(high),
        np.exp(expected),
        np.exp(expected - 1.96 * sd),
        np.exp(expected + 1.96 * sd),
    )


def _weekday_factor(point: tuple[Any, ...], same: Floats) -> Floats:
    from scipy.linalg import solve_triangular

    chol, half = point[6], point[7]
    solved = solve_triangular(chol, WEEKDAY_SD**2 * same, lower=True, check_finite=False)
    return np.asarray(np.exp(solved.T @ half))
