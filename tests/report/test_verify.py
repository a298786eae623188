"""``report verify``: the same bytes from the same archive, and what differs where something does."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spamtide.app.manifest import software as spamtide_software
from spamtide.app.reportverify import _numbers, _unlike


@pytest.fixture
def copied(demo, tmp_path: Path) -> Path:
    """A copy of the demo's report, to be spoilt."""
    shutil.copytree(demo.report, tmp_path / "report")
    return tmp_path / "report"


def test_a_report_made_again_is_equal_and_a_changed_file_is_named(spamtide, demo, copied: Path) -> None:
    table = next((copied / "tables").glob("*volume.csv"))
    table.write_bytes(table.read_bytes().replace(b"1", b"2", 1))
    done = spamtide("--workspace", demo.folder / "workspace", "report", "verify", copied, "--json")
    assert done.code == 1
    assert done.json["verdict"] == "equal" and done.json["differ"] == [] and done.json["inputs"] == []
    assert done.json["changed"] == [f"tables/{table.name}"]
    assert done.json["report"] == done.json["made"]


def test_groups_that_were_stated_grade_the_findings_and_are_verified(spamtide, demo, tmp_path: Path) -> None:
    here = ("--workspace", demo.folder / "workspace", "report")
    asked = ("--event", "rustock-2011", "--feed", "trap,second", "--measure", "volume", "--out", tmp_path / "r")
    made = spamtide(*here, *asked, "--group", "trap=us", "--group", "second=them", "--json")
    assert made.code == 0, made.err
    (table,) = made.json["corroboration"]
    assert [e["independence_group"] for e in table["effects"]] == ["us", "them"]
    one, other = (e["ratio"] for e in made.json["effects"])
    overlap = one["low"] <= other["high"] and other["low"] <= one["high"]
    for effect in made.json["effects"]:
        codes = [r["code"] for r in effect["confidence"]["reasons"]]
        assert ("two_independence_groups" in codes, "one_independence_group" in codes) == (overlap, not overlap)
    manifest = json.loads((tmp_path / "r" / "MANIFEST.json").read_text("utf-8"))
    assert manifest["asked"]["groups"] == {"trap": "us", "second": "them"}
    assert "--group trap=us --group second=them" in manifest["command"]
    assert spamtide(*here, "verify", tmp_path / "r", "--json").json["verdict"] == "equal"
    assert spamtide(*here, *asked, "--group", "other=us").code == 2


def test_on_an_older_processor_no_number_moves(spamtide, demo, tmp_path: Path) -> None:
    """The same package without the vector units of this processor, and a linear algebra made for one of 2008."""
    units = spamtide_software()["processor"]
    if platform.machine() != "x86_64" or not units:
        pytest.skip("this processor has no vector units that could be left out")
    older = {"NPY_DISABLE_CPU_FEATURES": " ".join(units), "OPENBLAS_CORETYPE": "Nehalem"}
    ran = subprocess.run(
        [sys.executable, "-m", "spamtide", "--workspace", demo.folder / "workspace", "report", "verify", demo.report, "--json"],
        env={**os.environ, **older}, stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    document = json.loads(ran.stdout)
    assert ran.returncode == 0 and document["verdict"] in ("equal", "equal in numbers"), document
    assert document["numbers"]["largest"] <= 1e-4
    assert "software.processor" in [u["what"] for u in document["inputs"]]


def test_a_manifest_says_what_a_report_was_made_of(demo) -> None:
    manifest = json.loads((demo.report / "MANIFEST.json").read_text("utf-8"))
    feeds = {f["feed"]: f for f in manifest["inputs"]["feeds"]}
    assert set(feeds) == {"trap", "second"}
    assert all(len(f["content"]) == 64 and f["messages"] > 100 and f["segments"][0]["chain"] for f in feeds.values())
    assert manifest["software"]["packages"]["numpy"] and manifest["software"]["kernel"]["facts"] > 0
    assert manifest["command"].startswith("spamtide report --event rustock-2011 --feed trap --feed second")
    assert manifest["given"]["planted"]["effects"][0] == pytest.approx(0.25, abs=0.05)
    assert "exposure" in manifest["inputs"]["journal"]


def test_numbers_are_compared_by_their_size(copied: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(copied, other)

    def changed(by: float) -> dict:
        document = json.loads((copied / "report.json").read_text("utf-8"))
        document["effects"][0]["ratio"]["value"] *= 1 + by
        (other / "report.json").write_text(json.dumps(document), "utf-8")
        return _numbers(copied, other, ["report.json"])

    assert changed(5e-5)["largest"] == pytest.approx(5e-5, rel=1e-3)
    assert changed(0.02)["where"] == "report.json .effects[0].ratio.value"
    assert changed(0)["largest"] == 0 and changed(0)["compared"] > 500


def test_other_inputs_are_told_by_path() -> None:
    stated = {"feeds": [{"feed": "a", "content": "1"}], "journal": {"exposure": "x"}}
    found = {"feeds": [{"feed": "a", "content": "2"}], "journal": {"exposure": "x", "watch": "y"}}
    assert [u["what"] for u in _unlike(stated, found)] == ["feeds[0].content", "journal.watch"]


@pytest.mark.parametrize("text", ["", "{}", '{"schema": "spamtide.manifest/1"}', "[1]"])
def test_what_is_no_manifest_is_wrong_use(spamtide, demo, tmp_path: Path, text: str) -> None:
    (tmp_path / "MANIFEST.json").write_text(text)
    done = spamtide("--workspace", demo.folder / "workspace", "report", "verify", tmp_path, "--json")
    assert done.code == 2 and done.json["error"] == "bad_manifest"
    assert spamtide("--workspace", demo.folder / "workspace", "report", "verify", tmp_path / "none").code == 3
