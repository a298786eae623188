"""Rustock in the March 2011 world, found by the pipeline's own campaigns and named by a rule; the truth stands beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conftest import Spamtide
from march_botnets import work_example


@pytest.mark.proof
def test_rustocks_messages_are_found_and_its_share_is_the_true_one(spamtide: Spamtide, tmp_path: Path) -> None:
    world = tmp_path / "w"
    assert spamtide("simulate", "march-2011", "--out", world, "--seed", "17", "--scale", "0.15").code == 0
    assert spamtide("--workspace", world / "workspace", "digest").code == 0

    def ask(*arguments: str) -> Any:
        ran = spamtide("--workspace", world / "workspace", *arguments)
        assert ran.code == 0, ran.err
        return ran.json if "--json" in arguments else ran.rows if "--jsonl" in arguments else ran.out

    found = work_example(ask, world, tmp_path)
    assert found.precision >= 0.98 and found.recall >= 0.98, found
    for feed, share in found.true.items():
        assert found.said[feed] == pytest.approx(share, abs=0.01)
    assert "rule rustock-2011" in found.line and "%" in found.line
