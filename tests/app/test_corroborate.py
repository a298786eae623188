"""``spamtide corroborate``: two made traps and a third house's counts on one event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import spamtide as spamtide_package
from conftest import Spamtide
from spamtide.app.effects import EffectQuestion
from spamtide.app.plans import freeze_plan
from spamtide.app.registry import workspace_registry
from spamtide.app.workspace import Workspace

ASK = ("corroborate", "--event", "rustock-2011", "--measure", "volume")


@pytest.fixture(scope="module")
def world(spamtide: Spamtide, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A small world of two traps, and a feed of counts that fall by half."""
    folder: Path = tmp_path_factory.mktemp("corroborate")
    assert spamtide("simulate", "march-2011", "--out", folder / "w", "--scale", "0.02", "--seed", "3").code == 0
    here = ("--workspace", str(folder / "w" / "workspace"))
    days = [f"2011-{m:02d}-{d:02d}" for m in (1, 2, 3) for d in range(1, 29)]
    rows = [f"{day},volume,{(400 if day < '2011-03-16' else 200) + 9 * (i % 7)},1" for i, day in enumerate(days)]
    (folder / "isp.csv").write_text("time,series,count,exposure\n" + "\n".join(rows) + "\n")
    assert spamtide(*here, "import", folder / "isp.csv", "--feed", "isp").code == 0
    return here


@pytest.fixture(scope="module")
def three(spamtide: Spamtide, world: tuple[str, str]) -> dict[str, Any]:
    groups = ("--group", "trap=us", "--group", "second=them", "--group", "isp=isp")
    ran = spamtide(*world, *ASK, "--feeds", "trap,second,isp", *groups, "--json")
    assert ran.code == 0, ran.err
    document: dict[str, Any] = ran.json
    return document


def test_three_stated_groups_have_a_mean_that_is_no_headline(three: dict[str, Any]) -> None:
    assert [e["feed"] for e in three["effects"]] == ["trap", "second", "isp"]
    assert three["pooled"]["groups"] == ["us", "them", "isp"]
    assert three["range"]["lowest"] <= three["pooled"]["ratio"]["value"] <= three["range"]["highest"]
    assert three["not_pooled"] is None
    assert three["sentence"].startswith("At 3 feeds the changes run from")
    assert three["sentence"].endswith("name the feeds and their range.")
    assert {w["without"] for w in three["leave_one_out"]} == {"trap", "second", "isp"}
    assert {r["kind"] for r in three["replications"]} == {"same-metric"}


def test_counts_have_an_effect_and_no_items(three: dict[str, Any]) -> None:
    assert three["effects"][2]["ratio"] is not None
    feeds = three["feeds"]
    assert feeds["without_items"] == ["isp"]
    assert [f["feed"] for f in feeds["coverage"]["feeds"]] == ["trap", "second"]
    (pair,) = feeds["coverage"]["pairs"]
    assert 0 < pair["of_first"] <= 1 and 0 < pair["of_second"] <= 1
    assert 0 < feeds["proportionality"][0]["distance"] < 1
    assert all(row["median_hours"] >= 0 for row in feeds["lag"])


def test_feeds_that_nobody_vouches_for_are_not_pooled(spamtide: Spamtide, world: tuple[str, str]) -> None:
    document = spamtide(*world, *ASK, "--feeds", "trap,second,isp", "--json").json
    assert document["pooled"] is None
    assert document["not_pooled"]["have"] == {"independence_groups": 0}
    assert {r["kind"] for r in document["replications"]} == {"restates"}
    out = spamtide(*world, *ASK, "--feeds", "trap,second", "--group", "trap=us").out
    assert "no mean" in out and "only here" in out


def test_duplicates_of_a_file_stand_beside_the_claims(
    spamtide: Spamtide, world: tuple[str, str], tmp_path: Path
) -> None:
    windows = ("--window", "2011-03-01/2011-03-16T14:45:00Z", "--compare", "2011-03-16T14:45:00Z/2011-03-23")
    ran = spamtide(*world, "duplicates", "--feed", "trap", *windows, "--json")
    assert ran.code == 0, ran.err
    (tmp_path / "d.json").write_text(ran.out)
    document = spamtide("claims", "rustock-2011", "--measured", tmp_path / "d.json", "--json").json
    beside = [f["claims"][0] for f in document["findings"] if f["code"] == "measured_share_beside_claim"]
    assert beside == ["icsa-duplicates-before", "icsa-duplicates-after"]


def test_an_effect_in_python_stands_beside_the_claims(world: tuple[str, str]) -> None:
    observatory = spamtide_package.open(world[1])
    effect = observatory.effect("subject:viagra,cialis", "trap", event="rustock-2011")
    document = observatory.claims("rustock-2011", [effect])
    beside = [f for f in document["findings"] if f["code"] == "measured_beside_claim"]
    assert [f["claims"] for f in beside] == ([["icsa-two-words"]] if effect.ratio is not None else [])


def test_wrong_use_is_told(spamtide: Spamtide, world: tuple[str, str]) -> None:
    for more, error in (
        (("--feeds", "trap"), "usage"),
        (("--feeds", "trap,trap"), "usage"),
        (("--feeds", "trap,nowhere"), "unknown_feed"),
        (("--feeds", "trap,second", "--group", "isp=x"), "bad_group"),
        (("--feeds", "trap,second", "--group", "trap"), "bad_group"),
    ):
        ran = spamtide(*world, *ASK, *more, "--json")
        assert (ran.code, ran.json["error"]) == (2, error)


def test_a_plan_and_three_groups_are_graded_by_the_table_and_by_the_report(
    spamtide: Spamtide, world: tuple[str, str], tmp_path: Path
) -> None:
    workspace = Workspace(Path(world[1]))
    before = spamtide(*world, *ASK, "--feeds", "trap,second", "--json").json["effects"]
    cut = workspace_registry(workspace).event("rustock-2011").cut().at
    freeze_plan(workspace, EffectQuestion(event="rustock-2011", measure="volume", feed="trap"), now=cut - 1)
    groups = ("--group", "trap=us", "--group", "second=them")
    made = spamtide(
        *world, "report", *ASK[1:], "--feeds", "trap,second", *groups, "--out", tmp_path / "r", "--json"
    ).json
    after = spamtide(*world, *ASK, "--feeds", "trap,second", *groups, "--json").json["effects"]
    unmet = [[r["code"] for r in e["confidence"]["reasons"]] for e in made["effects"]]
    assert made["effects"][0]["plan"]["followed"] and made["effects"][1]["plan"] is None
    assert ["no_registered_plan" in codes for codes in unmet] == [False, True]
    # Table, report and the effect alone are graded by one rule.
    assert [e["confidence"] for e in after] == [e["confidence"]["level"] for e in made["effects"]]
    alone = spamtide(*world, "effect", *ASK[1:], "--feed", "trap", "--json").json
    assert "no_registered_plan" not in [r["code"] for r in alone["confidence"]["reasons"]]
    assert [e["confidence"] for e in before] <= [e["confidence"] for e in after]
