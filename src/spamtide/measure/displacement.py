"""Direct, displacement, net: an event's effect on its target, on all else, and on the total, with joint uncertainty.

Each part is fitted by itself. What was counted after the cut over a draw of its ratio is a draw of what was expected without the
event; target and rest are drawn together, with the correlation that their days had before the cut (a Gaussian copula over the
ranks), and the total is their sum: so the rows add up, and a common wave does not count twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spamtide.measure.beside import Bins, fit_bins, interval_of
from spamtide.measure.enough import refusal_of
from spamtide.measure.latent import DRAWS, Floats, philox
from spamtide.measure.stops import expected_totals
from spamtide.measure.values import Displacement, Interval, Part, Refusal, Series, Window


def added(series: Sequence[Series], name: str) -> Series:
    """Their sum, on bins that all have; missing where one is, exposure the least of them. A bin that is half dead for one is scaled up first."""
    live = np.logical_and.reduce([s.live for s in series])
    exposures = np.minimum.reduce([s.exposures for s in series])
    scaled = [np.where(live, s.counts * exposures / np.where(live, s.exposures, 1.0), 0.0) for s in series]
    counts = np.add.reduce(scaled)
    return replace(
        series[0], name=name, measure=name, counts=counts, exposures=np.where(live, exposures, 0.0), missing=~live
    )


def remainder(whole: Series, part: Series, name: str) -> Series:
    """What is in ``whole`` and not in ``part``, which it holds; both have the same bins."""
    counts = np.maximum(whole.counts - part.counts, 0.0)
    return replace(whole, name=name, measure=name, counts=counts, missing=whole.missing | part.missing)


def displacement_of(target: Series, rest: Series, before: Window, after: Window) -> Displacement | Refusal:
    """The three parts over the live days that both have; a refusal where either has too little."""
    live = target.live & rest.live
    in_before = (target.starts >= before.start) & (target.starts < before.end) & live
    in_after = (target.starts >= after.start) & (target.starts < after.end) & live
    for series in (target, rest):
        refused = refusal_of(series, in_before, in_after)
        if refused is not None:
            return refused
    fits = [fit_bins(series, in_before, in_after) for series in (target, rest)]
    correlation = _correlation(target, rest, in_before)
    rng = philox("displacement", target.counts, rest.counts, float(before.start), float(after.end))
    normal = rng.standard_normal((2, DRAWS))
    normal[1] = correlation * normal[0] + np.sqrt(1 - correlation**2) * normal[1]
    counted = [float(series.counts[in_after].sum()) for series in (target, rest)]
    # By ranks: each margin stays what its own fit says, the pairing is that of the copula. A high ratio is a low expectation.
    ratios = [np.sort(fit.draws)[np.argsort(np.argsort(row))] for fit, row in zip(fits, normal, strict=True)]
    expected = [max(n, 0.5) / r for n, r in zip(counted, ratios, strict=True)]
    alone: list[Interval | None] = [None, None]
    for i, series in enumerate((target, rest)):
        if counted[i] == 0:
            # Nothing over a ratio says little of what was expected: its own law does, and the ratio is the headline's.
            exposure, fit = series.exposures[in_after], fits[i]
            late = slice(len(fit.expected) - len(exposure), None)
            sd = np.log(fit.expected_high[late] / fit.expected_low[late]) / 3.92
            expected[i] = expected_totals(np.log(fit.expected[late]), sd, exposure, -normal[i])
            alone[i] = interval_of(fit)
    parts = [
        _part("direct", counted[0], expected[0], alone[0]),
        _part("displacement", counted[1], expected[1], alone[1]),
        _part("net", counted[0] + counted[1], expected[0] + expected[1]),
    ]
    return Displacement(tuple(parts), correlation, int(in_after.sum()))


def _part(name: str, counted: float, expected: Floats, ratio: Interval | None = None) -> Part:
    """``ratio``: where it is not that of the counts over what was expected."""
    shown = ratio or _interval(max(counted, 0.5) / expected)
    return Part(name, counted, _interval(expected), shown, _interval(counted - expected))


def _interval(draws: Floats) -> Interval:
    low, value, high = (float(x) for x in np.quantile(draws, (0.025, 0.5, 0.975)))
    return Interval(value, low, high)


def _correlation(target: Series, rest: Series, in_before: Bins) -> float:
    """Of the two series' days before the cut, on the log scale, each against its own weekdays' mean."""
    days = np.flatnonzero(in_before)
    weekday = (target.starts[days] // target.bin_us) % 7
    left = []
    for series in (target, rest):
        z = np.log((series.counts[days] + 0.5) / series.exposures[days])
        for w in np.unique(weekday):
            z[weekday == w] -= z[weekday == w].mean()
        left.append(z)
    spread = float(np.sqrt((left[0] ** 2).sum() * (left[1] ** 2).sum()))
    return float(np.clip((left[0] * left[1]).sum() / spread, -0.95, 0.95)) if spread > 0 else 0.0
