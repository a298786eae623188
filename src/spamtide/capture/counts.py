"""Counts as CSV: ``time,series,count,exposure``. An empty count is missing, exposure 0 is dead time whatever the count."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from spamtide.errors import WrongUse


class BadCounts(WrongUse):
    """A CSV of counts cannot be read; the message names the line."""


@dataclass(frozen=True, slots=True)
class CountRow:
    """One bin of one series; ``count`` None is missing."""

    start: int
    series: str
    count: float | None
    exposure: float


def read_counts(path: Path) -> list[CountRow]:
    """Rows of a CSV of counts, in order of the file. Raises BadCounts naming the line, OSError when it cannot be read."""

    def bad(line: int, what: str) -> BadCounts:
        return BadCounts(
            "bad_counts",
            f"{path}, line {line}: {what}.",
            "Columns are time,series,count,exposure; times 2011-03-16 or RFC 3339.",
        )

    rows: list[CountRow] = []
    seen: set[tuple[str, int]] = set()
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = set(reader.fieldnames or ())
            if not {"time", "count"} <= names:
                raise bad(1, "there is no column 'time' or no column 'count'")
            for row in reader:
                line = reader.line_num
                text = (row.get("time") or "").strip()
                try:
                    moment = datetime.fromisoformat(text + "T00:00:00+00:00" if len(text) == 10 else text)
                except ValueError:
                    raise bad(line, f"{text!r} is no instant") from None
                if moment.tzinfo is None:
                    raise bad(line, f"{text!r} has no time zone; add Z")
                delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
                start = (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
                given, share = (row.get("count") or "").strip(), (row.get("exposure") or "").strip()
                try:
                    count = float(given) if given else None
                    exposure = float(share) if share else 1.0
                except ValueError:
                    raise bad(line, f"{given!r} or {share!r} is no number") from None
                if (count is not None and not 0 <= count < 1e15) or not 0 <= exposure <= 1:
                    raise bad(line, "a count is 0 or more and an exposure from 0 to 1")
                name = (row.get("series") or "").strip() or "count"
                if (name, start) in seen:
                    raise bad(line, f"{text} stands twice in the series {name!r}")
                seen.add((name, start))
                rows.append(CountRow(start, name, count, exposure))
    except UnicodeDecodeError:
        raise bad(1, "it is not UTF-8 text") from None
    except csv.Error as error:
        raise bad(1, str(error)) from None
    if not rows:
        raise bad(1, "there is no row")
    return rows
