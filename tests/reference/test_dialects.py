"""docs/reference/dialects.md is the kernel's catalogue, and says enough to tell the dialects apart.

Written anew by ``pytest tests/reference/test_dialects.py --write-golden``.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from conftest import Spamtide
from dialect_classifier import classify, read_table
from doc_tables import ROOT, codes, section, tables
from smtp_recorder import Dialogue, Recorder
from spamtide._kernel import DIALECTS
from spamtide.simulate import DIALECT_NAMES
from spamtide.simulate.scenario import Dialect
from swarm_worlds import ENGINES, write_scenario

DOCUMENT = ROOT / "docs" / "reference" / "dialects.md"


def rendered() -> str:
    """The catalogue's table: a row for each manner, a column for each dialect."""
    names = [name for name, _ in DIALECTS]
    lines = ["| manner | " + " | ".join(f"`{n}`" for n in names) + " |", "|---" * (len(names) + 1) + "|"]
    for i, (manner, _) in enumerate(DIALECTS[0][1]):
        lines.append(f"| {manner} | " + " | ".join(manners[i][1] for _, manners in DIALECTS) + " |")
    return "\n".join(lines) + "\n"


def test_the_document_is_the_catalogue(request: pytest.FixtureRequest) -> None:
    text = DOCUMENT.read_text("utf-8")
    old = re.search(r"^\| manner \|.*?\n(?!\|)", text, re.S | re.M)
    assert old, "the catalogue's table is missing"
    if request.config.getoption("--write-golden"):
        text = text.replace(old[0], rendered())
        DOCUMENT.write_text(text, "utf-8")
    assert rendered() in text, "run pytest tests/reference/test_dialects.py --write-golden"


def test_a_scenario_may_name_each_dialect_and_no_other() -> None:
    assert sorted(get_args(Dialect)) == sorted(DIALECT_NAMES)


def test_each_manner_is_explained() -> None:
    explained = [row[0] for row in tables(section(DOCUMENT, "What the manners mean"))[0]]
    assert explained == [manner for manner, _ in DIALECTS[0][1]]


def test_the_outcomes_are_those_of_the_ledger(spamtide: Spamtide, tmp_path: Path) -> None:
    with Recorder() as recorder:
        world = write_scenario(tmp_path / "w.toml", 10, engines=("grum",))
        document = spamtide("simulate", world, "--smtp", recorder.target, "--speed", "max", "--json").json
    listed = [
        codes(row[0])[0]
        for row in tables(section(ROOT / "docs" / "reference" / "codes.md", "Outcomes of a transaction"))[0]
    ]
    assert sorted(listed) == sorted(document["swarm"]["outcomes"])


def play(spamtide: Spamtide, recorder: Recorder, tmp_path: Path, messages: int) -> list[tuple[str, Dialogue]]:
    """Plays a world; each dialogue that got as far as DATA with the dialect that the ledger says."""
    world = write_scenario(tmp_path / "w.toml", messages)
    ran = spamtide(
        "simulate",
        world,
        "--smtp",
        recorder.target,
        "--speed",
        "max",
        "--out",
        tmp_path / "o",
        "--json",
        "--wait",
        "20",
    )
    assert ran.code in (0, 3), ran.err
    recorder.settled()
    rows = [json.loads(line) for line in (tmp_path / "o" / "ledger.jsonl").read_text("utf-8").splitlines()]
    truth = {(r["bot_address"], r["sha256"]): r["dialect"] for r in rows if r["sha256"]}
    found = []
    for dialogue in recorder.dialogues:
        import hashlib

        digests = [h.sha256 for h in dialogue.held]
        if dialogue.unfinished is not None:
            digests.append(hashlib.sha256(dialogue.unfinished).hexdigest())
        dialects = {truth[(dialogue.address, d)] for d in digests if (dialogue.address, d) in truth}
        assert len(dialects) <= 1
        found += [(d, dialogue) for d in dialects]
    return found


@pytest.mark.parametrize("keywords", [(), ("PIPELINING", "SIZE 10000000", "8BITMIME")], ids=["bare", "offering"])
def test_a_transcript_alone_tells_the_dialect(spamtide: Spamtide, tmp_path: Path, keywords: tuple[str, ...]) -> None:
    """The receiver waits before its banner and between its two lines, so that who speaks early is seen."""
    table = read_table(DOCUMENT)
    assert set(table) == set(ENGINES)
    with Recorder(keywords=keywords, early_seconds=0.5, lines=2) as recorder:
        found = play(spamtide, recorder, tmp_path, 450)
    told = Counter((truth, classify(table, dialogue.wrote)) for truth, dialogue in found)
    right = sum(n for (truth, said), n in told.items() if truth == said)
    assert {truth for truth, _ in told} == set(ENGINES)
    # Not one is taken for another. Where nothing is offered, an honest engine and a careful imitation of it say the same bytes.
    assert [(pair, n) for pair, n in told.items() if pair[1] not in (pair[0], None)] == []
    if keywords:
        assert right == len(found), told
    else:
        alike = sum(n for (truth, _), n in told.items() if truth in ("plain", "emotet"))
        assert right == len(found) - alike, told


def test_what_speaks_like_no_engine_is_told_as_none() -> None:
    table = read_table(DOCUMENT)
    strange = [
        ("S", 0.1, b"220 mx\r\n"),
        ("C", 0.2, b"hElO x\r\n"),
        ("S", 0.3, b"250 x\r\n"),
        ("C", 0.4, b"mail from: x\r\n"),
    ]
    assert classify(table, strange) is None
    assert classify(table, []) is None
