"""The demo in small: report files, planted values beside each number, the same bytes on a second run."""

import hashlib
import json
from pathlib import Path

from spamtide.app.demo import run_demo


def test_the_report_carries_the_planted_truth(demo) -> None:
    document = json.loads((demo.report / "report.json").read_text("utf-8"))
    words = next(e for e in document["effects"] if e["feed"] == "trap" and e["measure"].startswith("subject"))
    assert 0.2 < words["planted"] < 0.3
    assert words["ratio"]["low"] < words["planted"] < words["ratio"]["high"]
    assert {"you_can_write", "do_not_write", "who_measured", "since_when"} <= set(document["quote"])
    assert all("planted" in d for key in ("effects", "sizes", "watch") for d in document[key])
    assert document["sizes"] and document["watch"]
    # 6,000 hosts of one botnet and 1,500 of another send the two words, each as much as its neighbours.
    assert 6500 < document["sizes"][0]["planted"] < 7500


def test_what_may_be_quoted_of_a_made_world_says_so(demo) -> None:
    quote = json.loads((demo.report / "report.json").read_text("utf-8"))["quote"]
    assert quote["you_can_write"].startswith("In a simulated world, at the feed “trap”, ")
    assert any("simulated" in text for text in quote["do_not_write"])


def test_a_second_run_gives_the_same_bytes(demo, spamtide, tmp_path: Path) -> None:
    run_demo(tmp_path / "demo", seed=2, scale=0.05)

    def digests(root: Path) -> dict[str, str]:
        files = sorted(p for p in (root / "report").rglob("*") if p.is_file())
        return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

    found = digests(demo.folder)
    assert found == digests(tmp_path / "demo")
    made = spamtide("--workspace", tmp_path / "demo" / "workspace", "report", "verify", demo.report)
    assert made.code == 0 and made.out.startswith("Equal: "), "in a fresh archive of the same world too"
    assert {".html", ".json", ".csv", ".svg"} <= {Path(name).suffix for name in found}


def test_no_address_of_a_trap_leaves(demo) -> None:
    for path in demo.report.rglob("*"):
        if path.is_file():
            assert b"decoy" not in path.read_bytes(), path
