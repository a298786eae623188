"""Confidence of a finding, 1 to 5: the lowest rule decides. It grades the evidence, not the effect; it is no probability.

A rule that cannot be judged from one series (a second independence group, a registered plan, an audit) counts as unmet and is named, until
``corroborated``, ``audited`` or ``Effect.with_plan`` has what it asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from spamtide.measure.agreement import UNKNOWN_GROUP, FeedEffect
from spamtide.measure.values import Confidence, Effect, Interval, Neighbour, Note

MATTERS = 0.75  # a change that would matter, stated beforehand: -25 %
AUDITED = 0.95  # the precision that an audit's lower bound must reach


def grade(
    *,
    ratio: Interval | None,
    basis: str,
    bins_before: int,
    placebo_p: float | None,
    mde: float | None,
    neighbours: Sequence[Neighbour],
    warnings: Sequence[Note],
    competing: bool,
    pre_trend: Note | None = None,
) -> Confidence:
    """The level, and each unmet rule with the numbers that would meet it."""
    one: list[Note] = []
    if basis == "import-span":
        one.append(Note("exposure_inferred"))
    if ratio is None:
        one.append(Note("refused"))
    one += [w for w in warnings if w.code == "placebo_disagrees"]
    two: list[Note] = []
    if bins_before < 56:
        two.append(Note("history_below_56_days", {"live_days_before": bins_before, "needed": 56}))
    if competing:
        two.append(Note("competing_event_unbounded"))
    if ratio is not None:
        change = not ratio.low <= 1 <= ratio.high
        if placebo_p is None:
            two.append(Note("placebo_not_possible"))
        elif change and placebo_p > 0.05:
            two.append(Note("placebo_p_above_05", {"p": placebo_p}))
        elif not change and (placebo_p <= 0.05 or mde is None or mde < MATTERS):
            two.append(Note("effect_that_matters_not_detectable", {"minimum_detectable": mde, "matters": MATTERS}))
        given = [n.ratio for n in neighbours if n.ratio is not None]
        if not given:
            two.append(Note("sensitivity_not_run"))
        elif change and any((n.value < 1) != (ratio.value < 1) for n in given):
            two.append(Note("sensitivity_changes_sign"))
    four = [Note("one_independence_group", {"needed": 2})]
    five = [Note("no_registered_plan"), Note("attribution_not_audited")]
    if pre_trend is None or pre_trend.facts.get("fired"):
        five.insert(0, Note("pre_trend_not_clean"))
    return Confidence.of((*one, *two, *four, *five))


def corroborated(effect: Effect, stated: Sequence[FeedEffect]) -> Effect:
    """The same beside the effects of all feeds (its own is one of them): how many independence groups say so too.

    A group agrees if the interval of one of its feeds on the same metric shares a value with this one's. A feed that nobody stated a
    group for is no second witness, nor has one.
    """
    own = next((e.group for e in stated if e.feed == effect.feed), UNKNOWN_GROUP)
    ratio = effect.ratio
    if own == UNKNOWN_GROUP or ratio is None:
        return effect
    groups = {own}
    for e in stated:
        alike = e.measure == effect.measure and e.ratio is not None
        if alike and e.ratio is not None and e.ratio.low <= ratio.high and ratio.low <= e.ratio.high:
            groups.add(e.group)
    agreeing = len(groups - {UNKNOWN_GROUP})
    if agreeing < 2:
        return effect
    unmet = [n for n in effect.confidence.unmet if n.code != "one_independence_group"]
    if agreeing == 2:
        unmet.append(Note("two_independence_groups", {"needed": 3}))
    return replace(effect, confidence=Confidence.of(unmet))


def audited(effect: Effect, precision: Interval | None) -> Effect:
    """The same with an audit of how messages are attributed: its rule is met where the lower bound of the precision is .95."""
    if precision is None or precision.low < AUDITED:
        return effect
    return replace(effect, confidence=Confidence.of(n for n in effect.confidence.unmet if n.code != "attribution_not_audited"))  # fmt: skip
