"""The PDF: the same page, the same bytes each time; without its library a report is made all the same, and says so."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import Spamtide
from made_report import made_report
from pdf_text import pdf_texts
from spamtide.report import build_report, write_pdf


def needs_pango() -> None:
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError) as error:
        pytest.skip(f"WeasyPrint cannot load Pango: {error}")


def test_the_same_page_gives_the_same_bytes(tmp_path: Path) -> None:
    needs_pango()
    report = replace(made_report(), audience="press", tlp="green")
    found = []
    for name in ("one", "two"):
        document = build_report(report, tmp_path / name)
        assert write_pdf(tmp_path / name) is None
        found.append((tmp_path / name / "report.pdf").read_bytes())
    assert found[0] == found[1]
    assert b"CreationDate" not in found[0] and str(tmp_path).encode() not in found[0]
    texts = pdf_texts(found[0])
    assert any(f"Report {document['id']} · TLP:GREEN" in t for t in texts), "the running head"
    assert any("What would change our mind" in t for t in texts)
    assert not any("/URI" in t for t in texts), "no link out of the file"


def test_without_pango_a_report_is_made_and_says_what_is_missing(
    spamtide: Spamtide, demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    done = spamtide(
        "--workspace", demo.folder / "workspace", "report", "--event", "rustock-2011", "--feed", "second", "--measure", "volume",
        "--audience", "press", "--out", tmp_path / "r", "--json",
    )  # fmt: skip
    assert done.code == 0
    assert "Warning: no report.pdf was made." in done.err and "libpango-1.0-0" in done.err
    assert not (tmp_path / "r" / "report.pdf").exists()
    manifest = json.loads((tmp_path / "r" / "MANIFEST.json").read_text("utf-8"))
    assert [m["file"] for m in manifest["not_made"]] == ["report.pdf"]
    assert set(manifest["files"]) == {
        p.relative_to(tmp_path / "r").as_posix() for p in (tmp_path / "r").rglob("*.*") if p.name != "MANIFEST.json"
    }
