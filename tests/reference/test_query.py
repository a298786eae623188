"""docs/reference/query.md: each example runs and finds what its row says; fields and measures are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from doc_tables import ROOT, codes, section, tables
from spamtide.app.observatory import Observatory
from spamtide.app.workspace import Workspace
from spamtide.errors import SpamtideError
from spamtide.measure import DAY_US, FIELDS, RULES, UNITS, parse_measure, parse_query
from spamtide.measure.query import FOLDED_FIELDS, LATER_FIELDS

DOCUMENT = ROOT / "docs" / "reference" / "query.md"
MAILBOX = tables(section(DOCUMENT, "The mailbox of the examples"))[0]
QUERIES = tables(section(DOCUMENT, "QUERY"))[0]
MEASURES = tables(section(DOCUMENT, "MEASURE"))[0]
DAYS = {7: "Mon", 8: "Tue", 9: "Wed", 10: "Thu", 11: "Fri", 12: "Sat"}


@pytest.fixture(scope="module")
def observatory(spamtide, tmp_path_factory: pytest.TempPathFactory) -> Observatory:
    folder: Path = tmp_path_factory.mktemp("query")
    text = ""
    for number, day, sender, subject, body in MAILBOX:
        date = int(day[-2:])
        text += f"From x {DAYS[date]} Mar {date:2d} 10:00:00 2011\n"
        text += "".join(f"From: {s}\n" for s in codes(sender))
        text += f"Subject: {subject}\nX-Number: {number}\n\n{body}\n\n"
    (folder / "m.mbox").write_text(text, "utf-8")
    assert spamtide("init", folder / "w").code == 0
    assert spamtide("--workspace", folder / "w", "import", folder / "m.mbox", "--feed", "trap").code == 0
    return Observatory(Workspace(folder / "w"))


@pytest.mark.parametrize("row", QUERIES, ids=[r[0] for r in QUERIES])
def test_a_query_finds_what_the_document_says(observatory: Observatory, row: list[str]) -> None:
    query = codes(row[0])[0].strip()
    rows = observatory.search(query)
    raws = [observatory.workspace.archive.read(r["id"]).raw.decode("utf-8") for r in rows]
    assert " ".join(re.findall(r"^X-Number: (\d)", "\n".join(raws), re.M)) == row[1]
    assert str(parse_query(str(parse_query(query)))) == str(parse_query(query))


@pytest.mark.parametrize("row", MEASURES, ids=[r[0] for r in MEASURES])
def test_a_measure_counts_what_the_document_says(observatory: Observatory, row: list[str]) -> None:
    measure, canonical = codes(row[0])[0], codes(row[1])[0]
    assert str(parse_measure(measure)) == canonical
    assert str(parse_measure(canonical)) == canonical
    series = observatory.series(measure, ["trap"], bin_us=DAY_US)
    assert len(series.counts) == 6
    if row[3] != "-":
        assert int(series.counts.sum()) == int(row[3])


def test_the_fields_are_those_of_the_code() -> None:
    rows = {codes(r[0])[0]: r for r in tables(section(DOCUMENT, "QUERY"))[1]}
    assert list(rows) == [f for f in FIELDS if f not in LATER_FIELDS] + [f for f in FIELDS if f in LATER_FIELDS]
    assert {f for f, r in rows.items() if r[1] == "*later*"} == LATER_FIELDS
    assert {f for f, r in rows.items() if r[2] == "yes"} == FOLDED_FIELDS


def test_every_measure_and_unit_of_the_code_has_an_example() -> None:
    with pytest.raises(SpamtideError) as caught:
        parse_measure("nonsense")
    offered = {
        re.split(r"[:,]", m.strip())[0]
        for m in caught.value.next_step.rstrip(".").removeprefix("Measures: ").split(", ")
    }
    shown = {re.split(r"[:@]", codes(r[0])[0])[0] for r in MEASURES}
    assert shown == offered
    text = section(DOCUMENT, "MEASURE")
    assert all(f"@{u}" in text for u in UNITS if u != "message")
    assert all(f"`duplicates:{r}`" in text for r in RULES)
    for later in re.findall(r"`(botnet:NAME|dialect:D)`", text):
        with pytest.raises(SpamtideError) as caught:
            parse_measure(later)
        assert caught.value.code == "not_built_yet"
