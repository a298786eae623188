"""Counts straight from the rates, no message made: for the calibration of estimators, thousands of worlds a minute.

Worlds of the shipped ``calibration-*`` scenarios are not drawn from the default estimator's own priors: their days go in
episodes, bursts, heavy tails or regimes (``rhythms.py``).
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np

from spamtide.simulate.rates import HOUR_US, Rates, Washed
from spamtide.simulate.scenario import UNSOLICITED, Scenario, microseconds

Bin = Literal["day", "hour"]


def write_counts(rates: Rates, out: Path, by: Bin = "day") -> int:
    """One ``FEED.csv`` a feed (``time,series,count,exposure``): all mail, by day or hour; the number of messages."""
    out.mkdir(parents=True, exist_ok=True)
    n = 0
    width = 24 if by == "day" else 1
    bins = rates.hours // width
    form = "%Y-%m-%d" if by == "day" else "%Y-%m-%dT%H:00:00Z"
    times = [(rates.scenario.start + timedelta(hours=width * i)).strftime(form) for i in range(bins)]
    for i, feed in enumerate(rates.scenario.feeds):
        total = rates.counts[i].sum(axis=1)[: bins * width].reshape(bins, width).sum(axis=1).tolist()
        up = rates.up[feed.name][: bins * width].reshape(bins, width).mean(axis=1).tolist()
        with (out / f"{feed.name}.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["time", "series", "count", "exposure"])
            rows.writerows((t, "volume", c, f"{u:.6g}") for t, c, u in zip(times, total, up, strict=True))
        n += int(rates.counts[i].sum())
    return n


def planted(rates: Rates) -> list[dict[str, Any]]:
    """For each feed the planted effect on unsolicited mail, from the first event of the world to its end."""
    instants = [microseconds(e.at) for e in rates.scenario.events if e.planted]
    instants += [microseconds(g.stop.at) for g in rates.scenario.groups if g.stop is not None]
    if not instants:
        return []
    at = min(instants)
    # The hour of the event is cut where the event is.
    inside = np.clip((rates.starts + HOUR_US - at) / HOUR_US, 0, 1)
    rows = []
    for i, feed in enumerate(rates.scenario.feeds):
        mine = [k for k, s in enumerate(rates.streams) if rates.scenario.groups[s.group].topic in UNSOLICITED]
        before = inside == 0
        without = float(sum((rates.rates(i, k, with_event=False) * inside).sum() for k in mine))
        # What the event's own hour holds before it happened is the same in both worlds.
        cut = (inside > 0) & (inside < 1)
        whole = 0.0
        for k in mine:
            there, gone = rates.rates(i, k, with_event=True), rates.rates(i, k, with_event=False)
            whole += float(np.where(cut, there - gone * (1 - inside), np.where(before, 0.0, there)).sum())
        rows.append(
            {
                "seed": rates.seed, "feed": feed.name, "at": at, "end": rates.end,
                "expected": whole, "expected_without": without, "ratio": whole / without if without else None,
            }
        )  # fmt: skip
    return rows


def write_worlds(
    scenario: Scenario, out: Path, *, seed: int, scale: float, worlds: int, by: Bin, tick: Callable[[int], None]
) -> int:
    """``OUT/SEED/FEED.csv`` for ``worlds`` seeds from ``seed`` on and ``OUT/truth/planted.parquet``; the messages counted."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    n, rows = 0, []
    for k in range(worlds):
        rates = Rates(scenario, seed + k, scale, washed_by_kernel(scenario, seed + k))
        n += write_counts(rates, out / str(seed + k), by)
        rows += planted(rates)
        tick(k + 1)
    (out / "truth").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), out / "truth" / "planted.parquet", compression="zstd")
    return n


def washed_by_kernel(scenario: Scenario, seed: int) -> Washed:
    """What washes take away, asked of the kernel, which is made only if there are any."""
    from spamtide.simulate.world import World

    return lambda *what: World(scenario, seed, 1.0, 1).maker.washed_share(*what)
