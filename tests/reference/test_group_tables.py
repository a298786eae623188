"""docs/reference/tables.md lists the tables of generations as the code has them."""

from __future__ import annotations

import pytest

from doc_tables import ROOT
from spamtide.campaign import GROUP_TABLES, SENDER_TABLES

DOCUMENT = ROOT / "docs" / "reference" / "tables.md"
START = "### Tables of generations\n"


def rendered() -> str:
    parts = [START]
    for name, columns in (GROUP_TABLES | SENDER_TABLES).items():
        parts.append(f"\n**{name}**\n\n| column | type | null | privacy | meaning |\n|---|---|---|---|---|\n")
        parts += [
            f"| `{c.name}` | {c.kind} | {'yes' if c.nullable else 'no'} | {c.privacy} | {c.meaning} |\n"
            for c in columns
        ]
    return "".join(parts)


def test_the_document_lists_the_tables_of_generations(request: pytest.FixtureRequest) -> None:
    text = DOCUMENT.read_text("utf-8")
    if request.config.getoption("--write-golden"):
        text = text.split(START)[0].rstrip("\n") + "\n\n" + rendered()
        DOCUMENT.write_text(text, "utf-8")
    assert text.endswith(rendered()), "run pytest tests/reference/test_group_tables.py --write-golden"
