"""The e-detector: its arithmetic by hand, and what it promises whatever the counts."""

from __future__ import annotations

import numpy as np
import pytest

from spamtide.measure import HOUR_US
from spamtide.watch import BETS, THRESHOLD, Detector, Hour, alarm_of, step_detector
from watched_worlds import BACKGROUND, background


def test_one_hour_by_hand() -> None:
    found = step_detector(Detector((0.0, 1.0, 2.0, 3.0)), Hour(0, 4.0, 1.0), 2.0)
    # x / mu - 1 = 1, so each factor is one plus its bet.
    assert found.statistics == pytest.approx([(m + 1) * (1 + bet) for m, bet in zip((0, 1, 2, 3), BETS, strict=True)])
    assert found.hours == 1.0


def test_half_an_hour_bets_half() -> None:
    quiet = step_detector(Detector(), Hour(0, 0.0, 0.5), 2.0)
    assert quiet.statistics == pytest.approx([0.5 * (1 - 0.5 * bet) for bet in BETS])
    # Half of what a whole hour brings leaves the evidence where it was.
    usual = step_detector(Detector((1.0,) * 4), Hour(0, 1.0, 0.5), 2.0)
    assert usual.statistics == pytest.approx([1.5] * 4)


@pytest.mark.parametrize("hour", [Hour(0, 9.0, 0.0), Hour(0, None, 1.0)])
def test_a_dead_or_missing_hour_changes_nothing(hour: Hour) -> None:
    detector = Detector((1.0, 2.0, 3.0, 4.0), 7.0)
    assert step_detector(detector, hour, 0.1) == detector


@pytest.mark.parametrize("kind", ["poisson", "diurnal", "overdispersed"])
def test_evidence_grows_no_faster_than_hours_where_nothing_comes_back(kind: str) -> None:
    # M - n is a supermartingale: its mean over worlds is 0 or less, under a bound that holds.
    ends = []
    for seed in range(300):
        detector = Detector()
        for i, count in enumerate(background(kind, np.random.Generator(np.random.Philox(seed)), 48)):
            detector = step_detector(detector, Hour(i * HOUR_US, float(count), 1.0), BACKGROUND)
        ends.append(detector.statistic)
    assert np.mean(ends) < 48 + 3 * np.std(ends) / np.sqrt(len(ends))


def test_an_alarm_says_since_when_the_evidence_rose() -> None:
    detector, alarm, hours = Detector(), None, 0
    for i in range(400):
        hour = Hour(i * HOUR_US, 12.0 if i >= 300 else 0.0, 1.0)
        detector = step_detector(detector, hour, 1.0)
        alarm = alarm_of(detector, hour, 1.0)
        if alarm is not None:
            hours = i
            break
    assert alarm is not None
    assert alarm.since == 300 * HOUR_US
    assert alarm.at == (hours + 1) * HOUR_US
    assert alarm.statistic >= THRESHOLD == alarm.threshold


def test_evidence_never_overflows() -> None:
    detector = Detector()
    for i in range(500):
        detector = step_detector(detector, Hour(i * HOUR_US, 1e9, 1.0), 1e-3)
    assert np.isfinite(detector.statistic)
