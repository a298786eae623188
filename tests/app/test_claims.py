"""``spamtide claims``: the command, from its arguments to its document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import Spamtide


@pytest.fixture(scope="module")
def rustock(spamtide: Spamtide) -> dict[str, Any]:
    ran = spamtide("claims", "rustock-2011", "--json")
    assert ran.code == 0
    document: dict[str, Any] = ran.json
    return document


def test_every_claim_has_unit_window_vantage_and_group(rustock: dict[str, Any]) -> None:
    assert len(rustock["claims"]) > 110
    for claim in rustock["claims"]:
        assert claim["unit"] and claim["vantage"] and claim["group"]
        assert {"window", "window_note", "bounds", "denominator"} <= set(claim)
    assert "share-2011-q1" in {c["id"] for c in rustock["claims"]}, "figures of no event that are near"


def test_findings_name_their_claims_and_say_every_way_out(rustock: dict[str, Any]) -> None:
    ids = {c["id"] for c in rustock["claims"]}
    for finding in rustock["findings"]:
        assert set(finding["claims"]) <= ids
        assert finding["verdict"] in ("consistent", "consistent_if", "inconsistent")
        for way in finding["ways_out"]:
            assert way["text"] in finding["text"]
    cap = next(f for f in rustock["findings"] if f["code"] == "attributable_cap")
    assert "1.37 times" in cap["text"] and cap["text"].count("; or ") == len(cap["ways_out"]) - 1


def test_what_is_printed_holds_every_claim_and_finding(spamtide: Spamtide, rustock: dict[str, Any]) -> None:
    out = spamtide("claims", "rustock-2011").out
    assert all(f"  {c['id']}: " in out for c in rustock["claims"])
    assert out.count("Consistent") + out.count("Inconsistent") >= len(rustock["findings"])
    assert "<U+" not in out


def effect(spamtide: Spamtide, folder: Path, fall: float, name: str) -> Path:
    """An effect document on a made series called as a measure is."""
    days = [f"2011-{m:02d}-{d:02d}" for m in (1, 2, 3) for d in range(1, 29)]
    rows = [
        f'{t},"subject:viagra,cialis",{round(400 * (1 - fall * (t > "2011-03-16"))) + i % 7},1'
        for i, t in enumerate(days)
    ]
    (folder / f"{name}.csv").write_text("time,series,count,exposure\n" + "\n".join(rows) + "\n")
    ran = spamtide("effect", "--series", folder / f"{name}.csv", "--event", "rustock-2011", "--json")
    assert ran.code == 0, ran.err
    (folder / f"{name}.json").write_text(ran.out)
    return folder / f"{name}.json"


@pytest.mark.parametrize(("fall", "verdict"), [(0.75, "consistent"), (0.1, "consistent_if")])
def test_a_measured_effect_stands_beside_the_claim_of_the_same(
    spamtide: Spamtide, tmp_path: Path, fall: float, verdict: str
) -> None:
    path = effect(spamtide, tmp_path, fall, "counts")
    document = spamtide("claims", "rustock-2011", "--measured", path, "--json").json
    (finding,) = [f for f in document["findings"] if f["code"] == "measured_beside_claim"]
    assert finding["claims"] == ["icsa-two-words"]
    assert finding["verdict"] == verdict
    (tmp_path / "report.json").write_text(json.dumps({"effects": [json.loads(path.read_text())]}))
    again = spamtide("claims", "rustock-2011", "--measured", tmp_path / "report.json", "--json").json
    assert again == document, "a report's effects will do too"


def test_wrong_use_is_told(spamtide: Spamtide, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"schema": "spamtide.series/1"}')
    (tmp_path / "y.json").write_text("nothing")
    for arguments, code, error in (
        (("claims", "rustok-2011"), 2, "unknown_event"),
        (("claims", "rustock-2011", "--measured", tmp_path / "x.json"), 2, "bad_measured"),
        (("claims", "rustock-2011", "--measured", tmp_path / "y.json"), 2, "bad_measured"),
        (("claims", "rustock-2011", "--measured", tmp_path / "none.json"), 3, "unreadable"),
        (("claims", "rustock-2011", "--measure", "volume"), 2, "usage"),
    ):
        ran = spamtide(*arguments, "--json")
        assert (ran.code, ran.json["error"]) == (code, error)
