"""The demo in small: report files, planted values beside each number, the same bytes on a second run."""

import hashlib
import json
from pathlib import Path

import pytest

from spamtide.app.demo import run_demo


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out: Path = tmp_path_factory.mktemp("demo") / "demo"
    run_demo(out, seed=2, scale=0.05)
    return out


def test_the_report_carries_the_planted_truth(folder: Path) -> None:
    document = json.loads((folder / "report" / "report.json").read_text("utf-8"))
    words = next(e for e in document["effects"] if e["feed"] == "trap" and e["measure"].startswith("subject"))
    assert 0.2 < words["planted"] < 0.3
    assert words["ratio"]["low"] < words["planted"] < words["ratio"]["high"]
    assert set(document["quote"]) == {"you_can_write", "do_not_write", "who_measured", "since_when"}


def test_the_page_needs_nothing_from_outside(folder: Path) -> None:
    page = (folder / "report" / "report.html").read_text("utf-8")
    assert "<script" not in page
    for scheme in ('src="http', 'href="http', "url(http"):
        assert scheme not in page
    assert page.count("<svg") >= 4


def test_a_second_run_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    run_demo(tmp_path / "demo", seed=2, scale=0.05)

    def digests(root: Path) -> dict[str, str]:
        files = sorted(p for p in (root / "report").rglob("*") if p.is_file())
        return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

    assert digests(folder) == digests(tmp_path / "demo")


def test_no_address_of_a_trap_leaves(folder: Path) -> None:
    for path in (folder / "report").rglob("*"):
        if path.is_file():
            assert b"decoy" not in path.read_bytes(), path
