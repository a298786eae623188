"""Figures that only the dashboard draws: storyboard, areas, ladder."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from spamtide.report.live.areas import areas_svg
from spamtide.report.live.ladder import ladder_svg
from spamtide.report.live.storyboard import storyboard_svg

NS = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert(1)</script>\u202e"


def drawn(svg: Any) -> ElementTree.Element:
    """The figure as a tree; it has a name and a description, and nothing that acts."""
    tree = ElementTree.fromstring(str(svg))
    assert not [
        e for e in tree.iter() if e.tag.endswith("script") or any(a.startswith("on") or a == "style" for a in e.attrib)
    ]
    assert "\u202e" not in str(svg)
    title, description = (tree.find(f"{NS}{tag}") for tag in ("title", "desc"))
    assert title is not None and title.text and description is not None and description.text
    return tree


def board(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A storyboard of three weeks."""
    return {"start": "2011-03-01", "end": "2011-03-21", "rows": rows, "title": "t", "alt": "a"}


def row(subject: str, *days: tuple[str, int], rest: bool = False) -> dict[str, Any]:
    """A wording of these days."""
    listed = [{"day": day, "messages": n} for day, n in days]
    return {
        "subject": subject,
        "excerpt": subject,
        "messages": sum(n for _, n in days),
        "days": listed,
        "rest": rest,
        "id": None,
    }


@pytest.mark.parametrize("narrow", [False, True])
def test_a_storyboard_has_a_bar_a_day_thicker_where_more_came(narrow: bool) -> None:
    rows = [row(HOSTILE, ("2011-03-02", 1), ("2011-03-12", 100)), row("rest", ("2011-03-21", 25), rest=True)]
    bars = drawn(storyboard_svg(board(rows), "b", narrow=narrow)).findall(f"{NS}rect")
    heights = [float(b.attrib["height"]) for b in bars]
    assert len(bars) == 3 and heights[0] < heights[2] < heights[1]
    assert float(bars[0].attrib["x"]) < float(bars[1].attrib["x"]) < float(bars[2].attrib["x"])


def test_a_storyboard_of_one_day_is_drawn() -> None:
    one = {**board([row("one", ("2011-03-01", 1))]), "end": "2011-03-01"}
    assert len(drawn(storyboard_svg(one, "b")).findall(f"{NS}rect")) == 1


@pytest.mark.parametrize("narrow", [False, True])
def test_areas_stand_on_one_another_and_what_is_of_no_group_at_the_bottom(narrow: bool) -> None:
    layers = [{"label": "unknown", "values": [10, 10, 10]}, {"label": HOSTILE, "values": [5, 0, 20]}]
    tree = drawn(
        areas_svg(
            {"times": ["2011-03-07", "2011-03-14", "2011-03-21"], "layers": layers, "title": "t", "alt": "a"},
            "a",
            narrow=narrow,
        )
    )
    areas = [p for p in tree.findall(f"{NS}path") if p.attrib.get("fill-opacity")]
    assert [a.attrib["class"] for a in areas] == ["f-quiet", "f-observed"]

    def edge(area: ElementTree.Element) -> list[float]:
        return [float(point.split(" ")[1]) for point in area.attrib["d"].strip("MZ").split("L")]

    quiet, other = (edge(a) for a in areas)
    # Upwards is less: the second begins where the first ends.
    assert quiet[:3] == other[5:2:-1]
    assert quiet[1] == other[1] and other[2] < quiet[2]


@pytest.mark.parametrize("narrow", [False, True])
def test_the_headline_of_a_ladder_is_bold_and_textbook_figures_are_hollow(narrow: bool) -> None:
    def estimate(quantity: str, value: float, warning: str | None = None) -> dict[str, Any]:
        return {
            "quantity": quantity,
            "value": value,
            "low": value / 2,
            "high": value * 2,
            "unit": "host",
            "warning": warning,
        }

    tree = drawn(
        ladder_svg([estimate("hosts_lower_bound", 900), estimate("chao", 90_000, "wrong")], "l", narrow=narrow)
    )
    bold = [t.text for t in tree.findall(f"{NS}text") if t.attrib.get("font-weight")]
    dots = [c.attrib["class"] for c in tree.findall(f"{NS}circle")]
    assert bold == ["hosts lower bound"]
    assert dots == ["f-observed s-observed", "f-ground s-quiet"]
    assert str(ladder_svg([], "l")) == ""
