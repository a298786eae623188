"""An effect says where its instrument changed within the windows, or is none that measures."""

from __future__ import annotations

from pathlib import Path

import pytest

from spamtide.app.instruments import instrument_notes
from spamtide.app.lives import DAY, add_addresses
from spamtide.app.workspace import Workspace
from spamtide.measure import Window
from trap_process import make_workspace

T0 = 1_300_000_000_000_000


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(make_workspace(tmp_path / "w"))
    made.archive.journal.append("feed", {"feed": "f", "persona": "plain", "panel": "measuring", "addresses": 3}, T0)
    return made


def codes(workspace: Workspace, first_day: float, last_day: float) -> list[str]:
    window = Window(T0 + int(first_day * DAY), T0 + int(last_day * DAY))
    return [note.code for note in instrument_notes(workspace, "f", window)]


def test_a_changed_persona_is_told_where_it_is_within_the_windows(workspace: Workspace) -> None:
    workspace.archive.journal.append("feed", {"feed": "f", "persona": "other"}, T0 + 10 * DAY)
    workspace.archive.journal.append("feed", {"feed": "f", "clock": "another"}, T0 + 20 * DAY)
    workspace.archive.journal.append("feed", {"feed": "f", "starttls": False}, T0 + 30 * DAY)
    assert [codes(workspace, *days) for days in ((1, 9), (9, 11), (10, 30), (15, 30), (29, 31))] == [
        [], ["instrument_changed"], [], [], ["instrument_changed"],
    ]  # fmt: skip


def test_a_ramp_that_is_over_changes_the_panel(workspace: Workspace) -> None:
    add_addresses(workspace, "f", ["x@t.example"], state="ramp", vantage=None, since=None, now=T0)
    assert codes(workspace, 1, 89) == [] and codes(workspace, 1, 91) == ["instrument_changed"]


def test_a_feed_that_does_not_measure_says_so(workspace: Workspace) -> None:
    workspace.archive.journal.append("feed", {"feed": "f", "panel": "treated"}, T0 + DAY)
    assert codes(workspace, 2, 3) == ["not_measuring"]
