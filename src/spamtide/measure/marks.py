"""Hosts by marks: what a machine says of itself (its HELO name, spoken by its engine) and keeps while its address changes.

Counts of sessions of each marked host are zero-truncated negative binomial where activity is gamma with shape k and sessions come at
random: hosts that were never seen are those of the distribution's zero. N = S / (1 - p^k). Messages of one session are one; what hides
a host's next session until the one before is over (its length and the link) is dead time, and the likelihood knows it: without that a
dead twentieth of the window turns a shape of 1 into 1.7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
# A mark says who somebody is where pairs at one address within an hour have the same one so often.
STABLE = 0.8
# Days over which activity is compared: the shortest in which hosts that are seen are seen so often on average.
SPANS = (1.0, 2.0, 3.5, 7.0, 14.0, 28.0)
SEEN = 1.5
_LOG_SHAPE, _LOG_SHAPE_SD = 0.0, 3.0
_HOUR = 3_600.0


@dataclass(frozen=True, slots=True)
class MarkedHosts:
    """``shape``: of activity (infinite: all alike). ``ever``: hosts in the window, seen or not. ``seen``: marks seen. ``days``: over which activity was compared."""

    shape: float
    ever: float
    seen: int
    days: float


def stability(address: Ints, mark: Ints, seconds: Floats) -> float:
    """How often two successive sightings at one address within an hour, both with a mark, have the same one; 0 where there are none."""
    known = mark >= 0
    order = np.lexsort((seconds[known], address[known]))
    a, m, t = address[known][order], mark[known][order], seconds[known][order]
    near = (a[1:] == a[:-1]) & (t[1:] - t[:-1] <= _HOUR)
    return float((m[1:] == m[:-1])[near].mean()) if near.any() else 0.0


def sessions_of_marks(mark: Ints, seconds: Floats, link_seconds: float) -> tuple[Ints, Floats, float]:
    """Mark and first second of each session, and their mean length: sightings of a mark within ``link_seconds`` of the one before are one."""
    order = np.lexsort((seconds, mark))
    m, t = mark[order], seconds[order]
    if not len(m):
        return m, t, 0.0
    new = np.r_[True, (m[1:] != m[:-1]) | (t[1:] - t[:-1] > link_seconds)]
    last = np.r_[new[1:], True]
    return m[new], t[new], float((t[last] - t[new]).mean())


def marked_hosts(mark: Ints, seconds: Floats, days: float, link_seconds: float) -> MarkedHosts | None:
    """Hosts by their marks (n sightings with a mark, seconds from 0, over ``days``); None where fewer than 20 were seen, or none twice."""
    m, t, length = sessions_of_marks(mark, seconds, link_seconds)
    dead = (length + link_seconds) / 86_400 if link_seconds > 0 else 0.0
    whole = np.unique(m, return_counts=True)[1].astype(np.float64)
    if len(whole) < 20 or whole.max() < 2:
        return None
    span, counts = days, whole
    for shorter in (s for s in SPANS if s < days):
        parts = int(days // shorter)
        inside = t < parts * shorter * 86_400
        key = m[inside] * parts + (t[inside] // (shorter * 86_400)).astype(np.int64)
        each = np.unique(key, return_counts=True)[1].astype(np.float64)
        if len(each) and each.mean() >= SEEN:
            span, counts = shorter, each
            break
    shape = fit_zero_truncated(counts, dead / span)[0]
    k, mean = fit_zero_truncated(whole, dead / days)
    return MarkedHosts(shape, len(whole) / _seen_share(k, mean), len(whole), span)


def fit_zero_truncated(counts: Floats, dead: float = 0.0) -> tuple[float, float]:
    """Shape and mean of the zero-truncated negative binomial of these counts (1 or more), by maximum likelihood, with a wide prior on the log shape.

    ``dead``: share of the window that each count hides.
    """
    from scipy.optimize import minimize
    from scipy.special import gammaln

    x, n = np.unique(counts, return_counts=True)
    room, left = np.clip(1.0 - (x - 1) * dead, 0.05, None), np.clip(1.0 - x * dead, 0.05, None)

    def loss(at: Floats) -> float:
        k, mean = np.exp(np.clip(at, -7.0, 7.0))
        terms = gammaln(x + k) - gammaln(k) - gammaln(x + 1) + k * np.log(k) + x * np.log(mean * room)
        terms = terms - (x + k) * np.log(k + mean * left)
        prior = 0.5 * ((at[0] - _LOG_SHAPE) / _LOG_SHAPE_SD) ** 2
        return float(prior - (n * (terms - np.log(_seen_share(k, mean)))).sum())

    starts = [np.array([s, np.log(max(counts.mean() - 0.9, 0.1))]) for s in (-1.0, 1.0)]
    best = min((minimize(loss, s, method="Nelder-Mead", options={"maxiter": 300}) for s in starts), key=lambda r: r.fun)
    k, mean = np.exp(np.clip(best.x, -7.0, 7.0))
    return float(k), float(mean)


def _seen_share(k: float, mean: float) -> float:
    """Chance of at least one."""
    return float(-np.expm1(k * np.log(k / (k + mean))))
