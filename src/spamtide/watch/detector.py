"""The return alarm: a restarting (Shiryaev-Roberts) e-detector, one hour at a time.

While a botnet is dead a plain product of e-values loses all it ever had; this one starts anew in every hour. For each bet k

    M <- (M + w) * (1 + k * (x / mu - w))

x being the hour's count, w its exposure and mu the bound on the background's mean. The second factor is an e-value: positive, and
at most 1 in expectation while the mean of a live hour stays below mu, whatever the distribution of counts. So M less the hours
watched is a supermartingale, and at least A live hours are expected before M passes A. That is an average run length, neither a p-value nor an e-value.

An hour of which half was dead bets half. Source: Shin, Ramdas, Rinaldo, "E-detectors" (2023); betting e-values of bounded means:
Waudby-Smith and Ramdas (2024). Why these: docs/explanation/watch.md.
"""

from __future__ import annotations

import math

from spamtide.measure import HOUR_US
from spamtide.watch.values import BETS, THRESHOLD, Alarm, Detector, Hour

# Evidence beyond this is certainty; the cap keeps it a number.
_CAP = 1e200


def step_detector(detector: Detector, hour: Hour, bound: float) -> Detector:
    """The detector after one hour. An hour that is dead or missing changes nothing.

    ``bound`` is the background's rate in a live hour, above 0. Cost: a few multiplications.
    """
    if not hour.live or hour.count is None:
        return detector
    weight, gain = hour.exposure, hour.count / bound - hour.exposure
    factors = [1.0 + bet * gain for bet in BETS]
    statistics = tuple(min((m + weight) * f, _CAP) for m, f in zip(detector.statistics, factors, strict=True))
    gains = tuple(max(g, 0.0) + math.log(f) for g, f in zip(detector.gains, factors, strict=True))
    # A bet that had lost all begins anew with this hour.
    since = tuple(s if g > 0 else hour.start for s, g in zip(detector.since, detector.gains, strict=True))
    return Detector(statistics, detector.hours + weight, gains, since)


def alarm_of(detector: Detector, hour: Hour, bound: float, threshold: float = THRESHOLD) -> Alarm | None:
    """The alarm that the detector's evidence is after ``hour``, if it is one."""
    if detector.statistic < threshold:
        return None
    return Alarm(hour.start + HOUR_US, detector.rising_since, detector.statistic, threshold, bound)
