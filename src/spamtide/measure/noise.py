"""AR(1) noise with a nugget in time linear in the days: its covariance is never formed.

An AR(1) observed on any days (gaps too) is Markov, so its precision Q is tridiagonal. With independent noise D on top the
covariance is A = Q^-1 + D, and A^-1 = D^-1 - D^-1 (Q + D^-1)^-1 D^-1, log|A| = log|D| + log|Q + D^-1| - log|Q|: one
tridiagonal factor each. Source: the Woodbury identity and the matrix determinant lemma.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def markov_precision(gaps: Floats, rho: float, variance: float) -> tuple[Floats, Floats, float]:
    """Diagonal and off-diagonal of the precision of an AR(1) of this variance, and its log determinant.

    ``gaps``: days between neighbours, n - 1 of them, each above 0.
    """
    r = rho**gaps
    left = 1.0 / (1.0 - r**2)
    diagonal = np.ones(len(gaps) + 1)
    diagonal[:-1] += r**2 * left
    diagonal[1:] += r**2 * left
    logdet = -len(diagonal) * np.log(variance) - np.log1p(-(r**2)).sum()
    return diagonal / variance, -r * left / variance, float(logdet)


@dataclass(frozen=True, slots=True)
class Noise:
    """A = AR(1) + D, factored. ``independent`` is the diagonal of D; all arrays have n or n - 1 rows."""

    independent: Floats
    factor: tuple[Floats, Floats]
    logdet: float

    @classmethod
    def of(cls, gaps: Floats, rho: float, variance: float, independent: Floats) -> Noise:
        """Factor it. ``variance`` is that of the AR(1); ``independent`` is above 0 everywhere."""
        from scipy.linalg.lapack import dpttrf

        diagonal, off, logdet_q = markov_precision(gaps, rho, variance)
        d, e, info = dpttrf(diagonal + 1.0 / independent, off)
        if info:
            raise np.linalg.LinAlgError("tridiagonal factor")
        return cls(independent, (d, e), float(np.log(independent).sum() + np.log(d).sum() - logdet_q))

    def solve(self, columns: Floats) -> Floats:
        """A^-1 times n rows of columns."""
        from scipy.linalg.lapack import dpttrs

        scaled = columns / self.independent[:, None]
        inner, info = dpttrs(*self.factor, scaled)
        if info:
            raise np.linalg.LinAlgError("tridiagonal solve")
        return np.asarray(scaled - inner / self.independent[:, None])
