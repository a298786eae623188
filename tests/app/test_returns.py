"""``spamtide event returns``: the command and its words."""

from __future__ import annotations

from pathlib import Path

from conftest import Spamtide

OWN = """
id = "mybot-2026"
target = "mybot"
kind = "sinkhole"
title = "My bot loses its servers"
summary = "What happened."

[times.executed_from]
at = 2026-05-04T10:00:00Z
precision = "minute"
source = "note"

[target_after]
fate = "still-gone"
grade = "primary"
source = "note"
at = 2026-08-12T10:00:00Z
precision = "minute"

[sources.note]
publisher = "our own notebook"
address = "page 12"
"""


def test_target_and_total_stand_apart_with_n_interval_and_warning(spamtide: Spamtide) -> None:
    document = spamtide("event", "returns", "--json").json
    for whose in ("target", "total"):
        curve = document[whose]
        assert curve["n"] == curve["returned"] + curve["censored"] > 0
        assert "selected sample" in curve["caveat"]
        assert f"{curve['n']} {whose}s" in curve["sentence"]
        assert all(r["gone"]["low"] <= r["gone"]["value"] <= r["gone"]["high"] for r in curve["rows"])
    assert {k["kind"] for k in document["by_kind"]} >= {"de-peering", "operator-pause", "civil-seizure"}
    kinds = {k["kind"]: k["target"]["n"] for k in document["by_kind"]}
    assert kinds["all but operator-pause"] == document["target"]["n"] - kinds["operator-pause"]
    out = spamtide("event", "returns").out
    assert "selected sample" in out
    assert document["target"]["sentence"] in out


def test_an_own_event_that_is_still_gone_is_kept_as_censored(spamtide: Spamtide, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    assert spamtide("init", tmp_path / "w").code == 0
    here = ("--workspace", tmp_path / "w")
    before = spamtide(*here, "event", "returns", "--kind", "sinkhole", "--json").json["target"]
    assert spamtide(*here, "event", "add", tmp_path / "own.toml").code == 0
    after = spamtide(*here, "event", "returns", "--kind", "sinkhole", "--json").json["target"]
    assert (after["n"], after["censored"], after["returned"]) == (
        before["n"] + 1,
        before["censored"] + 1,
        before["returned"],
    )
    assert after["cases"][-1]["days"] == 100


def test_a_kind_without_events_is_no_answer(spamtide: Spamtide) -> None:
    assert spamtide("event", "returns", "--kind", "calendar").code == 1
    assert spamtide("event", "returns", "--kind", "raid").code == 2


def test_a_wrong_fate_names_its_key(spamtide: Spamtide, tmp_path: Path) -> None:
    assert spamtide("init", tmp_path / "w").code == 0
    for old, new, key in (
        ('fate = "still-gone"', 'fate = "dead"', "target_after.fate"),
        ('fate = "still-gone"', 'fate = "returned"', "target_after"),
        ('fate = "still-gone"', 'fate = "never-known"', "target_after.at"),
        ("at = 2026-08-12T10:00:00Z", "at = 2026-05-01T10:00:00Z", "target_after.at"),
        ('source = "note"\nat = 2026-08', 'source = "other"\nat = 2026-08', "target_after.source"),
    ):
        assert old in OWN
        (tmp_path / "own.toml").write_text(OWN.replace(old, new, 1))
        ran = spamtide("--workspace", tmp_path / "w", "event", "add", tmp_path / "own.toml")
        assert ran.code == 2
        assert key in ran.err
