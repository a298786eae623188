"""Counts as CSV, as spamtide writes them or as a spreadsheet does. An empty count is missing, exposure 0 is dead time.

Long: the columns ``time,series,count,exposure``. Wide: a column of times, or one of years and one of months, and one column for each series. What a spreadsheet
leaves open, the order of day and month and the decimal sign, is taken from the whole file or asked for, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spamtide.capture.dates import ORDERS, Dates, Months, YearParts
from spamtide.capture.numbers import DECIMALS, Numbers
from spamtide.capture.sheets import BadCounts, NotOpened, Sheet, read_sheet

TIME_NAMES = ("time", "date", "day")
MONTH_NAMES = ("year", "month")


@dataclass(frozen=True, slots=True)
class CountRow:
    """One bin of one series; ``count`` None is missing."""

    start: int
    series: str
    count: float | None
    exposure: float


@dataclass(frozen=True, slots=True)
class CountOptions:
    """What a file leaves open: ``dates`` iso, day-first or month-first; ``decimal`` point or comma; None as the file says."""

    dates: str | None = None
    decimal: str | None = None


def read_counts(path: Path, options: CountOptions | None = None) -> list[CountRow]:
    """Rows of a CSV of counts, in order of the file. Raises BadCounts naming the line, OSError when it cannot be read."""
    options = options or CountOptions()
    sheet = read_sheet(path)
    at = {name.strip().lower(): i for i, name in reversed(list(enumerate(sheet.header)))}
    monthly = all(name in at for name in MONTH_NAMES)
    # A sheet by month may number its rows in a column 'time'.
    time = at["year"] if monthly else next((at[name] for name in TIME_NAMES if name in at), None)
    taken = {at[name] for name in MONTH_NAMES} if monthly else {time}
    if time is None:
        raise sheet.bad(sheet.first, "there is no column 'time'")
    exposure, long = at.get("exposure"), at.get("count")
    if long is None and "series" in at:
        raise sheet.bad(sheet.first, "there is a column 'series' and no column 'count'")
    series = [i for i in range(len(sheet.header)) if i not in {*taken, exposure}] if long is None else [long]
    if not series:
        raise sheet.bad(sheet.first, "there is no column 'count', and no other that could be a series")
    names = [sheet.header[i].strip() for i in series]
    if long is None and "" in names:
        raise sheet.bad(sheet.first, "a column has no name")
    if long is None and len(set(names)) < len(names):
        raise sheet.bad(sheet.first, "two columns have the same name")
    dates: Months | YearParts | Dates
    if monthly:
        dates = Months(sheet, at["year"], at["month"])
    else:
        dates = YearParts(sheet, time) if YearParts.fits(sheet, time) else Dates(sheet, time, options.dates)
    numbers = Numbers(sheet, [*series, *([] if exposure is None else [exposure])], options.decimal)
    rows: list[CountRow] = []
    seen: set[tuple[str, int]] = set()
    for row in _rows(sheet, series, names, at.get("series") if long is not None else None, exposure, dates, numbers):
        line, found = row
        if (found.series, found.start) in seen:
            raise sheet.bad(line, f"{sheet.cells(line)[time].strip()} stands twice in the series {found.series!r}")
        seen.add((found.series, found.start))
        rows.append(found)
    return rows


def _rows(
    sheet: Sheet,
    series: list[int],
    names: list[str],
    named: int | None,
    exposure: int | None,
    dates: Dates | Months | YearParts,
    numbers: Numbers,
) -> Iterator[tuple[int, CountRow]]:
    for line, cells in sheet.rows:
        start = dates.instant(line, cells)
        share = None if exposure is None else numbers.value(line, cells[exposure])
        share = 1.0 if share is None else share
        for i, name in zip(series, names, strict=True):
            count = numbers.value(line, cells[i])
            if (count is not None and not 0 <= count < 1e15) or not 0 <= share <= 1:
                raise sheet.bad(line, "a count is 0 or more and an exposure from 0 to 1")
            if named is not None:
                name = cells[named].strip() or "count"
            elif len(series) == 1 and name.lower() == "count":
                name = "count"
            yield line, CountRow(start, name, count, share)


__all__ = ["DECIMALS", "ORDERS", "BadCounts", "CountOptions", "CountRow", "NotOpened", "read_counts"]
