"""Plans: what will be measured, how and over which windows, frozen in the journal with a hash before the data are there.

A plan is a TOML file with the keys of a question. Its hash is over the question with every default filled in, so that neither
comments nor order count. The first ``spamtide effect --plan FILE`` writes it down, before anything is counted; the journal's chain
dates it. A result of the same measure, feed and cut that was asked otherwise says in what it departs.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spamtide.app.effects import EffectQuestion, check_question
from spamtide.app.instants import format_instant
from spamtide.errors import BrokenWorld, WrongUse
from spamtide.measure import METHOD_NAMES, SHAPE_NAMES, Effect, Plan, parse_measure

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

_KIND = "plan"
# What a plan may say, and what a result may depart from; the rest is not what is measured.
_KEYS = (
    "event", "at", "measure", "feed", "series", "target", "controls", "before", "after", "method", "shape", "origins",
    "dates", "decimal",
)  # fmt: skip
_SAME = ("event", "at", "measure", "feed", "series", "target")
_NEXT = 'Write feed, measure, event or at, and if need be before = "56d", after = "14d", method, shape.'


@dataclass(frozen=True, slots=True)
class FrozenPlan:
    """A plan of the journal: its id (of its hash), when it was frozen (microseconds UTC), its question."""

    id: str
    frozen_at: int
    question: dict[str, Any]


def read_plan(path: Path) -> EffectQuestion:
    """The question of a plan. Raises WrongUse ``bad_plan``, BrokenWorld ``unreadable``."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BrokenWorld(
            "unreadable", f"{path} cannot be read: {error.strerror or error}.", "Check the path and its permissions."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongUse("bad_plan", f"{path} is no TOML: {error}.", _NEXT) from None
    for key, value in given.items():
        many = key in ("controls", "origins")
        if key not in _KEYS:
            raise WrongUse("bad_plan", f"{path}: a plan has no key {key!r}.", _NEXT, key=key)
        if not (isinstance(value, list) and all(isinstance(v, str) for v in value) if many else isinstance(value, str)):
            raise WrongUse("bad_plan", f"{path}: {key} is a {'list of strings' if many else 'string'}.", _NEXT, key=key)
    for key, known in (("method", METHOD_NAMES), ("shape", SHAPE_NAMES)):
        if given.get(key, known[0]) not in known:
            raise WrongUse("bad_plan", f"{path}: there is no {key} {given[key]!r}.", f"{', '.join(known)}.", key=key)
    stated: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    question = EffectQuestion(**stated)
    check_question(question)
    return replace(question, measure=str(parse_measure(question.measure)))


def content_of(question: EffectQuestion) -> dict[str, Any]:
    """What of a question a plan freezes, every default filled in."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(question).items() if k in _KEYS}


def plan_id(content: dict[str, Any]) -> str:
    """``plan-`` and 16 hex digits of the SHA-256 of the canonical JSON."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "plan-" + hashlib.sha256(canonical.encode()).hexdigest()[:16]


def frozen_plans(workspace: Workspace) -> list[FrozenPlan]:
    """Those of the journal, each from when it was frozen first."""
    found: dict[str, FrozenPlan] = {}
    for record in workspace.archive.journal.read(_KIND):
        found.setdefault(record.body["plan"], FrozenPlan(record.body["plan"], record.at, record.body["question"]))
    return list(found.values())


def freeze_plan(workspace: Workspace, question: EffectQuestion, *, now: int) -> FrozenPlan:
    """Write it down, unless it was before; what was frozen first counts."""
    content = content_of(question)
    name = plan_id(content)
    for plan in frozen_plans(workspace):
        if plan.id == name:
            return plan
    workspace.archive.journal.append(_KIND, {"plan": name, "question": content}, now)
    return FrozenPlan(name, now, content)


def judged_by_plan(workspace: Workspace, question: EffectQuestion, effect: Effect) -> Effect:
    """The effect with what it owes to a plan of the same measure, feed and cut: followed, or in what it departs."""
    content = content_of(replace(question, measure=effect.measure if question.series is None else question.measure))
    same = [p for p in frozen_plans(workspace) if all(p.question.get(k) == content[k] for k in _SAME)]
    if not same:
        return effect
    kept = next((p for p in same if p.id == plan_id(content)), same[0])
    departures = tuple(k for k in _KEYS if kept.question.get(k) != content[k])
    return effect.with_plan(Plan(kept.id, kept.frozen_at, kept.frozen_at <= effect.cut, departures))


def plan_line(plan: Plan) -> str:
    """What the terminal says of it."""
    when = format_instant(plan.frozen_at)
    said = f"followed the plan {plan.id}, frozen {when}"
    if plan.departures:
        said = f"departs from the plan {plan.id}, frozen {when}, in: {', '.join(plan.departures)}"
    early = "before the cut" if plan.before_data else "after the cut, when the data could be known"
    return f"The result {said}, {early}."
