"""A claim as numbers: what its words allow, when it holds, and how two of them may differ and both be true."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from spamtide.event import Claim, Event, Span
from spamtide.measure.values import DAY_US

# A window this close to the event is of the event; half a year later something else may have happened.
NEAR_DAYS = 62.0
_MINUTES = {"second": 1 / 60, "minute": 1.0, "hour": 60.0, "day": 1440.0, "week": 10080.0}
_PER = re.compile(r"^messages (?:an?|in (?:a |(\d+) ))\s?(second|minute|hour|day|week)s?\b")


def is_witnessed(claim: Claim) -> bool:
    """Whether somebody counted it: not arithmetic on other claims, not a copy, not a misquotation."""
    return claim.grade != "derived" and claim.restates is None and claim.flaw is None


def is_change(claim: Claim) -> bool:
    """Whether the figure is a change as a share of before, so that steps multiply."""
    return claim.unit.startswith("change of")


def point(claim: Claim) -> float | None:
    """The figure, the middle of a range, or None."""
    if claim.value is not None:
        return claim.value
    return None if claim.low is None or claim.high is None else (claim.low + claim.high) / 2


def allowed(claim: Claim) -> tuple[float, float] | None:
    """Lowest and highest true value that the words allow, infinite where unbounded; None without a figure.

    ``~`` is read as the figure with its rounding: how far "about" reaches beyond that is a way out, not a bound.
    """
    middle = point(claim)
    if middle is None:
        return None
    if claim.comparator == "~":
        half = (claim.rounding or 0.0) / 2
        low, high = (claim.low, claim.high) if claim.value is None else (claim.value, claim.value)
        assert low is not None
        assert high is not None
        return (low - half, high + half)
    low, high = claim.bounds
    return (-math.inf if low is None else low, math.inf if high is None else high)


def overlap(a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Whether two ranges share a value; a millionth of a step is forgiven, as sums of decimals are not exact."""
    tolerance = 1e-9 * max(1.0, *(abs(x) for x in (*a, *b) if math.isfinite(x)))
    return a[0] <= b[1] + tolerance and b[0] <= a[1] + tolerance


def is_near(claim: Claim, event: Event, days: float = NEAR_DAYS) -> bool:
    """Whether a claim's window touches the days around the event, or is not stated."""
    if claim.window is None:
        return True
    reach = round(days * DAY_US)
    return claim.window.start <= event.started_at + reach and claim.window.end >= event.started_at - reach


def holds_event(window: Span | None, event: Event) -> bool:
    """Whether a window begins before the event and ends a day or more after it."""
    return window is not None and window.start < event.started_at and window.end >= event.started_at + DAY_US


def spans_event(claim: Claim, event: Event, days: float = 31.0) -> bool:
    """Whether a change compares days before the event with days after it, and not later ones than ``days`` after.

    The day of the event is in neither: a step to or from it holds a part of the fall only. A baseline that is not stated
    is taken to lie before.
    """
    window, baseline = claim.window, claim.baseline
    if window is None or window.start >= event.started_at + round(days * DAY_US):
        return False
    today = event.started_at // DAY_US * DAY_US
    if baseline is None:
        return window.start >= today and window.end > today + DAY_US
    return baseline.end <= event.started_at and window.start >= event.started_at


def share_time(a: Claim, b: Claim) -> bool:
    """Whether the windows of two claims overlap; one that is not stated may."""
    if a.window is None or b.window is None:
        return True
    return a.window.start < b.window.end and b.window.start < a.window.end


def per_minute(claim: Claim) -> float | None:
    """The figure of a flow of messages as messages a minute; None where the unit names no time, or nothing came."""
    match, value = _PER.match(claim.unit), point(claim)
    if match is None or value is None or value <= 0 or match[1] == "0":
        return None
    return value / (_MINUTES[match[2]] * float(match[1] or 1))


def whole_weeks(span: Span | None) -> bool:
    """Whether a window is stated and holds every weekday alike."""
    return span is not None and (span.end - span.start) % (7 * DAY_US) == 0


def weekday_weighs(*spans: Span | None) -> bool:
    """Whether windows may hold different weekdays: not stated, or not whole weeks and not the same weekdays."""
    if all(whole_weeks(s) for s in spans):
        return False
    days = {None if s is None else (s.start // DAY_US % 7, (s.end - s.start) // DAY_US) for s in spans}
    return None in days or len(days) > 1


def ways_between(a: Claim, b: Claim, event: Event) -> tuple[str, ...]:
    """Every way in which two figures that differ may both be true; none where each door is shut."""
    found = []
    if "~" in (a.comparator, b.comparator):
        found.append("about")
    for claim in (a, b):
        if claim.window is None and claim.at is None and "window_not_stated" not in found:
            found.append("window_not_stated")
    if a.window is not None and b.window is not None and (a.window, a.baseline) != (b.window, b.baseline):
        found.append("other_window")
        if any(holds_event(c.window, event) for c in (a, b)):
            found.append("mean_over_days_after_event")
    if is_change(a) and is_change(b):
        if None in (a.baseline, b.baseline):
            found.append("baseline_not_stated")
        differ = (a.window, a.baseline) != (b.window, b.baseline) or a.window is None
        if differ and weekday_weighs(a.window, a.baseline, b.window, b.baseline):
            found.append("weekday")
    if a.witness != b.witness or a.vantage != b.vantage:
        found.append("other_vantage")
    if a.denominator != b.denominator:
        found.append("other_denominator")
    if a.unit != b.unit:
        found.append("other_unit")
    return tuple(found)


def ids(claims: Iterable[Claim]) -> tuple[str, ...]:
    """Names of claims, each once, in order."""
    return tuple(dict.fromkeys(c.id for c in claims))
