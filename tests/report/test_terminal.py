"""What the terminal prints: sentences first, the planted value beside each, aligned columns, two colours or none."""

from __future__ import annotations

import io
import json
import re
import sys

import pytest

from spamtide.app.output import table
from spamtide.app.saying import print_findings


class Terminal(io.StringIO):
    """A stdout that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_the_demo_says_each_sentence_with_its_planted_value(demo) -> None:
    document = json.loads((demo.report / "report.json").read_text("utf-8"))
    lines = demo.printed.splitlines()
    assert lines[0] == document["effects"][0]["sentence"], "the first line is the finding"
    for finding in [*document["effects"], *document["duplicates"]]:
        below = lines[lines.index(finding["sentence"]) + 1]
        if "planted" in finding:
            assert below.startswith("  The planted truth is ") and re.search(r"\d %", below)
        else:
            assert finding["rule"] == "identical" and below == ""


def test_the_table_is_aligned(demo) -> None:
    lines = demo.printed.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("feed "))
    rows = lines[start : start + 5]
    for column in ("change", "95 % interval", "planted"):
        end = rows[0].index(column) + len(column)
        assert all(row[end - 1] == "%" and row[end] == " " for row in rows[1:]), column
    assert len({row.index(" of 5") for row in rows[1:]}) == 1
    assert table(["a", "bb"], [["xxx", "1"]], right=(1,)) == ["a    bb", "xxx   1"]


def test_a_pipe_gets_no_colour_and_whole_sentences(demo) -> None:
    assert "\x1b" not in demo.printed
    assert all(not re.match(r"\s*(and|of|the|with) ", line) for line in demo.printed.splitlines())


@pytest.mark.parametrize("plain", [False, True])
def test_a_terminal_gets_two_colours_at_most(demo, monkeypatch: pytest.MonkeyPatch, plain: bool) -> None:
    document = json.loads((demo.report / "report.json").read_text("utf-8"))
    document["effects"][1]["planted"] = 3.0
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if plain:
        monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    print_findings(document)
    codes = set(re.findall(r"\x1b\[(\d+)m", out.getvalue()))
    assert codes == (set() if plain else {"31", "32", "0"})
    assert "outside the interval" in out.getvalue()
    text = re.sub(r"\x1b\[\d+m", "", out.getvalue())
    assert max(len(line) for line in text.splitlines()) <= 80
