"""A complete stop: an interval that begins at 0, and what is made of it beside the headline."""

from __future__ import annotations

import numpy as np
import pytest

from spamtide.measure import DAY_US, Interval, Series, Window, added, estimate_effect
from spamtide.measure.levels import pooled_levels
from spamtide.measure.stops import STOP_EXPECTED, stopped
from spamtide.measure.values import Displacement

START = 14_613 * DAY_US


def series(name: str, counts: np.ndarray) -> Series:
    n = len(counts)
    starts = START + np.arange(n) * DAY_US
    return Series(
        name, "volume", "message", DAY_US, starts.astype(np.int64), counts.astype(float), np.ones(n), np.zeros(n, bool), "declared"
    )  # fmt: skip


def test_a_certain_expectation_gives_the_rule_of_three() -> None:
    found = stopped(np.full(30, np.log(10.0)), np.zeros(30), np.ones(30))
    assert found is not None
    value, low, high = found
    assert (value, low, high) == (pytest.approx(np.log(2) / 300), 0.0, pytest.approx(-np.log(0.05) / 300))
    doubtful = stopped(np.full(30, np.log(10.0)), np.full(30, 0.5), np.ones(30))
    assert doubtful is not None and doubtful[2] > 1.2 * high
    half = stopped(np.full(30, np.log(10.0)), np.zeros(30), np.full(30, 0.5))
    assert half is not None and half[2] == pytest.approx(2 * high)


def test_where_few_were_expected_none_is_no_news() -> None:
    few = STOP_EXPECTED / 30 * 0.99
    assert stopped(np.full(30, np.log(few)), np.zeros(30), np.ones(30)) is None


def ended(seed: int, ratio: float = 0.0, level: float = 20.0) -> tuple[Series, float]:
    """60 days before, 21 after; the ratio and what was expected without it."""
    rng = np.random.default_rng(seed)
    rate = level * np.exp(rng.normal(0, 0.25, 81))
    counts = rng.poisson(np.where(np.arange(81) < 60, rate, rate * ratio))
    return series("gone", counts), float(rate[60:].sum())


WINDOWS = {"before": Window(START, START + 60 * DAY_US), "after": Window(START + 60 * DAY_US, START + 81 * DAY_US)}
CUT = START + 60 * DAY_US


def test_a_complete_stop_has_an_interval_that_begins_at_nothing() -> None:
    gone, expected = ended(1)
    effect = estimate_effect(gone, CUT, **WINDOWS, diagnostics="none")
    assert effect.ratio is not None and effect.counted_after.count == 0
    assert effect.ratio.low == 0.0 < effect.ratio.value < effect.ratio.high
    assert 2.5 / expected < effect.ratio.high < 5 / expected
    assert effect.minimum_detectable is not None and 0 < effect.minimum_detectable < 0.5


def test_of_series_that_hardly_stopped_the_bound_holds_the_truth() -> None:
    # Where nothing came though a little was still sent, the bound is above it in 95 of 100 and more.
    held = asked = 0
    for seed in range(120):
        gone, _ = ended(seed, 2.0 / 420)
        if gone.counts[60:].any():
            continue
        effect = estimate_effect(gone, CUT, **WINDOWS, diagnostics="none")
        assert effect.ratio is not None
        asked += 1
        held += effect.ratio.high >= 2.0 / 420
    assert asked >= 8 and held == asked


def test_the_table_of_direct_and_net_says_of_a_stop_what_the_headline_says() -> None:
    gone, expected = ended(3)
    rest = series("rest", np.random.default_rng(4).poisson(50.0, 81))
    effect = estimate_effect(gone, CUT, **WINDOWS, diagnostics="none", rest=added([rest], "all else"))
    assert isinstance(effect.displacement, Displacement) and effect.ratio is not None
    direct, _, net = effect.displacement.parts
    assert direct.ratio == effect.ratio
    assert direct.expected.low < expected < direct.expected.high
    assert net.ratio.low > 0


def test_the_spread_of_an_interval_that_begins_at_nothing_is_that_of_its_upper_end() -> None:
    assert Interval(0.5, 0.25, 1.0).log_sd == pytest.approx(np.log(4) / 3.92)
    stop = Interval(0.002, 0.0, 0.01)
    assert stop.log_sd == pytest.approx(np.log(5) / 1.644854)
    pooled = pooled_levels([stop, Interval(0.1, 0.05, 0.2), Interval(0.2, 0.1, 0.4)])
    assert pooled is not None and 0 < pooled.ratios[0].value < 0.1
