"""What is kept of answers: as long as what they were computed from is the same, and no longer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from conftest import Spamtide
from serving_made import make_workspace
from spamtide.app.observatory import Observatory
from spamtide.app.serving.asking import Asker
from spamtide.app.workspace import Workspace, now_us
from spamtide.archive import Engine, Journal
from spamtide.measure import estimate_effect


def test_a_minute_of_uptime_ages_no_answer_that_it_is_not_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_workspace(tmp_path)
    asker = Asker(workspace, local=True, clock=now_us)
    asked_of: list[str] = []

    def counted(name: str, *kinds: str) -> int:
        def find() -> int:
            asked_of.append(name)
            asker.kept("feeds", workspace.archive.feeds)
            return len(workspace.archive.journal.read(*kinds)) if kinds else 0

        found: int = asker.kept(name, find)
        return found

    def all_of_them() -> list[str]:
        asked_of.clear()
        counted("nothing")
        counted("exposure", "exposure")
        counted("searches", "saved_search", "event")
        return list(asked_of)

    assert all_of_them() == ["nothing", "exposure", "searches"]
    assert all_of_them() == []
    body = {"feed": "trap", "start": 1_300_700_000_000_000, "end": 1_300_700_060_000_000, "basis": "uptime"}
    Journal(workspace.archive.root, "trap").append("exposure", body, now_us())
    assert all_of_them() == ["exposure"]
    Journal(workspace.archive.root, "trap").append("event", {}, now_us())
    assert all_of_them() == ["searches"]
    # What an answer took from another answer is in it too.
    Journal(workspace.archive.root, "trap").append("feed", {"feed": "another"}, now_us())
    assert all_of_them() == ["nothing", "exposure", "searches"]
    asker.close()


def test_an_effect_is_estimated_again_only_when_what_it_is_estimated_from_changed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asker = Asker(Workspace(place), local=True, clock=now_us)
    estimates: list[int] = []
    monkeypatch.setattr(
        Observatory,
        "estimated",
        lambda self, series, at, **how: estimates.append(at) or estimate_effect(series, at, **how),
    )
    first = asker.observatory.effect("volume", "trap", event="rustock-2011")
    assert asker.observatory.effect("volume", "trap", event="rustock-2011") == first
    assert len(estimates) == 1
    asker.observatory.effect("subject:viagra,cialis", "trap", event="rustock-2011")
    assert len(estimates) == 2
    asker.close()


def test_the_engine_is_not_asked_twice_and_never_gives_an_answer_of_other_tables(
    tmp_path: Path, spamtide: Spamtide, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_workspace(tmp_path)
    asker = Asker(workspace, local=True, clock=now_us)
    question = "SELECT count(*) AS n FROM message"

    def ask() -> int:
        with asker.engine() as engine:
            rows = engine.ask(question)
        n: int = rows[0]["n"]
        rows[0]["n"] = -1
        return n

    asked_of: list[str] = []
    plainly = Engine.ask

    def noted(self: Engine, text: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        asked_of.append(text)
        return plainly(self, text, parameters)

    monkeypatch.setattr(Engine, "ask", noted)
    n = ask()
    assert ask() == n and asked_of == [question]
    mail = tmp_path / "one.eml"
    mail.write_bytes(
        b"Received: from x ([192.0.2.1]) by y; 20 Mar 2011 10:00:00 +0000\r\nSubject: one\r\n\r\nwords\r\n"
    )
    assert spamtide("--workspace", workspace.root, "import", mail, "--feed", "trap").code == 0
    assert ask() == n + 1
    asker.close()
