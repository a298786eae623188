"""Steps watches forward to the last whole hour that is known. What is raised is in the journal before the step that raised it is saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from spamtide.app.observatory import Observatory
from spamtide.app.watching.book import RaisedAlarm, Watch, WatchBook, alarm_id
from spamtide.app.watching.states import load_state, save_state
from spamtide.app.watching.targets import Target, hourly, seen
from spamtide.fingerprint import FACTS_VERSION
from spamtide.measure import EVERYTHING, HOUR_US, INFERRED, Refusal, Series, Tree, Window, span
from spamtide.watch import (
    Alarm,
    Evidence,
    Hour,
    Plan,
    WatchState,
    WatchStatus,
    begin_watch,
    dismissed,
    hours_of,
    judge,
    measure_silence,
    step_watch,
    within,
)

# Evidence is counted up to so long after an alarm: a return of a trickle has twenty messages later.
_EVIDENCE_US = 7 * 24 * HOUR_US


@dataclass(frozen=True, slots=True)
class Stepped:
    """A watch after a run: its status, hours stepped now, and its alarm, ``new`` if it was raised in this run."""

    watch: Watch
    status: WatchStatus
    hours: int
    alarm: RaisedAlarm | None
    new: bool


def run_watches(
    observatory: Observatory, watches: Sequence[Watch], *, now: int, progress: Callable[[int], None] | None = None
) -> Iterator[Stepped]:
    """Each watch stepped to the last whole hour that ``now`` and the exposure of its feeds allow; each saved before the next begins."""
    for done, watch in enumerate(watches, 1):
        yield _run(observatory, watch, now)
        if progress is not None:
            progress(done)


def status_of_watch(
    observatory: Observatory, watch: Watch, *, now: int, filters: Tree = EVERYTHING, anew: bool = False
) -> Stepped:
    """The status of a watch as a run would give it, with nothing written down.

    ``filters``: as if it watched the messages that match these alone. Then, or ``anew``, as of an earlier ``now``, it steps from its
    beginning, and nobody has decided about what it finds.
    """
    return _stepped(observatory, watch, now, filters, anew or filters != EVERYTHING)[0]


def _run(observatory: Observatory, watch: Watch, now: int) -> Stepped:
    book, workspace = WatchBook(observatory.workspace), observatory.workspace
    stepped, state = _stepped(observatory, watch, now)
    new = False
    if stepped.status.alarm is not None:
        new = book.raise_alarm(watch, stepped.status.alarm, stepped.status.evidence, now=now)
    if isinstance(state, WatchState):
        save_state(workspace, watch, state)
    return replace(stepped, alarm=_raised(book, watch, stepped.status.alarm), new=new)


def _stepped(
    observatory: Observatory, watch: Watch, now: int, filters: Tree = EVERYTHING, anew: bool = False
) -> tuple[Stepped, WatchState | Refusal]:
    target = Target(watch.measure, watch.feeds, watch.expressions, filters)
    series = hourly(observatory, target)
    until = known_until(observatory, watch.feeds, now)
    hours = [h for h in hours_of(series) if h.start + HOUR_US <= until]
    book = WatchBook(observatory.workspace)
    saved = None if anew else load_state(observatory.workspace, watch)
    decided = [] if anew else [a for a in book.alarms() if a.key == watch.key]
    state = step_through(watch, hours, series, saved, decided)
    alarm = state.alarm if isinstance(state, WatchState) else None
    raised = None if anew else _raised(book, watch, alarm)
    evidence = None if alarm is None else _evidence(observatory, target, alarm, until)
    status = judge(
        hours, state, signature=watch.signature, silent_since=watch.silent_since, active=watch.active, evidence=evidence,
        confirmed=raised is not None and raised.decided == "confirmed", basis=series.basis, warnings=series.warnings,
    )  # fmt: skip
    before = saved.up_to if saved is not None and saved.up_to is not None else _start(watch, hours)
    taken = (state.up_to or 0) - before if isinstance(state, WatchState) else 0
    return Stepped(watch, status, max(taken // HOUR_US, 0), raised, False), state


def _start(watch: Watch, hours: Sequence[Hour]) -> int:
    """Where the steps of a watch begin: behind its background, else at the stop."""
    ends = [w.end for w in (watch.background,) if w is not None]
    if watch.silent_since is not None:
        ends.append(watch.silent_since)
    return max(ends, default=hours[-1].start + HOUR_US if hours else 0)


def step_through(
    watch: Watch,
    hours: Sequence[Hour],
    series: Series,
    saved: WatchState | None,
    raised: Sequence[RaisedAlarm],
    took: Callable[[Hour, WatchState], None] | None = None,
) -> WatchState | Refusal:
    """The watch stepped through those hours that ``saved`` has not taken; from its beginning where nothing was saved.

    Alarms that a person dismissed are passed over, their hours up to the decision too. ``took`` is told each state. Why no alarm can be raised is a refusal.
    """
    if series.basis == INFERRED:
        return Refusal("exposure_not_stated", {"exposure_basis": "uptime"}, {"exposure_basis": series.basis})
    if saved is None and watch.background is None and watch.silent_since is None:
        return Refusal("no_stop", {"quiet_days": 60}, {"quiet_days": 0})
    rates = measure_silence(hours, watch.silent_since, active=watch.active) if hours else None
    plan = Plan(rates.active_per_hour if rates is not None else None)
    state: WatchState | Refusal = saved if saved is not None else WatchState()
    if saved is None and watch.background is not None:
        state = begin_watch(within(hours, watch.background), plan)
    if isinstance(state, Refusal):
        return state
    begun = max(state.up_to or 0, _start(watch, hours)) if saved is None else saved.up_to or 0
    gone = {a.id: a.up_to or 0 for a in raised if a.decided == "dismissed"}
    for hour in hours:
        if hour.start >= begun:
            state = step_watch(_passed(watch, state, hour, gone), hour, plan)
            if took is not None:
                took(hour, state)
    return _passed(watch, state, None, gone)


def _passed(watch: Watch, state: WatchState, hour: Hour | None, gone: dict[str, int]) -> WatchState:
    """The state without an alarm that was dismissed, once the hours that were known at the decision are over."""
    if state.alarm is None:
        return state
    until = gone.get(alarm_id(watch, state.alarm))
    over = until is not None and (hour is None or hour.start >= until) and (state.up_to or 0) >= until
    return dismissed(state) if over else state


def _raised(book: WatchBook, watch: Watch, alarm: Alarm | None) -> RaisedAlarm | None:
    if alarm is None:
        return None
    wanted = alarm_id(watch, alarm)
    return next((a for a in book.alarms() if a.id == wanted), None)


def _evidence(observatory: Observatory, target: Target, alarm: Alarm, until: int) -> Evidence | None:
    """What came of the target since the evidence rose; None for a feed of counts."""
    import pyarrow.compute as pc

    if not any(observatory.workspace.archive.segments(feed) for feed in target.feeds):
        return None
    rows = seen(observatory, target, Window(alarm.since, min(until, alarm.at + _EVIDENCE_US)))
    addresses = {a for text in rows["recipients"].to_pylist() for a in (text or "").lower().split("\n") if a}

    def distinct(column: str) -> int:
        return int(pc.count_distinct(rows[column], mode="only_valid").as_py())

    return Evidence(rows.num_rows, distinct("peer_unit"), distinct("network"), len(addresses))


def known_until(observatory: Observatory, feeds: Sequence[str], now: int) -> int:
    """The end of the last whole hour of which everything is known: over by the clock, in the exposure, and digested."""
    covered = span(observatory.exposures(feeds))
    until = min(now, covered[1] if covered is not None else now)
    held = observatory.workspace.tables.digested(FACTS_VERSION)
    for feed in feeds:
        for segment in observatory.workspace.archive.segments(feed):
            if segment.records > held.get((segment.feed, segment.writer, segment.number), 0):
                until = min(until, segment.first_received_at)
    return until // HOUR_US * HOUR_US
