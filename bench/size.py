"""What was tried against the bias of sessions: four ways to make pairs, on worlds with planted truth. Prints the table of docs/explanation/size.md.

python bench/size.py [worlds]      six worlds of each kind in about a minute
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from sized_worlds import SESSIONS, World, make
from spamtide.measure.pairdecay import first_gap, fit_decay, pairs_of

LONGEST = 167
KINDS = (*SESSIONS, replace(SESSIONS[0], hits=10.0, name="sessions, ten sightings a day"))
WAYS = ("all pairs", "one an address and two hours, gaps above 2.5 h", "all messages, gaps longer than a session",
        "one an address and hour, gaps longer than a session")  # fmt: skip


def thinned(world: World, hours: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Address, network and hour of one sighting an address and so many hours."""
    slot = world.at.astype(np.int64) // hours
    rows = np.unique(np.stack([world.address, world.network, slot], axis=1), axis=0)
    return rows[:, 0], rows[:, 1], rows[:, 2] * hours


def sizes(world: World) -> list[float]:
    """The effective size by each way, over its truth."""
    whole = pairs_of(world.address, world.network, world.at.astype(np.int64), LONGEST)
    by_two, by_hour = (pairs_of(*thinned(world, hours), LONGEST) for hours in (2, 1))
    found = [
        float(whole.every[:3].sum() / whole.same[:3].sum()),
        *(
            decay.effective if (decay := fit_decay(pairs, gap)) is not None else np.nan
            for pairs, gap in ((by_two, 3), (whole, first_gap(whole)), (by_hour, first_gap(by_hour, 1)))
        ),
    ]
    return [f / world.effective for f in found]


def main() -> None:
    """Print the table."""
    worlds = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    print("world | " + " | ".join(WAYS))
    for kind in KINDS:
        ratios = np.array([sizes(make(kind, 1000 + seed)) for seed in range(worlds)])
        cells = [f"{m:.2f} ± {s:.2f}" for m, s in zip(ratios.mean(axis=0), ratios.std(axis=0), strict=True)]
        print(f"{kind.name} | {' | '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
