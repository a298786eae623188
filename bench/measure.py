"""Helpers of the benches: a calibration loop, memory of a process tree, the corpora, ratios."""

from __future__ import annotations

import hashlib
import lzma
import os
import subprocess
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "bench" / "out"


def calibrate() -> float:
    """Million SHA-256 compressions a second on one core: tells how fast this machine is today."""
    started = time.perf_counter()
    block = b"\0" * 65536
    digest = hashlib.sha256()
    n = 0
    while time.perf_counter() - started < 0.5:
        digest.update(block)
        n += 1024
    return n / (time.perf_counter() - started) / 1e6


def corpus() -> Path | None:
    """The folder of private test mail, where there is one."""
    for place in (os.environ.get("SPAMTIDE_CORPUS"), ROOT.parent / "shared" / "corpora"):
        if place and Path(place).is_dir():
            return Path(place)
    return None


def spam_mbox(copies: int = 1) -> Path:
    """A plain mbox of real spam repeated ``copies`` times, unpacked into ``bench/out`` (never tracked)."""
    folder = corpus()
    if folder is None:
        raise SystemExit("This bench needs a folder of mail: set SPAMTIDE_CORPUS.")
    OUT.mkdir(parents=True, exist_ok=True)
    target = OUT / f"trec-spam-{copies}.mbox"
    if not target.exists():
        data = lzma.decompress((folder / "trec07p-spam-20070408-0424.mbox.xz").read_bytes())
        temporary = target.with_suffix(".part")
        with temporary.open("wb") as file:
            for _ in range(copies):
                file.write(data)
        temporary.rename(target)
    return target


def tree_pss(pid: int) -> int:
    """Proportional set size, in bytes, of a process and all its descendants."""
    pids, queue = [], [pid]
    while queue:
        one = queue.pop()
        pids.append(one)
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                queue += [int(p) for p in Path(f"/proc/{one}/task/{task}/children").read_text().split()]
        except OSError:
            continue
    total = 0
    for one in pids:
        try:
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        except OSError:
            continue
    return total


def run_watched(command: list[str], env: dict[str, str] | None = None) -> tuple[float, int, str]:
    """Run a command; wall seconds, peak PSS over its process tree (sampled at 20 Hz), its stdout."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
    peak = 0
    stop = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not stop.wait(0.05):
            peak = max(peak, tree_pss(process.pid))

    thread = threading.Thread(target=watch)
    thread.start()
    out, _ = process.communicate()
    seconds = time.perf_counter() - started
    stop.set()
    thread.join()
    if process.returncode != 0:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return seconds, peak, out
