"""A sheet of cells from a CSV: its encoding, its separator, its header, and its rows by line. No cell is read yet."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass
from pathlib import Path

from spamtide.capture.folders import Opened, open_file
from spamtide.capture.items import Refused
from spamtide.errors import WrongUse

# Bytes of a CSV of counts: a count an hour for a century, in a hundred series.
SHEET_BYTES = 256 * 1024 * 1024
_SEPARATORS = ",;\t"
_HINT = "Columns are time,series,count,exposure, or a time and one column a series; times 2011-03-16 or RFC 3339."


class BadCounts(WrongUse):
    """A CSV of counts cannot be read, or leaves something open; the message names the line."""


class NotOpened(OSError):
    """The file of counts could not be opened; ``refused`` names it."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.reason)
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows with the line on which each ends; empty ones are left out, all others are as long as the header."""

    path: Path
    separator: str
    first: int
    header: list[str]
    rows: list[tuple[int, list[str]]]

    def bad(self, line: int, what: str, then: str = _HINT) -> BadCounts:
        """The error of a line."""
        return BadCounts("bad_counts", f"{self.path}, line {line}: {what}.", then)

    def cells(self, line: int) -> list[str]:
        """The row that ends on a line."""
        return next(cells for n, cells in self.rows if n == line)


def read_sheet(path: Path) -> Sheet:
    """The sheet of a file. Raises BadCounts naming the line, OSError when the file cannot be read."""
    text = _text(path)
    sheet = Sheet(path, ",", 1, [], [])
    lines = text.splitlines(keepends=True)
    first = 1
    separator = None
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip()) == 5:
        # A line that Excel understands, and others write for it.
        separator, first = lines[0][4], 2
        text = "".join(lines[1:])
    head = next((line for line in lines[first - 1 :] if line.strip()), "")
    separator = separator or max(_SEPARATORS, key=head.count)
    if head.count(separator) == 0:
        separator = ","
    rows: list[tuple[int, list[str]]] = []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num + first - 1, cells))
    except csv.Error as error:
        raise sheet.bad(reader.line_num + first - 1, str(error)) from None
    if not rows:
        raise sheet.bad(1, "there is no row")
    (first, header), *rest = rows
    sheet = Sheet(path, separator, first, header, rest)
    for line, cells in rest:
        if len(cells) != len(header):
            raise sheet.bad(line, f"{len(cells)} cells, and the header has {len(header)}")
    if not rest:
        raise sheet.bad(first, "there is no row")
    return sheet


def _text(path: Path) -> str:
    sheet = Sheet(path, ",", 1, [], [])
    found = open_file(path)
    if not isinstance(found, Opened):
        raise sheet.bad(1, "there is no row") if found.code == "empty" else NotOpened(found)
    with found.file as file:
        data = file.read(SHEET_BYTES + 1)
    if len(data) > SHEET_BYTES:
        raise sheet.bad(1, f"larger than {SHEET_BYTES // 2**20} MiB")
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise sheet.bad(line, "it is not UTF-8 text", "In a spreadsheet, save it as 'CSV UTF-8'.") from None
