"""The alarm on a campaign that holds a large share of a feed."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import pytest

from conftest import Spamtide
from hard_texts import Rows, one_footer
from spamtide.app import giants


def mbox(rows: Rows) -> str:
    return "".join(
        f"From x Mon Mar  7 10:{i // 60:02d}:{i % 60:02d} 2011\nFrom: a{i}@b.example\nSubject: {s}\n\n{t}\n\n"
        for i, (s, t, _) in enumerate(rows)
    )


@pytest.fixture(scope="module")
def glued(spamtide: Spamtide, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven campaigns of twenty messages above one long footer, and a feed of another campaign, too small to be a giant."""
    folder: Path = tmp_path_factory.mktemp("giants")
    (folder / "m.mbox").write_text(mbox(one_footer(1, own=3, footer=7, campaigns=11, subjects=False)))
    (folder / "s.mbox").write_text(mbox(one_footer(2, own=6, footer=0, campaigns=1)))
    assert spamtide("init", folder / "w").code == 0
    for name, feed in (("m", "trap"), ("s", "small")):
        assert spamtide("--workspace", folder / "w", "import", folder / f"{name}.mbox", "--feed", feed).code == 0
    return folder / "w"


def test_a_giant_is_told_with_what_glued_it(spamtide: Spamtide, glued: Path) -> None:
    use = functools.partial(spamtide, "--workspace", glued)
    (giant,) = use("campaigns", "--json").json["warnings"]
    assert (giant["code"], giant["feed"], giant["messages"], giant["share"]) == ("giant_group", "trap", 220, 1)
    footer = one_footer(1, own=3, footer=7, campaigns=11, subjects=False)[0][1].splitlines()[3:]
    said = " ".join(" ".join(footer).lower().replace(".", "").split())
    met = giant["glue"]["met_by"]
    assert met[0]["words"] in said and met[0]["joins"] > 20, "the footer is what brought them together"
    assert giant["glue"]["joins"] == sum(giant["glue"]["evidence"].values()) > 150
    listed = use("campaigns")
    assert "warning: The campaign c-" in listed.err and "campaigns audit" in listed.err
    status = use("status", "--json")
    (warned,) = status.json["warnings"]
    assert status.code == 0 and warned["text"] == giant["text"] and "giant_share" in warned["next"]
    assert "warning: The campaign c-" in use("status").out


def test_bounds_are_settings(spamtide: Spamtide, glued: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, was = glued / "spamtide.toml", (glued / "spamtide.toml").read_text()
    try:
        for more, found in (("giant_messages = 221", 0), ("giant_messages = 20", 2), ("giant_share = 1.1", 0)):
            settings.write_text(f"{was}\n[campaigns]\n{more}\n")
            assert len(spamtide("--workspace", glued, "campaigns", "--json").json["warnings"]) == found, more
        settings.write_text(was)
        monkeypatch.setattr(giants, "WORDINGS", 300)
        assert spamtide("--workspace", glued, "campaigns", "--json").json["warnings"] == []
    finally:
        settings.write_text(was)


def test_status_stands_where_the_grouping_is_damaged(spamtide: Spamtide, glued: Path, tmp_path: Path) -> None:
    shutil.copytree(glued, tmp_path / "w")
    folder = tmp_path / "w" / "archive" / "tables" / "generations"
    for table in folder.glob("campaign/*/campaign_edge.parquet"):
        table.unlink()
    assert spamtide("--workspace", tmp_path / "w", "status", "--json").json["warnings"] == []
    (folder / "campaign.json").write_text("{}")
    assert spamtide("--workspace", tmp_path / "w", "status", "--json").json["warnings"] == []
