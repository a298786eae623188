"""Every bench in turn. Each prints absolute figures beside a calibration, and ratios to a peer run in the same minute.

make bench                     the short ones, about five minutes on two cores
python bench/run.py --long     also 10^6 messages: memory by size, terms by day beside grep; and 10^7 (half an hour, 15 GB of disk)
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SHORT = (
    ["fold_tricks.py"],
    ["digest_stages.py"],
    ["digest_speed.py"],
    ["read_by_id.py"],
    ["subject_terms.py", "--copies", "7"],
    ["swarm.py"],
    ["near_duplicates.py"],
    ["explain_pairs.py"],
    ["alarm.py", "40"],
    ["size.py", "3"],
    ["effect_speed.py", "--batch", "100"],
)
LONG = (["digest_speed.py", "--memory"], ["subject_terms.py"], ["ten_million.py"], ["group_scale.py"], ["soak.py"])


def main() -> None:
    """Run them; a bench that fails ends the run with its code."""
    for bench in SHORT + (LONG if "--long" in sys.argv[1:] else ()):
        print(f"\n== {' '.join(bench)}", flush=True)
        code = subprocess.run([sys.executable, str(HERE / bench[0]), *bench[1:]]).returncode
        if code:
            raise SystemExit(code)


if __name__ == "__main__":
    main()
