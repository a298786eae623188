"""Duplicates by who sent them: each sender group's own shares, and what of a change is the removal of one group.

A change of the in-group share from one window to the next has three parts. *Removal*: the first window without the group, at
equal numbers. *Sample size*: fewer messages show fewer duplicates (``duplicates.py``). *Unexplained*: what is left, the
others' change. With s the share, n0, n1 the messages of the windows, n' those of the first without the group, m = min(n', n1):

    removal      s'(n') - s(n' of n0)
    sample size  s(n' of n0) - s(n0)  +  s'(m of n') - s'(n')  +  s1(n1) - s1(m of n1)
    unexplained  s1(m of n1) - s'(m of n')

and their sum is s1(n1) - s(n0), for every sample. Intervals: Poisson bootstrap over duplicate groups, the same weights in both
windows; days are not resampled, so that they are too narrow where a window has few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spamtide.measure.duplicates import REPLICATES, Ints, duplicate_shares, singletons_expected
from spamtide.measure.latent import Floats, philox
from spamtide.measure.values import DuplicateShare, Interval, Window

UNKNOWN = "unknown"
# Duplicate groups whose weights are drawn at a time.
_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class GroupShare:
    """Shares of one sender group's own messages in one window; ``group`` is ``unknown`` for those of no group."""

    group: str
    share: DuplicateShare


@dataclass(frozen=True, slots=True)
class WithoutGroup:
    """Parts of the change of the in-group share as counted, second window minus first; they add up to ``change``."""

    group: str
    messages: tuple[int, int]
    change: Interval
    removal: Interval
    sample_size: Interval
    unexplained: Interval


def shares_by_group(
    keys: Ints, times: Ints, groups: NDArray[np.str_], *, rule: str, feed: str, window: Window, lookback_us: int,
    data_start: int,
) -> tuple[GroupShare, ...]:  # fmt: skip
    """Each sender group's shares in ``window``, most messages first; a group's repeats are of its own earlier messages.

    ``keys``, ``times``, ``groups`` have n rows in order of time: duplicate group, microseconds, sender group.
    """
    found = []
    inside = (times >= window.start) & (times < window.end)
    for group in np.unique(groups[inside]).tolist():
        mine = groups == group
        one = duplicate_shares(
            keys[mine],
            times[mine],
            feed=feed,
            rule=rule,
            windows=(window,),
            lookback_us=lookback_us,
            data_start=data_start,
        )
        found.append(GroupShare(group, one.windows[0]))
    return tuple(sorted(found, key=lambda g: (-g.share.messages, g.group)))


def without_group(
    keys: Ints, times: Ints, groups: NDArray[np.str_], *, group: str, windows: Sequence[Window]
) -> WithoutGroup | None:
    """What of the change between two windows is the removal of ``group``; None where a window has fewer than two messages."""
    masks = [(times >= w.start) & (times < w.end) for w in windows]
    mine = groups == group
    places = np.unique(keys, return_inverse=True)[1]
    number = int(places.max()) + 1 if len(places) else 0
    first, second, rest = (
        np.bincount(places[mask], minlength=number) for mask in (masks[0], masks[1], masks[0] & ~mine)
    )
    n, n1, left = int(first.sum()), int(second.sum()), int(rest.sum())
    if min(n, n1, left) < 2:
        return None
    m = min(left, n1)
    terms = [(first, n), (first, left), (rest, left), (rest, m), (second, m), (second, n1)]
    values = np.array([_shares(sizes, at, np.ones((1, number)))[0] for sizes, at in terms])
    spread = np.std(_parts(_resampled(terms, number, keys, times)), axis=1) * 1.96
    change, removal, sample, unexplained = (
        Interval(float(v), float(v - s), float(v + s))
        for v, s in zip(_parts(values[:, None])[:, 0], spread, strict=True)
    )
    inside = (int((masks[0] & mine).sum()), int((masks[1] & mine).sum()))
    return WithoutGroup(group, inside, change, removal, sample, unexplained)


def _parts(shares: Floats) -> Floats:
    """change, removal, sample size, unexplained (4, r) of the six shares (6, r) of ``without_group``."""
    whole, thinned, rest, rest_thinned, second_thinned, second = shares
    removal = rest - thinned
    unexplained = second_thinned - rest_thinned
    return np.stack([second - whole, removal, second - whole - removal - unexplained, unexplained])


def _shares(sizes: Ints, m: int, weights: Floats) -> Floats:
    """In-group share at ``m`` messages for each row of weights (r, groups)."""
    alone, drawn = _expected(sizes, m)
    total: Floats = 1.0 - (weights @ alone) / np.maximum(weights @ drawn, 1e-9)
    return total


def _expected(sizes: Ints, m: int) -> tuple[Floats, Floats]:
    """Messages expected alone, and drawn, of each duplicate group when ``m`` are drawn."""
    n = int(sizes.sum())
    held = np.flatnonzero(sizes)
    alone = np.zeros(len(sizes))
    alone[held] = singletons_expected(sizes[held], n, m) if m < n else (sizes[held] == 1).astype(np.float64)
    drawn: Floats = sizes.astype(np.float64) * (min(m, n) / n)
    return alone, drawn


def _resampled(terms: Sequence[tuple[Ints, int]], number: int, keys: Ints, times: Ints) -> Floats:
    """The shares under Poisson weights of duplicate groups, the same in every term: (terms, replicates)."""
    rng = philox("duplicates without", keys, times, float(number))
    expected = [_expected(sizes, m) for sizes, m in terms]
    alone, drawn = np.stack([e[0] for e in expected], 1), np.stack([e[1] for e in expected], 1)
    lone, all_drawn = np.zeros((REPLICATES, len(terms))), np.zeros((REPLICATES, len(terms)))
    for at in range(0, number, _AT_ONCE):
        weights = rng.poisson(1.0, (REPLICATES, min(_AT_ONCE, number - at))).astype(np.float64)
        lone += weights @ alone[at : at + _AT_ONCE]
        all_drawn += weights @ drawn[at : at + _AT_ONCE]
    shares: Floats = (1.0 - lone / np.maximum(all_drawn, 1e-9)).T
    return shares
