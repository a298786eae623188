"""Tables of the documents, read as lists of rows, so that tests can compare them with the code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_CODE = re.compile(r"`([^`]+)`")


def section(document: Path, heading: str) -> str:
    """The text under a heading of level 2 or 3, up to the next heading of its level or above."""
    match = re.search(rf"^(##+) {re.escape(heading)}\n(.*?)(?=^##? |\Z)", document.read_text("utf-8"), re.S | re.M)
    assert match, f"{document} has no section {heading!r}"
    text = match[2]
    return text if match[1] == "##" else re.split(r"^### ", text, flags=re.M)[0]


def tables(text: str) -> list[list[list[str]]]:
    """Every table of a text: its rows without head and rule, each a list of cells."""
    found: list[list[list[str]]] = []
    inside = False
    for line in text.splitlines():
        if line.startswith("|"):
            cells = [c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", line)[1:-1]]
            if not inside:
                found.append([])
            if inside and not all(re.fullmatch(r":?-+:?", c) for c in cells):
                found[-1].append(cells)
            inside = True
        else:
            inside = False
    return found


def codes(cell: str) -> list[str]:
    """The words in backticks of a cell."""
    return _CODE.findall(cell)
