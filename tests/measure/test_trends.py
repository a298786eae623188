"""Turns of the level before a cut: their weights, and that days which fall speak for one."""

from __future__ import annotations

import numpy as np
import pytest

from spamtide.measure.grid import Observed, Points
from spamtide.measure.latent import NOISES, WEEKDAY_SD
from spamtide.measure.shapes import Curve
from spamtide.measure.trends import NO_TREND, SLOPE, TURN_DAYS, TURN_WEIGHT, trends_of


def test_weights_add_up_to_one_and_turns_go_either_way() -> None:
    found = trends_of(np.arange(-90.0, 14))
    assert sum(t.weight for t in found) == pytest.approx(1.0)
    assert NO_TREND + SLOPE[1] + TURN_WEIGHT == pytest.approx(1.0)
    assert sum(t.weight for t in found if t.mean > 0) == sum(t.weight for t in found if t.mean < 0) > 0


def test_a_short_history_has_no_turns() -> None:
    assert not any(t.turn for t in trends_of(np.arange(-27.0, 10)))


def test_where_no_other_turn_has_room_a_late_one_is_thought_of() -> None:
    late, first = (trends_of(np.arange(-days, 10)) for days in (33.0, 34.0))
    for found, days in ((late, TURN_DAYS[1][0]), (first, TURN_DAYS[0][0])):
        assert sum(t.weight for t in found) == pytest.approx(1.0)
        turns = [t for t in found if t.turn]
        assert len(turns) == 4 and all(np.count_nonzero(t.columns[: -10 - days]) <= 1 for t in turns)
        assert all(np.flatnonzero(t.columns)[0] == len(t.columns) - 10 - days + 1 for t in turns)


def odds_of(fall: float, seed: int) -> float:
    """Odds of turns, by 80 days before a cut of which the last 30 fall by ``fall``."""
    rng = np.random.default_rng(seed)
    t = np.arange(-80.0, 0)
    z = np.log(200.0) + np.log(1 - fall) * np.clip((t + 30) / 30, 0, 1) + rng.normal(0, 0.2, 80)
    steady = np.hstack([np.ones((80, 1)), (np.arange(80)[:, None] % 7 == np.arange(7)[None, :]).astype(float)])
    empty = np.zeros(0)
    days = Observed(
        z, np.full(80, 0.005), steady, np.array([5.0, *[WEEKDAY_SD] * 7]), np.ones(79), np.zeros(0, np.int64),
        (empty, empty, 0.0), 1.0,
    )  # fmt: skip
    points = Points(days, trends_of(t), [Curve("none", 1.0, np.zeros((0, 0)), 0.0)], NOISES)
    weights = np.exp(points.log_weights - points.log_weights.max())
    turn = np.array([x.turn for x in points.trends])
    return float(weights[turn].sum() / weights[~turn].sum())


def test_days_that_fall_speak_for_a_turn_and_others_do_not() -> None:
    before = TURN_WEIGHT / (1 - TURN_WEIGHT)
    assert np.mean([odds_of(0.5, seed) > before for seed in range(12)]) >= 0.9
    assert np.mean([odds_of(0.0, seed) < before / 3 for seed in range(12)]) >= 0.75
