"""docs/reference/codes.md and the source have the same codes."""

from __future__ import annotations

import ast
import re

import pytest

from code_words import SOURCE, collect
from doc_tables import ROOT, codes, section, tables

DOCUMENT = ROOT / "docs" / "reference" / "codes.md"


def rows(heading: str) -> dict[str, list[str]]:
    """Rows of the table under a heading, by their code."""
    found = tables(section(DOCUMENT, heading))[0]
    assert len({r[0] for r in found}) == len(found), "a code stands twice"
    return {codes(r[0])[0]: r for r in found}


def test_every_error_is_listed_with_its_exit_code() -> None:
    listed = {code: {int(row[1])} for code, row in rows("Errors").items()}
    assert listed == dict(collect().errors)


@pytest.mark.parametrize(
    ("heading", "kind"), [("Refusals", "refusal"), ("Warnings and unmet rules", "note"), ("Problems", "problem")]
)
def test_every_code_that_is_a_value_is_listed(heading: str, kind: str) -> None:
    assert set(rows(heading)) == collect().values[kind]


def test_every_row_says_what_it_means_and_what_to_do() -> None:
    for heading in (
        "Errors",
        "Refused sources",
        "Left out",
        "Refusals",
        "Warnings and unmet rules",
        "Problems",
        "Reasons of quarantine",
    ):
        for code, row in rows(heading).items():
            assert all(cell for cell in row), code


def test_reasons_of_quarantine_are_those_of_pool_and_worker() -> None:
    pool, worker = ((SOURCE / "app" / f"{n}.py").read_text("utf-8") for n in ("pool", "worker"))
    given = set(re.findall(r'_buried\(worker, "(\w+)"\)', pool)) | set(re.findall(r'"error": "(\w+)"', worker))
    assert set(rows("Reasons of quarantine")) == given


def test_the_collector_finds_what_stands_in_tables_and_defaults() -> None:
    # Codes that are no literal argument: a table of system errors, a default, a choice by key.
    assert {"disk_full", "bad_query", "unknown_field"} <= set(collect().errors)
    assert {"too_few_days_before", "too_few_days_after"} <= collect().values["refusal"]


def third_words(*names: str) -> set[str]:
    """Words given as the third argument, or as ``code``, to what has one of these names."""
    found = set()
    for path in sorted(SOURCE.rglob("*.py")):
        for call in (n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Call)):
            if getattr(call.func, "id", getattr(call.func, "attr", "")) in names:
                given = [*call.args[2:3], *(k.value for k in call.keywords if k.arg == "code")]
                found |= {n.value for n in given if isinstance(n, ast.Constant)}
    return found


def test_codes_of_refused_sources_are_listed() -> None:
    given = third_words("Refused", "Dropped", "Denied", "refuse", "_give_up")
    assert set(rows("Refused sources")) == {"unreadable"} | given


def test_codes_of_what_is_left_out_are_listed() -> None:
    assert set(rows("Left out")) == third_words("LeftOut", "left_out")
