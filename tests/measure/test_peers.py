"""The rule of hidden peers on made bins: what it hides, what it lets stand, and where each of its numbers lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from spamtide.measure import DAY_US, HOUR_US, asks_for_peers, hidden_peers, judge_bins, parse_measure, peer_notes


def judged(
    bins: dict[int, tuple[int, int]], large: list[tuple[int, str, int, int, int, int]], bin_us: int = HOUR_US
) -> Any:
    """Bins as {number: (sessions, private)}; large peers as (bin, unit, sessions, names, relayed, messages)."""
    totals = pa.table(
        {
            "bin": pa.array(bins, pa.int64()),
            "sessions": pa.array([n for n, _ in bins.values()], pa.int64()),
            "private": pa.array([p for _, p in bins.values()], pa.int64()),
        }
    )
    names = ("bin", "peer_unit", "sessions", "names", "relayed", "messages")
    rows = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in large], schema=pa.schema(
        [(n, pa.string() if n == "peer_unit" else pa.int64()) for n in names]
    ))  # fmt: skip
    return hidden_peers(totals, rows, bin_us)


def bad(found: Any) -> list[int]:
    return found.bins[found.unreliable].tolist()


def test_more_than_half_private_is_unreliable_however_few_there_are() -> None:
    assert bad(judged({0: (2, 1), 1: (2, 2), 2: (1, 1), 3: (100, 50), 4: (100, 51)}, [])) == [1, 2, 4]


@pytest.mark.parametrize(
    ("sessions", "names", "of", "unreliable"),
    [(20, 20, 20, True), (19, 19, 19, False), (40, 10, 40, True), (41, 10, 41, False), (20, 5, 20, True), (20, 4, 20, False),
     (11, 11, 20, True), (10, 10, 20, False)],
)  # fmt: skip
def test_many_names_behind_a_large_peer_hide_it(sessions: int, names: int, of: int, unreliable: bool) -> None:
    found = judged({0: (of, 0)}, [(0, "192.0.2.25", sessions, names, 0, sessions)])
    assert bad(found) == ([0] if unreliable else [])


def test_two_balancers_hide_a_bin_together() -> None:
    assert bad(judged({0: (100, 0)}, [(0, f"192.0.2.{n}", 30, 25, 0, 30) for n in (1, 2)])) == [0]
    # Private sessions are not counted twice.
    found = judged({0: (100, 60)}, [(0, "10.0.0.1", 60, 60, 0, 60)])
    assert found.hidden.tolist() == [60]


def test_a_botnet_of_few_hosts_is_no_balancer() -> None:
    week = dict.fromkeys(range(24 * 14), (50, 0))
    few = [(n, f"198.51.100.{h}", 25, 1, 25, 25) for n in range(24 * 3) for h in (1, 2)]
    assert bad(judged(week, few)) == []


def test_a_relay_is_there_always_and_passes_on() -> None:
    hours = range(24 * 14)
    whole = dict.fromkeys(hours, (50, 0))

    def relay(often: float, relayed: int) -> list[tuple[int, str, int, int, int, int]]:
        return [(n, "203.0.113.5", 40, 1, relayed, 40) for n in hours if n % 100 < often * 100]

    assert len(bad(judged(whole, relay(1, 40)))) == len(hours)
    assert bad(judged(whole, relay(0.7, 40))) == [] and bad(judged(whole, relay(1, 39))) == []
    short = dict.fromkeys(range(24 * 7), (50, 0))
    # The first and the last of its bins are a week apart, or they are not.
    rows = [row for row in relay(1, 40) if row[0] < 24 * 7]
    assert (
        len(bad(judged(short, rows))) == 24 * 7
        and bad(judged(dict.fromkeys(range(24 * 7 - 1), (50, 0)), rows[:-1])) == []
    )


def test_an_hour_of_too_few_sessions_is_judged_by_its_day() -> None:
    numbers = np.arange(-24, 48)
    fine = judged({-24: (5, 0), 0: (5, 0), 1: (30, 0), 30: (5, 0)}, [(1, "192.0.2.25", 2, 2, 0, 2)])
    coarse = judged({-1: (25, 0), 0: (40, 0), 1: (25, 0)}, [(0, "192.0.2.25", 40, 40, 0, 40), (-1, "192.0.2.9", 25, 25, 0, 25)], DAY_US)  # fmt: skip
    verdict = dict(zip(numbers.tolist(), judge_bins(fine, coarse, HOUR_US, numbers).tolist(), strict=True))
    # Of the second day nothing is known; the hour 1 was judged by itself.
    assert [n for n, v in verdict.items() if not v] == [1, *range(24, 48)]
    days = judge_bins(coarse, None, DAY_US, np.arange(-1, 3))
    assert days.tolist() == [True, True, False, False]
    (note,) = peer_notes(days)
    assert note.facts == {"bins": 2, "of": 4} and peer_notes(days[2:]) == ()


@pytest.mark.parametrize(
    ("measure", "asks"),
    [("peers", True), ("volume", False), ("messages:network:192.0.2.0/24", True), ("messages:subject:viagra NOT peer:192.0.2.1", True),
     ("share:messages:country:DE", True), ("subject:peers", False), ("duplicates:exact", False), ("volume@session", False)],
)  # fmt: skip
def test_measures_that_ask_who_the_peers_are(measure: str, asks: bool) -> None:
    assert asks_for_peers(parse_measure(measure)) is asks
