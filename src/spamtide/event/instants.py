"""Instants and the calendar: microseconds since 1970 UTC to text, and what "on that day" spans."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970 UTC of an instant with an offset."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def rfc3339(at: int) -> str:
    """The instant as RFC 3339 in UTC, to the second."""
    return (EPOCH + timedelta(microseconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ")


def calendar_span(at: int, precision: str) -> tuple[int, int]:
    """First and last + 1 microsecond of the minute, hour, day, month or year around ``at``."""
    day = timedelta(days=1)
    instant = EPOCH + timedelta(microseconds=at)
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    if precision == "second":
        start, end = instant.replace(microsecond=0), instant.replace(microsecond=0) + timedelta(seconds=1)
    elif precision == "minute":
        start = instant.replace(second=0, microsecond=0)
        end = start + timedelta(minutes=1)
    elif precision == "hour":
        start = instant.replace(minute=0, second=0, microsecond=0)
        end = start + timedelta(hours=1)
    elif precision == "day":
        start, end = midnight, midnight + day
    elif precision == "week":
        start, end = midnight - 3 * day, midnight + 4 * day
    elif precision == "month":
        start = midnight.replace(day=1)
        end = (start + 32 * day).replace(day=1)
    else:
        start = midnight.replace(month=1, day=1)
        end = start.replace(year=start.year + 1)
    return microseconds(start), microseconds(end)
