"""One event in several feeds: how far their effects differ, and one figure only where three independent groups stand behind it.

Everything is on the log of the ratio, with a standard error from the interval's width. Feeds of one independence group are one
witness: before pooling they become one effect, as if their errors were the same. A feed of which nobody said whose it is counts
as shared with any other, so it stands in the table and is never pooled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from spamtide.measure.values import Interval, Refusal

UNKNOWN_GROUP = "unknown"
GROUPS_TO_POOL = 3
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class FeedEffect:
    """The effect at one feed, and the independence group that somebody stated for it (``unknown``: nobody did)."""

    feed: str
    group: str
    measure: str
    ratio: Interval | None
    refused: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """How far effects differ beyond their own errors: ``q`` on ``df`` with ``p``, ``i2`` (0 to 1), ``tau2`` of the log ratio."""

    k: int
    q: float
    df: int
    p: float
    i2: float
    tau2: float


@dataclass(frozen=True, slots=True)
class Pooled:
    """A mean over independence groups with its interval and that of a group yet to come. Never a headline."""

    ratio: Interval
    prediction: Interval | None
    groups: tuple[str, ...]
    tau2: float


@dataclass(frozen=True, slots=True)
class WithoutFeed:
    """What is left without one feed: the range of the others, how they differ, the mean where three groups remain."""

    feed: str
    lowest: float
    highest: float
    heterogeneity: Heterogeneity | None
    pooled: Pooled | None


@dataclass(frozen=True, slots=True)
class Replication:
    """What one feed's effect is to another's: ``same-metric``, ``related-metric``, ``restates`` (one group, or nobody said).

    ``overlap``: whether their intervals share a value; None where one of them has none.
    """

    feeds: tuple[str, str]
    kind: str
    overlap: bool | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Effects of one event at several feeds, side by side. ``lowest`` and ``highest``: the range of their values."""

    effects: tuple[FeedEffect, ...]
    lowest: float | None
    highest: float | None
    heterogeneity: Heterogeneity | None
    pooled: Pooled | None
    not_pooled: Refusal | None
    leave_one_out: tuple[WithoutFeed, ...]
    replications: tuple[Replication, ...]


def agree(effects: Sequence[FeedEffect]) -> Agreement:
    """Table, range, heterogeneity, leave-one-out; a pooled figure from three independence groups on, else why there is none.

    Method: REML for tau², Hartung and Knapp's variance with t of k − 1 degrees of freedom, not smaller than the one without it
    (Röver and others 2015); prediction interval with k − 2 (Higgins and others 2009). Refused effects stand in the table alone.
    """
    known = [e for e in effects if e.ratio is not None]
    values = [e.ratio.value for e in known if e.ratio is not None]
    pooled = pool(known)
    groups = _groups(known)
    out = tuple(_without(e, [o for o in known if o is not e]) for e in known) if len(known) > 1 else ()
    pairs = tuple(
        Replication((a.feed, b.feed), _kind(a, b), _overlap(a.ratio, b.ratio))
        for i, a in enumerate(effects) for b in effects[i + 1 :]
    )  # fmt: skip
    refused = None
    if pooled is None:
        refused = Refusal(
            "too_few_independence_groups", {"independence_groups": GROUPS_TO_POOL}, {"independence_groups": len(groups)}
        )
    return Agreement(
        tuple(effects), min(values, default=None), max(values, default=None), differ(known), pooled, refused, out, pairs
    )


def pool(effects: Sequence[FeedEffect]) -> Pooled | None:
    """A mean over the stated independence groups, or None below three of them."""
    groups = _groups(effects)
    if len(groups) < GROUPS_TO_POOL:
        return None
    one = [_as_one(own) for own in groups.values()]
    y, v = [a for a, _ in one], [b for _, b in one]
    return _hartung_knapp(y, v, tuple(groups))


def _hartung_knapp(y: Sequence[float], v: Sequence[float], groups: tuple[str, ...]) -> Pooled:
    from scipy.stats import t as student

    k, tau2 = len(y), reml(y, v)
    w = [1 / (x + tau2) for x in v]
    mean = _mean(y, w)
    # Hartung and Knapp's factor can be below 1 by chance when k is small; then it is left at 1.
    factor = max(1.0, sum(a * (b - mean) ** 2 for a, b in zip(w, y, strict=True)) / (k - 1))
    variance = factor / sum(w)
    half = float(student.ppf(0.5 + LEVEL / 2, k - 1)) * math.sqrt(variance)
    wide = float(student.ppf(0.5 + LEVEL / 2, k - 2)) * math.sqrt(tau2 + variance)
    return Pooled(_interval(mean, half), _interval(mean, wide), groups, tau2)


def differ(effects: Sequence[FeedEffect]) -> Heterogeneity | None:
    """Cochran's Q with its p, Higgins' I² and tau² over all effects that have a figure; None below two.

    Feeds of one group are taken as they are here: it describes the table, and supports nothing.
    """
    from scipy.stats import chi2

    known = [_log(e.ratio) for e in effects if e.ratio is not None]
    if len(known) < 2:
        return None
    y, v = [a for a, _ in known], [b for _, b in known]
    w = [1 / x for x in v]
    mean, df = _mean(y, w), len(y) - 1
    q = sum(a * (b - mean) ** 2 for a, b in zip(w, y, strict=True))
    return Heterogeneity(len(y), q, df, float(chi2.sf(q, df)), max(0.0, (q - df) / q) if q > 0 else 0.0, reml(y, v))


def reml(y: Sequence[float], v: Sequence[float]) -> float:
    """Variance between effects ``y`` with error variances ``v`` by restricted maximum likelihood; 0 where it would be less.

    Fisher scoring from 0, halving steps that would leave the half line. Method: Viechtbauer 2005.
    """
    tau2 = 0.0
    for _ in range(500):
        w = [1 / (x + tau2) for x in v]
        total, mean = sum(w), _mean(y, w)
        square = sum(a * a for a in w)
        cube = sum(a**3 for a in w)
        # P = W − W1(1'W1)⁻¹1'W: y'PPy, tr P and tr PP for weights on a diagonal.
        score = sum((a * (b - mean)) ** 2 for a, b in zip(w, y, strict=True)) - (total - square / total)
        information = square - 2 * cube / total + (square / total) ** 2
        new = max(0.0, tau2 + score / information)
        if abs(new - tau2) <= 1e-12 * max(1.0, tau2):
            return new
        tau2 = new
    return tau2


def _groups(effects: Sequence[FeedEffect]) -> dict[str, list[FeedEffect]]:
    groups: dict[str, list[FeedEffect]] = {}
    for e in effects:
        if e.group != UNKNOWN_GROUP and e.ratio is not None:
            groups.setdefault(e.group, []).append(e)
    return groups


def _as_one(effects: Sequence[FeedEffect]) -> tuple[float, float]:
    """Log ratio and variance of one group: weighted by precision, its errors taken to be the same error."""
    known = [_log(e.ratio) for e in effects if e.ratio is not None]
    w = [1 / v for _, v in known]
    share = [a / sum(w) for a in w]
    value = sum(s * y for s, (y, _) in zip(share, known, strict=True))
    return value, sum(s * math.sqrt(v) for s, (_, v) in zip(share, known, strict=True)) ** 2


def _log(ratio: Interval) -> tuple[float, float]:
    from scipy.stats import norm

    z = float(norm.ppf(0.5 + ratio.level / 2))
    if ratio.value > 0 and ratio.low == 0:
        return math.log(ratio.value), ratio.log_sd**2
    # A ratio of 0 has no log; half of the upper bound's hundredth stands for it, with an interval as wide as it is then.
    low, value = max(ratio.low, ratio.high / 1e4), max(ratio.value, ratio.high / 1e4)
    return math.log(value), max((math.log(ratio.high / low) / (2 * z)) ** 2, 1e-12)


def _mean(y: Sequence[float], w: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(w, y, strict=True)) / sum(w)


def _interval(mean: float, half: float) -> Interval:
    return Interval(math.exp(mean), math.exp(mean - half), math.exp(mean + half), LEVEL)


def _without(left_out: FeedEffect, others: Sequence[FeedEffect]) -> WithoutFeed:
    values = [e.ratio.value for e in others if e.ratio is not None]
    return WithoutFeed(left_out.feed, min(values), max(values), differ(others), pool(others))


def _kind(a: FeedEffect, b: FeedEffect) -> str:
    if a.group == b.group or UNKNOWN_GROUP in (a.group, b.group):
        return "restates"
    return "same-metric" if a.measure == b.measure else "related-metric"


def _overlap(a: Interval | None, b: Interval | None) -> bool | None:
    return None if a is None or b is None else a.low <= b.high and b.low <= a.high
