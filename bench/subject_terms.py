"""Subject terms by day over a million messages, beside ``grep -c`` over the same mbox.

    python bench/subject_terms.py [--copies 69]

Both are warm: the second of two runs counts. ``grep`` looks for the two words on any line; spamtide answers the real
question (in the decoded, folded subject, by day). Prints absolute figures and the ratio.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from measure import OUT, calibrate, spam_mbox

MEASURE = "subject:viagra,cialis"


def warm(question: list[str]) -> tuple[float, str]:
    """Wall seconds and output of the second run of a command."""
    for _ in range(2):
        started = time.perf_counter()
        run = subprocess.run(question, stdout=subprocess.PIPE, text=True)
        seconds = time.perf_counter() - started
    return seconds, run.stdout


def main() -> None:
    """Import once, ask warm, compare."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--copies", type=int, default=69, help="times the mbox of 14,589 messages is repeated")
    given = arguments.parse_args()
    print(f"calibration: {calibrate():.2f} M SHA-256 blocks/s")
    mbox = spam_mbox(given.copies)
    program = str(Path(sys.executable).with_name("spamtide"))
    folder = Path(tempfile.mkdtemp(dir=OUT))
    try:
        workspace = str(folder / "w")
        subprocess.run([program, "init", workspace], check=True, stdout=subprocess.DEVNULL)
        ask = [program, "--workspace", workspace]
        subprocess.run([*ask, "import", str(mbox), "--feed", "trec"], check=True, stdout=subprocess.DEVNULL)
        command, out = warm([*ask, "series", MEASURE, "--feed", "trec", "--by", "day", "--csv"])
        matched = sum(int(line.split(",")[-2] or 0) for line in out.splitlines()[1:])
        import spamtide

        observatory = spamtide.open(workspace)
        total = sum(observatory.series("volume", ["trec"]).counts)
        for _ in range(2):
            started = time.perf_counter()
            observatory.series(MEASURE, ["trec"])
            inside = time.perf_counter() - started
    finally:
        shutil.rmtree(folder)
    grep, lines = warm(["grep", "-c", "-i", "-E", "viagra|cialis", str(mbox)])
    print(
        f"messages               {total:>12,.0f}  ({matched:,} with a word in the subject; grep: {int(lines):,} lines)"
    )
    print(f"series, in the program {inside:>12.2f} s")
    print(f"series, whole command  {command:>12.2f} s")
    print(f"grep -c, same mbox     {grep:>12.2f} s  ratio {grep / inside:.0f} (in the program), {grep / command:.0f}")


if __name__ == "__main__":
    main()
