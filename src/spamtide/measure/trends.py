"""How the level may move by itself before an event, and how much weight each way has.

None, a slope all along, or a *turn*: some days before the cut the level begins to fall or rise for reasons of its own, and stops at the cut
or goes on. A turn that goes on looks, after the cut, like an effect. Turns are held apart from nothing: one by a tenth could not be told from noise
and would widen every interval, one by half can be, so that calm days speak against it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spamtide.measure.noise import Floats

# Weight of no trend; sd per 30 days and weight of a slope.
NO_TREND, SLOPE = 0.55, (0.25, 0.05)
# Days before the cut at which a turn may begin: those that have room, so many days of history before them; the second set where none of the first has.
TURN_DAYS, TURN_ROOM = ((20, 40), (14,)), 14
# The weight of all turns together; mean, either way, and sd of the log change at the cut.
TURN_WEIGHT, TURN_MEAN, TURN_SD = 0.4, 0.65, 0.15


@dataclass(frozen=True, slots=True)
class Trend:
    """One way in which the level may have moved by itself: its columns (n rows, none or one), prior sd of their coefficient, weight; prior mean."""

    columns: Floats
    sd: float
    weight: float
    turn: bool = False
    mean: float = 0.0


def trends_of(t: Floats) -> list[Trend]:
    """None, a slope all along, and turns that have room; ``t``: days from the cut, n of them.

    Weights are in proportion: they add up to one where there are turns.
    """
    found = [Trend(np.zeros((len(t), 0)), 0.0, NO_TREND), Trend(t[:, None] / 30.0, *SLOPE)]
    with_room = ([days for days in some if -t[0] >= days + TURN_ROOM] for some in TURN_DAYS)
    turns = next((some for some in with_room if some), [])
    for days in turns:
        since = np.clip((t[:, None] + days) / days, 0.0, None)
        weight = TURN_WEIGHT / len(turns) / 4
        columns = (np.minimum(since, 1.0), since)
        found += [Trend(column, TURN_SD, weight, True, mean) for column in columns for mean in (-TURN_MEAN, TURN_MEAN)]
    return found
