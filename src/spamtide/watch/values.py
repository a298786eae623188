"""The values of this room: hours, blocks, baselines, the state of a watch, alarms.

Instants are microseconds since 1970 UTC. Rates are messages in one live hour.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from spamtide.errors import WrongUse
from spamtide.measure import HOUR_US

# Ten years of hours: the run length before a false alarm that the threshold promises.
HOURS_A_YEAR = 8_766
THRESHOLD = 10.0 * HOURS_A_YEAR
# What is bet on the next hour, as a share of the evidence; each bet has a detector of its own, and their mean decides.
BETS = (0.02, 0.08, 0.25, 0.6)
BLOCK_US = 48 * HOUR_US


class BadWatch(WrongUse):
    """A watch that cannot be kept as it was asked for: windows that overlap, an unknown name."""


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the signature: ``count`` is None where it is missing, ``exposure`` the share of the hour (0 to 1)."""

    start: int
    count: float | None
    exposure: float

    @property
    def live(self) -> bool:
        """Whether it says anything."""
        return self.exposure > 0 and self.count is not None


@dataclass(frozen=True, slots=True)
class Block:
    """48 hours of background: live hours (sum of exposure), bins that were live, their counts, and the sum of squared counts."""

    start: int
    hours: float = 0.0
    bins: int = 0
    count: float = 0.0
    squares: float = 0.0


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the background was learnt to be.

    ``bound``: the rate below which the background's mean is taken to stay, the e-detector's null. ``worst``: the highest rate of
    one block. ``burstiness``: variance between blocks over that within them, 1 where hours are all there is. ``guarded``: it was
    so high that the bound is of ``worst``. ``hours``: live hours it was learnt on. ``variance``: of a live hour within its block. ``variance``: of a live hour's count within its block.
    """

    mean: float
    bound: float
    worst: float
    burstiness: float
    guarded: bool
    hours: float
    blocks: int
    variance: float


@dataclass(frozen=True, slots=True)
class Detector:
    """Statistics of one detector a bet, and live hours watched.

    ``gains``: the log of what each bet has won since ``since``, the hour from which on it has won most: where the change began, if there is one.
    """

    statistics: tuple[float, ...] = (0.0,) * len(BETS)
    hours: float = 0.0
    gains: tuple[float, ...] = (0.0,) * len(BETS)
    since: tuple[int, ...] = (0,) * len(BETS)

    @property
    def statistic(self) -> float:
        """The mean over bets: what is held against the threshold."""
        return sum(self.statistics) / len(self.statistics)

    @property
    def rising_since(self) -> int:
        """When the change began by the bet that has most evidence."""
        return self.since[max(range(len(BETS)), key=lambda i: self.statistics[i])]


@dataclass(frozen=True, slots=True)
class Alarm:
    """Raised at ``at``, the end of the hour that crossed the threshold. ``since``: when the evidence began to rise for the last time."""

    at: int
    since: int
    statistic: float
    threshold: float
    bound: float


@dataclass(frozen=True, slots=True)
class WatchState:
    """All that a watch remembers between two hours; nothing else is needed to go on.

    ``up_to``: the end of the last hour taken. ``learnt``: blocks that the baseline is of. ``held``: later blocks, which must grow
    old before they may be learnt. ``open``: the block under way. ``first_bound``: the bound as first learnt, which learning again
    never passes. ``calibrated_at``: when that was.
    """

    up_to: int | None = None
    learnt: tuple[Block, ...] = ()
    held: tuple[Block, ...] = ()
    open: Block | None = None
    baseline: Baseline | None = None
    first_bound: float | None = None
    calibrated_at: int | None = None
    detector: Detector = field(default_factory=Detector)
    alarm: Alarm | None = None
