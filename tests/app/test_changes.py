"""``changes`` of a file and of a feed, and ``effect --parts``."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

# What changed at the trap, part by part; what the parts are of comes last.
PARTS = ("effect", "--event", "rustock-2011", "--feed", "trap", "--diagnostics", "none", "--json", "--parts")


@pytest.fixture(scope="module")
def world(spamtide, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("changes") / "w"
    assert spamtide("simulate", "march-2011", "--out", folder, "--scale", "0.05", "--seed", "3").code == 0
    return folder / "workspace"


def test_a_file_with_a_step_at_a_registered_event_names_it_as_near(spamtide, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    lines = ["time,series,count,exposure"]
    for i in range(100):
        day = str(np.datetime64("2011-01-10") + i)
        lines.append(f"{day},pills,{rng.poisson(300 if day < '2011-03-16' else 70)},1")
        lines.append(f"{day},other,{rng.poisson(200)},1")
    (tmp_path / "c.csv").write_text("\n".join(lines) + "\n")
    ran = spamtide("changes", "--series", tmp_path / "c.csv", "--json")
    assert ran.code == 0
    document = ran.json
    assert document["looked_at"] == 2 and [c["series"] for c in document["changes"]] == ["pills"]
    change = document["changes"][0]
    assert change["at"]["low"] <= "2011-03-16T00:00:00Z" <= change["at"]["high"]
    assert change["ratio"]["low"] <= 70 / 300 <= change["ratio"]["high"]
    near = {e["event"] for e in change["explanations"] if e["kind"] == "event"}
    assert "rustock-2011" in near
    assert "because" not in change["sentence"] and "the registry has" in change["sentence"]
    shown = spamtide("changes", "--series", tmp_path / "c.csv")
    assert shown.out.splitlines()[0].startswith("1 change in 1 of 2 series")


def test_hours_are_gathered_into_days(spamtide, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    start = np.datetime64("2011-01-10T00")
    rows = [f"{start + h}:00:00Z,{rng.poisson(20 if h < 24 * 40 else 5)}" for h in range(24 * 80)]
    (tmp_path / "h.csv").write_text("time,count\n" + "\n".join(rows) + "\n")
    document = spamtide("changes", "--series", tmp_path / "h.csv", "--json").json
    assert [c["at"]["value"] for c in document["changes"]] == ["2011-02-19T00:00:00Z"]


def test_days_are_those_of_the_zone_asked_for(spamtide, tmp_path: Path) -> None:
    # A step at midnight in Berlin, by its standard time an hour before that of UTC; and one in Phoenix.
    for zone, hour in (("Europe/Berlin", 23), ("-07:00", 7), ("America/Phoenix", 7)):
        rng = np.random.default_rng(3)
        start = np.datetime64("2011-01-10T00")
        step = 24 * 39 + hour if hour > 12 else 24 * 40 + hour
        rows = [f"{start + h}:00:00Z,{rng.poisson(20 if h < step else 5)}" for h in range(24 * 80)]
        (tmp_path / "h.csv").write_text("time,count\n" + "\n".join(rows) + "\n")
        document = spamtide("changes", "--series", tmp_path / "h.csv", "--zone", zone, "--json").json
        found = [c["at"]["value"] for c in document["changes"]]
        assert found == [f"2011-02-{18 if hour > 12 else 19}T{hour:02d}:00:00Z"], zone
    for zone in ("Europe/Nowhere", "+25:00", "../etc"):
        wrong = spamtide("changes", "--series", tmp_path / "h.csv", "--zone", zone, "--json")
        assert (wrong.code, wrong.json["error"]) == (2, "bad_zone")
    (tmp_path / "d.csv").write_text("time,count\n2011-01-01,3\n2011-01-02,4\n")
    assert spamtide("changes", "--series", tmp_path / "d.csv", "--zone", "+01:00").code == 2


def test_a_zone_moves_the_days_of_a_feed(spamtide, world: Path) -> None:
    asked = ("--workspace", world, "changes", "--feed", "trap", "--measure", "volume", "--json")
    shifted = spamtide(*asked, "--zone", "Europe/Berlin").json
    assert shifted["window"]["start"].endswith("T23:00:00Z")
    assert spamtide(*asked).json["window"]["start"].endswith("T00:00:00Z")


def test_countries_are_looked_at_where_there_is_a_table_of_networks(spamtide, world: Path, tmp_path: Path) -> None:
    place = shutil.copytree(world, tmp_path / "w")
    asked = ("--workspace", place, "changes", "--feed", "trap", "--of", "country", "--json")
    without = spamtide(*asked)
    assert (without.code, without.json["error"]) == (2, "no_countries")
    (place / "table").write_text("0.0.0.0/1\t64500\tMade\tDE\n128.0.0.0/1\t64501\tMade\tBR\n")
    with (place / "spamtide.toml").open("a") as file:
        file.write('\n[networks]\ntable = "table"\ndate = "2011-03-01"\n')
    document = spamtide(*asked).json
    names = {s["series"] for s in document["not_looked_at"]} | {c["series"] for c in document["changes"]}
    assert document["looked_at"] + len(document["not_looked_at"]) >= 1
    assert all(n.startswith("messages:country:") for n in names)


def test_wrong_use_is_said(spamtide, tmp_path: Path) -> None:
    assert spamtide("changes").code == 2
    assert spamtide("changes", "--feed", "x", "--of", "weather").code == 2
    (tmp_path / "c.csv").write_text("time,count\n2011-01-01,3\n2011-01-02,4\n")
    ran = spamtide("changes", "--series", tmp_path / "c.csv", "--json")
    assert ran.code == 1 and ran.json["looked_at"] == 0
    assert ran.json["not_looked_at"][0]["refused"]["reason"] == "too_little_to_look_at"


def test_the_series_of_a_feed_are_looked_at_and_explained_by_campaigns(spamtide, world: Path) -> None:
    where = ("--workspace", world)
    document = spamtide(
        *where, "changes", "--feed", "trap", "--measure", "topic:pharma", "--window", "2011-01-10/2011-03-23", "--json"
    ).json
    assert document["feed"] == "trap" and document["looked_at"] == 1
    every = spamtide(*where, "changes", "--feed", "trap", "--top", "8", "--json").json
    names = {s["series"] for s in every["not_looked_at"]} | {c["series"] for c in every["changes"]}
    assert every["looked_at"] + len(every["not_looked_at"]) > 12 and any(n.startswith("campaign:") for n in names)
    for change in [*document["changes"], *every["changes"]]:
        parts = [e for e in change["explanations"] if e["kind"] in ("campaign", "all-else")]
        for part in parts:
            assert part["moved"]["low"] <= part["moved"]["value"] <= part["moved"]["high"]


@pytest.mark.parametrize("by", ["topic", "language", "campaign", "dialect", "botnet", "network"])
def test_what_changed_adds_up(spamtide, world: Path, by: str) -> None:
    ran = spamtide("--workspace", world, *PARTS, by)
    said = ran.json["contributions"]
    assert said["by"] == by and len(said["parts"]) >= 2
    total = said["total"]["moved"]["value"]
    assert sum(p["moved"]["value"] for p in said["parts"]) == pytest.approx(total, rel=1e-4)
    assert said["total"]["before"] == pytest.approx(
        ran.json["counts"]["before"]["count"] / ran.json["counts"]["before"]["live_days"], rel=1e-4
    )
    if by == "topic":
        assert said["parts"][0]["part"] == "topic:pharma" and said["parts"][0]["share_of_change"] > 0.4


def test_parts_are_of_messages(spamtide, world: Path, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("time,count\n" + "".join(f"2011-03-{d:02d},{40 + d % 3}\n" for d in range(1, 29)))
    assert spamtide("effect", "--series", tmp_path / "c.csv", "--at", "2011-03-20", "--parts", "topic").code == 2
    where = ("--workspace", world, "effect", "--event", "rustock-2011", "--feed", "trap", "--diagnostics", "none")
    assert spamtide(*where, "--measure", "volume@recipient", "--parts", "topic").code == 2
    assert spamtide(*where, "--parts", "country").code == 2


def dosed(folder: Path, *, follows: bool = True, rival: bool = False) -> Path:
    rng = np.random.default_rng(4)
    lines = ["time,all,a,b,c,d,ham" + (",bredolab" if rival else "")]
    shares = {"a": 0.8, "b": 0.5, "c": 0.2, "d": 0.05}
    for i in range(110):
        day = str(np.datetime64("2010-12-01") + i) if not rival else str(np.datetime64("2010-08-20") + i)
        after = day >= ("2011-03-17" if not rival else "2010-10-26")
        wave = np.exp(rng.normal(0, 0.1))
        parts = {n: rng.poisson(200 * wave * (1 - (s if follows else 0.4) * 0.95 * after)) for n, s in shares.items()}
        row = [day, sum(parts.values()), *parts.values(), rng.poisson(300)]
        lines.append(",".join(str(x) for x in [*row, *([rng.poisson(5)] if rival else [])]))
    (folder / "d.csv").write_text("\n".join(lines) + "\n")
    return folder / "d.csv"


DOSES = ("--dose", "a=0.8", "--dose", "b=0.5", "--dose", "c=0.2", "--dose", "d=0.05")


def test_because_of_is_said_where_every_rule_is_met(spamtide, tmp_path: Path) -> None:
    where = ("effect", "--series", dosed(tmp_path), "--event", "rustock-2011", "--target", "all")
    said = spamtide(*where, "--controls", "ham", *DOSES, "--json").json
    assert said["attribution"]["word"] == "because of" and "because of rustock-2011" in said["sentence"]
    assert {r["rule"]: r["met"] for r in said["attribution"]["rules"]} == dict.fromkeys(
        ("event_named", "change_found", "placebo_targets_quiet", "no_competing_event", "dose_agrees"), True
    )
    # Controls that nobody named are no placebo targets, an instant is no event.
    less = spamtide(*where, *DOSES, "--json").json
    assert less["attribution"]["word"] == "after" and "because" not in less["sentence"]
    at = spamtide(
        "effect",
        "--series",
        dosed(tmp_path),
        "--at",
        "2011-03-17",
        "--target",
        "all",
        "--controls",
        "ham",
        *DOSES,
        "--json",
    ).json
    assert at["attribution"]["word"] == "after"


def test_parts_that_fell_alike_speak_against_the_dose(spamtide, tmp_path: Path) -> None:
    where = ("effect", "--series", dosed(tmp_path, follows=False), "--event", "rustock-2011", "--target", "all")
    said = spamtide(*where, "--controls", "ham", *DOSES, "--json").json
    assert [r["code"] for r in said["attribution"]["rules"] if not r["met"]] == ["dose_does_not_agree"]


def test_doses_and_placebos_are_asked_of_what_has_them(spamtide, tmp_path: Path, world: Path) -> None:
    csv = dosed(tmp_path)
    where = ("effect", "--series", csv, "--event", "rustock-2011", "--target", "all")
    for wrong in (
        ("--dose", "a"),
        ("--dose", "a=2"),
        ("--dose", "nobody=0.1"),
        ("--placebo", "volume"),
        ("--dose-by", "topic"),
    ):
        assert spamtide(*where, *wrong).code == 2, wrong
    feed = ("--workspace", world, "effect", "--event", "rustock-2011", "--feed", "trap", "--diagnostics", "none")
    assert spamtide(*feed, "--dose", "a=0.3").code == 2
    unnamed = spamtide(*feed, "--dose-by", "topic", "--json")
    assert unnamed.code == 2 and unnamed.json["error"] == "unknown_group"


def test_a_feed_is_asked_by_topic_once_the_target_has_a_name(spamtide, world: Path) -> None:
    where = ("--workspace", world)
    groups = spamtide(*where, "botnets", "list", "--json").json["items"]
    asked = (*PARTS, "botnet")
    gone = spamtide(*where, *asked).json["contributions"]["parts"][0]["part"].removeprefix("botnet:")
    assert gone in {g["group"] for g in groups}
    spamtide(*where, "botnets", "name", gone, "rustock", "--evidence", "it stopped")
    said = spamtide(*where, *asked[:-3], "--dose-by", "topic", "--placebo", "topic:casino", "--json").json
    rules = {r["rule"]: r for r in said["attribution"]["rules"]}
    assert rules["dose_agrees"].get("parts", 0) >= 3 and rules["placebo_targets_quiet"]["code"] != "no_placebo_targets"
