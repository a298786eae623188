"""Regressions on the counts of live days: what the textbooks do, as second opinions and by name (``--method``).

All take a row a live day: ``day`` counts days from the cut (gaps allowed), ``weekday`` 0 to 6, ``y`` counts, ``e`` exposure as
a share of the day, ``post`` the days after the cut. Too little to go on is a ``Refusal`` in the opinion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spamtide.measure.columns import STEP, segmented, weekdays
from spamtide.measure.latent import DRAWS, Floats, philox
from spamtide.measure.noise import markov_precision
from spamtide.measure.values import Interval, Refusal, SecondOpinion

# Variance of the level's steps over that of a day, tried by the structural model.
_STEPS = (0.0, *(float(x) for x in np.geomspace(1e-4, 30.0, 40)))


def gls_ar1(
    day: NDArray[np.int64], weekday: NDArray[np.int64], y: Floats, e: Floats, post: NDArray[np.bool_]
) -> SecondOpinion:
    """Generalised least squares on log rates with AR(1) errors: right and narrower if the effect is a clean step.

    A row a live day; gaps in ``day`` are kept in the correlation, rho**gap, rho by restricted likelihood over a grid.
    Interval by t with n - k degrees of freedom. Breaks on other shapes and on sparse counts.
    """
    from scipy.special import stdtrit

    x, z = segmented(post, weekdays(weekday)), np.log((y + 0.5) / e)
    freedom = len(y) - x.shape[1]
    if freedom < 7 or np.linalg.matrix_rank(x) < x.shape[1]:
        return SecondOpinion(
            "gls_ar1", None, Refusal("too_few_days", {"live_days": x.shape[1] + 7}, {"live_days": len(y)})
        )
    gaps = np.diff(day).astype(np.float64)
    both = np.column_stack([x, z])
    best: tuple[float, float, float] | None = None
    for rho in np.linspace(0.0, 0.95, 20):
        main, off, logdet = markov_precision(gaps, float(rho), 1.0)
        solved = main[:, None] * both
        solved[:-1] += off[:, None] * both[1:]
        solved[1:] += off[:, None] * both[:-1]
        information = x.T @ solved[:, :-1]
        inverse = np.linalg.inv(information)
        beta = inverse @ (x.T @ solved[:, -1])
        left = solved[:, -1] - solved[:, :-1] @ beta
        scale = float((z - x @ beta) @ left) / freedom
        if scale <= 1e-12:
            continue
        likelihood = -0.5 * (freedom * np.log(scale) - logdet + np.linalg.slogdet(information)[1])
        if best is None or likelihood > best[0]:
            best = (float(likelihood), float(beta[STEP]), float(np.sqrt(scale * inverse[STEP, STEP])))
    if best is None:
        return SecondOpinion("gls_ar1", None, Refusal("no_variation", {"count": 1}, {"count": float(y.sum())}))
    half = float(stdtrit(freedom, 0.975)) * best[2]
    return SecondOpinion("gls_ar1", Interval(*(float(np.exp(v)) for v in (best[1], best[1] - half, best[1] + half))))


def negative_binomial_hac(
    day: NDArray[np.int64], weekday: NDArray[np.int64], y: Floats, e: Floats, post: NDArray[np.bool_]
) -> SecondOpinion:
    """Negative binomial regression (NB2, log link, offset log exposure) on a step, a trend and weekdays, HAC errors.

    The overdispersion is fitted by moments; the covariance is Newey and West's with Bartlett weights over 4 (n/100)^(2/9)
    days, times n / (n - k); interval by t. Source: Collier et al., IMC 2019, for takedowns; Newey and West 1987.
    """
    from scipy.special import stdtrit

    x = segmented(post, weekdays(weekday), trend=day / 30.0)
    n, k = x.shape
    name = "negative_binomial_hac"
    if n - k < 14 or np.linalg.matrix_rank(x) < k:
        return SecondOpinion(name, None, Refusal("too_few_days", {"live_days": k + 14}, {"live_days": n}))
    if y[post].sum() <= 0 or y[~post].sum() <= 0:
        have = {"before": float(y[~post].sum()), "after": float(y[post].sum())}
        return SecondOpinion(name, None, Refusal("zero_count", {"count": 1}, have))
    beta, alpha = np.zeros(k), 0.0
    eta = np.log((y + 0.5) / e)
    for _ in range(60):
        mean = e * np.exp(np.clip(eta, -20, 20))
        weight = mean / (1 + alpha * mean)
        new = np.linalg.solve(x.T @ (weight[:, None] * x), x.T @ (weight * (eta + (y - mean) / mean)))
        done = np.abs(new - beta).max() < 1e-8
        beta, eta = new, x @ new
        mean = e * np.exp(np.clip(eta, -20, 20))
        alpha = max(0.0, float((((y - mean) ** 2 - mean) / mean**2).sum()) / (n - k))
        if done:
            break
    weight = mean / (1 + alpha * mean)
    bread = np.linalg.inv(x.T @ (weight[:, None] * x))
    score = x * ((y - mean) / (1 + alpha * mean))[:, None]
    meat = score.T @ score
    lags = int(4 * (n / 100) ** (2 / 9))
    for lag in range(1, lags + 1):
        product = score[lag:].T @ score[:-lag]
        meat += (1 - lag / (lags + 1)) * (product + product.T)
    error = float(np.sqrt(max(0.0, (bread @ meat @ bread)[STEP, STEP]) * n / (n - k)))
    if not np.isfinite(error) or error == 0.0:
        return SecondOpinion(name, None, Refusal("no_variation", {"count": 1}, {"count": float(y.sum())}))
    half = float(stdtrit(n - k, 0.975)) * error
    return SecondOpinion(
        name, Interval(*(float(np.exp(v)) for v in (beta[STEP], beta[STEP] - half, beta[STEP] + half)))
    )


def quasi_poisson(x: Floats, y: Floats, e: Floats) -> SecondOpinion:
    """Poisson regression (log link, offset log exposure) whose errors are stretched by Pearson's dispersion; the ratio is exp of column ``STEP``.

    ``x``: n rows, k columns. Interval by the normal, as the tutorials print it; dispersion below 1 counts as it is. No memory from row
    to row is allowed for, so on days it is too narrow. Source: Lopez Bernal, Cummins and Gasparrini, Int J Epidemiol 2017.
    """
    from scipy.special import ndtri

    n, k = x.shape
    name = "quasi_poisson"
    if n - k < 7 or np.linalg.matrix_rank(x) < k:
        return SecondOpinion(name, None, Refusal("too_few_days", {"live_days": k + 7}, {"live_days": n}))
    post = x[:, STEP] > 0
    if y[post].sum() <= 0 or y[~post].sum() <= 0:
        have = {"before": float(y[~post].sum()), "after": float(y[post].sum())}
        return SecondOpinion(name, None, Refusal("zero_count", {"count": 1}, have))
    beta, eta = np.zeros(k), np.log((y + 0.5) / e)
    for _ in range(60):
        mean = e * np.exp(np.clip(eta, -20, 20))
        new = np.linalg.solve(x.T @ (mean[:, None] * x), x.T @ (mean * (eta + (y - mean) / mean)))
        done = np.abs(new - beta).max() < 1e-10
        beta, eta = new, x @ new
        if done:
            break
    mean = e * np.exp(np.clip(eta, -20, 20))
    dispersion = float(((y - mean) ** 2 / mean).sum()) / (n - k)
    error = float(np.sqrt(dispersion * np.linalg.inv(x.T @ (mean[:, None] * x))[STEP, STEP]))
    if not np.isfinite(error) or error == 0.0:
        return SecondOpinion(name, None, Refusal("no_variation", {"count": 1}, {"count": float(y.sum())}))
    half = float(ndtri(0.975)) * error
    return SecondOpinion(
        name, Interval(*(float(np.exp(v)) for v in (beta[STEP], beta[STEP] - half, beta[STEP] + half)))
    )


def quasi_poisson_days(
    day: NDArray[np.int64], weekday: NDArray[np.int64], y: Floats, e: Floats, post: NDArray[np.bool_]
) -> SecondOpinion:
    """The same on days: a step, a trend and weekdays."""
    return quasi_poisson(segmented(post, weekdays(weekday), trend=day / 30.0), y, e)


def structural(
    day: NDArray[np.int64], weekday: NDArray[np.int64], y: Floats, e: Floats, post: NDArray[np.bool_]
) -> SecondOpinion:
    """Local level and weekdays on log rates, fitted to the days before and forecast over those after.

    The level is a random walk; the ratio of its steps' variance to a day's is that of the highest restricted likelihood
    (level and weekdays diffuse), the forecast is plugged in at it: what a structural time series model does (Brodersen et
    al. 2015 without controls). Ratio: the counts after over the sum of the forecast, 3,000 draws.
    """
    from scipy.linalg import solve_triangular

    x = np.column_stack([np.ones(len(y)), weekdays(weekday)])
    z = np.log((y + 0.5) / e)
    before = x[~post]
    n, k = before.shape
    if n - k < 7 or np.linalg.matrix_rank(before) < k:
        return SecondOpinion(
            "structural", None, Refusal("too_few_days", {"live_days_before": k + 7}, {"live_days_before": n})
        )
    since = (day - day[0]).astype(np.float64)
    walk = np.minimum(since[:, None], since[None, :])
    inner = walk[np.ix_(~post, ~post)]
    best: tuple[float, float, float] | None = None
    for ratio in _STEPS:
        root = np.linalg.cholesky(np.eye(n) + ratio * inner)
        solved = solve_triangular(root, np.column_stack([before, z[~post]]), lower=True, check_finite=False)
        a, b = solved[:, :-1], solved[:, -1]
        gram = a.T @ a
        residual = b - a @ np.linalg.solve(gram, a.T @ b)
        scale = float(residual @ residual) / (n - k)
        if scale <= 1e-12:
            continue
        likelihood = -0.5 * (n - k) * np.log(scale) - np.log(np.diag(root)).sum() - 0.5 * np.linalg.slogdet(gram)[1]
        if best is None or likelihood > best[0]:
            best = float(likelihood), ratio, scale
    if best is None:
        return SecondOpinion("structural", None, Refusal("no_variation", {"count": 1}, {"count": float(y.sum())}))
    _, ratio, scale = best
    covariance = np.eye(n) + ratio * inner
    across, own = ratio * walk[np.ix_(post, ~post)], np.eye(int(post.sum())) + ratio * walk[np.ix_(post, post)]
    solved = np.linalg.solve(covariance, np.column_stack([before, z[~post], across.T]))
    inverse = np.linalg.inv(before.T @ solved[:, :k])
    beta = inverse @ (before.T @ solved[:, k])
    reach = x[post] - across @ solved[:, :k]
    mean = x[post] @ beta + across @ (solved[:, k] - solved[:, :k] @ beta)
    spread = scale * (own - across @ solved[:, k + 1 :] + reach @ inverse @ reach.T)
    root = np.linalg.cholesky(spread + 1e-10 * np.eye(len(mean)))
    draws = mean[:, None] + root @ philox("structural", day, y, e).standard_normal((len(mean), DRAWS))
    ratios = float(y[post].sum()) / (e[post] @ np.exp(np.clip(draws, -30, 30)))
    if y[post].sum() <= 0:
        return SecondOpinion("structural", None, Refusal("zero_count", {"count": 1}, {"after": 0.0}))
    low, value, high = np.quantile(ratios, (0.025, 0.5, 0.975))
    return SecondOpinion("structural", Interval(float(value), float(low), float(high)))
