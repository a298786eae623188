"""The trap before the swarm, and before Postfix's smtp-source: what was acknowledged is there, byte for byte, and once; killed at any moment too."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from spamtide.app.workspace import Workspace
from spamtide.archive import verify_archive
from swarm_worlds import ENGINES, write_scenario
from trap_process import TrapProcess, make_workspace, stored

Key = tuple[Any, ...]
# Whoever is left without a trap goes through the rest of its messages; that may take long on a machine that other work has.
PATIENCE = 900.0
SOURCE = shutil.which("smtp-source", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/postfix/sbin")


def swarm(address: tuple[str, int], scenario: Path, out: Path, seed: int) -> subprocess.Popen[str]:
    """The swarm at work, as fast as it goes."""
    target = f"{address[0]}:{address[1]}"
    play = ["simulate", str(scenario), "--smtp", target, "--speed", "max", "--rate", "100000", "--connections", "200"]
    line = [sys.executable, "-m", "spamtide", *play, "--seed", str(seed), "--out", str(out), "--json"]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ledger_of(out: Path, *outcomes: str) -> Counter[Key]:
    """What the swarm says of its messages: who sent which bytes from whom to whom."""
    rows = [json.loads(line) for line in (out / "ledger.jsonl").read_text("utf-8").splitlines()]
    return Counter(
        (r["bot_address"], r["sha256"], r["bytes"], r["from"], tuple(r["to"])) for r in rows if r["outcome"] in outcomes
    )


def kept_of(place: Path) -> tuple[Counter[Key], int]:
    """The same of the whole messages that the trap holds, and how many it holds that nobody finished."""
    whole, unfinished = Counter[Key](), 0
    for meta, raw in stored(place):
        if "unfinished" in meta.get("marks", []):
            unfinished += 1
        else:
            whole[(meta["peer"], hashlib.sha256(raw).hexdigest(), len(raw), meta["from"], tuple(meta["to"]))] += 1
    return whole, unfinished


def assert_told(kept: Counter[Key], acknowledged: Counter[Key], perhaps: Counter[Key]) -> None:
    """Everything acknowledged is kept; everything kept was sent, as often as it was sent."""
    assert acknowledged - kept == Counter(), "acknowledged, but not kept"
    assert kept - acknowledged - perhaps == Counter(), "kept more often than it was sent"


def test_what_the_swarm_was_acknowledged_is_what_the_trap_holds(tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path / "w.toml", 600)
    place = make_workspace(tmp_path / "w", connections_per_address=1000)
    with TrapProcess(place) as trap:
        play = swarm(trap.address, scenario, tmp_path / "o", 3)
        out, err = play.communicate(timeout=120)
    assert play.returncode == 0, err
    document = json.loads(out)["swarm"]
    kept, unfinished = kept_of(place)
    assert_told(
        kept,
        ledger_of(tmp_path / "o", "acknowledged"),
        ledger_of(tmp_path / "o", "lost", "unheard", "unfinished"),
    )
    assert document["outcomes"]["acknowledged"] > 300 and set(document["dialects"]) == set(ENGINES)
    assert unfinished == document["outcomes"]["unfinished"]
    # The bots' addresses, and the marks of their manners, are in the records.
    assert len({key[0] for key in kept}) > 300
    rows = [json.loads(line) for line in (tmp_path / "o" / "ledger.jsonl").read_text("utf-8").splitlines()]
    dialect_of = {r["bot_address"]: r["dialect"] for r in rows}
    manners: dict[str, set[str]] = {}
    for meta, _ in stored(place):
        steps = meta["transcript"]["steps"]
        said = {step[1].split(" ")[0] for step in steps[:1]}
        manners.setdefault(dialect_of[meta["peer"]], set()).update(meta["transcript"]["dialect"], said)
    assert len({frozenset(seen) for seen in manners.values()}) >= 6, manners


class Source:
    """smtp-source: numbered recipients, and a log of every reply."""

    def __init__(self, address: tuple[str, int], log: Path, number: int) -> None:
        assert SOURCE
        self.log, self.prefix = log, f"n{number}x"
        load = ["-v", "-N", "-d", "-s", "20", "-m", "100000", "-l", "3000", "-M", "client.example"]
        who = ["-f", "a@sender.example", "-t", f"{self.prefix}@trap.example", f"{address[0]}:{address[1]}"]
        with log.open("wb") as file:
            self.process = subprocess.Popen([SOURCE, *load, *who], stdout=file, stderr=file)

    def acknowledged(self) -> int:
        """Messages whose 250 it has read."""
        return self.log.read_bytes().count(b"2.0.0 OK")


@pytest.mark.proof
def test_killed_under_the_swarm_and_under_smtp_source_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    rounds = int(os.environ.get("SPAMTIDE_KILLS", "20"))
    rng = random.Random(11)
    place = make_workspace(tmp_path / "w", segment_mib=4, connections_per_address=1000)
    acknowledged, perhaps, by_source, sources = Counter[Key](), Counter[Key](), 0, 0
    for n in range(rounds):
        with_source = SOURCE is not None and n % 2 == 1
        trap = TrapProcess(place)
        if with_source:
            source = Source(trap.address, tmp_path / f"source-{n}", n)
            time.sleep(0.3 + rng.random())
        else:
            scenario = write_scenario(tmp_path / f"{n}.toml", 20_000)
            play = swarm(trap.address, scenario, tmp_path / f"o{n}", n)
            while not trap.events or Path(place / "archive/segments/f").exists() is False:
                time.sleep(0.05)
            time.sleep(2 + rng.random() * 2)
        trap.process.send_signal(signal.SIGKILL)
        trap.process.wait()
        if with_source:
            source.process.wait(PATIENCE)
            by_source += source.acknowledged()
            sources += 1
            continue
        play.communicate(timeout=PATIENCE)
        acknowledged += ledger_of(tmp_path / f"o{n}", "acknowledged")
        perhaps += ledger_of(tmp_path / f"o{n}", "lost", "unheard", "unfinished")
    with TrapProcess(place):
        pass
    kept, unfinished = kept_of(place)
    numbered = Counter({key: n for key, n in kept.items() if key[3] == "a@sender.example"})
    assert_told(kept - numbered, acknowledged, perhaps)
    # smtp-source numbers its recipients: each was sent once.
    assert sum(numbered.values()) >= by_source and max(Counter(key[4] for key in numbered).values(), default=1) == 1
    assert (by_source > 0) == (sources > 0)
    found = verify_archive(Workspace(place).archive)
    assert found.ok, found.problems
    print(
        f"\n{rounds} kills: swarm acknowledged {sum(acknowledged.values())}, kept {sum((kept - numbered).values())} and {unfinished} unfinished; "
        f"smtp-source acknowledged {by_source}, kept {sum(numbered.values())}"
    )
