"""The swarm: its ledger is what a receiver holds, byte for byte, whatever the receiver does; and it never leaves the machine."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from conftest import Spamtide
from doc_tables import ROOT
from dovecot import free_port
from smtp_recorder import CLOSE, RESET, SILENCE, Dialogue, Recorder
from spamtide._kernel import CaptureBatch, SwarmPlayer
from swarm_worlds import ENGINES, write_scenario

Row = dict[str, Any]
BEYOND = (
    "10.0.0.1:25", "0.0.0.0:25", "8.8.8.8:25", "::ffff:8.8.8.8:25", "[::ffff:127.0.0.1]:25", "[::1]:25", "mx.example:25",
    "localhost.example:25", "127.1:25", "2130706433:25", "127.0.0.1", "127.0.0.1:0", ":25",
)  # fmt: skip


def read_ledger(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def compare(ledger: list[Row], recorder: Recorder) -> None:
    """Every message held is in the ledger as acknowledged, or as one that may be held; and nothing else is acknowledged."""
    recorder.settled()
    held = Counter(
        (d.address, h.sha256, h.bytes, h.sender, tuple(h.to)) for d in recorder.dialogues for h in d.held if h.to
    )

    def of(*outcomes: str) -> Counter[Any]:
        rows = (r for r in ledger if r["outcome"] in outcomes)
        return Counter((r["bot_address"], r["sha256"], r["bytes"], r["from"], tuple(r["to"])) for r in rows)

    assert of("acknowledged") - held == Counter(), "acknowledged, but not held"
    assert held - of("acknowledged") - of("lost", "unheard", "unfinished") == Counter(), "held, but not in the ledger"
    for row in ledger:
        assert (row["sha256"] is None) == (row["outcome"] in ("deferred", "refused", "unsent"))
        assert row["outcome"] != "deferred" or row["code"] is None or 400 <= row["code"] < 500
        assert row["outcome"] != "refused" or 500 <= row["code"] < 600


def finish(spamtide: Spamtide, scenario: Path, out: Path, recorder: Recorder, *more: object) -> tuple[Row, list[Row]]:
    """Plays it as fast as it goes; the document and the ledger."""
    ran = spamtide("simulate", scenario, "--smtp", recorder.target, "--speed", "max", "--out", out, "--json", *more)
    assert ran.code in (0, 3), ran.err
    document = ran.json["swarm"]
    failed = sum(document["outcomes"][fate] for fate in ("deferred", "refused", "lost", "unsent"))
    assert (ran.code == 3) == (failed > 0)
    ledger = read_ledger(out / "ledger.jsonl")
    assert sum(document["outcomes"].values()) == document["envelopes"] and document["not_played"] == 0
    assert Counter(r["outcome"] for r in ledger) == Counter({k: n for k, n in document["transactions"].items() if n})
    last = Counter(r["outcome"] for r in ledger if not r["tries_again"])
    assert last == Counter({k: n for k, n in document["outcomes"].items() if n})
    return document, ledger


def test_the_ledger_is_what_a_willing_receiver_holds(spamtide: Spamtide, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path / "w.toml", 500)
    with Recorder(keywords=("PIPELINING", "SIZE 1000000", "8BITMIME")) as recorder:
        document, ledger = finish(spamtide, scenario, tmp_path / "o", recorder, "--wait", "20")
        compare(ledger, recorder)
    for dialect, outcomes in document["dialects"].items():
        wanted = {"storm": "unheard", "waledac": "unfinished"}.get(dialect, "acknowledged")
        assert {k for k, n in outcomes.items() if n} == {wanted}, dialect
    assert set(document["dialects"]) == set(ENGINES)
    # What DATA did not end for a strict receiver is held too, byte for byte.
    import hashlib

    open_ended = Counter(
        (d.address, hashlib.sha256(d.unfinished).hexdigest()) for d in recorder.dialogues if d.unfinished is not None
    )
    assert open_ended == Counter((r["bot_address"], r["sha256"]) for r in ledger if r["outcome"] == "unfinished")
    # Each message of the world is there once, with what the truth says of it.
    import pyarrow.parquet as pq

    truth = {
        (r["feed"], r["place"]): r["group"]
        for r in pq.read_table(tmp_path / "o" / "truth" / "messages.parquet").to_pylist()
    }
    assert {(r["feed"], r["place"]): r["dialect"] for r in ledger} == truth


FAULTS = {
    "banner": (b"421 later\r\n", b"554 no\r\n", b"451 hm\r\n", b"hello there\r\n", CLOSE, RESET, SILENCE, b"220-one\r\n220-two\r\n220 three\r\n"),
    "hello": (b"421 later\r\n", b"554 no\r\n", b"451 hm\r\n", b"\r\n", CLOSE, RESET, SILENCE),
    "mail": (b"421 later\r\n", b"554 no\r\n", b"451 hm\r\n", b"999 x\r\n", CLOSE, RESET, SILENCE),
    "rcpt": (b"421 later\r\n", b"554 no\r\n", b"451 hm\r\n", b"250-a\r\n250 b\r\n", CLOSE, RESET, SILENCE),
    "data": (b"421 later\r\n", b"554 no\r\n", b"451 hm\r\n", b"250 what\r\n", CLOSE, RESET, SILENCE),
    "body": (b"421 later\r\n", b"552 much\r\n", CLOSE, RESET),
    "end": (b"421 later\r\n", b"554 no\r\n", b"451 hm\r\n", b"nonsense\r\n", CLOSE, RESET, SILENCE),
    "rset": (b"421 later\r\n", b"554 no\r\n", CLOSE, RESET, SILENCE),
    "quit": (b"421 later\r\n", CLOSE, RESET, SILENCE),
}  # fmt: skip


def faulty(seed: int, seen: Counter[tuple[str, bytes]]):
    """Two connections of three meet one fault, at a stage and of a kind that their number chooses."""

    def manners(stage: str, dialogue: Dialogue) -> bytes | None:
        draw = zlib.crc32(f"{seed}/{dialogue.number}".encode())
        places = [(s, f) for s, faults in FAULTS.items() for f in faults]
        place, fault = places[draw // 3 % len(places)]
        if stage == "rset":
            # Few sessions come to it.
            place, fault = stage, FAULTS[stage][draw // 3 % len(FAULTS[stage])]
        if draw % 3 == 0 or place != stage:
            return None
        seen[(stage, fault)] += 1
        return fault

    return manners


@pytest.mark.parametrize("seed", [1, 2])
def test_the_ledger_is_what_a_failing_receiver_holds(spamtide: Spamtide, tmp_path: Path, seed: int) -> None:
    """Drops, stalls, resets, nonsense, 421, 451 and 554 at each stage, and replies lost after DATA."""
    scenario = write_scenario(tmp_path / "w.toml", 700)
    seen: Counter[tuple[str, bytes]] = Counter()
    with Recorder(faulty(seed, seen), keywords=("PIPELINING",)) as recorder:
        document, ledger = finish(
            spamtide, scenario, tmp_path / "o", recorder, "--wait", "2", "--connections", "30", "--seed", seed
        )
        compare(ledger, recorder)
    assert {stage for stage, _ in seen} == set(FAULTS)
    assert all(document["transactions"].values()), "each outcome was met"
    assert any(r["attempt"] > 1 and r["outcome"] == "acknowledged" for r in ledger), "some were taken at a later try"
    # A lost reply that is tried again makes two copies: both stand in the ledger.
    lost = {(r["feed"], r["place"]) for r in ledger if r["outcome"] == "lost" and r["tries_again"]}
    assert lost & {(r["feed"], r["place"]) for r in ledger if r["outcome"] == "acknowledged"}
    retried = [r for r in ledger if r["attempt"] > 1]
    assert {r["dialect"] for r in retried} <= {"plain", "cutwail", "lethic", "emotet"}
    first = {
        (r["feed"], r["place"], tuple(sorted(r["to"] + [a["to"] for a in r["refused_to"]]))): r
        for r in ledger
        if r["attempt"] == 1
    }
    for row in retried:
        before = first[(row["feed"], row["place"], tuple(sorted(row["to"] + [a["to"] for a in row["refused_to"]])))]
        if row["attempt"] == 2:
            assert (row["bot_address"] == before["bot_address"]) == (row["dialect"] in ("plain", "cutwail"))


def test_a_receiver_that_goes_away_ends_the_play_with_what_was_acknowledged(spamtide: Spamtide, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path / "w.toml", 3_000, engines=("grum",))
    recorder = Recorder()

    def manners(stage: str, dialogue: Dialogue) -> bytes | None:
        if dialogue.number == 200:
            recorder._stop.set()
        return None

    recorder.manners = manners
    with recorder:
        ran = spamtide(
            "simulate",
            scenario,
            "--smtp",
            recorder.target,
            "--speed",
            "max",
            "--out",
            tmp_path / "o",
            "--json",
            "--connections",
            "20",
        )
        ledger = read_ledger(tmp_path / "o" / "ledger.jsonl")
        compare(ledger, recorder)
    assert ran.code == 3 and ran.json["swarm"]["unreachable"]
    assert (
        ran.json["swarm"]["not_played"] + sum(ran.json["swarm"]["outcomes"].values()) == ran.json["swarm"]["envelopes"]
    )
    assert ran.json["swarm"]["outcomes"]["acknowledged"] >= 100
    assert "Not acknowledged" in ran.err


def test_nobody_there_is_said_so(spamtide: Spamtide, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path / "w.toml", 60, engines=("grum",))
    ran = spamtide("simulate", scenario, "--smtp", "127.0.0.1:1", "--speed", "max", "--json")
    assert (ran.code, ran.json["error"]) == (3, "target_unreachable")


def test_ctrl_c_leaves_an_exact_ledger(tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path / "w.toml", 4_000)
    command = [sys.executable, "-m", "spamtide", "simulate", str(scenario), "--speed", "max", "--rate", "150", "--json"]
    with Recorder() as recorder:
        process = subprocess.Popen(
            [*command, "--smtp", recorder.target, "--out", str(tmp_path / "o")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        deadline = time.monotonic() + 60
        while sum(len(d.held) for d in recorder.dialogues) < 100 and time.monotonic() < deadline:
            time.sleep(0.02)
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert time.monotonic() - asked < 20
        ledger = read_ledger(tmp_path / "o" / "ledger.jsonl")
        compare(ledger, recorder)
    document = json.loads(out)["swarm"]
    assert document["stopped"] and document["not_played"] > 0
    assert sum(document["outcomes"].values()) + document["not_played"] == document["envelopes"]
    assert len(ledger) == sum(document["transactions"].values()) >= 90
    assert b"Traceback" not in err


@pytest.mark.parametrize("target", BEYOND)
def test_a_target_beyond_this_machine_is_refused(spamtide: Spamtide, target: str, tmp_path: Path) -> None:
    ran = spamtide("simulate", "march-2011", "--smtp", target, "--out", tmp_path / "o", "--json")
    assert (ran.code, ran.json["error"]) == (2, "not_loopback")
    assert not (tmp_path / "o").exists()
    # The kernel refuses by itself, whoever calls it.
    with pytest.raises(ValueError, match=r"has no port|is not on this machine|is a name|is no address of 127"):
        SwarmPlayer(target, ["f"], 1, None, 1.0, 1, 1.0)


def test_every_connection_goes_to_this_machine(tmp_path: Path) -> None:
    """As the system sees it: each connect and each bind is to an address of 127.0.0.0/8, and no name is looked up."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("no strace: apt-get install strace")
    scenario = write_scenario(tmp_path / "w.toml", 60, engines=("plain", "lethic"))
    with Recorder() as recorder:
        command = [
            sys.executable,
            "-m",
            "spamtide",
            "simulate",
            str(scenario),
            "--smtp",
            recorder.target,
            "--speed",
            "max",
        ]
        done = subprocess.run(
            [strace, "-f", "-qq", "-e", "trace=connect,bind,sendto,sendmsg", "-o", str(tmp_path / "trace"), *command],
            capture_output=True, text=True,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    calls = re.findall(r"(connect|bind)\(\d+, (\{.*?\}), \d+\)", (tmp_path / "trace").read_text())
    ends = [re.search(r'sin_addr=inet_addr\("([\d.]+)"\)', end) for _, end in calls]
    assert len(calls) >= 100 and all(end and end[1].startswith("127.") for end in ends)


def captures(times: list[int], *, peer: str = "192.0.2.{n}") -> tuple[CaptureBatch, list[str]]:
    batch = CaptureBatch()
    for n, at in enumerate(times):
        meta = {
            "v": 1,
            "from": "a@b.example",
            "to": ["x@trap.example"],
            "peer": peer.format(n=n % 250),
            "helo": "h.example",
        }
        batch.push(at, json.dumps(meta).encode(), b"Subject: x\r\n\r\nhello\r\n")
    return batch, [f"g/{n}" for n in range(len(times))]


def play_captures(player: SwarmPlayer, times: list[int], dialect: str) -> tuple[Row, list[Row]]:
    batch, bots = captures(times)
    player.push(0, batch, bots, [dialect] * len(bots))
    player.close(0)
    deadline = time.monotonic() + 60
    while not (totals := json.loads(player.totals()))["done"]:
        player.wait(0.05)
        assert time.monotonic() < deadline
    return totals, [json.loads(line) for line in player.take_ledger().splitlines()]


def test_no_more_transactions_begin_than_the_rate_allows() -> None:
    with Recorder() as recorder:
        player = SwarmPlayer(recorder.target, ["f"], 1, None, 100.0, 50, 10.0)
        totals, ledger = play_captures(player, [0] * 150, "cutwail")
    assert len(ledger) == 150 and totals["outcomes"]["acknowledged"] == 150
    # 100 a second, 5 at once after a lull.
    assert totals["seconds"] >= (150 - 5 - 1) / 100
    assert recorder.most_open <= 50


def test_no_more_connections_are_open_than_allowed() -> None:
    with Recorder() as recorder:
        player = SwarmPlayer(recorder.target, ["f"], 1, None, 5_000.0, 7, 10.0)
        totals, _ = play_captures(player, [0] * 200, "rustock")
        recorder.settled()
    # The receiver may notice the end of a connection after the next one began.
    assert totals["peak_connections"] == 7 and recorder.most_open <= 20 and len(recorder.dialogues) == 200


def test_the_clock_of_the_world_runs_as_fast_as_asked() -> None:
    second = 1_000_000
    with Recorder() as recorder:
        player = SwarmPlayer(recorder.target, ["f"], 1, 20.0, 5_000.0, 50, 10.0)
        totals, ledger = play_captures(player, [n * 5 * second for n in range(9)], "grum")
    assert totals["seconds"] >= 40 / 20 and totals["outcomes"]["acknowledged"] == 9
    assert [r["place"] for r in sorted(ledger, key=lambda r: r["at"])] == list(range(9))


def test_the_plan_is_the_same_for_the_same_seed(spamtide: Spamtide, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path / "w.toml", 250, engines=("grum", "cutwail", "mega-d", "emotet"))

    def plan(seed: int, out: str) -> list[tuple[Any, ...]]:
        with Recorder() as recorder:
            _, ledger = finish(spamtide, scenario, tmp_path / out, recorder, "--seed", seed)
            recorder.settled()
        greetings = Counter((d.address, d.said.split(b"\n")[0]) for d in recorder.dialogues)
        rows = [(r["feed"], r["place"], r["bot_address"], r["dialect"], r["sha256"], tuple(r["to"])) for r in ledger]
        return sorted(rows) + sorted(greetings.items())

    first = plan(3, "a")
    assert plan(3, "b") == first
    assert plan(4, "c") != first


def test_what_cannot_be_said_in_smtp_is_refused(spamtide: Spamtide, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path / "w.toml", 50, engines=("plain",))
    scenario.write_text(scenario.read_text("utf-8").replace('"trap.example"', '"trap.example>\\r\\nQUIT"'), "utf-8")
    with Recorder() as recorder:
        ran = spamtide("simulate", scenario, "--smtp", recorder.target, "--json")
    assert (ran.code, ran.json["error"]) == (2, "bad_scenario")
    assert b"QUIT" not in b"".join(d.said for d in recorder.dialogues if b"trap" in d.said)


def test_envelopes_that_could_reach_anybody_are_refused(spamtide: Spamtide, tmp_path: Path) -> None:
    """A receiver on this machine may relay: the swarm says nothing to it that has somewhere to go."""
    for domain in ("somebody.de", "trap.example.de", "192.0.2.1", "notexample.com"):
        scenario = write_scenario(tmp_path / "w.toml", 20, engines=("plain",))
        scenario.write_text(scenario.read_text("utf-8").replace("trap.example", domain), "utf-8")
        with Recorder() as recorder:
            ran = spamtide("simulate", scenario, "--smtp", recorder.target, "--speed", "max", "--json")
        assert (ran.code, ran.json["error"]) == (2, "bad_scenario")
        assert domain.encode() not in b"".join(d.said for d in recorder.dialogues)


def test_documents_and_lines_are_what_the_schemas_say(spamtide: Spamtide, tmp_path: Path) -> None:
    """Every key that is printed is described, and the other way round."""
    folder = ROOT / "docs" / "reference"
    schema = json.loads((folder / "schemas" / "simulate.json").read_text("utf-8"))
    line = json.loads((folder / "swarm-ledger.schema.json").read_text("utf-8"))
    scenario = write_scenario(tmp_path / "w.toml", 120)
    with Recorder(faulty(5, Counter())) as recorder:
        ran = spamtide(
            "simulate",
            scenario,
            "--smtp",
            recorder.target,
            "--speed",
            "max",
            "--json",
            "--out",
            tmp_path / "o",
            "--wait",
            "0.5",
        )
    jsonschema.Draft202012Validator(schema).validate(ran.json)
    assert set(ran.json["swarm"]) == set(schema["properties"]["swarm"]["properties"])
    rows = read_ledger(tmp_path / "o" / "ledger.jsonl")
    assert len(rows) > 100
    for row in rows:
        jsonschema.Draft202012Validator(line).validate(row)
        assert list(row) == list(line["properties"])


def test_the_commands_of_the_how_to_run(tmp_path: Path) -> None:
    blocks = re.findall(
        r"^```sh swarm\n(.*?)^```$", (ROOT / "docs" / "howto" / "swarm.md").read_text("utf-8"), re.S | re.M
    )
    assert len(blocks) >= 2
    with Recorder() as recorder:
        script = "".join(blocks).replace("127.0.0.1:2525", recorder.target)
        program = f'spamtide() {{ {sys.executable} -m spamtide "$@"; }}\n'
        done = subprocess.run(["bash", "-ec", program + script], cwd=tmp_path, capture_output=True, text=True)
        compare(read_ledger(tmp_path / "played" / "ledger.jsonl"), recorder)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) > 500


def test_against_smtp_sink_the_counts_agree(spamtide: Spamtide, tmp_path: Path) -> None:
    program = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("no smtp-sink: apt-get install postfix")
    port = free_port()
    who = ["-u", "nobody"] if os.geteuid() == 0 else []
    scenario = write_scenario(
        tmp_path / "w.toml", 600, engines=("plain", "rustock", "grum", "cutwail", "lethic", "mega-d", "emotet")
    )
    with (tmp_path / "said").open("wb") as said:
        sink = subprocess.Popen([program, "-c", *who, f"127.0.0.1:{port}", "1000"], stdout=said)
    try:
        time.sleep(0.5)
        ran = spamtide("simulate", scenario, "--smtp", f"127.0.0.1:{port}", "--speed", "max", "--json")
        time.sleep(1.5)
    finally:
        sink.terminate()
        sink.wait()
    counted = [int(n) for n in re.findall(rb"mesg=(\d+)", (tmp_path / "said").read_bytes())]
    outcomes = ran.json["swarm"]["outcomes"]
    assert ran.code == 0 and outcomes["acknowledged"] == ran.json["swarm"]["envelopes"] > 400
    assert counted[-1] == outcomes["acknowledged"]


def test_more_connections_than_the_system_allows_are_refused(
    spamtide: Spamtide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda what: (256, 1024))
    ran = spamtide("simulate", "march-2011", "--smtp", "127.0.0.1:9", "--connections", "1000", "--json")
    assert (ran.code, ran.json["error"]) == (2, "too_many_connections")


def test_the_lines_of_the_ledger_are_printed_as_they_come(spamtide: Spamtide, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path / "w.toml", 40, engines=("grum", "rustock"))
    with Recorder() as recorder:
        ran = spamtide("simulate", scenario, "--smtp", recorder.target, "--speed", "max", "--jsonl")
        compare(ran.rows, recorder)
    assert ran.code == 0 and len(ran.rows) > 20 and "acknowledged by" in ran.err
    assert os.listdir(tmp_path) == ["w.toml"]
