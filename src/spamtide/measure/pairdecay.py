"""Pair decay: how many hosts are live behind addresses that change, from pairs of sightings at one address.

Two sightings a gap g apart are of one address with chance

    s(g) / N        s(g): how often an address lasts g or longer        N = (sum a)^2 / sum a^2,  a: activity of each live host

so the share of such pairs among all pairs, carried back to a gap of nothing, is 1 / N. Churn moves s, not N; a host that is replaced by
another is a lease that ends. All pairs of the botnet are the denominator, and addresses move within their network, so nothing has to be
summed over networks or scaled up for thin ones. What else makes pairs:

- *sessions*: one connection brings several messages, so short gaps hold many pairs of one host. Sightings of different sessions are
  independent: only gaps longer than a session are used. Where sessions end is found in the data (``first_gap``).
- *day and night*: a host is seen at its own hours, so gaps of whole days hold more of its pairs and gaps of half a day fewer. A cosine of
  a day's length is fitted beside s.
- *leases*: an address that one host left is given to another of the same network. Of pairs in one network, (1 - s(g)) / 254 are that.

s is a mixture of leases, exponential or ended each day, by least squares with weights that are not negative: any mixture of networks
with leases of their own is one. What was tried, and the bias in simulated worlds: docs/explanation/size.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
HOURS_A_DAY = 24.0
# Mean leases that s may be made of, hours; the last is for ever.
LEASES = np.array([3.0, 6.0, 12.0, 24.0, 48.0, 96.0, 192.0, 384.0, 768.0, 1536.0, 3072.0, np.inf])
_FOR_EVER = len(LEASES) - 1
# How much of a host's output may follow its day.
NIGHTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7)
# Where sessions may end, hours; and how far short gaps may exceed what longer ones lead one to expect.
GAPS = (0, 1, 2, 3, 4, 6, 8, 12, 18, 24)
EXCESS, EXCESS_SD = 1.25, 3.0
# Addresses of a network that a lease may give.
POOL = 254.0
_ROUNDS, _SHORTEST, _FAR_BETTER = 4, 3, 8.0


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs by gap in hours (row g: a gap between g - 1 and g + 1 hours; row 0: within one hour): of one address, in one network, of all."""

    same: Floats
    network: Floats
    every: Floats
    pool: float = POOL


@dataclass(frozen=True, slots=True)
class Decay:
    """``effective``: N. ``survival``: s by gap. ``night``: of the cosine. ``first_gap``: hours from which on pairs were used; ``pairs``: of one address among them."""

    effective: float
    survival: Floats
    night: float
    first_gap: int
    pairs: float


def pairs_by_gap(keys: Ints, hours: Ints, longest: int) -> Floats:
    """Pairs of sightings with one key, by gap: ``longest`` + 1 rows. ``keys`` and ``hours`` have n rows, in any order."""
    rows, counts = np.unique(np.stack([keys, hours], axis=1), axis=0, return_counts=True)
    key, hour, n = rows[:, 0], rows[:, 1], counts.astype(np.float64)
    found = np.zeros(longest + 1)
    found[0] = float((n * (n - 1.0)).sum() / 2.0)
    for step in range(1, len(rows)):
        same = key[step:] == key[:-step]
        if not same.any():
            break
        gap, product = (hour[step:] - hour[:-step])[same], (n[step:] * n[:-step])[same]
        inside = gap <= longest
        found += np.bincount(gap[inside], product[inside], longest + 1)
    return found


def all_pairs_by_gap(hours: Ints, longest: int) -> Floats:
    """Pairs of any two sightings, by gap: ``longest`` + 1 rows. ``hours`` from 0."""
    if not len(hours):
        return np.zeros(longest + 1)
    counts = np.bincount(hours).astype(np.float64)
    size = 2 * max(len(counts), longest + 1)
    spectrum = np.fft.rfft(counts, size)
    found = np.round(np.fft.irfft(spectrum * np.conj(spectrum), size)[: longest + 1])
    found[0] = float((counts * (counts - 1.0)).sum() / 2.0)
    return np.asarray(found, dtype=np.float64)


def fit_decay(pairs: Pairs, first_gap: int, nights: Sequence[float] = NIGHTS) -> Decay | None:
    """The decay of these pairs from a gap (an hour at least) on; None where no pair of one address is left."""
    gaps = np.arange(max(first_gap, 1), len(pairs.same))
    used = gaps[pairs.every[gaps] > 0]
    if not len(used) or pairs.same[used].sum() <= 0:
        return None
    likelihood, night, weights, _ = _best(pairs, used, nights, _SHORTEST * max(first_gap, 2))
    if first_gap < 2:
        # Leases of three hours follow noise as well: only where they explain far more than chance would let them.
        better, other, short, beyond = _best(pairs, used, nights, float(LEASES[0]))
        if better > likelihood + _FAR_BETTER * beyond:
            night, weights = other, short
    if weights.sum() <= 0:
        return None
    survival = _lasting(np.arange(len(pairs.same))) @ weights / weights.sum()
    return Decay(float(1.0 / weights.sum()), survival, night, first_gap, float(pairs.same[used].sum()))


def _best(pairs: Pairs, gaps: Ints, nights: Sequence[float], shortest: float) -> tuple[float, float, Floats, float]:
    """Log likelihood, night, weights and variance over Poisson's of the likeliest night, the least of those that are as good."""
    best: tuple[float, float, Floats, float] | None = None
    for night in nights:
        weights, likelihood, beyond = _weights(pairs, gaps, night, shortest)
        if best is None or likelihood > best[0] + 2.0:
            best = (likelihood, night, weights, beyond)
    assert best is not None
    return best


def first_gap(pairs: Pairs, at_least: int = 0) -> int:
    """Where sessions end, hours: the shortest of ``GAPS`` at which pairs are no longer many more than longer gaps lead one to expect.

    0: not even within an hour are there more. ``at_least``: shorter ones are not asked for.
    """
    for shorter, longer in itertools.pairwise(GAPS):
        if shorter < at_least:
            continue
        found = fit_decay(pairs, longer)
        if found is None:
            return shorter
        band = np.arange(shorter, longer)
        expected = float((pairs.every[band] * _chance(pairs, band, found)).sum())
        excess = float(pairs.same[band].sum()) - expected
        if excess <= (EXCESS - 1.0) * expected or excess <= EXCESS_SD * np.sqrt(max(expected, 1.0)):
            return shorter
    return GAPS[-1]


def _lasting(gaps: Ints | Floats) -> Floats:
    """Chance that a lease of each kind lasts each gap: (gaps, kinds); the last kind ends each day at the same hour."""
    g = np.asarray(gaps, dtype=np.float64)[:, None]
    return np.concatenate([np.exp(-g / LEASES[None, :]), np.clip(1.0 - g / HOURS_A_DAY, 0.0, None)], axis=1)


def _cosine(gaps: Ints, night: float) -> Floats:
    return np.asarray(1.0 + night * np.cos(gaps / HOURS_A_DAY * 2.0 * np.pi), dtype=np.float64)


def _leases(pairs: Pairs, gaps: Ints, survival: Floats) -> Floats:
    """Chance that a pair is of two hosts, one of which got the other's address."""
    return np.asarray(
        pairs.network[gaps] / np.maximum(pairs.every[gaps], 1.0) * (1.0 - survival) / pairs.pool, dtype=np.float64
    )


def _chance(pairs: Pairs, gaps: Ints, decay: Decay) -> Floats:
    own = decay.survival[gaps] / decay.effective * _cosine(gaps, decay.night)
    return np.asarray(own + _leases(pairs, gaps, decay.survival[gaps]), dtype=np.float64)


def _weights(pairs: Pairs, gaps: Ints, night: float, shortest: float) -> tuple[Floats, float, float]:
    """Weights of the leases from ``shortest`` hours on, their sum 1 / N, the log likelihood, and the variance over Poisson's (1 or more).

    Least squares with weights that are not negative, each gap weighed by its mean.
    """
    from scipy.optimize import nnls

    same, every = pairs.same[gaps], pairs.every[gaps]
    lasting = _lasting(gaps)
    basis = lasting * _cosine(gaps, night)[:, None] * every[:, None]
    # Leases that are over when sessions are cannot be told from sessions.
    basis[:, np.r_[shortest > LEASES, shortest > HOURS_A_DAY]] = 0.0
    start = np.zeros(basis.shape[1])
    start[_FOR_EVER] = same.sum() / basis[:, _FOR_EVER].sum()
    weights = start
    survival = np.ones(len(gaps))
    for _ in range(_ROUNDS):
        leased = every * _leases(pairs, gaps, survival)
        scale = np.sqrt(np.maximum(basis @ weights + leased, 1e-9))
        weights = nnls(basis / scale[:, None], (same - leased) / scale)[0]
        if weights.sum() <= 0:
            weights = start
        survival = lasting @ weights / weights.sum()
    mean = np.maximum(basis @ weights + every * _leases(pairs, gaps, survival), 1e-9)
    beyond = max(float(((same - mean) ** 2 / mean).mean()), 1.0)
    return weights, float((same * np.log(mean) - mean).sum()), beyond


def pairs_of(address: Ints, network: Ints, hours: Ints, longest: int, pool: float = POOL) -> Pairs:
    """The pairs of sightings (n rows each, hours from 0)."""
    return Pairs(
        pairs_by_gap(address, hours, longest), pairs_by_gap(network, hours, longest), all_pairs_by_gap(hours, longest), pool
    )  # fmt: skip


def without_each(whole: Pairs, address: Ints, network: Ints, hours: Ints, part: Ints) -> list[tuple[float, Pairs]]:
    """For each part of the sightings (networks, whole) the share of them that is left without it, and the pairs then."""
    longest, found = len(whole.same) - 1, []
    for number in range(int(part.max()) + 1):
        gone = part == number
        if not gone.any() or gone.all():
            continue
        same = whole.same - pairs_by_gap(address[gone], hours[gone], longest)
        near = whole.network - pairs_by_gap(network[gone], hours[gone], longest)
        every = all_pairs_by_gap(hours[~gone], longest)
        found.append((float((~gone).mean()), Pairs(same, near, every, whole.pool)))
    return found
