"""What was tried for the bound on a background: years with a false alarm and median delays. Prints the table of docs/explanation/watch.md.

python bench/alarm.py [worlds]      a hundred worlds of each kind in about a minute
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from spamtide.measure import Refusal
from spamtide.watch import BETS, THRESHOLD, in_blocks, learn_baseline
from watched_worlds import ACTIVE, KINDS, LEARNT, RETURNS, YEAR, background, hours_of_counts

QUIET, LATER = 300, 500
WAYS = ("mean and two standard errors", "and the worst block where it is bursty", "as it is")


def bounds(counts: np.ndarray) -> list[float]:
    """The bound by each way."""
    blocks = in_blocks(hours_of_counts(counts))
    found = learn_baseline(blocks)
    assert not isinstance(found, Refusal)
    n = len(blocks)
    error = math.sqrt(sum((b.count - found.mean * b.hours) ** 2 for b in blocks) * n / (n - 1)) / found.hours
    plain = found.mean + 2 * error
    return [plain, max(plain, found.worst) if found.burstiness > 3 else plain, found.bound]


def alarms(counts: np.ndarray, bound: np.ndarray, first: int) -> np.ndarray:
    """Hour of the first alarm from ``first`` on of each world (worlds, hours), infinite without one; what comes before is passed over."""
    bets, statistics = np.array(BETS), np.zeros((len(counts), len(BETS)))
    found = np.full(len(counts), np.inf)
    for hour in range(counts.shape[1]):
        statistics = (statistics + 1) * (1 + bets * (counts[:, hour, None] / bound[:, None] - 1))
        statistics = np.minimum(statistics, 1e200)
        crossed = statistics.mean(axis=1) >= THRESHOLD
        if hour < first:
            statistics[crossed] = 0
        else:
            found[crossed & np.isinf(found)] = hour + 1 - first
    return found


def main() -> None:
    """Print the table."""
    worlds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    print(
        "background (share of the active rate) | bound | years with a false alarm | median hours to 5 % | 33 % | 100 %"
    )
    for rate in (0.01 * ACTIVE, 0.02 * ACTIVE):
        for kind in KINDS:
            streams = [np.random.Generator(np.random.Philox(seed)) for seed in range(worlds)]
            years = np.array([background(kind, rng, LEARNT + YEAR, rate) for rng in streams], dtype=float)
            later = np.array([background(kind, rng, QUIET + LATER, rate) for rng in streams], dtype=float)
            returned = [later.copy() for _ in RETURNS]
            for share, counts in zip(RETURNS, returned, strict=True):
                counts[:, QUIET:] += np.array([rng.poisson(share * ACTIVE, LATER) for rng in streams])
            learnt = np.array([bounds(counts[:LEARNT]) for counts in years])
            for way, bound in zip(WAYS, learnt.T, strict=True):
                false = np.isfinite(alarms(years[:, LEARNT:], bound, 0)).mean()
                delays = [f"{np.median(alarms(counts, bound, QUIET)):g}" for counts in returned]
                print(f"{kind} ({rate / ACTIVE:.0%}) | {way} | {false:.2f} | {' | '.join(delays)}", flush=True)


if __name__ == "__main__":
    main()
