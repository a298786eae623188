"""Messages a second from a plain mbox to sealed segments and tables, beside what plain Python does.

    python bench/digest_speed.py [--copies 7] [--memory]

Prints absolute figures with a calibration, and the ratios that the docs quote. ``--memory`` imports 10^4, 10^5 and 10^6
messages and prints the peak PSS of the process tree for each.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from measure import OUT, ROOT, calibrate, run_watched, spam_mbox


def spamtide_import(mbox: Path) -> tuple[int, float, int]:
    """Messages, wall seconds of the whole command, peak PSS of its process tree."""
    OUT.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=OUT))
    program = str(Path(sys.executable).with_name("spamtide"))
    try:
        subprocess.run([program, "init", str(folder / "w")], check=True, stdout=subprocess.DEVNULL)
        seconds, peak, out = run_watched(
            [program, "--workspace", str(folder / "w"), "import", str(mbox), "--feed", "trec", "--json"]
        )
        return json.loads(out)["new"], seconds, peak
    finally:
        shutil.rmtree(folder)


def peer(script: str, mbox: Path, *options: str) -> dict[str, float]:
    """What a peer printed of itself."""
    run = subprocess.run(
        [sys.executable, str(ROOT / "bench" / script), str(mbox), *options], check=True, stdout=subprocess.PIPE
    )
    result: dict[str, float] = json.loads(run.stdout)
    return result


def main() -> None:
    """Run the comparison once and print it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--copies", type=int, default=7, help="times the mbox of 14,589 messages is repeated")
    arguments.add_argument("--memory", action="store_true", help="10^4 to 10^6 messages instead")
    given = arguments.parse_args()
    print(f"calibration: {calibrate():.2f} M SHA-256 blocks/s")
    if given.memory:
        for copies in (1, 7, 69):
            n, seconds, peak = spamtide_import(spam_mbox(copies))
            print(f"{n:>9,} messages  {n / seconds:>8,.0f} /s  peak PSS {peak / 2**20:,.0f} MiB")
        return
    n, seconds, peak = spamtide_import(spam_mbox(given.copies))
    ours = n / seconds
    print(
        f"spamtide import          {ours:>8,.0f} messages/s  ({n:,} in {seconds:.1f} s, peak PSS {peak / 2**20:,.0f} MiB)"
    )
    for name, script, *options in (
        ("mailbox + email + lxml", "peer_email.py"),
        ("plain Python, all facts", "peer_facts.py"),
        ("the same, and keeps them", "peer_facts.py", "--store"),
    ):
        got = peer(script, spam_mbox(1), *options)
        theirs = got["messages"] / got["seconds"]
        print(f"{name:<25}{theirs:>8,.0f} messages/s  ratio {ours / theirs:.1f}", flush=True)


if __name__ == "__main__":
    main()
