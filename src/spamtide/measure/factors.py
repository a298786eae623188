"""Output beyond these traps: what was counted here times a factor that somebody states. Without one nothing is said of the world."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spamtide.measure.population import Population
from spamtide.measure.values import Interval

# What is multiplied, and what it is called then.
SCALED = {
    "output_per_day": "output_per_day_by_factor",
    "output_per_host_per_day": "output_per_host_per_day_by_factor",
}


@dataclass(frozen=True, slots=True)
class Factor:
    """How many messages sent stand for one that reached these traps, and who says so.

    ``times`` is a 95 % interval around the value; where low and high equal it, its source states no uncertainty.
    """

    times: Interval
    stated_by: str

    @property
    def exact(self) -> bool:
        """Whether no uncertainty was stated."""
        return self.times.low == self.times.high


def by_factor(population: Population, factor: Factor) -> Population:
    """With the output by day, and by effective host and day where there is a size, times ``factor``.

    Count and factor are taken as independent and log-normal, so that the log widths add as squares. The factor's own rightness is
    its source's: the estimate carries it as an assumption.
    """
    found = []
    for quantity, scaled in SCALED.items():
        own = population.estimate(quantity)
        if own is not None:
            stated = f"one message here stands for so many sent, as {factor.stated_by} states"
            alone = ("the factor is taken as exact: its source states no uncertainty",) if factor.exact else ()
            found.append(
                replace(
                    own,
                    quantity=scaled,
                    interval=_product(own.interval, factor.times),
                    population="sent in all, by a stated factor",
                    method=f"{own.method}, times a stated factor",
                    assumptions=(*own.assumptions, stated, *alone),
                )
            )
    return replace(population, estimates=(*population.estimates, *found))


def _product(one: Interval, other: Interval) -> Interval:
    value = one.value * other.value
    if one.low <= 0:
        # No log of nothing: the count's end is kept, and the upper ends multiplied.
        return Interval(value, 0.0, one.high * other.high)
    down, up = (
        float(np.hypot(np.log(one.value / a), np.log(other.value / b)))
        for a, b in ((one.low, other.low), (one.high, other.high))
    )
    return Interval(value, value * float(np.exp(-down)), value * float(np.exp(up)))
