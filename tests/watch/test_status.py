"""Statuses, by the definitions: silent, too early, unknown, active, declining, returned."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from spamtide.measure import DAY_US, HOUR_US, Refusal, Window
from spamtide.watch import (
    BadWatch,
    Evidence,
    Hour,
    Plan,
    Signature,
    WatchState,
    WatchStatus,
    begin_watch,
    check_windows,
    judge,
    step_hours,
)
from spamtide.watch.silence import design_effect, upper_rate
from watched_worlds import ACTIVE, background, hours_of_counts

SIGNATURE = Signature("subject:x", (0.9, 1.0))
STOP = 28 * DAY_US


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def status(after: np.ndarray, *, rate: float = ACTIVE, **more) -> WatchStatus:
    """28 days at ``rate`` an hour, then ``after``, watched from the stop on."""
    hours = hours_of_counts(np.concatenate([rng().poisson(rate, 28 * 24), after]))
    since = more.pop("silent_since", STOP)
    state = step_hours(WatchState(), [h for h in hours if h.start >= STOP], Plan(rate))
    return judge(hours, state, **{"signature": SIGNATURE, "silent_since": since, **more})


def test_six_days_after_the_stop_it_is_too_early() -> None:
    found = status(np.zeros(6 * 24))
    assert found.code == "too_early"
    assert found.alarm is None
    assert found.rates.live_days == pytest.approx(6)
    assert isinstance(found.refused, Refusal)
    assert found.refused.reason == "too_few_quiet_days"
    assert found.calibrated_from == STOP + 60 * DAY_US


def test_after_seven_it_is_silent_and_too_early_and_after_sixty_silent() -> None:
    assert status(np.zeros(7 * 24)).code == "silent_too_early"
    found = status(np.zeros(61 * 24))
    assert found.code == "silent"
    assert found.calibrated_from == STOP + 60 * DAY_US
    assert found.minimum_detectable is not None
    assert found.minimum_detectable <= 0.05


def test_zero_hits_bound_the_rate_by_three_over_effective_days_and_recall() -> None:
    found = status(np.zeros(10 * 24))
    assert found.rates.active_rate is not None
    assert found.rates.upper_bound is not None
    assert found.rates.upper_bound * found.rates.active_rate == pytest.approx(
        2.9957 * found.rates.effect / (10 * 0.9), rel=1e-4
    )


def test_the_bound_covers() -> None:
    missed = [upper_rate(float(n), 10.0) < 0.8 for n in rng(2).poisson(8.0, 4000)]
    assert np.mean(missed) == pytest.approx(poisson.cdf(3, 8.0), abs=0.012)
    assert np.mean(missed) <= 0.05


def test_bursty_days_widen_the_bound() -> None:
    days = np.repeat(rng(3).gamma(4, 1 / 4, 28), 24)
    assert design_effect(hours_of_counts(rng(4).poisson(ACTIVE * days))) > 3
    assert design_effect(hours_of_counts(rng(4).poisson(ACTIVE, 28 * 24))) < 1.1


def test_a_tenth_of_the_rate_is_not_silent() -> None:
    found = status(rng(5).poisson(ACTIVE / 10, 20 * 24))
    assert found.code == "declining"


def test_active_is_as_before() -> None:
    assert status(rng(6).poisson(ACTIVE, 20 * 24)).code == "active"
    assert status(rng(6).poisson(ACTIVE, 20 * 24), silent_since=None).code == "active"


def test_unknown_where_little_is_known() -> None:
    silent = np.zeros(100 * 24)
    assert status(silent, signature=Signature("x", (0.4, 0.9))).code == "unknown"
    assert status(silent, signature=Signature("x", None, STOP)).code == "unknown"
    assert status(silent, signature=Signature("x", None, STOP + 50 * DAY_US)).code == "silent"
    dead = [Hour(i * HOUR_US, 0.0, 1.0 if i < 28 * 24 else 0.1) for i in range(50 * 24)]
    assert judge(dead, WatchState(), signature=SIGNATURE, silent_since=STOP).code == "unknown"


def test_an_alarm_is_a_return_where_enough_came_from_enough_places() -> None:
    after = np.concatenate([background("poisson", rng(7), 62 * 24, 0.1), np.full(20, ACTIVE)])
    assert status(after).code == "returned"
    assert status(after, evidence=Evidence(600, 40, 12, 3)).code == "returned"
    for few in (Evidence(19, 40, 12, 3), Evidence(600, 4, 12, 3), Evidence(600, 40, 2, 3), Evidence(600, 40, 12, 1)):
        assert status(after, evidence=few).code == "alarm"


def test_power_is_what_simulation_gives() -> None:
    found = status(background("poisson", rng(8), 61 * 24))
    delays = [p.median_delay_hours for p in found.power]
    assert [p.share for p in found.power] == [0.05, 0.33, 1.0]
    assert all(d is not None and d <= limit for d, limit in zip(delays, (24, 8, 5), strict=True))
    early = status(np.zeros(5 * 24))
    assert all(p.chance > 0.95 for p in early.power)


def test_windows_that_overlap_are_refused() -> None:
    check_windows(Window(0, 10), Window(10, 20))
    with pytest.raises(BadWatch) as caught:
        check_windows(Window(0, 11), Window(10, 20))
    assert caught.value.code == "overlapping_windows"


def test_a_background_given_beforehand_is_watched_at_once() -> None:
    quiet = hours_of_counts(background("poisson", rng(9), 60 * 24))
    begun = begin_watch(quiet, Plan(ACTIVE))
    assert isinstance(begun, WatchState)
    assert begun.calibrated_at == 60 * DAY_US
