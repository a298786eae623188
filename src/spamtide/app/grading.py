"""What a finding's confidence owes to what stands outside its series: the plan that it follows, an audit, other witnesses.

Whoever shows an effect of feeds takes it from here, so that the command, the report, the table of feeds and the dashboard say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from spamtide.app.auditing import audited_precision
from spamtide.app.effects import EffectQuestion
from spamtide.app.plans import judged_by_plan
from spamtide.app.searching import asks_for_campaigns
from spamtide.measure import UNKNOWN_GROUP, Effect, FeedEffect, audited, corroborated

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace


def graded_alone(workspace: Workspace, question: EffectQuestion, effect: Effect) -> Effect:
    """The effect of one feed, judged by a plan of its question, and by an audit of the grouping where its measure rests on that."""
    effect = judged_by_plan(workspace, question, effect)
    if not asks_for_campaigns(question.measure):
        return effect
    return audited(effect, audited_precision(workspace))


def stated_effect(effect: Effect, groups: Mapping[str, str]) -> FeedEffect:
    """The effect at one feed with the independence group that was stated of the feed."""
    assert effect.feed is not None
    return FeedEffect(effect.feed, groups.get(effect.feed, UNKNOWN_GROUP), effect.measure, effect.ratio, effect.refused)


def graded_together(effects: Sequence[Effect], groups: Mapping[str, str]) -> list[Effect]:
    """The effects in their order, each graded beside those of the other feeds; ``groups``: the independence group stated of a feed."""
    stated = [stated_effect(e, groups) for e in effects]
    return [corroborated(e, stated) for e in effects]
