"""A watch, one hour at a time: learn the background, then watch, and learn it again without swallowing a return.

Three rules keep a return out of the baseline. While the first baseline is learnt, a block that holds a fifth of the active rate or more is no
quiet one: what was learnt is thrown away and learning begins after it. Later a block is learnt only once it is fourteen days old and no
alarm was raised. And what is learnt again may lower the bound, never lift it above the first one: however slowly a botnet comes back, it
cannot raise the bar in front of itself. Who knows that the background has risen says so, with a new watch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from spamtide.measure import DAY_US, HOUR_US, Refusal
from spamtide.watch.baseline import LEARN_DAYS, LEARNT_PART, block_start, in_blocks, learn_baseline, with_hour
from spamtide.watch.detector import alarm_of, step_detector
from spamtide.watch.values import BLOCK_US, THRESHOLD, Block, Detector, Hour, WatchState

HELD_US = 14 * DAY_US
# Blocks that a baseline is of at most: a year.
KEPT_BLOCKS = 183
# A block with this share of the active rate is not quiet.
NOT_QUIET = 0.2


@dataclass(frozen=True, slots=True)
class Plan:
    """What is constant in a watch. ``active_rate``: messages in a live hour while it was active; None where nobody knows."""

    active_rate: float | None = None
    learn_days: int = LEARN_DAYS
    threshold: float = THRESHOLD


def begin_watch(background: Iterable[Hour], plan: Plan) -> WatchState | Refusal:
    """A watch whose background is known beforehand: all hours of ``background`` are taken to be quiet, as its operator says."""
    hours = tuple(background)
    blocks = in_blocks(hours)
    baseline = learn_baseline(blocks, plan.learn_days)
    if isinstance(baseline, Refusal):
        return baseline
    end = hours[-1].start + HOUR_US
    learnt = blocks[-KEPT_BLOCKS:]
    return WatchState(end, learnt, baseline=baseline, first_bound=baseline.bound, calibrated_at=end)


def step_watch(state: WatchState, hour: Hour, plan: Plan) -> WatchState:
    """The watch after one more hour; hours come in order. After an alarm nothing changes but ``up_to``, until a person decides."""
    state = replace(state, up_to=hour.start + HOUR_US)
    if state.alarm is not None:
        return state
    state = _taken(state, hour, plan)
    if state.baseline is None:
        return state
    detector = step_detector(state.detector, hour, state.baseline.bound)
    return replace(state, detector=detector, alarm=alarm_of(detector, hour, state.baseline.bound, plan.threshold))


def step_hours(state: WatchState, hours: Iterable[Hour], plan: Plan) -> WatchState:
    """The watch after several hours, up to its alarm if it raises one."""
    for hour in hours:
        state = step_watch(state, hour, plan)
        if state.alarm is not None:
            return state
    return state


def dismissed(state: WatchState) -> WatchState:
    """The watch after a person said that its alarm was none: it goes on with the same bound and no evidence."""
    return replace(state, alarm=None, detector=Detector(hours=state.detector.hours), held=(), open=None)


def _taken(state: WatchState, hour: Hour, plan: Plan) -> WatchState:
    """The hour in its block; a block that is over goes to be learnt or to be held."""
    start = block_start(hour.start)
    if state.open is not None and state.open.start != start:
        state = _closed(replace(state, open=None), state.open, plan)
    block = with_hour(state.open if state.open is not None else Block(start), hour)
    over = hour.start + HOUR_US == start + BLOCK_US
    if over or (state.baseline is None and _hours((*state.learnt, block)) >= plan.learn_days * 24 * LEARNT_PART):
        return _closed(replace(state, open=None), block, plan)
    return replace(state, open=block)


def _hours(blocks: Iterable[Block]) -> float:
    return sum(b.hours for b in blocks)


def _closed(state: WatchState, block: Block, plan: Plan) -> WatchState:
    if not block.hours:
        return state
    if state.baseline is None:
        return _learning(state, block, plan)
    held = (*state.held, block)
    old = tuple(b for b in held if b.start + HELD_US <= block.start)
    if not old:
        return replace(state, held=held)
    learnt = (*state.learnt, *old)[-KEPT_BLOCKS:]
    return _with_bound(replace(state, learnt=learnt, held=held[len(old) :]), learnt, plan)


def _learning(state: WatchState, block: Block, plan: Plan) -> WatchState:
    if plan.active_rate is not None and block.count >= NOT_QUIET * plan.active_rate * block.hours:
        return replace(state, learnt=())
    learnt = (*state.learnt, block)
    return _with_bound(replace(state, learnt=learnt), learnt, plan)


def _with_bound(state: WatchState, blocks: Sequence[Block], plan: Plan) -> WatchState:
    """The state with the baseline of these blocks, its bound never above the first one."""
    found = learn_baseline(blocks, plan.learn_days)
    if isinstance(found, Refusal):
        return state
    first = found.bound if state.first_bound is None else state.first_bound
    since = state.calibrated_at if state.calibrated_at is not None else state.up_to
    return replace(
        state, baseline=replace(found, bound=min(found.bound, first)), first_bound=first, calibrated_at=since
    )
