"""What changed: the change of a total, taken apart over its parts so that the parts add up to it.

A part's contribution is its rate a live day after the cut less that before it. Rates add, so contributions do, and what is in no named
part is a part of its own. The interval of each is Student's on the daily rates with Newey-West variances of both means, never less
than Poisson's: a description of these two windows. What the event did is the effect's question, which has a counterfactual.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spamtide.measure.beside import Bins
from spamtide.measure.latent import Floats
from spamtide.measure.values import Fact, Interval, Refusal, Series, Window

REST, TOTAL = "all else", "total"
# Days over which daily rates may follow each other, and the fewest live days of a window.
LAG, MIN_DAYS = 7, 3


@dataclass(frozen=True, slots=True)
class Contribution:
    """One part: messages a live day before and after, the difference, and its share of the total's (None where that is 0)."""

    name: str
    before: float
    after: float
    moved: Interval
    share: float | None


@dataclass(frozen=True, slots=True)
class Contributions:
    """The parts, the largest change first, then what is in none of them; ``total`` is their sum."""

    by: str
    parts: tuple[Contribution, ...]
    total: Contribution
    before: Window
    after: Window


def decompose(
    total: Series, parts: Mapping[str, Floats], before: Window, after: Window, *, by: str, most: int | None = None
) -> Contributions | Refusal:
    """The change of ``total`` from one window to the other over ``parts``, whose counts (n rows, the bins of ``total``) are its own.

    ``most``: how many parts are named; the others go into *all else*, with what is in no part. A message must not be in two
    parts. Refused below three live days in either window.
    """
    windows = [(total.starts >= w.start) & (total.starts + total.bin_us <= w.end) & total.live for w in (before, after)]
    have: dict[str, Fact] = {"live_days_before": int(windows[0].sum()), "live_days_after": int(windows[1].sum())}
    needed: dict[str, Fact] = {k: MIN_DAYS for k, n in have.items() if int(str(n)) < MIN_DAYS}
    if needed:
        return Refusal("too_few_days_after" if have["live_days_before"] else "too_few_days_before", needed, have)
    whole = _one(TOTAL, total.counts, total, windows, None)
    moved = {name: abs(_difference(counts, total, windows)) for name, counts in parts.items()}
    named = sorted((n for n in moved if parts[n].any()), key=lambda n: (-moved[n], n))[:most]
    found = [_one(n, parts[n], total, windows, whole.moved.value) for n in named]
    rest = total.counts - sum((parts[n] for n in named), np.zeros(len(total.counts)))
    if (np.abs(rest) > 1e-9).any():
        found.append(_one(REST, rest, total, windows, whole.moved.value))
    return Contributions(by, tuple(found), whole, before, after)


def _rate(counts: Floats, series: Series, bins: Bins) -> float:
    return float(counts[bins].sum() / series.exposures[bins].sum())


def _difference(counts: Floats, series: Series, windows: Sequence[Bins]) -> float:
    return _rate(counts, series, windows[1]) - _rate(counts, series, windows[0])


def _one(name: str, counts: Floats, series: Series, windows: Sequence[Bins], whole: float | None) -> Contribution:
    from scipy.special import stdtrit

    before, after = (_rate(counts, series, bins) for bins in windows)
    moved = after - before
    variances = [_variance(counts, series, bins) for bins in windows]
    # Welch's degrees of freedom: the shorter window, whose spread is hardly known, decides.
    sizes = [int(bins.sum()) for bins in windows]
    spread = sum(v**2 / (n - 1) for v, n in zip(variances, sizes, strict=True))
    freedom = sum(variances) ** 2 / spread if spread > 0 else float(sum(sizes) - 2)
    half = float(stdtrit(max(1.0, freedom), 0.975)) * float(np.sqrt(sum(variances)))
    share = None if whole is None or whole == 0 else moved / whole
    return Contribution(
        name, before, after, Interval(moved, moved - half, moved + half), 1.0 if name == TOTAL else share
    )


def _variance(counts: Floats, series: Series, bins: Bins) -> float:
    """Of the mean rate of a window: Newey-West over its live days, at least Poisson's."""
    e, y = series.exposures[bins], counts[bins]
    n, rate = len(y), float(y.sum() / e.sum())
    left = y - rate * e
    found = float(left @ left)
    for lag in range(1, min(LAG, n // 4) + 1):
        found += 2 * (1 - lag / (LAG + 1)) * float(left[lag:] @ left[:-lag])
    correction = n / (n - 1)
    return max(found * correction, abs(float(y.sum())), 1.0) / float(e.sum()) ** 2
