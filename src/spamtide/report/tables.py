"""The CSV files of a report: cells that no spreadsheet takes for a formula, numbers of six significant digits."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spamtide.event import Claim
from spamtide.measure import Effect
from spamtide.message import PublicText
from spamtide.report.documents import instant, number
from spamtide.report.forestplot import Mark
from spamtide.report.public import public


def safe_cell(value: object) -> object:
    """A text with its control and direction characters named; one that begins like a formula gets an apostrophe."""
    if not isinstance(value, str):
        return value
    text = public(value)
    return "'" + text if text.lstrip()[:1] in ("=", "+", "-", "@", "|", "%") else text


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a table."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([[safe_cell(v) for v in row] for row in rows])


def write_path(path: Path, effect: Effect) -> None:
    """The rows behind an effect chart: a bin, its count (empty: missing), exposure, and what was expected."""
    p = effect.path
    assert p is not None
    columns = (p.starts, p.observed, p.exposures, p.missing, p.expected, p.expected_low, p.expected_high)
    rows = [
        [instant(int(s)), None if m else number(float(c)), *(number(float(v)) for v in (e, x, lo, hi))]
        for s, c, e, m, x, lo, hi in zip(*columns, strict=True)
    ]
    write_csv(path, ["time", "count", "exposure", "expected", "expected_low", "expected_high"], rows)


def write_marks(path: Path, marks: Sequence[Mark]) -> None:
    """The rows of a forest plot."""
    rows = []
    for m in marks:
        values = [None] * 3 if m.ratio is None else [number(v) for v in (m.ratio.value, m.ratio.low, m.ratio.high)]
        rows.append([m.kind, m.label, *values])
    write_csv(path, ["kind", "label", "ratio", "low", "high"], rows)


def write_shares(path: Path, documents: Sequence[Mapping[str, Any]]) -> None:
    """Both shares of every rule and window, as counted and at equal n."""
    header = ["feed", "rule", "comparison", "window", "messages", "share", "value", "low", "high", "planted"]
    rows: list[list[object]] = []

    def add(
        d: Mapping[str, Any], how: str, i: int, n: int, kind: str, share: Mapping[str, Any] | None, known: object
    ) -> None:
        if share is not None:
            window = f"{d['windows'][i]['start']}/{d['windows'][i]['end']}"
            rows.append(
                [d["feed"], d["rule"], how, window, n, kind, share["value"], share["low"], share["high"], known]
            )

    for d in documents:
        planted = d.get("planted", {})
        for i, w in enumerate(d["windows"]):
            add(d, "as counted", i, w["messages"], "in-group", w["in_group"], _at(planted.get("in_group"), i))
            add(d, "as counted", i, w["messages"], "repeat", w["repeat"], None)
        equal = d["equal_n"]
        for i in range(2 if equal else 0):
            add(d, "equal n", i, equal["n"], "in-group", equal["in_group"][i], _at(planted.get("equal_n"), i))
            add(d, "equal n", i, equal["n"], "repeat", equal["repeat"][i] if equal["repeat"] else None, None)
    write_csv(path, header, rows)


def _at(values: Sequence[float] | None, i: int) -> float | None:
    return values[i] if values is not None and i < len(values) else None


def write_claims(path: Path, claims: Sequence[Claim]) -> None:
    """Every claim about the event with what qualifies it."""
    header = [
        "id", "about", "metric", "comparator", "value", "low", "high", "at", "unit", "denominator", "window", "window_note",
        "vantage", "witness", "group", "grade", "flaw", "text", "caveat",
    ]  # fmt: skip
    rows = []
    for c in claims:
        window = None if c.window is None else f"{instant(c.window.start)}/{instant(c.window.end)}"
        texts = [
            None if t is None else PublicText.stated(t, 1000).text
            for t in (c.unit, c.denominator, window, c.window_note, c.vantage, c.witness, c.group, c.grade, c.flaw, c.text, c.caveat)
        ]  # fmt: skip
        rows.append(
            [
                c.id, c.about, c.metric, c.comparator, number(c.value), number(c.low), number(c.high),
                None if c.at is None else instant(c.at), *texts,
            ]
        )  # fmt: skip
    write_csv(path, header, rows)
