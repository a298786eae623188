"""The date under which an event was reported, and what cutting a series there does to a fall."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spamtide.event import Claim, Event, Span
from spamtide.measure.claims.figures import ids, is_change, is_witnessed, point
from spamtide.measure.claims.values import ClaimFinding
from spamtide.measure.values import DAY_US, Fact


def reported_late(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """Changes printed by the source that dates the event otherwise than who saw it, as they show when cut at its date.

    A level step at the true instant and equal days are assumed: what is shown is arithmetic, not a measurement.
    """
    reported, done = event.times.reported_as, event.times.observed_stop_at or event.times.executed_from
    if reported is None or done is None:
        return
    late = reported.at // DAY_US - done.at // DAY_US
    if late == 0:
        return
    for claim in claims:
        value, window = point(claim), claim.window
        if claim.source != reported.source or not is_change(claim) or not is_witnessed(claim):
            continue
        if value is None or value < -1 or window is None or not window.start < done.at < window.end:
            continue
        if not window.start < reported.at < window.end:
            continue
        facts: dict[str, Fact] = {
            "late_days": late, "reported": reported.at, "done": done.at, "stated": value,
            "shown": shown_change(value, done.at, reported.at, window), "true": true_change(value, done.at, reported.at, window),
        }  # fmt: skip
        ways = () if claim.baseline is not None else ("cut_not_stated",)
        yield ClaimFinding("reported_date_late", ids([claim]), "consistent_if" if ways else "consistent", ways, facts)


def shown_change(true: float, stop: int, cut: int, window: Span) -> float:
    """What a step by ``true`` (-1 or more) at ``stop`` shows as when ``window`` is parted at ``cut``: mean rates, after over before.

    ``stop`` lies after the window's start, so something is there before.
    """
    before, after = _mean(true, stop, window.start, cut), _mean(true, stop, cut, window.end)
    return after / before - 1


def true_change(shown: float, stop: int, cut: int, window: Span) -> float | None:
    """The step at ``stop`` that shows as ``shown`` when parted at ``cut``; None where no step does. By bisection."""
    low, high = -1.0, 100.0
    if not shown_change(low, stop, cut, window) <= shown <= shown_change(high, stop, cut, window):
        return None
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if shown_change(middle, stop, cut, window) < shown else (low, middle)
    return (low + high) / 2


def _mean(change: float, stop: int, start: int, end: int) -> float:
    """Mean rate from ``start`` to ``end`` of a rate that is 1 until ``stop`` and 1 + change from then on."""
    after = max(0, end - max(start, stop)) / (end - start)
    return 1 + change * after
