"""Feeds compared as feeds, on feeds so small that everything can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from spamtide.measure import Window, taste, taste_counted
from spamtide.measure.tasting import Sighted, Tasting

HOUR = 3_600_000_000
DAY = Window(0, 24 * HOUR)


def feed(*seen: tuple[int, float]) -> Sighted:
    """(item, hour) of each message."""
    return np.array([k for k, _ in seen], dtype=np.int64), np.array([round(h * HOUR) for _, h in seen], dtype=np.int64)


A = feed((1, 1), (1, 2), (1, 9), (2, 3), (3, 4))
B = feed((1, 3), (2, 2), (4, 5), (4, 6))


def tasted() -> Tasting:
    return taste({"a": A, "b": B}, DAY)


def test_coverage_is_what_one_saw_of_the_other() -> None:
    (pair,) = tasted().pairs
    assert (pair.common, pair.of_one, pair.of_other) == (2, pytest.approx(2 / 3), pytest.approx(2 / 3))
    a, b = tasted().feeds
    assert (a.messages, a.items, a.exclusive, a.shared) == (5, 3, 1, 2)
    assert (b.messages, b.items, b.exclusive, b.shared) == (4, 3, 1, 2)


def test_distance_is_half_the_sum_of_differences_of_shares() -> None:
    (pair,) = tasted().pairs
    # Shares of a: 3/5 1/5 1/5 0, of b: 1/4 1/4 0 2/4.
    assert pair.distance == pytest.approx((0.35 + 0.05 + 0.2 + 0.5) / 2)
    assert pair.rank is None, "two common items have no rank worth a number"
    same = taste({"a": A, "b": A}, DAY).pairs[0]
    assert same.distance == 0
    assert taste({"a": A, "b": feed((9, 1))}, DAY).pairs[0].distance == 1


def test_rank_agreement_needs_three_common_items() -> None:
    more = feed((1, 1), (1, 2), (1, 3), (2, 4), (2, 5), (3, 6))
    less = feed((1, 1), (2, 2), (2, 3), (3, 4), (3, 5), (3, 6))
    assert taste({"a": more, "b": more}, DAY).pairs[0].rank == 1
    assert taste({"a": more, "b": less}, DAY).pairs[0].rank == -1


def test_lag_is_from_the_first_sight_anywhere() -> None:
    a, b = tasted().feeds
    # Item 1: a at 1, b at 3; item 2: a at 3, b at 2.
    assert a.lag_us == 0.5 * HOUR and b.lag_us == 1.0 * HOUR
    assert a.first == b.first == 0.5


def test_what_lies_outside_the_common_window_is_not_counted() -> None:
    value = taste({"a": A, "b": B}, Window(round(2.5 * HOUR), 24 * HOUR))
    assert [f.messages for f in value.feeds] == [3, 3]
    assert [f.exclusive for f in value.feeds] == [2, 1]


def test_an_empty_feed_has_no_shares() -> None:
    value = taste({"a": A, "b": feed()}, DAY)
    assert (value.pairs[0].of_one, value.pairs[0].of_other, value.pairs[0].distance) == (0.0, None, None)
    assert value.feeds[1].lag_us is None and value.feeds[1].first is None


def test_what_was_counted_already_is_compared_alike() -> None:
    keys, times = np.array([3, 1, 3, 2, 1, 3]), np.array([10, 20, 5, 30, 12, 90])
    other = np.array([1, 4, 4]), np.array([15, 16, 17])
    window = Window(0, 60)
    counts = {"a": {1: 2, 2: 1, 3: 2}, "b": {1: 1, 4: 2}}
    first = {"a": {1: 12, 2: 30, 3: 5}, "b": {1: 15, 4: 16}}
    assert taste({"a": (keys, times), "b": other}, window) == taste_counted(counts, first, window)
