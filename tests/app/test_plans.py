"""Plans: frozen before the data, judged after."""

from __future__ import annotations

from pathlib import Path

import pytest

from spamtide.app.effects import EffectQuestion
from spamtide.app.plans import content_of, plan_id, read_plan

DAYS = "".join(f"2011-{m:02d}-{d:02d},{40 + d % 5}\n" for m in (1, 2, 3) for d in range(1, 29))


@pytest.fixture
def home(spamtide, tmp_path: Path) -> Path:
    assert spamtide("init", tmp_path / "w").code == 0
    (tmp_path / "counts.csv").write_text("time,count\n" + DAYS)
    (tmp_path / "plan.toml").write_text('series = "counts.csv"\nat = "2011-03-10"\nshape = "step"\n')
    return tmp_path


def ask(spamtide, home: Path, *more: object):
    return spamtide("--workspace", home / "w", "effect", *more, "--json")


def test_a_plan_is_frozen_once_and_followed(spamtide, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    first = ask(spamtide, home, "--plan", home / "plan.toml").json
    (home / "plan.toml").write_text('# the same\nshape = "step"\nat = "2011-03-10"\nseries = "counts.csv"\n')
    second = ask(spamtide, home, "--plan", home / "plan.toml").json
    assert first["plan"] == second["plan"]
    assert first["plan"]["followed"] and first["plan"]["departures"] == []
    # Frozen years after the cut: nobody can say that the data were not looked at, and the rule stays unmet.
    assert first["plan"]["before_data"] is False
    assert "no_registered_plan" in [r["code"] for r in first["confidence"]["reasons"]]
    assert first["shape"]["asked"] == "step"


def test_a_result_that_departs_from_its_plan_says_in_what(
    spamtide, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    assert ask(spamtide, home, "--plan", home / "plan.toml").code == 0
    (home / "other.toml").write_text('series = "counts.csv"\nat = "2011-03-10"\nbefore = "40d"\n')
    # Another plan is another promise: it is judged by its own.
    assert ask(spamtide, home, "--plan", home / "other.toml").json["plan"]["followed"]


def test_a_plan_before_the_cut_meets_its_rule(spamtide, home: Path) -> None:
    from dataclasses import replace

    import numpy as np

    from spamtide.app.plans import freeze_plan, judged_by_plan
    from spamtide.app.workspace import Workspace
    from spamtide.measure import DAY_US, Series, Window, estimate_effect

    workspace = Workspace(home / "w")
    cut = 15_043 * DAY_US
    question = EffectQuestion(series="counts.csv", at="2011-03-10")
    plan = freeze_plan(workspace, question, now=cut - 1)
    day = np.arange(-60, 10)
    one = np.ones(len(day))
    series = Series(
        "count", "count", "message", DAY_US, cut + day * DAY_US, 50 + (day % 7) * one, one, one == 0, "declared"
    )
    windows = {"before": Window(cut - 60 * DAY_US, cut), "after": Window(cut, cut + 10 * DAY_US)}
    effect = estimate_effect(series, cut, **windows, diagnostics="none")
    kept = judged_by_plan(workspace, question, effect)
    assert kept.plan is not None and kept.plan.id == plan.id and kept.plan.before_data and not kept.plan.departures
    assert "no_registered_plan" not in [n.code for n in kept.confidence.unmet]
    moved = judged_by_plan(workspace, replace(question, before="30d", method="placebo"), effect)
    assert moved.plan is not None and moved.plan.departures == ("before", "method")
    assert [n.code for n in moved.warnings][-1] == "plan_not_followed"
    assert "no_registered_plan" in [n.code for n in moved.confidence.unmet]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('feed = "f"\nmeasures = "volume"\n', "no key 'measures'"),
        ('feed = "f"\nmethod = "magic"\n', "no method 'magic'"),
        ("feed = 3\n", "feed is a string"),
        ("feed", "no TOML"),
    ],
)
def test_what_is_no_plan_is_said(spamtide, home: Path, text: str, words: str) -> None:
    (home / "bad.toml").write_text(text)
    ran = ask(spamtide, home, "--plan", home / "bad.toml")
    assert ran.code == 2 and ran.json["error"] == "bad_plan" and words in ran.json["message"]


def test_options_beside_a_plan_are_wrong_use(spamtide, home: Path) -> None:
    ran = ask(spamtide, home, "--plan", home / "plan.toml", "--shape", "ramp")
    assert ran.code == 2 and "A plan says what is measured" in ran.json["message"]


def test_the_hash_is_of_the_question_with_its_defaults(home: Path) -> None:
    (home / "long.toml").write_text('series = "counts.csv"\nat = "2011-03-10"\nshape = "step"\nmethod = "latent-ar1"\n')
    assert plan_id(content_of(read_plan(home / "long.toml"))) == plan_id(content_of(read_plan(home / "plan.toml")))
