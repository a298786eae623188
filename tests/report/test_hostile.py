"""Hostile text in every place that a name can reach: inert in HTML, SVG, CSV and on the terminal."""

from __future__ import annotations

import csv
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from conftest import Spamtide
from made_worlds import Kind, made
from spamtide.event import Claim
from spamtide.measure import DAY_US, Interval, Window, duplicate_shares, estimate_effect
from spamtide.report import Finding, ReportInput, SharesFinding, build_report, duplicates_document, effect_document

SCRIPT = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
TURNED = "evil\u202egpj.exe\u2066\u200b\x1b[31m\x07"
FORMULA = "=cmd|' /C calc'!A0"
EVERY = [SCRIPT, TURNED, FORMULA, "@SUM(1)", "+1", "-1", "]]><!--", "{{ 7*7 }}{% raw %}", "a\nb\rc", "&lt;b&gt;"]


def hostile_report(text: str, out: Path) -> dict[str, Any]:
    """A report in which every name is ``text``."""
    series, cut, _ = made(Kind("calm", 0.1, 0.3, before=70), 3)
    end = int(series.starts[-1]) + DAY_US
    windows = (Window(cut - 7 * DAY_US, cut), Window(cut, end))
    effect = estimate_effect(
        series, cut, before=Window(int(series.starts[0]), cut), after=windows[1], feed=text, event=text, target=text,
    )  # fmt: skip
    effect = replace(effect, measure=f"subject:{text}", also_at=((cut + DAY_US, Interval(0.3, 0.2, 0.4)),))
    import numpy as np

    times = np.sort(np.random.default_rng(1).integers(windows[0].start, end, 400))
    shares = duplicate_shares(
        np.arange(400) // 3, times, feed=text, rule="exact", windows=windows, lookback_us=7 * DAY_US, data_start=int(times[0])
    )  # fmt: skip
    claim = Claim(
        id="c", about="all-spam", metric="duplicate-share", comparator="=", unit=text, vantage=text, witness="w", group="g",
        grade="primary", source="s", text=text, value=0.3, denominator=text, window_note=text, caveat=text,
    )  # fmt: skip
    card = {"feed": text, "simulated": False, "instrument": {
        "since": "2011-01-01T00:00:00Z", "addresses_by_vantage": {text: 4}, "domains": [text], "mx_position": text,
        "upstream_filter": text, "persona": text, "clock": text, "changes": [{"at": "2011-01-01", "persona": text}]}}  # fmt: skip
    report = ReportInput(
        title=text, event_id=text, cut=cut, findings=(Finding(effect, effect_document(effect)),),
        duplicates=(SharesFinding(shares, duplicates_document(shares)),), claims=(claim,), cards=(card,), controller=text,
        interest=text, cautions=(text,), summary=text, witnesses={"w": text}, reproduce=(text,), version="0", facts_version=1,
    )  # fmt: skip
    return build_report(report, out)


class Tags(HTMLParser):
    """Counts what a browser would make of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.attributes += [name for name, _ in attrs]


def shown_tags(page: str) -> tuple[list[str], set[str]]:
    tags = Tags()
    tags.feed(page)
    # A long name in a chart takes more lines of text.
    return [t for t in tags.found if t != "text"], set(tags.attributes)


def unprintable(text: str) -> set[str]:
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") and c != "\n"}


@pytest.mark.parametrize("text", EVERY)
def test_a_hostile_name_is_text_everywhere(text: str, tmp_path: Path) -> None:
    hostile_report(text, tmp_path / "hostile")
    hostile_report("plain", tmp_path / "plain")
    page = (tmp_path / "hostile" / "report.html").read_text("utf-8")
    assert shown_tags(page) == shown_tags((tmp_path / "plain" / "report.html").read_text("utf-8"))
    assert not unprintable(page)
    assert "49" not in page.split("<h1>")[1].split("</h1>")[0]
    drawings = list((tmp_path / "hostile" / "figures").glob("*.svg"))
    assert len(drawings) == 3
    for path in drawings:
        svg = path.read_text("utf-8")
        assert not unprintable(svg)
        names = {e.tag.rpartition("}")[2] for e in ElementTree.fromstring(svg).iter()}
        assert names <= {"svg", "title", "desc", "defs", "pattern", "path", "rect", "text", "circle"}, names
    for path in (tmp_path / "hostile" / "tables").glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.reader(file):
                for cell in row:
                    assert not unprintable(cell)
                    number = cell.lstrip("+-").replace(".", "", 1).replace("e-", "").isdigit()
                    assert number or cell[:1] not in ("=", "+", "-", "@", "|"), cell


def test_file_names_of_a_report_are_plain(tmp_path: Path) -> None:
    hostile_report("../../etc/passwd\x00 <b>", tmp_path / "out")
    names = [p.name for p in tmp_path.rglob("*")]
    assert all(c.isascii() and (c.isalnum() or c in "-.") for name in names for c in name), names
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_hostile_subject_cannot_steer_the_terminal(spamtide: Spamtide, tmp_path: Path) -> None:
    assert spamtide("init", tmp_path / "w").code == 0
    subject = "=?utf-8?b?G1szMW3igK5neHQuZXhlIDxzY3JpcHQ+?="  # ESC [31m RLO gxt.exe <script>
    text = f"From x Mon Mar  7 10:00:00 2011\nFrom: a@b.example\nSubject: {subject}\n\nx\n"
    (tmp_path / "one.mbox").write_text(text)
    assert spamtide("--workspace", tmp_path / "w", "import", tmp_path / "one.mbox", "--feed", "f").code == 0
    shown = spamtide("--workspace", tmp_path / "w", "search", "")
    assert "gxt.exe" in shown.out and "<script>" in shown.out
    assert not unprintable(shown.out) and not unprintable(shown.err)
    wrong = spamtide("--workspace", tmp_path / "w", "series", "volume", "--feed", "\x1b[31m\u202eevil")
    assert wrong.code == 2 and not unprintable(wrong.out + wrong.err)
