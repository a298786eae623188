"""Two voices, one set of numbers; digits that the interval bears; an id that is a hash of what is said."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from doc_tables import ROOT
from made_report import made_report
from spamtide.measure import Attribution, Interval
from spamtide.report import AUDIENCES, REPORT_ID, Finding, build_report, effect_document
from spamtide.report.catalogue import PAGE, say

TEMPLATES = ROOT / "src" / "spamtide" / "report" / "templates"


def text_of(page: str) -> str:
    """What a reader sees, and what figures say in words."""
    body = page[page.index("<main>") :]
    return unescape(re.sub(r"<[^>]+>", " ", body)).replace("\u00a0", " ").replace("\u202f", "").replace("\u2009", "")


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+(?:\.\d+)?", text))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("voices")
    for audience in AUDIENCES:
        build_report(replace(made_report(), audience=audience), folder / audience)
    return {audience: folder / audience for audience in AUDIENCES}


def test_a_voice_changes_no_number(both: dict[str, Path]) -> None:
    pages = {a: text_of((f / "report.html").read_text("utf-8")) for a, f in both.items()}
    assert numbers(pages["press"]) - numbers(pages["technical"]) == set()
    assert len(numbers(pages["press"])) > 60
    assert len(pages["press"]) < 0.6 * len(pages["technical"]), "the press report is the shorter one"
    documents = [json.loads((f / "report.json").read_text("utf-8")) for f in both.values()]
    assert {d.pop("audience") for d in documents} == set(AUDIENCES)
    assert documents[0] == documents[1], "one id, one content"


def test_tables_are_the_same_in_both_voices(both: dict[str, Path]) -> None:
    tables = [{p.name: p.read_bytes() for p in (f / "tables").iterdir()} for f in both.values()]
    assert tables[0] == tables[1] and tables[0]


@pytest.mark.parametrize("audience", AUDIENCES)
def test_what_may_be_quoted_stands_on_the_first_screen(both: dict[str, Path], audience: str) -> None:
    page = (both[audience] / "report.html").read_text("utf-8")
    quote = json.loads((both[audience] / "report.json").read_text("utf-8"))["quote"]
    top = text_of(page[: page.index("<section")])
    assert quote["you_can_write"] in top
    assert all(text in top for text in quote["do_not_write"])
    assert f"Who measured: {quote['who_measured']}" in top and "Since when: 1 January 2010" in top
    assert "Interest in the finding: not stated" in top and "Confidence 3 of 5" in top


def supported(shown: str, bounds: tuple[str, str], width: float) -> bool:
    """Whether a figure of an interval so many points wide has no digit too many; written apart from the code it judges."""
    value = abs(float(shown))
    if any(len(b.partition(".")[2]) != len(shown.partition(".")[2]) for b in bounds if float(b)):
        return False
    if "." in shown:
        # A decimal needs an interval under two points, or bounds that would else read 0 or 100.
        return width < 2
    if value in (99, 0) or width < 30:
        return True
    step = max(s for s in (1, 5, 10, 50, 100, 500, 1000, 5000) if s <= width / 6)
    # A figure may be moved back onto its own bound, which has the digits of a bound.
    return value % step == 0 or value in {abs(float(b)) for b in bounds}


def test_no_figure_of_the_press_report_has_more_digits_than_its_interval_bears(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    value = np.exp(rng.normal(-0.5, 1.2, 150))
    ratios = [
        Interval(float(v), float(v * np.exp(-rng.exponential(s))), float(v * np.exp(rng.exponential(s))))
        for v, s in zip(value, rng.choice([0.004, 0.03, 0.1, 0.4, 1.0], 150), strict=True)
    ]
    build_report(replace(made_report(ratios, bare=True), audience="press"), tmp_path)
    page = text_of((tmp_path / "report.html").read_text("utf-8"))
    said = r"(fell|rose) by (?:about )?([\d.]+) % \(95 % interval: ([\d.]+) to ([\d.]+) %\)"
    table = r"“[^”]*” in the subject\s+trap(\d+)\s+–\s+([−+]?[\d.]+) %\s+([−+]?[\d.]+) to ([−+]?[\d.]+) %"
    checked = 0
    for number, *shown in re.findall(table, page):
        r = ratios[int(number)]
        found, low, high = (s.replace("−", "-") for s in shown)
        assert supported(found, (low, high), (r.high - r.low) * 100), (shown, r)
        checked += 1
    assert checked == 150
    for i, r in enumerate(ratios[1:], 1):
        sentence = re.search(rf"At the feed “trap{i}”, [^.]*? (?:{said}|showed no change)", page)
        assert sentence, i
        if sentence[2]:
            assert supported(sentence[2], (sentence[3], sentence[4]), (r.high - r.low) * 100), (sentence[0], r)


def test_an_id_is_a_hash_of_what_is_said(tmp_path: Path) -> None:
    report = made_report([Interval(0.25, 0.2, 0.3)], bare=True)
    one = build_report(report, tmp_path / "a")
    assert REPORT_ID.fullmatch(one["id"])
    assert build_report(replace(report, audience="press"), tmp_path / "b")["id"] == one["id"]
    others = [
        replace(report, tlp="amber"),
        replace(report, supersedes=one["id"]),
        made_report([Interval(0.25, 0.2, 0.301)], bare=True),
        replace(report, interest="sells filters"),
    ]
    ids = {build_report(r, tmp_path / str(i))["id"] for i, r in enumerate(others)}
    assert len(ids | {one["id"]}) == 5
    page = (tmp_path / "1" / "report.html").read_text("utf-8")
    assert f"In place of report {one['id']}." in page
    assert "TLP:AMBER" in (tmp_path / "0" / "report.html").read_text("utf-8")


def test_because_is_not_forbidden_where_the_sentence_says_it(tmp_path: Path) -> None:
    report = made_report([Interval(0.25, 0.2, 0.3)], bare=True)
    after = build_report(report, tmp_path / "after")
    effect = report.findings[0].effect
    effect = replace(effect, attribution=Attribution("because of", ()))
    finding = Finding(effect, effect_document(effect))
    because = build_report(replace(report, findings=(finding,)), tmp_path / "because")
    assert "because of" in because["quote"]["you_can_write"] and "because of" not in after["quote"]["you_can_write"]
    assert [any("because of" in text for text in d["quote"]["do_not_write"]) for d in (after, because)] == [True, False]
    pages = [(tmp_path / name / "report.html").read_text("utf-8") for name in ("after", "because")]
    assert [say("limit_after") in page for page in pages] == [True, False]
    assert [say("limit_because").replace("'", "&#39;") in page for page in pages] == [False, True]


def test_templates_hold_no_prose() -> None:
    for path in TEMPLATES.glob("*.html"):
        text = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", "", path.read_text("utf-8"), flags=re.S)
        text = re.sub(r"<style>.*?</style>|<!doctype[^>]*>|<[^>]*>", " ", text, flags=re.S)
        words = set(re.findall(r"[A-Za-z][\w.]+", unescape(text)))
        assert words <= {"CSV", "SVG", "report.json", "MANIFEST.json", "spamtide", "report", "verify"}, words


def test_every_text_of_the_catalogue_is_used() -> None:
    folder = ROOT / "src" / "spamtide" / "report"
    sources = [*folder.rglob("*.py"), *TEMPLATES.glob("*.html")]
    source = "".join(p.read_text("utf-8") for p in sources if p.name != "page.py" or p.parent.name != "catalogue")
    unused = [
        code for code in PAGE if f'"{code}"' not in source and f"'{code}'" not in source and not code.endswith("_text")
    ]
    assert [c for c in unused if not re.fullmatch(r"confidence_\d", c)] == []
    assert all(isinstance(say(c, a), str) for c in PAGE for a in AUDIENCES)
