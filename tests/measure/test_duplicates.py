"""Duplicate shares: exact values by hand, equal n by drawing, coverage by simulation (``make proof`` prints the table)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from spamtide.measure import DAY_US, Duplicates, Window, duplicate_shares
from spamtide.measure.duplicates import in_group_share

START = 1_300_000_000_000_000 // DAY_US * DAY_US


def shares(keys: list[int], hours: list[float], days: int = 2, data_start: int = 0) -> Duplicates:
    times = np.array([START + int(h * 3_600_000_000) for h in hours], dtype=np.int64)
    return duplicate_shares(
        np.array(keys, dtype=np.int64), times, feed="f", rule="exact", windows=(Window(START, START + days * DAY_US),),
        lookback_us=DAY_US, data_start=data_start,
    )  # fmt: skip


def test_both_shares_by_hand() -> None:
    # Group 1 at hours 1, 2 and 30; group 2 once; group 3 at hour -5 (before the window) and 3.
    found = shares([3, 1, 1, 3, 2, 1], [-5, 1, 2, 3, 4, 30]).windows[0]
    assert found.messages == 5
    assert found.in_group is not None
    assert found.in_group.value == pytest.approx(3 / 5)
    # An earlier member within a day: hour 2 after hour 1, hour 3 after hour -5; hour 30 lies 28 hours after hour 2.
    assert found.repeat is not None
    assert found.repeat.value == pytest.approx(2 / 5)


def test_no_repeat_share_where_the_look_back_reaches_before_the_data() -> None:
    found = shares([1, 1], [1, 2], data_start=START)
    assert found.windows[0].repeat is None
    assert [w.code for w in found.warnings] == ["lookback_before_data"]


def test_none_seen_is_not_certainly_none() -> None:
    found = shares(list(range(100)), list(np.linspace(0, 47, 100))).windows[0]
    assert found.in_group is not None
    assert (found.in_group.value, found.in_group.low) == (0.0, 0.0)
    assert 0.03 < found.in_group.high <= 0.06


@pytest.mark.parametrize("m", [2, 3, 5, 8])
def test_equal_n_is_the_mean_over_all_draws(m: int) -> None:
    sizes = np.array([4, 2, 1, 1], dtype=np.int64)
    members = [g for g, k in enumerate(sizes) for _ in range(k)]
    drawn = [[members[i] for i in c] for c in itertools.combinations(range(8), m)]
    expected = np.mean([sum(d.count(g) > 1 for g in d) / m for d in drawn])
    assert in_group_share(sizes, m) == pytest.approx(expected)


# Worlds: templates come in episodes of days, with Zipf weights; a takedown takes most templated mail away.
def world(rng: np.random.Generator, per_day: tuple[int, int], templated: tuple[float, float], before: int, after: int):
    days = before + after + 7
    keys, times = [], []
    active: list[tuple[int, float, int]] = []
    fresh = itertools.count(1)
    for day in range(-20, days):
        active = [a for a in active if a[2] > day]
        active += [
            (next(fresh), float(rng.pareto(1.1) + 1), day + 1 + int(rng.geometric(0.2))) for _ in range(rng.poisson(12))
        ]
        if day < 0:
            continue
        late = day >= before + 7
        n = rng.poisson(per_day[late] * np.exp(rng.normal(0, 0.2)))
        from_template = rng.binomial(n, templated[late])
        weights = np.array([a[1] for a in active])
        picked = rng.choice([a[0] for a in active], from_template, p=weights / weights.sum())
        alone = -np.arange(1, n - from_template + 1) - len(keys) * 10_000
        keys.append(np.concatenate([picked, alone]))
        times.append(START + day * DAY_US + np.sort(rng.integers(0, DAY_US, n)))
    cut = START + (before + 7) * DAY_US
    windows = (Window(START + 7 * DAY_US, cut), Window(cut, START + days * DAY_US))
    return duplicate_shares(
        np.concatenate(keys).astype(np.int64), np.concatenate(times), feed="f", rule="exact", windows=windows,
        lookback_us=7 * DAY_US, data_start=START,
    )  # fmt: skip


KINDS = {
    "no change": ((400, 400), (0.6, 0.6), 15, 6),
    "volume falls to a quarter, mix unchanged": ((400, 100), (0.6, 0.6), 15, 6),
    "volume falls, fewer templates": ((400, 250), (0.7, 0.45), 15, 6),
    "long windows, no change": ((200, 200), (0.5, 0.5), 28, 14),
}


@pytest.mark.proof
def test_intervals_of_shares_cover() -> None:
    print(
        "\nduplicates | worlds | in-group: raw difference | at equal n | coverage | called changed | repeat: at equal n | coverage"
    )
    for kind, arguments in KINDS.items():
        rng = np.random.default_rng(33)
        found = [world(rng, *arguments).equal_n for _ in range(200)]
        differences = [f.difference_in_group for f in found]
        repeats = [f.difference_repeat for f in found]
        raw = np.mean(
            [
                world(rng, *arguments).windows[1].in_group.value - world(rng, *arguments).windows[0].in_group.value
                for _ in range(20)
            ]
        )
        # What the process gives on average is the truth that an interval should cover.
        truth = 0.0 if arguments[1][0] == arguments[1][1] else float(np.mean([d.value for d in differences]))
        truth_r = 0.0 if arguments[1][0] == arguments[1][1] else float(np.mean([d.value for d in repeats]))
        covered = np.mean([d.low <= truth <= d.high for d in differences])
        covered_r = np.mean([d.low <= truth_r <= d.high for d in repeats])
        changed = np.mean([d.low > 0 or d.high < 0 for d in differences])
        mean, mean_r = (np.mean([d.value for d in ds]) for ds in (differences, repeats))
        print(
            f"{kind} | 200 | {raw:+.3f} | {mean:+.3f} | {covered:.3f} | {changed:.3f} | {mean_r:+.3f} | {covered_r:.3f}"
        )
        assert covered >= 0.93
        if truth == 0.0:
            assert changed <= 0.05
            assert abs(mean) < 0.03
