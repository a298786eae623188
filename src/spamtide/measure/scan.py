"""Where a series steps, on noise that remembers: the best step or spell of a stretch of days, and how much better it fits than none.

For each correlation of a grid the days are whitened as an AR(1), and every step, and every spell of one, two, four or eight weeks, is
fitted by least squares in closed form from running sums. The statistic is the log likelihood ratio of the best of them, each side at
its own best correlation. Its law under no change is not in any table; ``changepoints`` simulates it.
Method: likelihood-ratio scan for a step in AR(1) noise; spells as in circular binary segmentation (Olshen et al. 2004).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CORRELATIONS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.97)
# Lengths of spells, in days; a step has so many days on either side.
SPELLS, EDGE_DAYS = (7, 14, 28, 56), 7
# Where a change is known to be, spells of every length between are tried: a deep hole of sixteen days is not one of fourteen.
EVERY_SPELL = tuple(range(SPELLS[0], SPELLS[-1] + 1))
# Time constants, in days, of a change that wears off from its first day on: a fall from which a sender comes back within weeks.
RECOVERIES = (7, 28)


@dataclass(frozen=True, slots=True)
class Best:
    """The best change of one stretch: the statistic, and its first bins: one of a step, two of a spell (begin and end)."""

    statistic: float
    places: tuple[int, ...]
    recovery: int = 0

    def column(self, bins: int, bin_days: int) -> Floats:
        """The change itself over so many bins: 0 before it."""
        place = np.arange(bins) - self.places[0]
        last = self.places[1] - self.places[0] if len(self.places) > 1 else bins
        fading = np.exp(-np.maximum(place, 0) * bin_days / self.recovery) if self.recovery else np.ones(bins)
        return np.where((place >= 0) & (place < last), fading, 0.0)


def statistics(rows: Floats, bin_days: int) -> Floats:
    """The statistic of each of R rows of n bins of the log scale. ``bin_days``: days in a bin."""
    none = np.full(len(rows), -np.inf)
    some = none.copy()
    for rho in CORRELATIONS:
        null, gains = _gains(rows, rho, bin_days)
        least = np.full(len(rows), 0.0)
        for gain in gains.values():
            if gain.shape[1]:
                least = np.maximum(least, gain.max(axis=1))
        none = np.maximum(none, _likelihood(null, rho, rows.shape[1]))
        some = np.maximum(some, _likelihood(null - least, rho, rows.shape[1]))
    return np.asarray(some - none)


def best_of(row: Floats, bin_days: int, spells: Sequence[int] = SPELLS) -> Best:
    """The change that the statistic of this row stands on; with other ``spells`` (lengths in days) the best among those."""
    rows, none = row[None, :], -np.inf
    found = Best(-np.inf, (0,))
    for rho in CORRELATIONS:
        null, gains = _gains(rows, rho, bin_days, spells=spells)
        none = max(none, float(_likelihood(null, rho, len(row))[0]))
        for width, gain in gains.items():
            if gain.shape[1]:
                at = int(gain[0].argmax())
                value = float(_likelihood(null - gain[0, at], rho, len(row))[0])
                first = at + _edge(bin_days)
                if value > found.statistic:
                    found = Best(value, (first, first + width) if width > 0 else (first,), max(0, -width))
    return replace(found, statistic=found.statistic - none)


def placement(row: Floats, bin_days: int, edge: int) -> Floats:
    """Chance that the step of a stretch with one begins at each of its n bins, each being as likely before looking.

    The correlation is averaged over; ``edge`` bins at either end are left out.
    """
    n = len(row)
    logs = np.full((len(CORRELATIONS), n), -np.inf)
    for i, rho in enumerate(CORRELATIONS):
        null, gains = _gains(row[None, :], rho, bin_days, edge)
        logs[i, edge : edge + gains[0].shape[1]] = _likelihood(null[0] - gains[0][0], rho, n)
    weight = np.exp(logs - logs.max()).sum(axis=0)
    return np.asarray(weight / weight.sum())


def _edge(bin_days: int) -> int:
    return max(2, -(-EDGE_DAYS // bin_days))


def _likelihood(rss: Floats, rho: float, n: int) -> Floats:
    return np.asarray(-0.5 * n * np.log(np.maximum(rss, 1e-12)) + 0.5 * np.log1p(-(rho**2)))


def _gains(
    rows: Floats, rho: float, bin_days: int, edge: int | None = None, spells: Sequence[int] = SPELLS
) -> tuple[Floats, dict[int, Floats]]:
    """Squares left without a change, and what each change takes off them: by width in bins, 0 for steps, the time constant below 0 for what wears off."""
    n, left = rows.shape[1], 1.0 - rho
    white = rows.copy()
    white[:, 1:] -= rho * rows[:, :-1]
    white[:, 0] *= np.sqrt(1 - rho**2)
    ones = np.full(n, left)
    ones[0] = np.sqrt(1 - rho**2)
    norm, level = float(ones @ ones), white @ ones
    null = (white**2).sum(axis=1) - level**2 / norm
    sums = np.zeros((len(rows), n + 1))
    np.cumsum(white, axis=1, out=sums[:, 1:])
    margin = _edge(bin_days) if edge is None else edge

    def gain(against: Floats, own: Floats, crossed: Floats) -> Floats:
        reduced = against - crossed * (level / norm)[:, None]
        return np.asarray(reduced**2 / (own - crossed**2 / norm))

    first = np.arange(margin, n - margin + 1)
    after = n - 1 - first
    found = {
        0: gain(
            white[:, first] + left * (sums[:, -1:] - sums[:, first + 1]), 1 + left**2 * after, left + left**2 * after
        )
    }
    if edge is not None:
        return null, found
    for days in [d for d in RECOVERIES if d > 4 * bin_days]:
        kept = float(np.exp(-bin_days / days))
        later = np.zeros((len(rows), n))
        for t in range(n - 2, -1, -1):
            later[:, t] = white[:, t + 1] + kept * later[:, t + 1]
        powers = (1 - kept**after) / (1 - kept), (1 - kept ** (2 * after)) / (1 - kept**2)
        against = white[:, first] + (kept - rho) * later[:, first]
        found[-days] = gain(against, 1 + (kept - rho) ** 2 * powers[1], left + left * (kept - rho) * powers[0])
    for days in spells:
        width = days // bin_days
        begin = np.arange(margin, n - margin - width + 1)
        if width < 1 or days % bin_days or not len(begin):
            continue
        end = begin + width
        inside = left * (sums[:, end] - sums[:, begin + 1])
        own = np.full(len(begin), 1 + left**2 * (width - 1) + rho**2)
        crossed = np.full(len(begin), left + left**2 * (width - 1) - rho * left)
        found[width] = gain(white[:, begin] + inside - rho * white[:, end], own, crossed)
    return null, found
