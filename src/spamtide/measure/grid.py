"""The grid of the default estimator: every noise with every curve and trend, weighed by the kernel (``rust/src/pure/latent.rs``).

Noises are averaged over on a grid, and what is linear in the coefficients is integrated out: a point is one noise, one curve, one trend, with the
log of its marginal likelihood times prior as its weight, and the normal posterior of its coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spamtide.measure.kernel import LatentGrid
from spamtide.measure.noise import Floats, Noise
from spamtide.measure.shapes import Curve
from spamtide.measure.trends import Trend

NoiseKind = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Observed:
    """n live days: log rates with their variances, steady columns with the prior sds of their coefficients, n - 1 gaps in days.

    ``post``: rows after the cut, m of them. ``drift``: diagonal, off-diagonal and log determinant of the precision of a path over these.
    ``beta_sd``: prior sd of the coefficients of a curve.
    """

    z: Floats
    v: Floats
    steady: Floats
    sds: Floats
    gaps: Floats
    post: NDArray[np.int64]
    drift: tuple[Floats, Floats, float]
    beta_sd: float

    def noise(self, kind: NoiseKind) -> Noise:
        """The covariance of these days under correlation, spread and share of the nugget."""
        rho, sigma, nugget = kind
        return Noise.of(self.gaps, rho, sigma**2 * (1 - nugget), self.v + sigma**2 * nugget)


@dataclass(frozen=True, slots=True)
class Point:
    """One point: what made it, the upper factor of its precision, the mean of its coefficients (of steady columns, trend, curve, path)."""

    days: Observed
    kind: NoiseKind
    curve: Curve
    trend: Trend
    root: Floats
    mean: Floats

    @property
    def width(self) -> int:
        """Columns of the design, before those of the curve."""
        return int(self.days.steady.shape[1] + self.trend.columns.shape[1])

    @property
    def design(self) -> Floats:
        """Steady columns and that of the trend, n rows."""
        return np.hstack([self.days.steady, self.trend.columns])

    @property
    def noise(self) -> Noise:
        """The covariance of the days."""
        return self.days.noise(self.kind)


class Points:
    """The points of a grid, in order of noise, curve and trend; a turn goes with curves that do not wobble.

    ``log_weights``, ``curves``, ``trends``: of each point. Raises LinAlgError where a matrix is not positive.
    """

    def __init__(
        self, days: Observed, trends: Sequence[Trend], curves: Sequence[Curve], noises: Sequence[NoiseKind]
    ) -> None:
        fixed = np.vstack([days.steady.T, *[trend.columns.T for trend in trends]])
        main, off, logdet = days.drift
        arrays = (fixed, days.sds, days.gaps, days.z, days.v, main, off)
        try:
            self._kernel = LatentGrid(
                [np.ascontiguousarray(a, "<f8").tobytes() for a in arrays],
                days.post.tolist(),
                (logdet, days.beta_sd),
                [(trend.columns.shape[1] == 1, trend.mean, trend.sd, trend.weight, trend.turn) for trend in trends],
                [(np.ascontiguousarray(c.columns, "<f8").tobytes(), c.columns.shape[1], c.wobble, c.weight) for c in curves],
                list(noises),
            )  # fmt: skip
        except ValueError as error:
            raise np.linalg.LinAlgError(str(error)) from None
        kinds = [(c, t) for c in curves for t in trends if not (t.turn and c.wobble)]
        self._days, self._noises, self._each = days, noises, len(kinds)
        self.curves = [c for c, _ in kinds] * len(noises)
        self.trends = [t for _, t in kinds] * len(noises)
        self.log_weights: Floats = np.frombuffer(self._kernel.log_weights(), "<f8")

    def point(self, place: int) -> Point:
        """The point at this place, from the end where it is negative."""
        place = range(len(self.curves))[place]
        root, mean = (np.frombuffer(b, "<f8") for b in self._kernel.point(place))
        kind = self._noises[place // self._each]
        return Point(self._days, kind, self.curves[place], self.trends[place], root.reshape(len(mean), len(mean)), mean)
