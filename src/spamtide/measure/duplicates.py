"""Duplicate shares of a window, as counted and at equal n and equal length. docs/explanation/duplicates.md.

In-group share: messages whose group has two or more members in the window. Repeat share: messages with an earlier
member within the look-back. Both depend on how many messages there are: a smaller window shows fewer duplicates by
arithmetic alone, so two windows are compared at the smaller one's n, by the hypergeometric expectation.
Intervals: the wider of a Poisson bootstrap over groups and half-sampling of two-day blocks with t quantiles.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spamtide.measure.latent import Floats, philox
from spamtide.measure.values import DAY_US, Duplicates, DuplicateShare, EqualN, Interval, Note, Refusal, Window

Ints = NDArray[np.int64]
REPLICATES = 400
SPLITS = 100


def singletons_expected(sizes: Ints, n: int, m: int) -> Floats:
    """Expected number of drawn messages that stand alone, per group, when ``m`` of ``n`` messages are drawn.

    A group of size k has exactly one member drawn with probability k C(n-k, m-1) / C(n, m).
    """
    from scipy.special import gammaln

    k = sizes.astype(np.float64)
    room = n - k - (m - 1)
    with np.errstate(invalid="ignore"):
        logs = (
            np.log(k) + gammaln(n - k + 1) - gammaln(m) - gammaln(np.maximum(room, 0) + 1)
            - (gammaln(n + 1) - gammaln(m + 1) - gammaln(n - m + 1))
        )  # fmt: skip
    return np.where(room >= 0, np.exp(logs), 0.0)


def in_group_share(sizes: Ints, m: int | None = None) -> float:
    """In-group share of groups of these sizes, at ``m`` messages drawn (None: as counted)."""
    n = int(sizes.sum())
    if n == 0:
        return float("nan")
    if m is None or m >= n:
        return float(sizes[sizes > 1].sum()) / n
    return 1.0 - float(singletons_expected(sizes, n, m).sum()) / m


def _sizes(keys: Ints) -> Ints:
    return np.unique(keys, return_counts=True)[1].astype(np.int64)


def _earlier(keys: Ints, times: Ints, lookback: int) -> Ints:
    """For each message, how many members of its group stand within the look-back before it."""
    order = np.lexsort((np.arange(len(times)), times, keys))
    k, t = keys[order], times[order]
    # One axis on which groups lie far apart, so that one search serves all of them.
    span = int(t.max() - t.min()) + lookback + 2 if len(t) else 1
    axis = (np.cumsum(np.concatenate([[0], (k[1:] != k[:-1]).astype(np.int64)])) * span) + (
        t - (t.min() if len(t) else 0)
    )
    first = np.searchsorted(axis, axis - lookback, side="left")
    group_start = np.searchsorted(k, k, side="left")
    result = np.empty(len(t), dtype=np.int64)
    result[order] = np.arange(len(t)) - np.maximum(first, group_start)
    return result


def _interval(value: float, spread: float, quantile: float) -> Interval:
    return Interval(value, max(0.0, value - quantile * spread), min(1.0, value + quantile * spread))


def _spread_in_group(keys: Ints, times: Ints, m: int, start: int) -> tuple[float, float]:
    """Standard error of the in-group share at ``m``, and the t quantile that goes with it."""
    from scipy.stats import t as student

    sizes = _sizes(keys)
    n = int(sizes.sum())
    alone = singletons_expected(sizes, n, m) if m < n else np.where(sizes == 1, 1.0, 0.0)
    drawn = sizes * (m / n) if m < n else sizes.astype(np.float64)
    rng = philox("duplicates", keys, times, float(m))
    weights = rng.poisson(1.0, (REPLICATES, len(sizes))) if len(sizes) <= 20_000 else None
    if weights is not None:
        totals = weights @ drawn
        shares = 1 - (weights @ alone) / np.maximum(totals, 1e-9)
    else:
        shares = np.empty(REPLICATES)
        for r in range(REPLICATES):
            w = rng.poisson(1.0, len(sizes))
            shares[r] = 1 - (w @ alone) / max(float(w @ drawn), 1e-9)
    # None seen among n: by the rule of three up to three groups of two would not be rare.
    by_group = float(np.std(shares)) if (sizes > 1).any() else 6.0 / n / 1.96
    block = (times - start) // (2 * DAY_US)
    blocks = np.unique(block)
    if len(blocks) < 4:
        return by_group, 1.96
    differences = []
    for _ in range(SPLITS):
        half = rng.permutation(blocks)[: len(blocks) // 2]
        inside = np.isin(block, half)
        one, other = _sizes(keys[inside]), _sizes(keys[~inside])
        size = min(int(one.sum()), int(other.sum()), m)
        if size >= 2:
            differences.append((in_group_share(one, size) - in_group_share(other, size)) / 2)
    quantile = float(student.ppf(0.975, max(1, len(blocks) - 1)))
    by_block = float(np.std(differences)) if differences else 0.0
    return (by_block, quantile) if by_block * quantile > by_group * 1.96 else (by_group, 1.96)


def _spread_repeat(chance: Floats, times: Ints, start: int) -> tuple[float, float]:
    from scipy.stats import t as student

    block = (times - start) // (2 * DAY_US)
    blocks, index = np.unique(block, return_inverse=True)
    if len(blocks) < 2:
        return float(np.std(chance) / np.sqrt(max(1, len(chance)))), 1.96
    totals, ns = np.bincount(index, chance), np.bincount(index)
    mean = chance.mean()
    residual = totals - mean * ns
    k = len(blocks)
    return float(np.sqrt(k / (k - 1) * (residual**2).sum()) / ns.sum()), float(student.ppf(0.975, k - 1))


def duplicate_shares(
    keys: Ints, times: Ints, *, feed: str, rule: str, windows: tuple[Window, ...], lookback_us: int, data_start: int
) -> Duplicates:
    """Both shares of one window, or of two compared (the second minus the first).

    ``keys`` (group of each message, as integers) and ``times`` (microseconds) have n rows in order of time and reach
    back ``lookback_us`` before the earliest window; where the data do not, the repeat share is None.
    """
    earlier = _earlier(keys, times, lookback_us)
    warnings: list[Note] = []
    shares = []
    for w in windows:
        inside = (times >= w.start) & (times < w.end)
        n = int(inside.sum())
        if n == 0:
            shares.append(DuplicateShare(w, 0, None, None))
            continue
        spread, q = _spread_in_group(keys[inside], times[inside], n, w.start)
        in_group = _interval(in_group_share(_sizes(keys[inside])), spread, q)
        repeat = None
        if data_start <= w.start - lookback_us:
            chance = (earlier[inside] > 0).astype(np.float64)
            repeat = _interval(float(chance.mean()), *_spread_repeat(chance, times[inside], w.start))
        else:
            warnings.append(Note("lookback_before_data", {"lookback_days": lookback_us / DAY_US}))
        shares.append(DuplicateShare(w, n, in_group, repeat))
    refused = None if any(s.messages for s in shares) else Refusal("no_messages", {"messages": 1}, {"messages": 0})
    equal = None
    if len(windows) == 2 and all(s.messages >= 2 for s in shares):
        equal = _equal_n(keys, times, earlier, windows[0], windows[1], all(s.repeat is not None for s in shares))
    elif len(windows) == 2 and refused is None:
        refused = Refusal("empty_window", {"messages": 2}, {"messages": min(s.messages for s in shares)})
    return Duplicates(feed, rule, lookback_us, "message", tuple(shares), equal, refused, tuple(warnings[:1]))


def _equal_n(keys: Ints, times: Ints, earlier: Ints, first: Window, second: Window, with_repeat: bool) -> EqualN:
    days = max(1, int(min(first.days, second.days)))
    # Equal length: the parts of the two windows that lie nearest each other.
    if first.end <= second.start:
        cut = (Window(first.end - days * DAY_US, first.end), Window(second.start, second.start + days * DAY_US))
    else:
        cut = (Window(first.start, first.start + days * DAY_US), Window(second.end - days * DAY_US, second.end))
    masks = [(times >= w.start) & (times < w.end) for w in cut]
    m = max(2, min(int(mask.sum()) for mask in masks))
    groups: list[Interval] = []
    repeats: list[Interval] = []
    spreads: list[tuple[float, float]] = []
    for mask, w in zip(masks, cut, strict=True):
        spread, q = _spread_in_group(keys[mask], times[mask], m, w.start)
        groups.append(_interval(in_group_share(_sizes(keys[mask]), m), spread, q))
        q_repeat, s_repeat = 1.96, 0.0
        if with_repeat:
            # Thinning keeps a message with probability q = m/n: expected share 1 - (1 - q)^k, k earlier members.
            keep = min(1.0, m / int(mask.sum()))
            chance = np.asarray(1.0 - (1.0 - keep) ** earlier[mask], dtype=np.float64)
            s_repeat, q_repeat = _spread_repeat(chance, times[mask], w.start)
            repeats.append(_interval(float(chance.mean()), s_repeat, q_repeat))
        spreads.append((spread * q, s_repeat * q_repeat))

    def difference(pair: list[Interval], i: int) -> Interval:
        half = float(np.hypot(spreads[0][i], spreads[1][i]))
        value = pair[1].value - pair[0].value
        return Interval(value, value - half, value + half)

    return EqualN(
        m, days, (groups[0], groups[1]), (repeats[0], repeats[1]) if with_repeat else None, difference(groups, 0),
        difference(repeats, 1) if with_repeat else None,
    )  # fmt: skip
