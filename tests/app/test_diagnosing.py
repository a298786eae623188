"""Full diagnostics on a made world: what needs more than the measured series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

ASKED = ("effect", "--event", "rustock-2011", "--measure", "subject:viagra,cialis", "--diagnostics", "full", "--json")


@pytest.fixture(scope="module")
def world(spamtide, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("diagnosing")
    assert spamtide("simulate", "march-2011", "--out", folder, "--scale", "0.05", "--seed", "2").code == 0
    assert spamtide("--workspace", folder / "workspace", "digest").code == 0
    return folder / "workspace"


@pytest.fixture(scope="module")
def document(spamtide, world: Path) -> dict[str, Any]:
    found: dict[str, Any] = spamtide("--workspace", world, *ASKED, "--feed", "trap,second", "--net").json
    return found


def test_a_feed_is_asked_everything(document: dict[str, Any]) -> None:
    checks = {c["code"]: c for c in document["diagnostics"]["checks"]}
    assert {
        "dates_check", "windows_check", "weekdays_check", "phase_check", "instants_check", "address_groups_check", "terms_check",
    } <= set(checks)  # fmt: skip
    labels = [row["label"] for row in checks["terms_check"]["rows"]]
    assert labels == ["subject-literal:viagra,cialis", "subject:viagra", "subject:cialis"]
    assert {"topic_check", "term_to_topic"} & set(checks)
    assert {"competing_events", "no_competing_events"} & set(checks)
    # Which address is in which group is not told.
    assert all(row["label"].startswith("without group ") for row in checks["address_groups_check"]["rows"])
    direct, rest, net = document["displacement"]["parts"]
    assert net["counted"] == direct["counted"] + rest["counted"]


def test_feeds_are_pooled_and_left_out_in_turn(spamtide, world: Path, document: dict[str, Any]) -> None:
    assert document["feed"] == "trap,second"
    assert "mixed_feeds" in [w["code"] for w in document["warnings"]]
    check = next(c for c in document["diagnostics"]["checks"] if c["code"] == "feeds_check")
    assert [row["label"] for row in check["rows"]] == ["without trap", "without second"]
    alone = spamtide("--workspace", world, *ASKED[:-2], "none", "--json", "--feed", "second").json
    assert check["rows"][0]["ratio"]["value"] == pytest.approx(alone["ratio"]["value"], rel=0.05)
