"""Instants and windows as people type them: RFC 3339 UTC in, microseconds since 1970 out. Naive instants are refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from spamtide.errors import WrongUse
from spamtide.measure import DAY_US, Window

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NEXT = "Write 2011-03-16T14:45:00Z, or a bare date for midnight UTC: 2011-03-16"


def parse_instant(text: str) -> int:
    """Microseconds since 1970 of an RFC 3339 instant with its zone; a bare date is midnight UTC.

    Raises WrongUse ``naive_instant`` for a time without a zone and ``bad_instant`` for anything else unreadable.
    """
    given = text = text.strip()
    if _DATE.fullmatch(text):
        text += "T00:00:00Z"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUse("bad_instant", f"{given!r} is not an instant.", f"{_NEXT}.", given=given) from None
    if moment.tzinfo is None:
        raise WrongUse(
            "naive_instant",
            f"{text!r} has no time zone.",
            "Add Z for UTC: 2011-03-16T14:45:00Z; a bare date means midnight UTC.",
            given=text,
        )
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def parse_window(text: str) -> Window:
    """A window ``START/END``, end excluded. Raises WrongUse ``bad_window`` or ``inverted_window``."""
    start_text, slash, end_text = text.partition("/")
    if not slash or not start_text or not end_text:
        raise WrongUse(
            "bad_window", f"{text!r} is not a window.", "Write START/END: 2011-03-01/2011-03-16.", given=text
        )
    start, end = parse_instant(start_text), parse_instant(end_text)
    if end <= start:
        raise WrongUse(
            "inverted_window", f"The window {text} ends before it starts.", "Swap its two dates.", given=text
        )
    return Window(start, end)


def parse_span(text: str) -> int:
    """Microseconds of a length such as ``7d``, ``48h`` or a bare number of days. Raises WrongUse ``bad_span``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([dh]?)", text.strip())
    if not match or float(match[1]) <= 0:
        raise WrongUse("bad_span", f"{text!r} is not a length of time.", "Write 7d or 48h.", given=text)
    return round(float(match[1]) * (DAY_US / 24 if match[2] == "h" else DAY_US))


def format_instant(instant: int) -> str:
    """RFC 3339 UTC, with a fraction only where there is one."""
    seconds, micros = divmod(instant, 1_000_000)
    text = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{micros:06d}Z" if micros else f"{text}Z"
