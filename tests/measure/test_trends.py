"""How much turns weigh: even odds where the days before the cut speak for one, little where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from spamtide.measure.grid import evidence
from spamtide.measure.latent import NOISES, WEEKDAY_SD
from spamtide.measure.trends import TURN_HEAVY, TURN_WEIGHT, Trend, trends_of, weighed


def weights(found: list[Trend]) -> tuple[float, float]:
    return sum(t.weight for t in found if t.turn), sum(t.weight for t in found if not t.turn)


@pytest.mark.parametrize(
    ("factor", "turns"), [(0.1, TURN_WEIGHT), (0.8, TURN_WEIGHT), (1.0, TURN_HEAVY), (50.0, TURN_HEAVY)]
)
def test_turns_weigh_as_the_days_before_say(factor: float, turns: float) -> None:
    trends = trends_of(np.arange(-90.0, 14))
    found = weighed(trends, np.where([t.turn for t in trends], np.log(factor), 0.0))
    assert weights(found) == (pytest.approx(turns), pytest.approx(1 - turns))
    # What is no turn keeps its proportions.
    assert found[1].weight / found[0].weight == pytest.approx(trends[1].weight / trends[0].weight)


def test_between_the_two_the_weight_grows_without_a_jump() -> None:
    trends = trends_of(np.arange(-90.0, 14))
    turn = np.array([t.turn for t in trends])
    seen = [weights(weighed(trends, np.where(turn, np.log(f), 0.0)))[0] for f in np.linspace(0.78, 1.02, 25)]
    assert (np.diff(seen) >= 0).all() and np.diff(seen).max() < 0.02


def test_a_short_history_has_no_turns() -> None:
    trends = trends_of(np.arange(-20.0, 10))
    assert not any(t.turn for t in trends)
    assert weighed(trends, np.zeros(len(trends))) == trends


def factor_of(fall: float, seed: int) -> float:
    """The Bayes factor of turns for 80 days before a cut of which the last 30 fall by ``fall``."""
    rng = np.random.default_rng(seed)
    t = np.arange(-80.0, 14)
    trends = trends_of(t)
    z = np.log(200.0) + np.log(1 - fall) * np.clip((t[:80] + 30) / 30, 0, 1) + rng.normal(0, 0.2, 80)
    steady = np.hstack([np.ones((80, 1)), (np.arange(80)[:, None] % 7 == np.arange(7)[None, :]).astype(float)])
    found = evidence(trends, steady, np.array([5.0, *[WEEKDAY_SD] * 7]), np.ones(79), z, np.full(80, 0.005), NOISES)
    turn = np.array([x.turn for x in trends])
    weight = np.array([x.weight for x in trends])
    likelihood = np.exp(found - found.max()) * weight
    return float(likelihood[turn].sum() / weight[turn].sum() / (likelihood[~turn].sum() / weight[~turn].sum()))


def test_days_that_fall_speak_for_a_turn_and_others_do_not() -> None:
    assert np.mean([factor_of(0.5, seed) > 1 for seed in range(12)]) >= 0.9
    assert np.mean([factor_of(0.0, seed) < 0.8 for seed in range(12)]) >= 0.75
