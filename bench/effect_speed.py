"""What an effect costs: headline, full diagnostics, a weighing of shapes, and a batch of many.

    python bench/effect_speed.py [--batch 1000]

Targets: the headline in .5 s, full diagnostics in 10 s, 1,000 effects in 6 minutes on two cores. The peer is statsmodels' structural
model on the same counts, where it is installed (bench/peers/structural.txt).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "calibration")]

import worlds  # noqa: E402

import peers  # noqa: E402
from measure import calibrate  # noqa: E402
from spamtide.measure import estimate_effect, methods  # noqa: E402

SEEDS = range(5)


def seconds(work: Callable[[worlds.World], object]) -> float:
    """Median over some worlds, the first call aside."""
    made = [worlds.make("rough", seed) for seed in SEEDS]
    work(made[0])
    taken = []
    for world in made:
        started = time.perf_counter()
        work(world)
        taken.append(time.perf_counter() - started)
    return sorted(taken)[len(taken) // 2]


def asked(diagnostics: str, shape: str = "averaged") -> Callable[[worlds.World], object]:
    """One effect with these diagnostics."""
    return lambda w: estimate_effect(
        w.series,
        w.after.start,
        before=w.before,
        after=w.after,
        diagnostics=diagnostics,
        shape=shape,
        controls=w.controls,
    )


def peer(world: worlds.World) -> object:
    """The structural model of statsmodels."""
    before = world.series.starts < world.after.start
    return peers.structural(methods.live_days(world.series, before, ~before), 1)


def batch(count: int) -> float:
    """Seconds of ``spamtide effect --batch`` on so many questions of 20 files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in range(20):
            series = worlds.make("rough", seed).series
            rows = [f"{int(t) // 86_400_000_000},{c:g}" for t, c in zip(series.starts, series.counts, strict=True)]
            days = [f"{_day(int(r.split(',')[0]))},{r.split(',')[1]}" for r in rows]
            (folder / f"{seed}.csv").write_text("time,count\n" + "\n".join(days) + "\n")
        cuts = [_day(worlds.make("rough", s).after.start // 86_400_000_000) for s in range(20)]
        lines = [json.dumps({"id": i, "series": f"{i % 20}.csv", "at": cuts[i % 20]}) for i in range(count)]
        (folder / "q.jsonl").write_text("\n".join(lines) + "\n")
        started = time.perf_counter()
        command = [sys.executable, "-m", "spamtide", "effect", "--batch", str(folder / "q.jsonl"), "--jsonl"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert len(done.stdout.splitlines()) == count, done.stderr
        return time.perf_counter() - started


def _day(number: int) -> str:
    from datetime import date, timedelta

    return str(date(1970, 1, 1) + timedelta(days=number))


def main() -> None:
    """Print what each takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=1000)
    count = parser.parse_args().batch
    print(f"calibration: {calibrate():.2f} M SHA-256 compressions a second")
    for name, work in (
        ("headline and second opinions", asked("none")),
        ("standard diagnostics", asked("standard")),
        ("full diagnostics", asked("full")),
        ("shape chosen (--shape auto)", asked("none", "auto")),
        *([("peer: statsmodels, structural", peer)] if peers.available() else []),
    ):
        print(f"{name}: {seconds(work):.3f} s")
    print(f"batch of {count:,}: {batch(count):.1f} s on {len(os.sched_getaffinity(0))} cores")


if __name__ == "__main__":
    main()
