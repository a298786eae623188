"""Sources broken in more than two hundred ways: what could be read is kept unchanged, all else is named, nothing is silent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from broken_sources import Row, every, page, run_all
from doc_tables import ROOT, codes, section, tables

DOCUMENT = ROOT / "docs" / "explanation" / "broken-sources.md"
EXITS = {0, 2, 3}


def wrong(row: Row) -> list[str]:
    """What came of a source other than it must."""
    source, document = row.source, row.document
    found = {
        f"exit {row.exit}, not {source.exit}": row.exit != source.exit or row.exit not in EXITS,
        f"kept {row.kept.total()}, of them right {(row.kept & row.wanted).total()}": row.kept != row.wanted,
        f"refused {row.refused}": row.refused != sorted(set(source.refused)),
        f"left out {row.left}": row.left != sorted(set(source.left)),
        f"error {document.get('error')}": document.get("error") != source.error,
        f"counts {document.get('counts')}": document.get("counts", 0) != source.counts,
        f"defects {sorted(row.defects)}": not set(source.defects) <= row.defects,
        "a traceback": "Traceback" in row.said,
        "nothing said": row.exit != 0 and not row.said.strip(),
        "a control character on the terminal": bool(re.search(r"[\x00-\x08\x0b-\x1f\x7f]", row.said)),
        "an escaped file": Path("/tmp/spamtide-escaped.eml").exists(),
    }
    return [f"{source.family}: {source.name}: {what}" for what, is_so in found.items() if is_so]


def test_each_source_ends_as_it_must_and_the_page_says_so(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    sources = every()
    assert len(sources) >= 200
    assert len({(s.family, s.name) for s in sources}) == len(sources)
    rows = run_all(sources, tmp_path)
    assert [line for row in rows for line in wrong(row)] == []
    if request.config.getoption("--write-golden"):
        DOCUMENT.write_text(page(rows), "utf-8")
    assert DOCUMENT.read_text("utf-8") == page(rows), "write the page anew with --write-golden"


def test_every_code_of_a_refused_file_is_shown_by_a_source() -> None:
    listed = {codes(row[0])[0] for row in tables(section(ROOT / "docs/reference/codes.md", "Refused sources"))[0]}
    shown = {code for source in every() for code in source.refused}
    assert shown <= listed
    # What only a server says, and what needs another user, a writer beside the import, or gigabytes, has tests of its own.
    elsewhere = {
        "bad_certificate", "changed", "count_differs", "cut_short", "dropped", "erased", "garbled", "login_refused", "no_mailbox",
        "no_permission", "no_tls", "not_given", "not_moved", "stalled", "uid_not_unique", "uidvalidity_changed", "unreachable",
    }  # fmt: skip
    assert listed - shown <= elsewhere
