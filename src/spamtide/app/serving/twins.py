"""The twins of a page: its document as JSON, its main table as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from spamtide.app.serving.values import Page, PageValue

# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def document_of(page: Page, value: PageValue, filters: Mapping[str, str], behind: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a page; ``behind``: generation and facts version that it was computed from."""
    how = value.how
    return {
        "schema": page.schema,
        "title": value.title,
        "sentence": value.sentence,
        "filters": dict(filters),
        "warnings": [dict(w) for w in value.warnings],
        **value.facts,
        "next": value.next,
        "how": {
            "definition": how.definition, "method": how.method, "query": how.query, "command": how.command,
            "files": list(how.files), **behind,
        },
    }  # fmt: skip


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """A document as UTF-8."""
    return (json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n").encode("utf-8", "replace")


def csv_bytes(value: PageValue) -> bytes:
    """The main table of a page; a cell that a spreadsheet would compute begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    rows = value.facts[value.table] if value.table else []
    columns = list(value.columns) or (list(rows[0]) if rows else [])
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(_at(row, name)) for name in columns])
    return out.getvalue().encode("utf-8", "replace")


def _at(row: Mapping[str, Any], name: str) -> Any:
    # A column "ratio.low" is the key low of the key ratio.
    found: Any = row
    for key in name.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        value = " ".join(str(v) for v in value)
    if isinstance(value, str):
        value = value.replace("\x00", "")
        return f"'{value}" if value.startswith(_FORMULA) else value
    return value
