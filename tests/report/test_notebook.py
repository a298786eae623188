"""``import spamtide``: the same values, which show themselves in a notebook and become Arrow tables."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pyarrow as pa
import pytest

import spamtide
from spamtide.app.notebook import Answer, Opened
from spamtide.measure import DAY_US, Window

CUT = 1_300_286_700_000_000
NAMES = ("effect", "series", "duplicates", "campaigns", "agreement", "population")


@pytest.fixture(scope="module")
def answers(demo) -> dict[str, Answer]:
    here = spamtide.open(demo.folder / "workspace")
    assert isinstance(here, Opened)
    after = Window(CUT, CUT + 6 * DAY_US)
    before = Window(CUT - 28 * DAY_US, CUT)
    return {
        "effect": here.effect("volume", "trap", event="rustock-2011"),
        "series": here.series("volume", ["trap"]),
        "duplicates": here.duplicates("trap", "exact", [before, after]),
        "campaigns": here.campaigns(),
        "agreement": here.agreement("volume", ["trap", "second"], event="rustock-2011", groups={"trap": "a", "second": "b"}),
        "population": here.population("volume", ["trap"], window=before),
    }  # fmt: skip


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen.add(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_shows_itself(answers: dict[str, Answer], name: str) -> None:
    html = answers[name]._repr_html_()
    tags = Tags(re.sub(r"<(path|rect|circle|line)[^>]*/>", "", html))
    assert tags.open == [] and not tags.seen & {"script", "img", "iframe", "style"}
    assert "table" in tags.seen or name == "effect"
    assert "svg" in tags.seen or name not in ("effect", "series")
    sentence = answers[name].document.get("sentence")
    assert sentence is None or repr(answers[name]) == sentence
    assert "decoy" not in html


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_an_arrow_table_with_its_document(answers: dict[str, Answer], name: str) -> None:
    table = answers[name].to_arrow()
    assert isinstance(table, pa.Table) and table.num_rows > 0
    assert json.loads(table.schema.metadata[b"spamtide"]) == json.loads(json.dumps(answers[name].document))
    assert table.schema == answers[name].to_arrow().schema


def test_rows_hold_what_the_value_holds(answers: dict[str, Answer]) -> None:
    series, effect = answers["series"], answers["effect"]
    rows = series.to_arrow()
    assert rows["count"].null_count == int(series.missing.sum())
    assert sum(c or 0 for c in rows["count"].to_pylist()) == series.counts.sum()
    path = effect.to_arrow()
    after = path.filter(path["after"])
    assert sum(c or 0 for c in after["count"].to_pylist()) == effect.counted_after.count
    shares = answers["duplicates"].to_arrow().to_pylist()
    first = next(r for r in shares if r["share"] == "in_group" and r["compared"] == "as counted")
    assert first["value"] == pytest.approx(answers["duplicates"].windows[0].in_group.value, rel=1e-5)
    assert [r["independence_group"] for r in answers["agreement"].to_arrow().to_pylist()] == ["a", "b"]


def test_hostile_text_in_an_answer_is_inert(answers: dict[str, Answer]) -> None:
    from spamtide.report import campaigns_html

    row = {
        "campaign": "c-1",
        "messages": 2,
        "first_seen": 0,
        "last_seen": 0,
        "subject_0": "<script>x</script> for anna@decoy.example \u202e",
    }
    html = campaigns_html([row], 1)
    assert "<script" not in html and "decoy.example" not in html and "\u202e" not in html and "&lt;script&gt;" in html
