"""An hour of the trap under the swarm and mixed attacks: does its memory stay flat, and is everything acknowledged there?

    python bench/soak.py [--minutes 60] [--rate 100] [--attacks 20] [--keep DIR]

The swarm plays worlds of nine engines, one after the other with new seeds, at `--rate` transactions a second. Beside it
strangers from 127.1.0.0/16 begin `--attacks` hostile sessions a second: connections that say nothing, drip, reset, end amid
DATA, speak HTTP or noise, send lines and messages without end, name a thousand recipients, start TLS with rubbish or
smuggle commands before it. Memory is the proportional set size of the trap: every ten seconds, and *at rest* after each world, when nobody has been
speaking for a minute. Under load it is what the messages under way take, so on a slow machine more; it counts as flat when the last at rest is
at most 1.1 times the first. Ends with 1 where it is not, or where a message is missing.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import random
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from measure import ROOT, calibrate, tree_pss

sys.path.insert(0, str(ROOT / "tests"))
from spamtide.app.workspace import Workspace
from swarm_worlds import write_scenario
from trap_process import make_workspace

FLAT = 1.1
SAMPLE_SECONDS, REST_SECONDS = 10.0, 60.0
WORLD_SECONDS = 300.0
BEGIN = b"EHLO a.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@trap.example>\r\nDATA\r\n"
Key = tuple[str, str, int]


def _reset(s: socket.socket, chance: random.Random) -> None:
    s.sendall(b"EHLO a.example\r\n"[: chance.randrange(17)])
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _drip(s: socket.socket, chance: random.Random) -> None:
    for b in BEGIN[: chance.randrange(20, 90)]:
        s.sendall(bytes([b]))
        time.sleep(0.2)


def _heavy(s: socket.socket, chance: random.Random) -> None:
    s.sendall(BEGIN)
    line = chance.randbytes(60).hex().encode() + b"\r\n"
    for _ in range(chance.randrange(200)):
        s.sendall(line * 512)


ATTACKS: dict[str, Callable[[socket.socket, random.Random], None]] = {
    "silent": lambda s, chance: time.sleep(chance.uniform(0, 20)),
    "drips": _drip,
    "resets": _reset,
    "ends amid DATA": lambda s, chance: s.sendall(BEGIN + b"x" * chance.randrange(100_000)),
    "HTTP": lambda s, chance: s.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\nUser-Agent: a\r\n\r\n"),
    "noise": lambda s, chance: s.sendall(chance.randbytes(chance.randrange(20_000))),
    "a line without end": lambda s, chance: s.sendall(b"EHLO " + b"a" * 500_000),
    "a message without end": _heavy,
    "a thousand recipients": lambda s, chance: s.sendall(
        b"EHLO a.example\r\nMAIL FROM:<a@b.example>\r\n"
        + b"".join(b"RCPT TO:<r%d@trap.example>\r\n" % i for i in range(1000))
        + b"RSET\r\nQUIT\r\n"
    ),
    "rubbish for TLS": lambda s, chance: s.sendall(b"EHLO a.example\r\nSTARTTLS\r\n" + chance.randbytes(400)),
    "bare line feeds": lambda s, chance: s.sendall(BEGIN + b"a\n.\nMAIL FROM:<c@d.example>\n.\r\n"),
}


class Attackers:
    """Begin so many hostile sessions a second until told to stop."""

    def __init__(self, address: tuple[str, int], a_second: float) -> None:
        self.address, self.a_second = address, a_second
        self.begun = Counter[str]()
        self.over, self.paused = threading.Event(), threading.Event()
        self._threads = [threading.Thread(target=self._go, args=(n,), daemon=True) for n in range(40)]
        for thread in self._threads:
            thread.start()

    def _go(self, number: int) -> None:
        chance = random.Random(number)
        while not self.over.wait(chance.expovariate(self.a_second / len(self._threads))):
            if self.paused.is_set():
                continue
            name = chance.choice(sorted(ATTACKS))
            source = f"127.1.{chance.randrange(256)}.{chance.randrange(1, 255)}"
            with contextlib.suppress(OSError), socket.create_connection(self.address, 30, (source, 0)) as s:
                self.begun[name] += 1
                ATTACKS[name](s, chance)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass

    def stop(self) -> None:
        """Begin no more; wait for those under way."""
        self.over.set()
        for thread in self._threads:
            thread.join(60)


def play(address: str, folder: Path, seed: int, seconds: float, rate: float) -> Counter[Key]:
    """One world at that rate for about so long; what was acknowledged."""
    scenario = write_scenario(folder / "w.toml", max(100, int(rate * seconds)))
    out = folder / f"world-{seed}"
    line = [sys.executable, "-m", "spamtide", "simulate", str(scenario), "--smtp", address, "--speed", "max"]
    line += ["--rate", str(rate), "--connections", "100", "--seed", str(seed), "--out", str(out), "--json"]
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode not in (0, 3):
        raise SystemExit(done.stderr)
    with (out / "ledger.jsonl").open(encoding="utf-8") as ledger:
        rows = [json.loads(row) for row in ledger]
    (out / "ledger.jsonl").unlink()
    return Counter((r["bot_address"], r["sha256"], r["bytes"]) for r in rows if r["outcome"] == "acknowledged")


def kept(place: Path) -> Counter[Key]:
    """Whole messages that the trap holds."""
    archive = Workspace(place).archive
    found = Counter[Key]()
    for segment in archive.segments("f"):
        batch = archive.records(segment)
        for i in range(len(batch)):
            _, _, meta, raw, _ = batch.get(i)
            known = json.loads(meta)
            if "unfinished" not in known.get("marks", []):
                found[(known["peer"], hashlib.sha256(raw).hexdigest(), len(raw))] += 1
    return found


def soak(folder: Path, minutes: float, rate: float, attacks: float) -> int:
    """Run it; the exit code."""
    place = make_workspace(folder / "trap", connections_per_address=1000)
    line = [sys.executable, "-m", "spamtide", "--workspace", str(place), "trap", "--feed", "f", "--log", "json"]
    log = (folder / "events").open("w+")
    trap = subprocess.Popen([*line, "--smtp", "127.0.0.1:0", "--no-digest"], stdout=log)
    while not (ready := (folder / "events").read_text().partition("\n")[0]):
        time.sleep(0.1)
    address = json.loads(ready)["smtp"]
    host, _, port = address.rpartition(":")
    attackers = Attackers((host, int(port)), attacks)
    acknowledged, samples, rests = Counter[Key](), list[float](), list[float]()
    began = time.monotonic()
    end = began + minutes * 60
    watching = threading.Event()

    def watch() -> None:
        while not watching.wait(SAMPLE_SECONDS):
            samples.append(tree_pss(trap.pid) / 2**20)
            if len(samples) % 30 == 0:
                spent = (time.monotonic() - began) / 60
                print(f"{spent:5.1f} min: {samples[-1]:.1f} MiB, {sum(attackers.begun.values())} attacks", flush=True)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    seed = 0
    while (left := end - time.monotonic()) > 0:
        seed += 1
        acknowledged += play(address, folder, seed, min(WORLD_SECONDS, left), rate)
        attackers.paused.set()
        time.sleep(REST_SECONDS)
        rests.append(tree_pss(trap.pid) / 2**20)
        print(f"{(time.monotonic() - began) / 60:5.1f} min: at rest {rests[-1]:.1f} MiB", flush=True)
        attackers.paused.clear()
    watching.set()
    watcher.join()
    attackers.stop()
    trap.terminate()
    code = trap.wait(120)
    held = kept(place)
    missing = acknowledged - held
    print(f"acknowledged to the swarm {acknowledged.total()}, of these missing {missing.total()}; held {held.total()}")
    print("attacks: " + ", ".join(f"{name} {n}" for name, n in sorted(attackers.begun.items())))
    print(
        f"memory: at rest {rests[0]:.1f} MiB after the first world, {rests[-1]:.1f} after the last ({rests[-1] / rests[0]:.3f}); under load "
        f"median {statistics.median(samples):.1f}, peak {max(samples):.1f}; the trap ended with {code}"
    )
    return int(missing.total() > 0 or rests[-1] > FLAT * rests[0] or code != 0)


def main() -> None:
    """Print what happened; ends with 1 where something is missing or grows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=100.0, help="transactions of the swarm a second")
    parser.add_argument("--attacks", type=float, default=20.0, help="hostile sessions begun a second")
    parser.add_argument("--keep", type=Path, help="folder to work in, left as it is")
    given = parser.parse_args()
    print(f"calibration: {calibrate():.1f} million SHA-256 blocks/s", flush=True)
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = given.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        raise SystemExit(soak(folder, given.minutes, given.rate, given.attacks))


if __name__ == "__main__":
    main()
