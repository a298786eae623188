"""The registry's own cases, simulated a hundred times: do shape, date, effect and warnings come out right?

    python bench/scenarios.py [--seeds 100] [--first 1] [--only NAME]

Each case is a shipped scenario (counts alone, a Poisson draw of its rates a seed) and the registry's event, asked for as
``effect --series COUNTS.csv --event E --target T --shape auto`` asks: windows, the day left out and competing events are those of the registry. What
is right was written down before looking: the interval holds what was planted; the shape is the one planted; where nothing can
be seen, the headline says so and the detectable effect is larger than the planted one; the warnings that must come do. The date is
what ``changes`` says of the same series, asked without the event: right where a printed interval holds an instant between the first at which the
planted rates part and the one at which half of the fall is done (a ramp has no other date), and its middle lies within three days of those, as far as
the diagnostics move a cut. Where nothing can be seen it is right to say nothing there.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))
from measure import calibrate
from spamtide.app.cuts import find_cut
from spamtide.event import load_registry
from spamtide.measure import DAY_US, Effect, Window, effect_of_given, find_changes, given_series, rebinned
from spamtide.simulate import load_scenario
from spamtide.simulate.counts import washed_by_kernel
from spamtide.simulate.rates import Rates

REGISTRY = load_registry()
HOUR_US = 3_600_000_000
DATE_US, WEEK_HOURS = 3 * DAY_US, 168
Floats = NDArray[np.float64]
Rows = list[tuple[int, str, float | None, float]]


@dataclass(frozen=True, slots=True)
class Case:
    """One question. ``sender``: the botnet or group measured, None for the total; ``shapes``: those that count as right;
    ``fell``: whether a fall must be found, False where none can be; ``warned``: codes that must come;
    ``until``: an end of the window that the registry gives and the default does not take (a return; another botnet's), for effect and verdict;
    ``undone``: a level in both worlds that stands for the event, taken away to know what there would have been without."""

    name: str
    scenario: str
    event: str
    sender: str | None
    shapes: tuple[str, ...]
    fell: bool
    warned: tuple[str, ...] = ()
    until: str | None = None
    undone: float | None = None


PAUSE = ("pause", "pulse")
CASES = (
    Case("McColo, the total", "mccolo", "mccolo-2008", None, ("step",), True, ("competing_event",), "2008-11-25"),
    Case(
        "McColo, Srizbi", "mccolo", "srizbi-2008", "srizbi", ("step", "decay"), True, ("competing_event",), "2008-11-25"
    ),
    Case("Real Host pulse, Cutwail", "real-host", "real-host-2009", "cutwail", PAUSE, True),
    Case("Real Host pulse, the total", "real-host", "real-host-2009", None, (), False),
    Case("Grum ramp, Grum", "grum", "grum-2012", "grum", ("ramp",), True),
    Case(
        "Rustock holiday, Rustock", "march-2011", "rustock-holiday-2010", "rustock", PAUSE, True, (), "2011-01-10", 0.01
    ),
    Case("Necurs pause, Necurs", "necurs", "necurs-pause-2016-05", "necurs", PAUSE, True, (), "2016-06-21"),
    Case("Waledac at 1 %, the total", "waledac", "waledac-2010", None, (), False),
)


def streams_of(rates: Rates, sender: str | None) -> list[int]:
    """Numbers of the streams measured."""
    groups, botnets = rates.scenario.groups, rates.botnets
    return [
        k for k, s in enumerate(rates.streams)
        if sender is None or sender in (groups[s.group].name, botnets[s.botnet].name)
    ]  # fmt: skip


def planted(case: Case, rates: Rates, effect: Effect) -> float:
    """The effect over the window that the answer is about: expected counts with the event over those without it."""
    inside = (rates.starts >= effect.after.start) & (rates.starts + HOUR_US <= effect.after.end)
    mine = streams_of(rates, case.sender)
    there = sum((rates.rates(0, k, with_event=True) for k in mine), np.zeros(rates.hours))
    gone = sum((rates.rates(0, k, with_event=False) for k in mine), np.zeros(rates.hours))
    if case.undone is not None:
        level = rates.level(rates.scenario.groups[rates.streams[mine[0]].group], with_event=False)
        gone = gone / np.where(level == case.undone, case.undone, 1.0)
    return float(there[inside].sum() / gone[inside].sum())


def dated(rows: Rows, rates: Rates, case: Case) -> bool:
    """Whether ``changes`` names the instants at which the planted rates part, or rightly nothing near them."""
    mine = streams_of(rates, case.sender)
    there, gone = (sum((rates.rates(0, k, with_event=w) for k in mine), np.zeros(rates.hours)) for w in (True, False))
    if case.undone is not None:
        level = rates.level(rates.scenario.groups[rates.streams[mine[0]].group], with_event=False)
        fallen = (level == case.undone).astype(np.float64)
    else:
        fallen = 1 - there / np.where(gone > 0, gone, 1.0)
    parted = int(np.flatnonzero(np.abs(fallen) > 1e-6)[0])
    half = parted + int(np.argmax(fallen[parted:] >= 0.5 * fallen[parted : parted + WEEK_HOURS].max()))
    first, last = int(rates.starts[parted]), int(rates.starts[half])
    said = find_changes({"x": rebinned(given_series(rows)["x"], DAY_US, 0)}).changes
    if not case.fell:
        return not any(c.at.low <= last and first <= c.at.high for c in said)
    return any(
        c.at.low <= last
        and first <= c.at.high
        and first - DATE_US <= c.at.value <= last + DATE_US
        and c.ratio.value < 1
        for c in said
    )


def chosen(effect: Effect) -> str:
    """The shape of the highest weight."""
    return max(effect.shapes, key=lambda s: s[1])[0] if effect.shapes else "none"


def answer(case: Case, seed: int) -> tuple[dict[str, bool], Effect, float, str]:
    """What is right of one world, the answer, the truth and the shape."""
    scenario = load_scenario(case.scenario)
    rates = Rates(scenario, seed, 1.0, washed_by_kernel(scenario, seed))
    mine = streams_of(rates, case.sender)
    counts, up = rates.counts[0][:, mine].sum(axis=1), rates.up[scenario.feeds[0].name]
    rows: Rows = [(int(t), "x", float(c), float(u)) for t, c, u in zip(rates.starts, counts, up, strict=True)]
    cut = find_cut(REGISTRY, case.event, None)

    def ask(after: Window | None) -> Effect:
        return effect_of_given(
            given_series(rows), cut, target="x", controls=(), after=after, shape="auto", diagnostics="none",
        )  # fmt: skip

    effect = whole = ask(None)
    if case.until is not None:
        end = int(datetime.fromisoformat(case.until).replace(tzinfo=UTC).timestamp()) * 1_000_000
        effect = ask(Window(whole.after.start, end))
    truth = planted(case, rates, effect)
    ratio, codes = effect.ratio, {note.code for note in effect.warnings}
    if ratio is None:
        return {"answered": False}, effect, truth, "none"
    right = {
        # On the log scale there is no zero: a stop to nothing is held by an interval that begins below half a percent.
        "effect": truth <= ratio.high and (ratio.low <= truth or ratio.low < 0.005),
        "verdict": (ratio.high < 1) == case.fell,
        "warnings": set(case.warned) <= codes,
        "date": dated(rows, rates, case),
    }
    # Whether it came back can be seen only in a window that goes on.
    shape = chosen(whole if case.shapes == PAUSE else effect)
    if case.shapes:
        right["shape"] = shape in case.shapes
    if not case.fell:
        right["detectable"] = effect.minimum_detectable is not None and effect.minimum_detectable < truth
    return right, effect, truth, shape


def main() -> None:
    """The table, with what came out instead."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--only", metavar="NAME", help="cases whose name begins so")
    given = parser.parse_args()
    print(f"calibration: {calibrate():.1f} million SHA-256 blocks/s; {given.seeds} seeds a case, from {given.first}")
    for case in CASES:
        if given.only and not case.name.startswith(given.only):
            continue
        held, shapes, truths, values = Counter[str](), Counter[str](), list[float](), list[float]()
        started, n = time.perf_counter(), given.seeds
        asked = set[str]()
        for seed in range(given.first, given.first + n):
            right, effect, truth, shape = answer(case, seed)
            asked |= set(right)
            held.update(k for k, good in right.items() if good)
            shapes[shape] += 1
            truths.append(truth)
            if effect.ratio is not None:
                values.append(effect.ratio.value)
        told = ", ".join(f"{k} {held[k]}" for k in sorted(asked))
        print(
            f"{case.name}: of {n} right: {told}; planted {np.median(truths):.3f}, found {np.median(values) if values else np.nan:.3f} in the "
            f"median; shapes {dict(shapes.most_common())}; {(time.perf_counter() - started) / n:.2f} s each", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
