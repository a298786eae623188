"""Exposure: shares of bins, overlaps once, and our own refusals taken off."""

from __future__ import annotations

import numpy as np
import pytest

from spamtide.measure import HOUR_US, Exposure, exposure_shares

MINUTE = 60_000_000
HOURS = np.array([0, HOUR_US, 2 * HOUR_US], dtype=np.int64)


def shares(*intervals: Exposure) -> list[float]:
    return [float(s) for s in exposure_shares(intervals, HOURS, HOUR_US)]


def up(start: int, end: int, *refused: tuple[int, int, int]) -> Exposure:
    return Exposure("f", start, end, "uptime", refused)


def test_a_minute_in_which_we_refused_counts_by_what_was_taken() -> None:
    whole = up(0, 2 * HOUR_US, (0, 3, 1), (5 * MINUTE, 7, 0), (HOUR_US, 0, 9))
    assert shares(whole) == pytest.approx([1 - 1.75 / 60, 1, 0])


def test_a_minute_is_split_where_bins_or_uptime_are() -> None:
    half = MINUTE // 2
    late = up(HOUR_US - half, HOUR_US + half)
    across = exposure_shares([up(0, 2 * HOUR_US, (HOUR_US - MINUTE, 1, 0))], HOURS + half, HOUR_US)
    assert across[0] == pytest.approx(1 - 1 / 60) and shares(late)[:2] == pytest.approx([0.5 / 60] * 2)
    partly = up(HOUR_US + half, 2 * HOUR_US, (HOUR_US, 1, 1))
    assert shares(partly)[1] == pytest.approx((60 - 0.5 - 0.25) / 60)


def test_families_of_peers_that_were_up_together_count_once_and_their_refusals_are_added() -> None:
    both = (up(0, HOUR_US, (0, 1, 1)), up(0, HOUR_US, (0, 0, 2)))
    assert shares(*both)[0] == pytest.approx(1 - 0.25 / 60)
