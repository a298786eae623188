"""Numbers of a sheet of counts: 1234.5, "1,234.5" or 1.234,5. Which sign is the decimal one, the whole file says, or the user."""

from __future__ import annotations

import re

from spamtide.capture.sheets import BadCounts, Sheet

DECIMALS = ("point", "comma")
# Spaces and apostrophes part thousands in many countries and are never a decimal sign.
_GAP = "[ '\u00a0\u202f\u2009’]"
_FORMS = {
    "point": re.compile(rf"[+-]?(?:\d{{1,3}}(?:,\d{{3}})+|\d{{1,3}}(?:{_GAP}\d{{3}})+|\d+)(?:\.\d*)?(?:[eE][+-]?\d{{1,3}})?|[+-]?\.\d+", re.A),
    "comma": re.compile(rf"[+-]?(?:\d{{1,3}}(?:\.\d{{3}})+|\d{{1,3}}(?:{_GAP}\d{{3}})+|\d+)(?:,\d*)?(?:[eE][+-]?\d{{1,3}})?|[+-]?,\d+", re.A),
}  # fmt: skip
_DROPPED = {"point": re.compile(f",|{_GAP}"), "comma": re.compile(rf"\.|{_GAP}")}


class Numbers:
    """The numbers of some columns."""

    def __init__(self, sheet: Sheet, columns: list[int], decimal: str | None) -> None:
        self._sheet = sheet
        self._decimal = decimal or self._found(columns)

    def _found(self, columns: list[int]) -> str:
        """The decimal sign that every number allows. Raises BadCounts where both do and the numbers would differ."""
        marked = [(n, c) for n, cells in self._sheet.rows for i in columns if {".", ","} & set(c := cells[i].strip())]
        possible = [d for d in DECIMALS if all(_FORMS[d].fullmatch(c) for _, c in marked)]
        if len(possible) == 1:
            return possible[0]
        if not possible or self._sheet.separator == ",":
            # Where a comma parts the cells, the point is the decimal sign; an error names the number that does not fit.
            return "point"
        for line, cell in marked:
            if _value(cell, "point") != _value(cell, "comma"):
                one, other = _value(cell, "point"), _value(cell, "comma")
                raise BadCounts(
                    "ambiguous_numbers",
                    f"{self._sheet.path}, line {line}: {cell!r} may be {one:g} or {other:g}, and no number of the file tells.",
                    "Say which: --decimal point or --decimal comma.",
                )
        return "point"

    def value(self, line: int, text: str) -> float | None:
        """A number; None where there is none. Raises BadCounts."""
        text = text.strip()
        if not text:
            return None
        if not _FORMS[self._decimal].fullmatch(text):
            raise self._sheet.bad(line, f"{text!r} is no number with a decimal {self._decimal}")
        return _value(text, self._decimal)


def _value(text: str, decimal: str) -> float:
    plain = _DROPPED[decimal].sub("", text)
    return float(plain.replace(",", "."))
