"""The registry's scenarios in many seeds: do shape, date, effect and warnings come out right? Counts only, no message is made.

    python bench/scenarios.py [--seeds 100] [--first 0] [--only NAME]

Each row asks spamtide of hourly counts of one feed at the event's own instant. *Effect*: the interval holds the planted ratio of the after window; where that is 0, its
upper end is .02 at most. *Shape*:
the heaviest under ``--shape auto`` is one of those named. *Date*: ``changes`` finds a change whose interval, a day to either side, holds the instant. *Warnings*: those
that must be there are, those that must not are not. The *null* rows are effects too small to see: right is an interval that holds 1 and a smallest detectable fall
larger than the planted one.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from spamtide.app.cuts import find_cut
from spamtide.event import load_registry
from spamtide.measure import (
    DAY_US,
    HOUR_US,
    Effect,
    Series,
    Window,
    effect_of_given,
    find_changes,
    rebinned,
)
from spamtide.simulate import load_scenario
from spamtide.simulate.rates import Rates


def us(text: str) -> int:
    """Microseconds of an instant."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000_000)


@dataclass(frozen=True)
class Case:
    """One question: a scenario's event, whose mail, until when, and what is right."""

    name: str
    scenario: str
    event: str
    cut: int
    days: float
    botnet: str | None
    shapes: tuple[str, ...]
    placebo: str | None = None
    null: bool = False
    right: Callable[[Effect], bool] = lambda _: True


def unmet(effect: Effect) -> set[str]:
    """Codes of the rules of "because of" that are not met."""
    return set() if effect.attribution is None else {r.note.code for r in effect.attribution.rules if not r.met}


def warned(effect: Effect) -> set[str]:
    """Codes of the warnings."""
    return {w.code for w in effect.warnings}


CASES = (
    Case("McColo, all mail", "mccolo", "mccolo-2008", us("2008-11-11T21:30:00"), 13, None, ("step",)),
    Case("McColo, Srizbi", "mccolo", "mccolo-2008", us("2008-11-11T21:30:00"), 13, "srizbi", ("step", "ramp", "decay")),
    Case(
        "Real Host, Cutwail", "real-host", "real-host-2009", us("2009-08-01T06:00:00"), 21, "cutwail", ("pulse", "decay", "pause")
    ),
    Case("Real Host, all mail", "real-host", "real-host-2009", us("2009-08-01T06:00:00"), 21, None, (), null=True),
    Case(
        "Grum, Grum", "grum", "grum-2012", us("2012-07-17T15:00:00"), 21, "grum", ("ramp", "step", "decay"), "lethic",
        right=lambda e: "placebo_target_changed" in unmet(e),
    ),
    Case("Rustock holiday, Rustock", "march-2011", "rustock-holiday-2010", us("2010-12-25T00:00:00"), 28, "rustock", ("pause", "pulse")),
    Case("Necurs pause, all mail", "necurs", "necurs-pause-2016-05", us("2016-05-31T00:00:00"), 35, None, ("pause", "pulse")),
    Case("Waledac, all mail", "waledac", "waledac-2010", us("2010-02-25T00:00:00"), 28, None, (), null=True),
)  # fmt: skip


def hourly(rates: Rates, botnet: str | None, end: int, name: str) -> tuple[Series, np.ndarray]:
    """Counts by hour at the first feed up to ``end``, of a botnet or of all; and which streams those are."""
    mine = np.array([botnet is None or rates.botnets[s.botnet].name == botnet for s in rates.streams])
    counts = np.asarray(rates.counts[0])[:, mine].sum(axis=1).astype(np.float64)
    keep = rates.starts < end
    n = int(keep.sum())
    series = Series(
        name, "volume", "message", HOUR_US, rates.starts[keep].astype(np.int64), counts[keep], rates.up[rates.scenario.feeds[0].name][keep],
        np.zeros(n, dtype=bool), "declared",
    )  # fmt: skip
    return series, mine


def planted(rates: Rates, mine: np.ndarray, after: Window) -> float:
    """Expected counts with the event over those without it, over whole hours of the after window.

    A holiday is written as the level of a group, not as an event: without it the level is that of the hour before.
    """
    inside = (rates.starts >= after.start) & (rates.starts < after.end)
    just_before = int(np.flatnonzero(inside)[0]) - 2
    there = gone = 0.0
    for k in np.flatnonzero(mine):
        level = rates.level(rates.scenario.groups[rates.streams[k].group], with_event=True)
        there += float(rates.rates(0, k, with_event=True)[inside].sum())
        without = rates.rates(0, k, with_event=False)
        if (level[inside] > 0).all():
            without = without / np.where(level > 0, level, 1.0) * level[just_before]
        gone += float(without[inside].sum())
    return there / gone


def answer(case: Case, seed: int) -> dict[str, bool]:
    """What came out right of one seed."""
    rates = Rates(load_scenario(case.scenario), seed, 1.0, lambda *_: 0.0)
    end = case.cut + round(case.days * DAY_US)
    series, mine = hourly(rates, case.botnet, end, "mail")
    given = {"mail": series}
    controls: list[str] = []
    if case.placebo is not None:
        given[case.placebo] = hourly(rates, case.placebo, end, case.placebo)[0]
        controls = [case.placebo]
    cut = find_cut(load_registry(), case.event, None)
    effect = effect_of_given(
        given, case.cut, target="mail", controls=controls, event=case.event, earlier_end=cut.earlier_end, warnings=cut.notes,
        competing=cut.competing, diagnostics="none", shape="averaged" if case.null else "auto",
    )  # fmt: skip
    if effect.ratio is None:
        return dict.fromkeys(("effect", "shape", "date", "warnings"), False)
    truth = planted(rates, mine, effect.after)
    notes = not warned(effect) & {"exposure_inferred", "short_history"} and case.right(effect)
    # No ratio of logs holds 0: of a mail that stopped altogether it is right to say that a hundredth may be left, or less.
    holds = effect.ratio.low <= truth <= effect.ratio.high or (truth == 0 and effect.ratio.high <= 0.02)
    if case.null:
        detectable = effect.minimum_detectable or 0.0
        return {
            "effect": holds,
            "null": effect.ratio.low <= 1 <= effect.ratio.high,
            "detectable": detectable < truth,
            "warnings": notes,
        }
    days = rebinned(series, DAY_US, int(series.starts[0]))
    near = days.starts >= case.cut - 120 * DAY_US
    near_days = replace(
        days,
        starts=days.starts[near],
        counts=days.counts[near],
        exposures=days.exposures[near],
        missing=days.missing[near],
    )
    found = find_changes({"mail": near_days})
    date = any(c.at.low - DAY_US <= case.cut <= c.at.high + DAY_US for c in found.changes)
    return {"effect": holds, "shape": effect.shapes[0][0] in case.shapes, "date": date, "warnings": notes}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", help="cases whose name begins so")
    asked = parser.parse_args()
    keys = ("effect", "shape", "date", "warnings", "null", "detectable")
    print(f"| case | seeds | {' | '.join(keys)} |\n|{'---|' * (len(keys) + 2)}")
    for case in CASES:
        if asked.only and not case.name.startswith(asked.only):
            continue
        rows = [answer(case, seed) for seed in range(asked.first, asked.first + asked.seeds)]
        cells = [str(sum(r[k] for r in rows)) if k in rows[0] else "" for k in keys]
        print(f"| {case.name} | {len(rows)} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
