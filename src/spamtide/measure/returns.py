"""How long until what was struck came back: Kaplan-Meier over the registry, the target's return apart from the total's recovery.

An event whose target was still gone when somebody last looked is censored there and kept. One of which no dated look is known
has no time at all: it is left out and named, and so is a return whose beginning nobody stated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from spamtide.event import Afterwards, Event
from spamtide.measure.values import DAY_US, Interval

Whose = Literal["target", "total"]


@dataclass(frozen=True, slots=True)
class ReturnCase:
    """One event on the axis of time: ``days`` to the return, or to the last look where ``returned`` is false.

    ``earliest`` and ``latest`` are as far as the dates' precision allows. ``remembered``: a date that no source read states.
    """

    event: str
    kind: str
    returned: bool
    days: float
    earliest: float
    latest: float
    remembered: bool


@dataclass(frozen=True, slots=True)
class WithoutTime:
    """An event that has no time to return: ``never_known``, ``never_fell``, ``not_stated`` or ``start_not_known``."""

    event: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class SurvivalRow:
    """At ``days`` after the event: how many were still watched and gone just before, how many returned, how many were last seen.

    ``gone`` is the share not yet back after this day; its interval is 0 to 1, that is none, where all or none are back.
    """

    days: float
    at_risk: int
    returned: int
    censored: int
    gone: Interval
    standard_error: float


@dataclass(frozen=True, slots=True)
class ReturnCurve:
    """Kaplan-Meier of one group of cases, earliest first.

    ``median``: days to return, None while more than half were never seen back; its high is infinite where the data end before.
    ``median_bounds``: the same if every date lay as early, or as late, as its precision allows. ``median_if_never``: the same if
    those left out as ``never_known`` never came back, watched as long as the longest case.
    """

    n: int
    returned: int
    censored: int
    rows: tuple[SurvivalRow, ...]
    median: Interval | None
    cases: tuple[ReturnCase, ...]
    left_out: tuple[WithoutTime, ...]
    median_bounds: tuple[float | None, float | None]
    median_if_never: float | None


def kaplan_meier(times: Sequence[tuple[float, bool]], level: float = 0.95) -> tuple[SurvivalRow, ...]:
    """Product-limit estimate of the share still gone; ``times`` are (days, returned), False meaning censored.

    A case censored on a day of returns counts as watched on that day. Standard error by Greenwood; interval on the scale
    log(-log S), which stays within 0 and 1. Where S is 1 or 0 that scale has no interval: it is 0 to 1.

    Method: Kaplan and Meier 1958; Greenwood 1926; Kalbfleisch and Prentice 1980. Raises ValueError for a time below 0.
    """
    if any(not t >= 0 for t, _ in times):
        raise ValueError("a time to return is below 0")
    z = NormalDist().inv_cdf(0.5 + level / 2)
    rows: list[SurvivalRow] = []
    share, variance = 1.0, 0.0
    for day in sorted({t for t, _ in times}):
        at_risk = sum(t >= day for t, _ in times)
        back = sum(t == day and returned for t, returned in times)
        last = sum(t == day and not returned for t, returned in times)
        share *= 1 - back / at_risk
        variance += back / (at_risk * (at_risk - back)) if at_risk > back else 0.0
        rows.append(
            SurvivalRow(day, at_risk, back, last, _log_log(share, variance, z, level), share * math.sqrt(variance))
        )
    return tuple(rows)


def _log_log(share: float, variance: float, z: float, level: float) -> Interval:
    if share <= 0 or share >= 1:
        return Interval(share, 0.0, 1.0, level)
    spread = z * math.sqrt(variance) / abs(math.log(share))
    return Interval(share, share ** math.exp(spread), share ** math.exp(-spread), level)


def median_days(rows: Sequence[SurvivalRow]) -> tuple[float | None, float | None, float | None]:
    """First day by which half are back, with the days at which the interval's lower and upper curve cross a half.

    None where a curve never does: the data end before. Method: Brookmeyer and Crowley 1982, on the log-log interval.
    """

    def first(pick: str) -> float | None:
        return next((r.days for r in rows if r.returned and getattr(r.gone, pick) <= 0.5 + 1e-12), None)

    return first("value"), first("low"), first("high")


def time_to_return(event: Event, whose: Whose) -> ReturnCase | WithoutTime:
    """The case of one event: from its default cut to the return, or to the last look."""
    state = event.target_fate if whose == "target" else event.total_after
    if state is None:
        return WithoutTime(event.id, event.kind, "not_stated")
    span = state.span
    if span is None or state.at is None:
        return WithoutTime(event.id, event.kind, state.fate.replace("-", "_"))
    start = event.cut_span()
    begins = event.started_at if start.end - start.start <= 7 * DAY_US else (start.start + start.end) / 2
    ends = state.at if span.end - span.start <= 7 * DAY_US else (span.start + span.end) / 2
    days = max((ends - begins) / DAY_US, 0.0)
    earliest = max((span.start - (start.end - 1)) / DAY_US, 0.0)
    latest = max((span.end - start.start) / DAY_US, 0.0)
    return ReturnCase(
        event.id,
        event.kind,
        state.fate == "returned",
        days,
        min(earliest, days),
        max(latest, days),
        _remembered(event, state),
    )


def _remembered(event: Event, state: Afterwards) -> bool:
    at = event.started_at
    times = (getattr(event.times, name) for name in event.times.__struct_fields__)
    return state.grade == "remembered" or any(f is not None and f.at == at and f.grade == "remembered" for f in times)


def return_curve(events: Iterable[Event], whose: Whose, kind: str | None = None) -> ReturnCurve:
    """The curve over all events, or those of one kind. Pseudo-events are none."""
    chosen = [e for e in events if not e.pseudo and (kind is None or e.kind == kind)]
    found = [time_to_return(e, whose) for e in chosen]
    cases = tuple(sorted((f for f in found if isinstance(f, ReturnCase)), key=lambda c: (c.days, c.event)))
    left = [f for f in found if isinstance(f, WithoutTime)]
    if whose == "target":
        # A return that is told without the day on which the pause began.
        left += [
            WithoutTime(f"{e.id}/{c.id}", "operator-pause", "start_not_known")
            for e in chosen for c in e.claims if c.metric == "return-time" and c.at is not None and c.at != _return_of(e)
            and (kind is None or kind == "operator-pause") and c.about == e.target and not _own_return(e, c.at)
        ]  # fmt: skip
    rows = kaplan_meier([(c.days, c.returned) for c in cases])
    middle, low, high = median_days(rows)
    never = [c for c in left if c.reason == "never_known"]
    longest = max((c.days for c in cases), default=0.0)
    pessimist = kaplan_meier([(c.days, c.returned) for c in cases] + [(longest, False)] * len(never))
    return ReturnCurve(
        len(cases), sum(c.returned for c in cases), sum(not c.returned for c in cases), rows,
        None if middle is None else Interval(middle, middle if low is None else low, math.inf if high is None else high),
        cases, tuple(left),
        (_median_at(cases, "earliest"), _median_at(cases, "latest")), median_days(pessimist)[0],
    )  # fmt: skip


def _return_of(event: Event) -> int | None:
    fate = event.target_fate
    return None if fate is None else fate.at


def _own_return(event: Event, at: int) -> bool:
    """Whether an instant is the event's own return told again: on its day."""
    back = _return_of(event)
    return back is not None and abs(back - at) < DAY_US


def _median_at(cases: Sequence[ReturnCase], which: str) -> float | None:
    """The median if every date lay at that end of what its precision allows."""
    return median_days(kaplan_meier([(getattr(c, which), c.returned) for c in cases]))[0]
