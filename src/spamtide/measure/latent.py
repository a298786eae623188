"""The default estimator: a latent AR(1) with an effect path, averaged over a grid of noises, trends and shapes.

    log E[y_t] = log e_t + mu + weekday + trend(t) + AR(1)_t + nugget_t + post(t) (g(t) beta + d_t),  y Poisson given that

Priors: mu sd 5; weekday sd .35; beta sd 2; log sigma ~ N(log .3, 1). The trend is none (weight .55), a slope all along (.05; sd
.25 per 30 days), or a turn 20 or 40 days before the cut that stops at it or goes on (.4; log change at the cut .65 either way, sd .15):
``trends``. d is an Ornstein-Uhlenbeck path with time constant half the after window; by default g is 1 and the sd of d is 0 (.85), .6 (.1) or 2
(.05), an average over shapes; others in ``shapes``. Counts of 30 and more enter as log(y + .5) with variance 1/(y + .5),
smaller ones through one Laplace working response. Given a point of the grid all is Gaussian, and costs a tridiagonal
factor (``noise``). Source: docs/explanation/effect.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spamtide.measure.grid import NoiseKind, Observed, Point, Points
from spamtide.measure.noise import Floats, markov_precision
from spamtide.measure.shapes import WOBBLE as SHAPE
from spamtide.measure.shapes import Curve, curves, wobbling
from spamtide.measure.stops import stopped
from spamtide.measure.trends import Trend, trends_of

RHO = (0.1, 0.45, 0.7, 0.88)
SIGMA = (0.07, 0.1, 0.14, 0.2, 0.28, 0.4, 0.6, 0.95)
NUGGET = (0.1, 0.5)
NOISES = tuple((rho, sigma, nugget) for rho in RHO for sigma in SIGMA for nugget in NUGGET)
DRAWS = 3_000
MU_SD, WEEKDAY_SD, BETA_SD, CONTROL_SD = 5.0, 0.35, 2.0, 0.7
_PATH_POINTS = 12
_LIKELY = 0.95

__all__ = ["SHAPE", "Fit", "Floats", "fit_latent", "philox"]


@dataclass(frozen=True, slots=True)
class Fit:
    """Posterior of the window's ratio, and of what was expected without the event on each live day (log scale).

    ``shapes``: posterior weight of each shape that was weighed, the heaviest first. ``effect``: the ratio day by day after
    the cut, as rows of low, value and high. ``draws``: the ratio, 3,000 times, none of them 0, though low is where all stopped (``stops``).
    """

    value: float
    low: float
    high: float
    expected: Floats
    expected_low: Floats
    expected_high: Floats
    draws: Floats
    shapes: tuple[tuple[str, float], ...] = ()
    effect: Floats | None = None


def philox(purpose: str, *inputs: Floats | NDArray[np.int64] | NDArray[np.bool_] | float) -> np.random.Generator:
    """A generator keyed by a stable hash of its purpose and inputs: no global seed, same inputs same draws."""
    digest = hashlib.sha256(purpose.encode())
    for value in inputs:
        digest.update(np.ascontiguousarray(value, dtype=np.float64).tobytes())
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest.digest()[:16], "little")))


class _Days:
    """The live days as the model sees them: fixed columns with their prior sds, gaps, which days are after the cut."""

    def __init__(
        self,
        day: NDArray[np.int64],
        weekday: NDArray[np.int64],
        post: NDArray[np.bool_],
        controls: Floats | None,
        shape: str,
    ) -> None:
        t = day.astype(np.float64)
        self.t, self.gaps, self.post = t, np.diff(t), np.flatnonzero(post)
        self.weekdays = (weekday[:, None] == np.unique(weekday)[None, :]).astype(np.float64)
        columns, sds = [np.ones((len(t), 1)), self.weekdays], [MU_SD, *[WEEKDAY_SD] * self.weekdays.shape[1]]
        if controls is not None:
            columns.append(controls - controls.mean(axis=0))
            sds += [CONTROL_SD] * controls.shape[1]
        self.steady, self.sds = np.hstack(columns), np.array(sds)
        self.trends = trends_of(t)
        after = t[self.post]
        self.length = max(1.0, float(after.max() - after.min() + 1))
        self.curves = curves(shape, after + 0.5, self.length)
        self.drift = markov_precision(np.diff(after), float(np.exp(-2.0 / self.length)), 1.0)

    def points(self, z: Floats, v: Floats, noises: Sequence[NoiseKind]) -> Points:
        """The points of these noises: every trend with every curve; a turn with curves that do not wobble."""
        days = Observed(z, v, self.steady, self.sds, self.gaps, self.post, self.drift, BETA_SD)
        return Points(days, self.trends, self.curves, noises)

    def effect(self, point: Point, coefficients: Floats) -> Floats:
        """The effect path (m rows, log scale) of coefficients, a column a draw."""
        first, k = point.width, point.curve.columns.shape[1]
        path = point.curve.columns @ coefficients[first : first + k]
        return np.asarray(path + coefficients[first + k :] if point.curve.wobble else path)


def _working_response(days: _Days, y: Floats, log_e: Floats) -> tuple[Floats, Floats]:
    """Pseudo-observations of the log rate and their variances: direct for counts of 30 and more, Laplace below."""
    z, v = np.log(y + 0.5) - log_e, 1.0 / (y + 0.5)
    small = y < 30
    if not small.any():
        return z, v
    step = Curve("step", 1.0, np.ones((len(days.post), 1)), 0.6)
    eta = z.copy()
    kept, days.curves = days.curves, [step]
    all_trends, days.trends = days.trends, days.trends[1:2]
    for _ in range(25):
        rate = np.where(small, np.exp(np.clip(eta + log_e, -12, 12)), y + 0.5)
        zz = np.where(small, eta + (y - rate) / rate, z)
        vv = 1.0 / rate
        point = days.points(zz, vv, [(0.45, 0.27, 0.5)]).point(-1)
        # The posterior mean of the log rate: zz - V A^-1 (zz - X m), A being noise and V together.
        effect = np.zeros(len(y))
        effect[days.post] = days.effect(point, point.mean)
        residual = zz - point.design @ point.mean[: point.width] - effect
        new = zz - vv * point.noise.solve(residual[:, None])[:, 0]
        change = np.clip(new - eta, -2.0, 2.0)
        eta = np.where(small, eta + change, new)
        if np.abs(change).max() < 1e-6:
            break
    days.curves, days.trends = kept, all_trends
    rate = np.exp(np.clip(eta + log_e, -12, 12))
    return np.where(small, eta + (y - rate) / rate, z), np.where(small, 1.0 / rate, v)


def fit_latent(
    day: NDArray[np.int64], weekday: NDArray[np.int64], count: Floats, exposure: Floats, post: NDArray[np.bool_],
    controls: Floats | None = None, shape: str = "averaged",
) -> Fit:  # fmt: skip
    """Fit live days only (n rows, no missing, exposure above 0); ``day`` counts anchored days, the cut starts day 0.

    ``controls`` (n by k) are log rates of series not touched by the event, centred here; coefficient prior sd .7.
    ``shape``: one of ``shapes.SHAPES``. Weights of days in the ratio: exposure times the weekday's factor. Deterministic.
    """
    log_e = np.log(exposure)
    days = _Days(day, weekday, post, controls, shape)
    z, v = _working_response(days, count, log_e)
    if shape != "averaged":
        days.trends = _likely(days, z, v)
    grids = [days.points(z, v, NOISES)]
    if shape != "averaged":
        place = {id(c): i for i, c in enumerate(days.curves)}
        heavy = np.bincount([place[id(c)] for c in grids[0].curves], _weights(grids), len(days.curves))
        days.curves = wobbling(days.curves, heavy.astype(np.float64))
        grids.append(days.points(z, v, NOISES))
    weights = _weights(grids)
    rng = philox("latent", days.t, count, exposure, post)
    drawn = rng.multinomial(DRAWS, weights)
    factor = np.exp(days.weekdays @ _point(grids, int(weights.argmax())).mean[1 : 1 + days.weekdays.shape[1]])
    day_weight = (exposure * factor)[post]
    day_weight = day_weight / day_weight.sum()
    paths = []
    for i in np.flatnonzero(drawn):
        point = _point(grids, int(i))
        standard = rng.standard_normal((len(point.mean), drawn[i]))
        paths.append(days.effect(point, point.mean[:, None] + _unwhitened(point.root, standard)))
    effects = np.exp(np.clip(np.hstack(paths), -30, 30))
    draws = day_weight @ effects
    low, value, high = np.quantile(draws, (0.025, 0.5, 0.975))
    named: dict[str, float] = {}
    for curve, weight in zip((c for grid in grids for c in grid.curves), weights, strict=True):
        named[curve.name] = named.get(curve.name, 0.0) + float(weight)
    mean, sd = _without_event(days, z, v, grids, weights)
    if not count[post].any():
        value, low, high = stopped(mean[post], sd[post], exposure[post]) or (value, low, high)
    return Fit(
        float(value), float(low), float(high), np.exp(mean), np.exp(mean - 1.96 * sd), np.exp(mean + 1.96 * sd),
        draws, tuple(sorted(named.items(), key=lambda s: (-s[1], s[0]))), np.quantile(effects, (0.025, 0.5, 0.975), axis=1),
    )  # fmt: skip


def _likely(days: _Days, z: Floats, v: Floats) -> list[Trend]:
    """The trends that together have .95 of the weight under the default shape: many curves with each would take a second."""
    kept, days.curves = days.curves, curves("averaged", days.t[days.post] + 0.5, days.length)
    grid = days.points(z, v, NOISES)
    days.curves = kept
    place = {id(trend): i for i, trend in enumerate(days.trends)}
    heavy = np.bincount([place[id(t)] for t in grid.trends], _weights([grid]), len(days.trends))
    order = np.argsort(-heavy, kind="stable")
    wanted = order[: int(np.searchsorted(np.cumsum(heavy[order]), _LIKELY)) + 1]
    return [days.trends[i] for i in sorted(wanted)]


def _weights(grids: Sequence[Points]) -> Floats:
    """Posterior weights of the points, grid after grid."""
    log_weights = np.concatenate([grid.log_weights for grid in grids])
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum())


def _point(grids: Sequence[Points], place: int) -> Point:
    """The point at a place among those of all grids."""
    first = len(grids[0].log_weights)
    return grids[0].point(place) if place < first else grids[1].point(place - first)


def _unwhitened(root: Floats, columns: Floats, *, transposed: bool = False) -> Floats:
    """The upper factor's inverse, or its transpose's, times columns."""
    from scipy.linalg.lapack import dtrtrs

    found, _ = dtrtrs(root, columns, lower=0, trans=int(transposed))
    return np.asarray(found)


def _without_event(
    days: _Days, z: Floats, v: Floats, grids: Sequence[Points], weights: Floats
) -> tuple[Floats, Floats]:
    """Mean and sd of the log rate without the event on each live day, over the heaviest points."""
    n = len(z)
    first, second = np.zeros(n), np.zeros(n)
    top = np.argsort(weights)[::-1][:_PATH_POINTS]
    for i in top:
        point = _point(grids, int(i))
        share = weights[i] / weights[top].sum()
        keep, k = point.width, point.curve.columns.shape[1]
        design = np.zeros((n, len(point.mean)))
        design[:, :keep] = point.design
        without = design.copy()
        design[days.post, keep : keep + k] = point.curve.columns
        if point.curve.wobble:
            design[days.post, np.arange(keep + k, design.shape[1])] = 1.0
        # Log rate = X g + u, u = S A^-1 (z - X g) + what is left of it; S = A - V.
        solved = point.noise.solve(np.hstack([design, (z - design @ point.mean)[:, None], np.eye(n)]))
        inverse = np.diag(solved[:, design.shape[1] + 1 :])
        residual = z - design @ point.mean - v * solved[:, design.shape[1]]
        mean = without @ point.mean + residual
        reach = without - design + v[:, None] * solved[:, : design.shape[1]]
        spread = _unwhitened(point.root, reach.T, transposed=True)
        variance = v - v**2 * inverse + (spread**2).sum(axis=0)
        first += share * mean
        second += share * (variance + mean**2)
    return first, np.sqrt(np.maximum(second - first**2, 0.0))
