"""How long a large world takes and what memory: seconds, CPU seconds, peak memory, and whether a second run gives the same bytes.

    python bench/simulate.py [SCENARIO] [--messages 1000000] [--again]

Memory is the proportional set size, summed over the process and its children, every tenth of a second.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from spamtide.simulate import generate, load_scenario


def pss(pid: int) -> int:
    """Bytes of a process and its children."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            total += pss(int(child))
    except OSError:
        pass
    return total


def run(scenario: str, scale: float, out: Path) -> tuple[float, float, int]:
    """Seconds, CPU seconds and peak memory of one ``spamtide simulate``."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    started, peak = time.monotonic(), 0
    command = [
        sys.executable,
        "-m",
        "spamtide",
        "simulate",
        scenario,
        "--scale",
        f"{scale:.6g}",
        "--out",
        str(out),
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.1):
            peak = max(peak, pss(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    done.set()
    watcher.join()
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code:
        sys.exit(f"simulate ended with {code}")
    return time.monotonic() - started, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime, peak


def digests(out: Path) -> dict[str, str]:
    """A digest of each segment and each file of the truth."""
    files = [p for p in out.rglob("*") if p.is_file() and ("segments" in p.parts or "truth" in p.parts)]
    return {str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(files)}


def main() -> None:
    """Make the world, once or twice."""
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario", nargs="?", default="march-2011")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--again", action="store_true")
    chosen = parser.parse_args()
    scale = chosen.messages / generate(load_scenario(chosen.scenario), seed=1).messages
    folder = Path(tempfile.mkdtemp(prefix="spamtide-simulate-"))
    try:
        seconds, cpu, peak = run(chosen.scenario, scale, folder / "one")
        size = sum(p.stat().st_size for p in (folder / "one").rglob("*") if p.is_file())
        print(
            f"{chosen.messages:,} messages of {chosen.scenario}: {seconds:.1f} s ({cpu:.1f} CPU seconds, {os.cpu_count()} cores, "
            f"load {os.getloadavg()[0]:.1f}), {peak / 2**20:.0f} MiB, {size / 2**20:.0f} MiB on disk"
        )
        if chosen.again:
            run(chosen.scenario, scale, folder / "two")
            same = digests(folder / "one") == digests(folder / "two")
            print("a second run gives the same bytes" if same else "A SECOND RUN GIVES OTHER BYTES")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
