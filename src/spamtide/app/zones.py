"""Days of a place: where a day of 24 hours begins, in UTC, for a zone by name or by its difference."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from spamtide.errors import WrongUse
from spamtide.measure import DAY_US

_DIFFERENCE = re.compile(r"([+-])(\d{1,2}):?(\d{2})?")


def day_anchor(zone: str, at: int) -> int:
    """Microseconds from midnight UTC to the zone's midnight by standard time of the year of ``at`` (0 to a day).

    All days keep 24 hours: where summer time is kept, its days begin an hour after midnight. ``zone``: an IANA name, or ``+02:00``.
    Raises WrongUse ``bad_zone``.
    """
    difference = _difference(zone)
    if difference is None:
        try:
            known = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise WrongUse(
                "bad_zone", f"{zone!r} is no zone that is known here.", "Give a name such as Europe/Berlin, or a difference such as +02:00.",
                zone=zone,
            ) from None  # fmt: skip
        year = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).year
        # Whichever of winter and summer is by standard time.
        halves = [datetime(year, month, 1, tzinfo=known) for month in (1, 7)]
        difference = min((h.utcoffset() or timedelta()) for h in halves)
    return -(difference // timedelta(microseconds=1)) % DAY_US


def _difference(text: str) -> timedelta | None:
    found = _DIFFERENCE.fullmatch(text)
    if found is None:
        return timedelta() if text in ("UTC", "Z") else None
    hours, minutes = int(found[2]), int(found[3] or 0)
    if hours > 14 or minutes > 59:
        return None
    return (1 if found[1] == "+" else -1) * timedelta(hours=hours, minutes=minutes)
