"""Feeds compared as feeds: what each saw of the other, what only it saw, in what proportions, and how much later.

Items are campaigns here; any key will do. Nothing is corrected for size: a feed of more messages covers more by size alone.
Method: Pitsillidis and others, Taster's Choice, IMC 2012.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spamtide.measure.values import Window

Sighted = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class FeedTaste:
    """One feed in the common window: messages, distinct items, items that no other feed saw, and how late it saw the rest.

    ``lag_us``: median time from an item's first sight at any feed to its first sight here, over the ``shared`` items that
    another feed saw too; ``first``: of these, the share that it saw before every other. None without such items.
    """

    feed: str
    messages: int
    items: int
    exclusive: int
    shared: int
    lag_us: float | None
    first: float | None


@dataclass(frozen=True, slots=True)
class FeedPair:
    """Two feeds: ``common`` items; ``of_one``: which share of the items of ``one`` ``other`` saw, and the reverse.

    ``distance``: half the sum of the differences of their items' shares of messages, 0 (alike) to 1 (nothing in common).
    ``rank``: Kendall's tau-b of messages over common items, None below three of them.
    """

    one: str
    other: str
    common: int
    of_one: float | None
    of_other: float | None
    distance: float | None
    rank: float | None


@dataclass(frozen=True, slots=True)
class Tasting:
    """Every feed and every pair, over the window in which all of them were there."""

    window: Window
    feeds: tuple[FeedTaste, ...]
    pairs: tuple[FeedPair, ...]


def taste(sighted: Mapping[str, Sighted], window: Window) -> Tasting:
    """Compare feeds by what they saw in ``window``; ``sighted``: of each feed n keys of items and n times, in any order.

    Keys are one numbering for all feeds. Messages outside the window are left out.
    """
    inside = {feed: _inside(keys, times, window) for feed, (keys, times) in sighted.items()}
    counts = {feed: _counts(keys) for feed, (keys, _) in inside.items()}
    first = {feed: _first(keys, times) for feed, (keys, times) in inside.items()}
    return taste_counted(counts, first, window)


def taste_counted(counts: Mapping[str, dict[int, int]], first: Mapping[str, dict[int, int]], window: Window) -> Tasting:
    """The same of what was counted in the window already: of each feed the messages of each item, and when the first of them came."""
    feeds = tuple(_taste(feed, counts, first) for feed in counts)
    names = list(counts)
    pairs = tuple(_pair(a, b, counts) for i, a in enumerate(names) for b in names[i + 1 :])
    return Tasting(window, feeds, pairs)


def _inside(keys: NDArray[np.int64], times: NDArray[np.int64], window: Window) -> Sighted:
    here = (times >= window.start) & (times < window.end)
    return keys[here], times[here]


def _counts(keys: NDArray[np.int64]) -> dict[int, int]:
    items, n = np.unique(keys, return_counts=True)
    return dict(zip(items.tolist(), n.tolist(), strict=True))


def _first(keys: NDArray[np.int64], times: NDArray[np.int64]) -> dict[int, int]:
    order = np.lexsort((times, keys))
    items, place = np.unique(keys[order], return_index=True)
    return dict(zip(items.tolist(), times[order][place].tolist(), strict=True))


def _taste(feed: str, counts: Mapping[str, dict[int, int]], first: Mapping[str, dict[int, int]]) -> FeedTaste:
    own = first[feed]
    others: dict[int, int] = {}
    for name, seen in first.items():
        if name != feed:
            for item, at in seen.items():
                others[item] = min(at, others.get(item, at))
    shared = [item for item in own if item in others]
    lags = [max(0, own[item] - others[item]) for item in shared]
    return FeedTaste(
        feed, sum(counts[feed].values()), len(own), len(own) - len(shared), len(shared),
        float(np.median(lags)) if lags else None,
        float(np.mean([own[item] < others[item] for item in shared])) if shared else None,
    )  # fmt: skip


def _pair(one: str, other: str, counts: Mapping[str, dict[int, int]]) -> FeedPair:
    from scipy.stats import kendalltau

    a, b = counts[one], counts[other]
    common = sorted(a.keys() & b.keys())
    total_a, total_b = sum(a.values()), sum(b.values())
    distance = None
    if total_a and total_b:
        distance = sum(abs(a.get(i, 0) / total_a - b.get(i, 0) / total_b) for i in a.keys() | b.keys()) / 2
    rank = None
    if len(common) >= 3:
        tau = float(kendalltau([a[i] for i in common], [b[i] for i in common]).statistic)
        rank = tau if np.isfinite(tau) else None
    return FeedPair(
        one,
        other,
        len(common),
        len(common) / len(a) if a else None,
        len(common) / len(b) if b else None,
        distance,
        rank,
    )
