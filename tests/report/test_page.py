"""The page: self-contained, readable without script, one h1, every figure with its numbers in words and its CSV."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from made_worlds import Kind, made
from spamtide.measure import DAY_US, Window, estimate_effect
from spamtide.report import Finding, ReportInput, build_report, effect_document
from spamtide.report.forestplot import forest_marks, forest_plot
from spamtide.report.svg import DARK, LIGHT

# look.md, the table of colours: light and dark.
LOOK = {
    "ink": ("#1b1f24", "#e6e9ee"), "quiet": ("#5c6672", "#9aa5b1"), "ground": ("#ffffff", "#101418"),
    "line": ("#d8dee6", "#2a323b"), "observed": ("#1f4e79", "#7fb4e6"), "counterfactual": ("#8a6d3b", "#d1b077"),
    "event": ("#b3261e", "#ff8a80"), "controls": ("#4f7f5f", "#8fc2a0"),
}  # fmt: skip
TEXT = ("ink", "quiet", "observed", "counterfactual", "event")
MARKS = ("ink", "quiet", "observed", "counterfactual", "event", "controls")
SVG = "{http://www.w3.org/2000/svg}"


class Seen(HTMLParser):
    """Every start tag with its attributes, and ids."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]


@pytest.fixture(scope="session")
def seen(demo) -> Seen:
    return Seen(demo.page)


def figures(page: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(text) for text in re.findall(r"<svg.*?</svg>", page, re.S)]


def test_the_page_needs_nothing_from_outside_and_no_script(demo, seen: Seen) -> None:
    assert not seen.all("script", "img", "iframe", "object", "embed", "video", "audio", "base", "form")
    assert [link["href"] for link in seen.all("link")] == ["data:,"]
    assert "@import" not in demo.page and "url(http" not in demo.page
    for tag, attrs in seen.tags:
        for name, value in attrs.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href", "srcset", "action", "data", "xlink:href"):
                assert re.match(r"#|data:,|tables/|figures/|(report|MANIFEST)\.json$", value or ""), (tag, value)
    policy = next(m for m in seen.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in (policy["content"] or "")


def test_every_link_leads_somewhere(demo, seen: Seen) -> None:
    ids = [attrs["id"] for _, attrs in seen.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for link in seen.all("a"):
        href = link["href"] or ""
        assert href[1:] in ids if href.startswith("#") else (demo.report / href).is_file(), href


def test_there_is_one_h1_and_headings_skip_no_level(seen: Seen) -> None:
    levels = [int(tag[1]) for tag, _ in seen.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert seen.all("html")[0]["lang"] == "en"
    assert "width=device-width" in str(seen.all("meta"))


def test_the_first_words_are_the_finding_with_interval_and_planted_truth(demo) -> None:
    top = demo.page[: demo.page.index('<section id="question"')]
    text = re.sub(r"<[^>]+>", "", top[top.index("<main>") :])
    assert re.search(r"fell by (about )?\d+\u00a0% \(95\u00a0% interval: \d+ to \d+\u00a0%\)", text)
    assert "after 16 March 2011, 14:45 UTC" in text
    assert re.search(r"Planted truth\s+−\d+\u00a0%", text)
    assert "How was this computed?" in text
    assert "because of" not in text.replace("“because of” for “after”", "")


def test_each_figure_says_its_finding_and_its_numbers_in_words(demo) -> None:
    drawn = figures(demo.page)
    assert len(drawn) == 18, "four effects with chart and forest, and the shares, each for a wide page and a phone"
    for svg in drawn:
        title, words = svg.findtext(f"{SVG}title") or "", svg.findtext(f"{SVG}desc") or ""
        assert svg.get("role") == "img"
        assert svg.get("aria-labelledby") == f"{svg.find(f'{SVG}title').get('id')} {svg.find(f'{SVG}desc').get('id')}"
        assert re.search(r"\d", title) or "no change" in title.lower(), title
        assert len(re.findall(r"\d+", words)) >= 5, words


def test_the_words_beside_a_chart_hold_the_numbers_of_the_document(demo) -> None:
    import json

    document = json.loads((demo.report / "report.json").read_text("utf-8"))
    alts = [svg.findtext(f"{SVG}desc") or "" for svg in figures(demo.page)]
    for effect in document["effects"]:
        ratio = effect["ratio"]
        bounds = (round((ratio[k] - 1) * 100) for k in ("low", "high"))
        low, high = (f"{bound:+d}".replace("-", "−") if bound else "0" for bound in bounds)
        assert sum(f"{low} to {high} %" in alt and f"“{effect['feed']}”" in alt for alt in alts) >= 4


def test_text_in_a_figure_is_text_and_no_smaller_than_12(demo) -> None:
    for svg in figures(demo.page):
        texts = list(svg.iter(f"{SVG}text"))
        assert len(texts) > 8
        assert all((t.text or "").strip() for t in texts)
        assert {t.get("font-size") for t in texts} <= {"12", "14"}
        width = float((svg.get("viewBox") or "").split()[2])
        assert all(-1 <= float(t.get("x") or 0) <= width + 1 for t in texts)


def test_an_effect_chart_has_its_parts(demo) -> None:
    chart = figures(demo.page)[0]
    texts = " ".join(t.text or "" for t in chart.iter(f"{SVG}text"))
    for part in ("messages per live day", "16 March 2011, 14:45 UTC", "Rustock loses its control servers", "observed",
                 "expected without the event", " a day", "exposure", "before: 65 days", "after: six days", "0"):  # fmt: skip
        assert part in texts, part
    dashed = [p for p in chart.iter(f"{SVG}path") if p.get("stroke-dasharray")]
    assert [p.get("class") for p in dashed] == ["s-counterfactual"]
    assert any("hatch" in (r.get("fill") or "") for r in chart.iter(f"{SVG}rect")), "the outage is hatched"


def test_a_forest_has_one_ratio_axis_and_every_kind_of_row(demo) -> None:
    forest = next(f for f in figures(demo.page) if "forest" in (f.get("aria-labelledby") or ""))
    texts = [t.text or "" for t in forest.iter(f"{SVG}text")]
    for tick in ("−90 %", "−75 %", "−50 %", "−25 %", "0", "+50 %", "+100 %"):
        assert tick in texts, tick
    for row in ("this report", "planted truth", "placebo in time", "GLS, AR(1) errors", "without the last 21 days",
                "naive: a plain count", "as reported: 18 Mar 2011", "one day earlier", "two days later", "28 days before",
                "the first three days after", "feed second", "ICSA Labs, 22 Mar 2011"):  # fmt: skip
        assert row in texts, row


def test_colours_are_those_of_the_language(demo) -> None:
    assert {k: (LIGHT[k], DARK[k]) for k in LIGHT} == LOOK
    allowed = {c for pair in LOOK.values() for c in pair}
    assert set(re.findall(r"#[0-9a-f]{6}\b", demo.page)) <= allowed
    for name, (light, dark) in LOOK.items():
        assert f"--{name}:{light};" in demo.page and f"--{name}:{dark};" in demo.page


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast_is_enough_for_text_and_for_marks(demo, tokens: dict[str, str]) -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    used = {
        c.removeprefix("f-")
        for svg in figures(demo.page)
        for t in svg.iter(f"{SVG}text")
        for c in (t.get("class") or "").split()
        if c.startswith("f-")
    }
    assert used <= set(TEXT), "text is set in no other colour"
    for name in TEXT:
        assert contrast(tokens[name], tokens["ground"]) >= 4.5, name
    for name in MARKS:
        assert contrast(tokens[name], tokens["ground"]) >= 3, name


def test_focus_is_visible_and_boxes_that_scroll_can_be_reached(demo, seen: Seen) -> None:
    assert ":focus-visible { outline: 3px solid var(--observed)" in demo.page
    boxes = [attrs for _, attrs in seen.tags if attrs.get("class") == "scroll"]
    assert boxes and all(b.get("tabindex") == "0" and b.get("role") == "region" and b.get("aria-label") for b in boxes)


def test_print_is_light_and_cuts_no_figure(demo) -> None:
    style = demo.page[demo.page.index("<style>") : demo.page.index("</style>")]
    assert "@media screen and (prefers-color-scheme: dark)" in style, "a printed page is never dark"
    assert re.search(r"@media screen and \(max-width: \d+rem\)", style), "a printed page has the wide figures"
    assert re.search(r"figure[^{}]*\{ break-inside: avoid; \}", style[style.index("@media print") :])


def test_every_part_of_a_report_is_there(demo) -> None:
    headings = [re.sub(r"<[^>]+>", "", h) for h in re.findall(r"<h[23][^>]*>(.*?)</h[23]>", demo.page, re.S)]
    text = " | ".join(headings)
    for part in ("What was found", "The question", "What measured it", "Who answers for this", "Who could be harmed", "Windows",
                 "Definitions", "Results", "Three ways to put the same change", "How was this computed?", "Duplicates at “trap”",
                 "How many senders", "Has it come back", "Diagnostics", "Corroboration", "What others said", "Limitations",
                 "What would change our mind", "How to reproduce this"):  # fmt: skip
        assert part in text, part
    assert demo.page.count('class="none">not stated<') >= 2
    assert demo.page.count('<span class="simulated small">simulated</span>') == 2
    assert "DEMO_SEED=2 DEMO_SCALE=0.05 make demo" in demo.page


def test_no_percentage_stands_without_an_interval_in_a_title(demo) -> None:
    for title in re.findall(r"<h2>(.*?)</h2>", demo.page, re.S):
        if "%" in title or " points" in title:
            assert re.search(r"\(.*\d.* to .*\d.*\)", title), title


def test_a_refusal_is_a_card_that_says_what_would_be_enough(tmp_path: Path) -> None:
    series, cut, _ = made(Kind("short", 0.1, 0.3, before=9), 3)
    end = int(series.starts[-1]) + DAY_US
    effect = estimate_effect(
        series, cut, before=Window(int(series.starts[0]), cut), after=Window(cut, end), feed="f", event="e"
    )
    report = ReportInput(
        title="Nothing much", event_id="e", cut=cut, findings=(Finding(effect, effect_document(effect)),), duplicates=(),
        claims=(), cards=(), controller="", interest="",
    )  # fmt: skip
    document = build_report(report, tmp_path)
    page = (tmp_path / "report.html").read_text("utf-8")
    card = re.search(r'<div class="card refusal">(.*?)</div>', page, re.S)
    assert card and "it would take at least 14 live days before; there are 9 live days before" in card[1]
    assert "A refusal is not “no change”" in card[1]
    assert "<svg" not in page and not list((tmp_path / "figures").iterdir())
    assert any("too little data" in text for text in document["quote"]["do_not_write"])
    assert "Who measured: not stated" in page and "imulated" not in page.split("<main>")[1]


@pytest.mark.parametrize(
    ("ratio", "words"), [(9.0, "also show a rise"), (0.003, "also show a fall"), (1.0, "no change that can be told")]
)
def test_a_forest_holds_what_lies_far_out(tmp_path: Path, ratio: float, words: str) -> None:
    series, cut, _ = made(Kind("far", 0.1, 0.3, before=70, ratio=ratio, level=3000), 3)
    end = int(series.starts[-1]) + DAY_US
    effect = estimate_effect(
        series, cut, before=Window(int(series.starts[0]), cut), after=Window(cut, end), feed="f", event="e"
    )
    marks = forest_marks(effect, ratio, (), (), {})
    svg = ElementTree.fromstring(forest_plot(effect, marks, "far"))
    assert words in (svg.findtext(f"{SVG}title") or "")
    for mark in [*svg.iter(f"{SVG}circle")]:
        assert 200 < float(mark.get("cx") or 0) < 720
    texts = {t.text for t in svg.iter(f"{SVG}text")}
    assert {9.0: "+900 %", 0.003: "−99 %", 1.0: "+100 %"}[ratio] in texts
