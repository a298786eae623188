"""A complete stop: nothing came after the cut, where much was expected.

On the log scale there is no zero, so the model's interval would end above it however long nothing came. What nothing shows is a
bound: the rule of three, with the uncertainty of what was expected.
"""

from __future__ import annotations

import numpy as np

from spamtide.measure.enough import MIN_COUNT
from spamtide.measure.noise import Floats

# As many expected as are asked before the cut: where few were expected, none is no news.
STOP_EXPECTED = MIN_COUNT
_NODES = 31


def stopped(log_rate: Floats, sd: Floats, exposure: Floats) -> tuple[float, float, float] | None:
    """Value, low and high of the ratio where nothing was counted after the cut; None where fewer than 20 were expected.

    ``log_rate`` and ``sd``: what was expected without the event on each live day after it, of which all are taken to be off together;
    ``exposure`` as a share of the day. High is the ratio at which nothing would have come in 5 of 100, all of them on this side
    since low is 0; value the one at which nothing would have come in half. With a certain expectation M these are 3.00/M and .69/M.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights = weights / weights.sum()
    totals = expected_totals(log_rate, sd, exposure, nodes)
    if float(weights @ totals) < STOP_EXPECTED:
        return None
    return _ratio_at(0.5, totals, weights), 0.0, _ratio_at(0.05, totals, weights)


def expected_totals(log_rate: Floats, sd: Floats, exposure: Floats, normal: Floats) -> Floats:
    """What was expected over all days, for each of these normal deviates, by which all days are off together."""
    return np.asarray(np.exp(log_rate[:, None] + sd[:, None] * normal[None, :]).T @ exposure)


def _ratio_at(chance: float, totals: Floats, weights: Floats) -> float:
    """The ratio at which nothing would have come with this chance."""
    from scipy.optimize import brentq

    def beyond(log_ratio: float) -> float:
        return float(weights @ np.exp(-np.exp(log_ratio) * totals)) - chance

    return float(np.exp(brentq(beyond, -40.0 - np.log(totals.max()), 40.0 - np.log(totals.min()))))
