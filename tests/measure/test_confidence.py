"""Confidence above 3: other witnesses, a plan, a clean pre-trend and an audit, each rule by its own; the lowest decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from made_worlds import Kind, made
from spamtide.measure import (
    DAY_US,
    Effect,
    FeedEffect,
    Interval,
    Plan,
    Window,
    audited,
    corroborated,
    estimate_effect,
)


@pytest.fixture(scope="module")
def effect() -> Effect:
    series, cut, _ = made(Kind("calm", 0.1, 0.3, before=120), 3)
    start, end = int(series.starts[0]), int(series.starts[-1]) + DAY_US
    found = estimate_effect(series, cut, before=Window(start, cut), after=Window(cut, end), feed="a", event="e")
    assert found.ratio is not None and found.confidence.level == 3
    return found


def at(effect: Effect, *feeds: tuple[str, str, float, float]) -> list[FeedEffect]:
    """The effect's own feed of group ``us``, and others by (feed, group, low, high)."""
    own = FeedEffect("a", "us", effect.measure, effect.ratio)
    return [own, *(FeedEffect(f, g, effect.measure, Interval((lo * hi) ** 0.5, lo, hi)) for f, g, lo, hi in feeds)]


def codes(effect: Effect) -> list[str]:
    return [n.code for n in effect.confidence.unmet]


def test_another_group_that_agrees_makes_four(effect: Effect) -> None:
    assert effect.ratio is not None
    low, high = effect.ratio.low, effect.ratio.high
    found = corroborated(effect, at(effect, ("b", "them", low, high)))
    assert found.confidence.level == 4
    assert codes(found)[-1] == "two_independence_groups" and "one_independence_group" not in codes(found)


@pytest.mark.parametrize(
    ("group", "low", "high"),
    [("us", 0.9, 1.1), ("unknown", 0.9, 1.1), ("them", 5.0, 9.0), ("them", 0.001, 0.002)],
)
def test_who_shares_a_source_or_disagrees_is_no_witness(effect: Effect, group: str, low: float, high: float) -> None:
    assert effect.ratio is not None
    scale = effect.ratio.value
    assert corroborated(effect, at(effect, ("b", group, low * scale, high * scale))) == effect


def test_a_feed_of_which_nobody_said_whose_it_is_has_no_second_witness(effect: Effect) -> None:
    assert effect.ratio is not None
    stated = at(effect, ("b", "them", effect.ratio.low, effect.ratio.high))
    assert corroborated(effect, [replace(stated[0], group="unknown"), stated[1]]) == effect


def test_another_metric_is_no_witness(effect: Effect) -> None:
    assert effect.ratio is not None
    stated = at(effect, ("b", "them", effect.ratio.low, effect.ratio.high))
    assert corroborated(effect, [stated[0], replace(stated[1], measure="peers")]) == effect


def test_five_asks_for_all_of_it(effect: Effect) -> None:
    assert effect.ratio is not None and effect.pre_trend is not None and not effect.pre_trend.facts["fired"]
    low, high = effect.ratio.low, effect.ratio.high
    three = corroborated(effect, at(effect, ("b", "them", low, high), ("c", "others", low, high)))
    assert three.confidence.level == 4 and codes(three) == ["no_registered_plan", "attribution_not_audited"]
    kept = three.with_plan(Plan("plan-1", 0, True, ()))
    assert kept.confidence.level == 4
    assert audited(kept, Interval(0.97, 0.94, 0.99)).confidence.level == 4
    assert audited(kept, None).confidence.level == 4
    whole = audited(kept, Interval(0.98, 0.951, 0.99))
    assert whole.confidence.level == 5 and codes(whole) == []


def test_all_of_it_at_one_witness_is_three(effect: Effect) -> None:
    alone = audited(effect.with_plan(Plan("plan-1", 0, True, ())), Interval(0.99, 0.98, 1.0))
    assert alone.confidence.level == 3 and codes(alone) == ["one_independence_group"]


def test_a_rule_of_two_outweighs_every_witness(effect: Effect) -> None:
    series, cut, _ = made(Kind("calm", 0.1, 0.3, before=40), 3)
    start, end = int(series.starts[0]), int(series.starts[-1]) + DAY_US
    short = estimate_effect(series, cut, before=Window(start, cut), after=Window(cut, end), feed="a", event="e")
    assert short.ratio is not None and short.confidence.level == 2
    low, high = short.ratio.low, short.ratio.high
    assert corroborated(short, at(short, ("b", "them", low, high))).confidence.level == 2
