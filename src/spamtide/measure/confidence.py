"""Confidence of a finding, 1 to 5: the lowest rule decides. It grades the evidence, not the effect; it is no probability.

A rule that cannot be judged yet (a second independence group, a registered plan) counts as unmet and is named.
"""

from __future__ import annotations

from collections.abc import Sequence

from spamtide.measure.values import Confidence, Interval, Neighbour, Note

MATTERS = 0.75  # a change that would matter, stated beforehand: -25 %


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
    level = 1 if one else 2 if two else 3
    return Confidence(level, (*one, *two, *four, *five))
