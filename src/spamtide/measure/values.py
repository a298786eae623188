"""The values of this room: series, windows, effects, shares. Codes and numbers only; prose is written in report.

Instants are microseconds since 1970 UTC (int). A ratio is a plain number (0.25, not -75 %).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000

Fact = int | float | str | None
# Ways to estimate an effect, and shapes that it may have: ``methods``, ``shapes``. Here, so that a command's help needs no numpy.
METHOD_NAMES = ("latent-ar1", "gls-ar1", "placebo", "structural", "negative-binomial-hac", "quasi-poisson")
SHAPE_NAMES = ("averaged", "auto", "step", "ramp", "pulse", "decay", "pause")


@dataclass(frozen=True, slots=True)
class Interval:
    """A point with its interval: nothing travels without one."""

    value: float
    low: float
    high: float
    level: float = 0.95

    @property
    def log_sd(self) -> float:
        """Standard error of the log that a 95 % interval of a ratio stands for; one that begins at 0 has all its five percent above."""
        if self.low > 0:
            return math.log(self.high / self.low) / 3.92
        return math.log(self.high / self.value) / 1.644854 if self.value > 0 else math.inf

    @property
    def detectable(self) -> float:
        """The ratio that would be told from 1 four times in five by an interval so wide."""
        return math.exp(-2.8 * self.log_sd)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, ``end`` excluded."""

    start: int
    end: int

    @property
    def days(self) -> float:
        """Length in days."""
        return (self.end - self.start) / DAY_US


@dataclass(frozen=True, slots=True)
class Note:
    """A warning, an unmet rule or a reason: a code of docs/reference/codes.md with the numbers that belong to it."""

    code: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no number is given and what would be enough. A value, never an exception."""

    reason: str
    needed: Mapping[str, Fact]
    have: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Series:
    """Counts in equal bins with their exposure.

    ``starts``, ``counts``, ``exposures`` and ``missing`` have n rows. ``exposures`` is the share of the bin in which the
    panel was live (0 to 1). A missing count is not zero: its row says so in ``missing`` and holds 0 in ``counts``.
    ``basis``: probe, uptime, declared or import-span. ``name`` labels it in a CSV of several. ``warnings``: what is wrong with some bins.
    """

    name: str
    measure: str
    unit: str
    bin_us: int
    starts: NDArray[np.int64]
    counts: NDArray[np.float64]
    exposures: NDArray[np.float64]
    missing: NDArray[np.bool_]
    basis: str
    warnings: tuple[Note, ...] = ()

    @property
    def live(self) -> NDArray[np.bool_]:
        """Bins with exposure above 0 and a count that is not missing."""
        return (self.exposures > 0) & ~self.missing


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """Another method's answer to the same question: ``placebo``, ``gls_ar1``, ``naive_poisson``, ``donut``, ..."""

    method: str
    ratio: Interval | None
    refused: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The headline method once more at another cut or with other windows; ``kind`` is ``date`` or ``window``."""

    kind: str
    cut: int
    before: Window
    after: Window
    ratio: Interval | None


@dataclass(frozen=True, slots=True)
class Check:
    """One diagnostic: its code with numbers, what it says of the headline, and the answers that it stands on.

    ``verdict``: ``quiet`` (nothing speaks against the headline), ``doubt``, or ``not_possible``. ``rows``: a label and the ratio
    there, None where it was refused.
    """

    note: Note
    verdict: str
    rows: tuple[tuple[str, Interval | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One row of a displacement: what was counted after the cut, what was expected without the event, their ratio and difference."""

    name: str
    counted: float
    expected: Interval
    ratio: Interval
    moved: Interval


@dataclass(frozen=True, slots=True)
class Displacement:
    """Direct, displacement and net, in this order, over ``days`` live days; ``correlation``: of target and rest before the cut."""

    parts: tuple[Part, ...]
    correlation: float
    days: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a result owes to a plan: its id, when it was frozen, whether that was before the cut, and where the result departs."""

    id: str
    frozen_at: int
    before_data: bool
    departures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of "because of": its name, whether it is met, and a note with the numbers or with what would meet it."""

    name: str
    met: bool
    note: Note


@dataclass(frozen=True, slots=True)
class Attribution:
    """``after`` or ``because of``, and the rules that decide it."""

    word: str
    rules: tuple[Rule, ...]


# The highest level that is left where a rule of the rubric is not met.
LEFT_BY_RULE = {
    "exposure_inferred": 1,
    "refused": 1,
    "placebo_disagrees": 1,
    "history_below_56_days": 2,
    "competing_event_unbounded": 2,
    "placebo_not_possible": 2,
    "placebo_p_above_05": 2,
    "effect_that_matters_not_detectable": 2,
    "sensitivity_not_run": 2,
    "sensitivity_changes_sign": 2,
    "one_independence_group": 3,
    "two_independence_groups": 4,
    "pre_trend_not_clean": 4,
    "no_registered_plan": 4,
    "attribution_not_audited": 4,
}


@dataclass(frozen=True, slots=True)
class Confidence:
    """Level 1 to 5 by the rubric of docs/reference/glossary.md; ``unmet`` names each rule that was not met."""

    level: int
    unmet: tuple[Note, ...]

    @classmethod
    def of(cls, unmet: Iterable[Note]) -> Confidence:
        """The level that the unmet rules leave: the lowest decides."""
        rules = tuple(unmet)
        return cls(min((LEFT_BY_RULE[n.code] for n in rules), default=5), rules)


@dataclass(frozen=True, slots=True)
class Path:
    """Day by day what the chart draws: observed counts, and what was expected without the event, with its band.

    All arrays have n rows, one a bin, over both windows; expected counts are at the bin's own exposure.
    ``post`` marks the bins of the after window. Before the cut ``expected`` is the fitted mean.
    """

    starts: NDArray[np.int64]
    observed: NDArray[np.float64]
    exposures: NDArray[np.float64]
    missing: NDArray[np.bool_]
    post: NDArray[np.bool_]
    expected: NDArray[np.float64]
    expected_low: NDArray[np.float64]
    expected_high: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WindowCount:
    """What was counted in a window: the sum, live days (sum of exposure over live bins) and live bins."""

    count: float
    live_days: float
    bins: int


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of an event on a measure: expected counts with it over expected counts without it, after the cut."""

    measure: str
    unit: str
    feed: str | None
    target: str | None
    event: str | None
    cut: int
    before: Window
    after: Window
    excluded: tuple[Window, ...]
    counted_before: WindowCount
    counted_after: WindowCount
    ratio: Interval | None
    refused: Refusal | None
    method: str
    second_opinions: tuple[SecondOpinion, ...]
    also_at: tuple[tuple[int, Interval | Refusal], ...]
    minimum_detectable: float | None
    neighbours: tuple[Neighbour, ...]
    pre_trend: Note | None
    placebo_p: float | None
    warnings: tuple[Note, ...]
    confidence: Confidence
    path: Path | None
    basis: str
    population: str = "unsolicited"
    shape: str = "averaged"
    shapes: tuple[tuple[str, float], ...] = ()
    checks: tuple[Check, ...] = ()
    plan: Plan | None = None
    displacement: Displacement | Refusal | None = None
    attribution: Attribution | None = None

    def with_plan(self, plan: Plan) -> Effect:
        """The same beside the plan it is judged by; one that was frozen in time and followed meets its rule of confidence."""
        met = plan.before_data and not plan.departures
        unmet = [n for n in self.confidence.unmet if not (met and n.code == "no_registered_plan")]
        warnings = self.warnings
        if plan.departures:
            facts: dict[str, Fact] = {"plan": plan.id, "departures": ", ".join(plan.departures)}
            warnings = (*warnings, Note("plan_not_followed", facts))
        return replace(self, plan=plan, warnings=warnings, confidence=Confidence.of(unmet))


@dataclass(frozen=True, slots=True)
class DuplicateShare:
    """Both shares of one window as counted, with their intervals (None when the window holds no message)."""

    window: Window
    messages: int
    in_group: Interval | None
    repeat: Interval | None


@dataclass(frozen=True, slots=True)
class EqualN:
    """Both shares of two windows at equal n and equal length, and their differences (second minus first)."""

    n: int
    days: int
    in_group: tuple[Interval, Interval]
    repeat: tuple[Interval, Interval] | None
    difference_in_group: Interval
    difference_repeat: Interval | None


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Duplicate shares of a feed by one rule; ``equal_n`` where two windows are compared."""

    feed: str
    rule: str
    lookback_us: int
    unit: str
    windows: tuple[DuplicateShare, ...]
    equal_n: EqualN | None
    refused: Refusal | None
    warnings: tuple[Note, ...]
    by_group: tuple[tuple[str, int, float, float], ...] = ()
