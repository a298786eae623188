"""A sender's text and HTML as pages carry them."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spamtide.report.live.hostile import hostile
from spamtide.report.live.inert import POLICY, inert_html


def test_markup_is_escaped_and_characters_that_act_are_named() -> None:
    assert str(hostile("<script>\u202ex\x1b[31m")) == (
        '&lt;script&gt;<span class="control">U+202E right-to-left override</span>x<span class="control">U+001B escape</span>[31m'
    )


def test_lines_stay_where_lines_are_asked_for() -> None:
    assert str(hostile("a\r\nb\tc\x00", lines=True)) == 'a\nb\tc<span class="control">U+0000 null</span>'
    assert str(hostile("a\nb")) == 'a<span class="control">U+000A line feed</span>b'


def test_a_pile_of_marks_is_cut_down() -> None:
    assert str(hostile("a" + "\u0301" * 6)).count("\u0301") == 3
    assert str(hostile("a\u0301" * 6)).count("\u0301") == 6


def test_a_long_text_is_capped_and_a_limit_of_none_shows_all() -> None:
    assert str(hostile("x" * 500)) == "x" * 400 + "…"
    assert len(hostile("x" * 500, 0)) == 500


@given(st.text(max_size=60))
def test_any_text_becomes_text_and_names_of_characters(text: str) -> None:
    shown = re.sub(r'<span class="control">[^<>]*</span>', "", str(hostile(text, lines=True)))
    assert "<" not in shown and ">" not in shown and '"' not in shown
    assert all(c.isprintable() or c in "\n\t" or c.isspace() for c in shown)


class Tags(HTMLParser):
    """Names of the tags that are opened."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.names.add(tag)


@pytest.mark.parametrize(
    "html",
    ["<IMG src=x>", "<a\thref=x>", "<a/href=x>", "<LiNk rel=preconnect href=//t>", "<svg><script>x</script>", "<meta\nhttp-equiv=refresh>",
     "<li<linknk>", "<iframe srcdoc='<link>'>", "<form><button>", "</p><base href=x>"],
)  # fmt: skip
def test_tags_that_load_or_move_lose_their_names(html: str) -> None:
    parser = Tags()
    parser.feed(inert_html(html).partition("<body>")[2])
    assert {n for n in parser.names if not n.startswith("x-")} <= {"li<linknk", "p"}


def test_text_and_layout_stay() -> None:
    assert inert_html("<table><tr><td bgcolor=red>buy <b>now</b> a < b</table>").endswith("<table><tr><td bgcolor=red>buy <b>now</b> a < b</table>")  # fmt: skip


def test_the_policy_of_the_frame_loads_nothing() -> None:
    assert POLICY.startswith("sandbox; default-src 'none'") and "allow-" not in POLICY


def test_much_hostile_text_costs_a_moment() -> None:
    started = time.perf_counter()
    hostile("\u202e" * 200_000, 0)
    inert_html("<a " * 500_000)
    assert time.perf_counter() - started < 4
