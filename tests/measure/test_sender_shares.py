"""Duplicates by sender group: planted removals are told from sample size and from what the others do."""

from __future__ import annotations

import numpy as np
import pytest

from spamtide.measure import DAY_US, Window, shares_by_group, without_group

BEFORE, AFTER = Window(0, 14 * DAY_US), Window(14 * DAY_US, 28 * DAY_US)


def world(seed: int, *, others_after: float = 1.0, unique_after: bool = False) -> tuple[np.ndarray, ...]:
    """400 a day before: half of a group that sends one of 40 texts, half of others with Zipf's texts; the group stops at the cut."""
    rng = np.random.default_rng(seed)
    n = 14 * 200
    mine = rng.integers(0, 40, n)
    others = 1_000 + np.minimum(rng.zipf(1.3, n), 10**6)
    m = int(n * others_after)
    later = 1_000 + np.minimum(rng.zipf(1.3, m), 10**6)
    if unique_after:
        later = 10**7 + np.arange(m)
    keys = np.concatenate([mine, others, later])
    times = np.concatenate([rng.integers(0, BEFORE.end, 2 * n), rng.integers(AFTER.start, AFTER.end, m)])
    groups = np.array(["g"] * n + ["unknown"] * (n + m))
    order = np.argsort(times, kind="stable")
    return keys[order].astype(np.int64), times[order].astype(np.int64), groups[order]


def test_the_parts_add_up_to_the_change() -> None:
    keys, times, groups = world(1, others_after=0.3)
    found = without_group(keys, times, groups, group="g", windows=(BEFORE, AFTER))
    assert found is not None and found.messages == (2800, 0)
    total = found.removal.value + found.sample_size.value + found.unexplained.value
    assert total == pytest.approx(found.change.value)


def test_a_removal_alone_leaves_nothing_unexplained() -> None:
    covered = 0
    for seed in range(30):
        keys, times, groups = world(seed, others_after=0.5)
        found = without_group(keys, times, groups, group="g", windows=(BEFORE, AFTER))
        assert found is not None and found.removal.value < 0 and found.sample_size.value < 0
        covered += found.unexplained.low <= 0 <= found.unexplained.high
    assert covered >= 26


def test_what_the_others_do_is_not_put_on_the_removal() -> None:
    keys, times, groups = world(7, unique_after=True)
    found = without_group(keys, times, groups, group="g", windows=(BEFORE, AFTER))
    assert found is not None and found.unexplained.value < -0.4 < found.removal.value < 0


def test_a_group_shows_the_shares_of_its_own_messages() -> None:
    keys, times, groups = world(2)
    rows = shares_by_group(
        keys, times, groups, rule="exact", feed="f", window=BEFORE, lookback_us=DAY_US, data_start=-DAY_US
    )
    assert [r.group for r in rows] == ["g", "unknown"] and [r.share.messages for r in rows] == [2800, 2800]
    own, others = (r.share.in_group for r in rows)
    assert own is not None and others is not None and own.value == 1.0 and others.value < 0.95


def test_too_few_messages_give_no_parts() -> None:
    keys, times, groups = world(3)
    only = times < BEFORE.end
    assert without_group(keys[only], times[only], groups[only], group="g", windows=(BEFORE, AFTER)) is None
