"""Checks of an effect on a feed that need no messages: what was thinned, and several traps partially pooled."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spamtide.app.config import People
from spamtide.app.diagnosing import levels_check, thinning_check
from spamtide.app.workspace import Workspace
from spamtide.fingerprint import FACTS_VERSION
from spamtide.measure import DAY_US, Check, Interval, Note, Window

EFFECT: Any = SimpleNamespace(
    feed="f", before=Window(100 * DAY_US, 110 * DAY_US), after=Window(110 * DAY_US, 120 * DAY_US)
)


@pytest.mark.parametrize(
    ("feed", "day", "version", "code", "verdict"),
    [
        ("f", 105, FACTS_VERSION, "thinned_within", "quiet"),
        ("f", 105, FACTS_VERSION - 1, "thinned_within", "doubt"),
        ("f", 130, FACTS_VERSION, "not_thinned", "quiet"),
        ("g", 105, FACTS_VERSION, "not_thinned", "quiet"),
    ],
)
def test_thinning_within_the_windows_is_said_and_doubted_where_facts_are_old(
    tmp_path: Path, feed: str, day: int, version: int, code: str, verdict: str
) -> None:
    workspace = Workspace.create(tmp_path / "w", People())
    entry = {
        "feed": feed, "writer": "x", "segment": 1, "ordinals": [1, 2, 5], "policy": {}, "first": day * DAY_US,
        "last": day * DAY_US + 1, "facts_version": version, "kept": [],
    }  # fmt: skip
    workspace.archive.journal.append("thinning", entry, 131 * DAY_US)
    observatory: Any = SimpleNamespace(workspace=Workspace(tmp_path / "w"))
    check = thinning_check(observatory, EFFECT)
    assert (check.note.code, check.verdict) == (code, verdict)
    if code == "thinned_within":
        assert check.note.facts["messages"] == 3


def test_traps_alone_are_drawn_together_in_a_check_of_their_own() -> None:
    rows = (
        ("without a", Interval(0.4, 0.3, 0.5)), ("a alone", Interval(0.4, 0.35, 0.45)), ("b alone", Interval(0.42, 0.37, 0.48)),
        ("c alone", Interval(0.8, 0.2, 3.0)), ("d alone", None),
    )  # fmt: skip
    among = Check(Note("feeds_check"), "quiet", rows)
    (check,) = levels_check(among)
    assert [label for label, _ in check.rows] == ["a, partially pooled", "b, partially pooled", "c, partially pooled"]
    drawn = check.rows[2][1]
    assert drawn is not None and drawn.value < 0.6
    assert levels_check(Check(Note("feeds_check"), "quiet", rows[:3])) == ()
