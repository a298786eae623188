"""Times of a sheet of counts. Whether the day or the month stands first, the whole column says, or the user; nobody guesses."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from spamtide.capture.sheets import BadCounts, Sheet

ORDERS = ("iso", "day-first", "month-first")
_PARTS = re.compile(r"(\d{1,4})([-./])(\d{1,2})\2(\d{1,4})(?: +0?0:00(?::00(?:\.0+)?)?)?", re.A)
_SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?", re.A)
# A year and its part, as R writes the times of a monthly series.
_YEAR = re.compile(r"(1[6-9]|20|21)\d\d(?:\.\d+)?", re.A)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Dates:
    """The times of one column."""

    def __init__(self, sheet: Sheet, column: int, order: str | None) -> None:
        self._sheet, self._column = sheet, column
        self._order = order or self._found()

    def _found(self) -> str:
        """The order of day and month that every date of the column allows. Raises BadCounts where that is both, or none."""
        possible = {"day-first", "month-first"}
        seen: dict[str, tuple[int, str]] = {}
        any_parts: tuple[int, str] | None = None
        for line, cells in self._sheet.rows:
            text = cells[self._column].strip()
            parts = _PARTS.fullmatch(text)
            if parts is None or len(parts[1]) == 4 or len(parts[4]) != 4:
                continue
            any_parts = any_parts or (line, text)
            if int(parts[1]) > 12:
                possible.discard("month-first")
                seen.setdefault("day-first", (line, text))
            if int(parts[3]) > 12:
                possible.discard("day-first")
                seen.setdefault("month-first", (line, text))
        if any_parts is None:
            return "iso"
        if not possible:
            (one, day), (two, month) = seen["day-first"], seen["month-first"]
            raise self._sheet.bad(
                two, f"{month!r} has the month first, and {day!r} on line {one} the day", "Mend the column of dates."
            )
        if len(possible) > 1:
            line, text = any_parts
            raise BadCounts(
                "ambiguous_dates",
                f"{self._sheet.path}, line {line}: {text!r} may have the day or the month first, and so may every other date of the column.",
                "Say which: --dates day-first or --dates month-first; or write the dates as 2011-03-16.",
            )
        return possible.pop()

    def instant(self, line: int, cells: list[str]) -> int:
        """Microseconds since 1970 of a row's time. Raises BadCounts."""
        text = cells[self._column].strip()
        bad = self._sheet.bad
        if parts := _PARTS.fullmatch(text):
            return self._day(line, text, parts)
        if _SERIAL.fullmatch(text):
            day = datetime(1899, 12, 30) + timedelta(days=int(text[:5]))
            raise bad(
                line,
                f"{text!r} is a day number of a spreadsheet ({day:%Y-%m-%d}, or 1,462 days later where days count from 1904)",
                "Format the column as dates, YYYY-MM-DD, and save it again.",
            )
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise bad(line, f"{text!r} is no instant") from None
        if moment.tzinfo is None:
            raise bad(line, f"{text!r} has no time zone; add Z")
        try:
            delta = moment.astimezone(UTC) - _EPOCH
        except OverflowError:
            raise bad(line, f"{text!r} is no instant") from None
        return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds

    def _day(self, line: int, text: str, parts: re.Match[str]) -> int:
        first, middle, last = parts[1], int(parts[3]), parts[4]
        if len(first) == 4 and len(last) <= 2:
            year, month, day = int(first), middle, int(last)
        elif len(first) <= 2 and len(last) == 4:
            if self._order == "iso":
                raise self._sheet.bad(line, f"{text!r} is not of the form 2011-03-16", "Another --dates, or none.")
            year = int(last)
            day, month = (int(first), middle) if self._order == "day-first" else (middle, int(first))
        else:
            raise self._sheet.bad(line, f"{text!r} has no year of four digits")
        try:
            return (datetime(year, month, day, tzinfo=UTC) - _EPOCH).days * 86_400 * 1_000_000
        except ValueError:
            raise self._sheet.bad(
                line,
                f"{text!r} is no day, the {self._order.partition('-')[0]} first"
                if len(last) == 4
                else f"{text!r} is no day",
            ) from None


class YearParts:
    """The times of a column of years with parts: 1969.08333333333 is February 1969. Each is the first of a month, UTC."""

    def __init__(self, sheet: Sheet, column: int) -> None:
        self._sheet, self._column = sheet, column

    @staticmethod
    def fits(sheet: Sheet, column: int) -> bool:
        """Whether every row has such a time, and one a part of a year."""
        texts = [cells[column].strip() for _, cells in sheet.rows]
        return any("." in text for text in texts) and all(_YEAR.fullmatch(text) for text in texts)

    def instant(self, line: int, cells: list[str]) -> int:
        """Microseconds since 1970 of a row's time. Raises BadCounts."""
        text = cells[self._column].strip()
        months = float(text) * 12
        if abs(months - round(months)) > 0.05:
            raise self._sheet.bad(line, f"{text!r} is not the beginning of a month")
        year, month = divmod(round(months), 12)
        return (datetime(year, month + 1, 1, tzinfo=UTC) - _EPOCH).days * 86_400_000_000


class Months:
    """The times of a column of years and one of months, 1 to 12: each the first of the month, UTC."""

    def __init__(self, sheet: Sheet, year: int, month: int) -> None:
        self._sheet, self._year, self._month = sheet, year, month

    def instant(self, line: int, cells: list[str]) -> int:
        """Microseconds since 1970 of a row's time. Raises BadCounts."""
        year, month = cells[self._year].strip(), cells[self._month].strip()
        try:
            moment = datetime(int(year), int(month), 1, tzinfo=UTC)
        except ValueError:
            raise self._sheet.bad(line, f"{year!r}, {month!r} are no year and month") from None
        return (moment - _EPOCH).days * 86_400_000_000
