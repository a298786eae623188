"""How the level may move by itself before an event, and how much weight each way has.

None, a slope all along, or a *turn*: some days before the cut the level begins to fall or rise for reasons of its own, and stops at the cut
or goes on. A turn that goes on looks, after the cut, like an effect; so how much turns weigh is asked of the days before the cut alone,
which no effect has touched. Where they speak for a turn, turns weigh more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spamtide.measure.noise import Floats

SLOPE = ((0.0, 0.65), (0.25, 0.15))
# A turn's days before the cut, the weight of all together, sd of the log change at the cut.
TURN_DAYS, TURN_WEIGHT, TURN_SD = (14, 24, 40), 0.2, 0.5
# Even odds where the days before the cut speak for a turn: the weight grows to this while their Bayes factor goes from the one to the other.
TURN_HEAVY, TURN_FROM, TURN_TO = 0.5, 0.8, 1.0


@dataclass(frozen=True, slots=True)
class Trend:
    """One way in which the level may have moved by itself: its columns (n rows, none or one), their prior sd, its weight."""

    columns: Floats
    sd: float
    weight: float
    turn: bool = False


def trends_of(t: Floats) -> list[Trend]:
    """None, a slope all along, and turns, where 14 days and more precede them; ``t``: days from the cut, n of them."""
    found = [Trend(np.zeros((len(t), 0)), 0.0, SLOPE[0][1]), Trend(t[:, None] / 30.0, *SLOPE[1])]
    turns = [days for days in TURN_DAYS if -t[0] >= days + 14]
    for days in turns:
        since = np.clip((t[:, None] + days) / days, 0.0, None)
        weight = TURN_WEIGHT / len(turns) / 2
        found += [Trend(column, TURN_SD, weight, True) for column in (np.minimum(since, 1.0), since)]
    return found


def weighed(trends: Sequence[Trend], log_evidence: Floats) -> list[Trend]:
    """The trends with the weight that turns deserve by the days before the cut; the others keep their proportions.

    The Bayes factor is that of all turns against all else. Below ``TURN_FROM`` turns weigh ``TURN_WEIGHT``, above ``TURN_TO`` they weigh ``TURN_HEAVY``.
    """
    turn = np.array([trend.turn for trend in trends])
    if not turn.any():
        return list(trends)
    log_weights = np.log([trend.weight for trend in trends])
    log_factor = float(_mean(log_evidence, log_weights, turn) - _mean(log_evidence, log_weights, ~turn))
    share = np.clip((log_factor - np.log(TURN_FROM)) / (np.log(TURN_TO) - np.log(TURN_FROM)), 0.0, 1.0)
    heavy = TURN_WEIGHT + (TURN_HEAVY - TURN_WEIGHT) * float(share)
    times = {True: heavy / TURN_WEIGHT, False: (1 - heavy) / (1 - TURN_WEIGHT)}
    return [replace(trend, weight=trend.weight * times[trend.turn]) for trend in trends]


def _mean(log_evidence: Floats, log_weights: Floats, kept: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    """Log of the mean evidence of those kept, by their weights."""
    return float(np.logaddexp.reduce((log_evidence + log_weights)[kept]) - np.logaddexp.reduce(log_weights[kept]))
