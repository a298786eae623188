"""Learning, watching, and learning again: no return is swallowed, and stepping in pieces is stepping at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spamtide.measure import HOUR_US, Refusal
from spamtide.watch import (
    Hour,
    Plan,
    WatchState,
    begin_watch,
    dismissed,
    in_blocks,
    learn_baseline,
    step_hours,
    step_watch,
)
from watched_worlds import ACTIVE, BACKGROUND, LEARNT, background, hours_of_counts

PLAN = Plan(ACTIVE)


def quiet(seed: int, hours: int, kind: str = "poisson") -> np.ndarray:
    return background(kind, np.random.Generator(np.random.Philox(seed)), hours)


def test_the_bound_is_the_mean_and_two_standard_errors_of_blocks() -> None:
    # 30 blocks of 48 hours with a hit in 12 or in 20 of their hours, by turns.
    counts = np.concatenate([np.r_[np.ones(hits), np.zeros(48 - hits)] for hits in (12, 20) * 15])
    found = learn_baseline(in_blocks(hours_of_counts(counts)))
    assert not isinstance(found, Refusal)
    assert found.mean == pytest.approx(16 / 48)
    assert found.worst == pytest.approx(20 / 48)
    error = 4 * np.sqrt(30 * 30 / 29) / LEARNT
    between = 30 * 4**2 / 48 / 29
    within = (15 * (20 - 20**2 / 48) + 15 * (12 - 12**2 / 48)) / (30 * 47)
    assert found.burstiness == pytest.approx(between / within)
    assert not found.guarded
    assert found.bound == pytest.approx(16 / 48 + 2 * error + 2 * np.sqrt((between - within) / 48))


def test_no_hit_in_sixty_days_is_not_a_rate_of_zero() -> None:
    found = learn_baseline(in_blocks(hours_of_counts(np.zeros(LEARNT))))
    assert not isinstance(found, Refusal)
    assert found.bound == pytest.approx(3 / LEARNT)


def test_bursts_of_days_are_told_and_guarded_against() -> None:
    found = learn_baseline(in_blocks(hours_of_counts(quiet(3, LEARNT, "bursts"))))
    assert not isinstance(found, Refusal)
    assert found.guarded
    assert found.bound == pytest.approx(1.5 * found.worst)


def test_fewer_than_sixty_live_days_give_no_alarm() -> None:
    hours = hours_of_counts(quiet(1, LEARNT))
    found = begin_watch(hours[:-1], PLAN)
    assert isinstance(found, Refusal)
    assert found.reason == "too_few_quiet_days"
    assert found.needed == {"quiet_days": 60}
    # A dead hour is no quiet one.
    assert isinstance(begin_watch([replace(hours[0], exposure=0.0), *hours[1:]], PLAN), Refusal)
    state = step_hours(WatchState(), [*hours[:-1], *hours_of_counts(np.full(40, 99.0), LEARNT - 1)][: LEARNT - 1], PLAN)
    assert state.baseline is None
    assert state.alarm is None


def test_what_is_learnt_hour_by_hour_is_what_is_learnt_at_once() -> None:
    hours = hours_of_counts(quiet(2, LEARNT + 48))
    stepped = step_hours(WatchState(), hours, PLAN)
    begun = begin_watch(hours[:LEARNT], PLAN)
    assert isinstance(begun, WatchState)
    assert stepped.baseline == begun.baseline
    assert stepped.first_bound == begun.first_bound


def test_stepping_in_pieces_is_stepping_at_once() -> None:
    hours = hours_of_counts(quiet(4, LEARNT + 2000, "diurnal"))
    at_once = step_hours(WatchState(), hours, PLAN)
    state = WatchState()
    for start in range(0, len(hours), 37):
        state = step_hours(state, hours[start : start + 37], PLAN)
    assert state == at_once


def test_a_return_while_the_background_is_learnt_is_not_learnt() -> None:
    counts = quiet(5, LEARNT + 30 * 24).astype(float)
    counts[500:740] += ACTIVE * 0.4
    state = step_hours(WatchState(), hours_of_counts(counts[: LEARNT + 24]), PLAN)
    # The ten days began anew: the baseline is not there yet.
    assert state.baseline is None
    later = step_hours(WatchState(), hours_of_counts(np.concatenate([counts, quiet(6, 240)])), PLAN)
    assert later.baseline is not None
    assert later.baseline.mean < 2 * BACKGROUND


def test_a_botnet_that_comes_back_slowly_cannot_raise_the_bar() -> None:
    # Half a year in which the rate creeps from the background to a tenth of the active rate.
    rng = np.random.Generator(np.random.Philox(7))
    start = begin_watch(hours_of_counts(quiet(7, LEARNT)), PLAN)
    assert isinstance(start, WatchState)
    rates = np.linspace(BACKGROUND, 0.1 * ACTIVE, 4000)
    state = start
    for hour in hours_of_counts(rng.poisson(rates), LEARNT):
        state = step_watch(state, hour, PLAN)
        assert state.baseline is not None
        assert state.first_bound is not None
        assert state.baseline.bound <= state.first_bound
        if state.alarm is not None:
            break
    assert state.alarm is not None
    # Noticed before it had reached a thirtieth of what it was.
    assert rates[state.alarm.at // HOUR_US - LEARNT - 1] < ACTIVE / 30


def test_what_is_learnt_again_may_lower_the_bound() -> None:
    start = begin_watch(hours_of_counts(quiet(8, LEARNT)), PLAN)
    assert isinstance(start, WatchState)
    end = step_hours(start, hours_of_counts(np.zeros(LEARNT * 7), LEARNT), PLAN)
    assert end.baseline is not None
    assert start.baseline is not None
    assert end.baseline.bound < 0.1 * start.baseline.bound


def test_an_alarm_stands_until_a_person_decides() -> None:
    start = begin_watch(hours_of_counts(quiet(9, LEARNT)), PLAN)
    assert isinstance(start, WatchState)
    raised = step_hours(start, hours_of_counts(np.full(20, ACTIVE), LEARNT), PLAN)
    assert raised.alarm is not None
    later = step_watch(raised, Hour((LEARNT + 300) * HOUR_US, 0.0, 1.0), PLAN)
    assert later.alarm == raised.alarm
    again = dismissed(later)
    assert again.alarm is None
    assert again.baseline == raised.baseline
    assert step_hours(again, hours_of_counts(quiet(10, 500), LEARNT + 301), PLAN).alarm is None
