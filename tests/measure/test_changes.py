"""Unknown changes: found where they were planted, hardly ever where nothing was. The long table is bench/changes.py."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spamtide.measure import DAY_US, Refusal, Series, Window, decompose, find_changes
from spamtide.measure.changepoints import Changes, _live, benjamini_hochberg, chance_of_none
from spamtide.measure.contributions import REST
from spamtide.measure.scan import CORRELATIONS, best_of, statistics

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture(scope="module")
def bench():  # type: ignore[no-untyped-def]
    sys.path[:0] = [str(BENCH), str(BENCH / "calibration")]
    import changes

    yield changes
    sys.path.remove(str(BENCH))
    sys.path.remove(str(BENCH / "calibration"))


def daily(counts: np.ndarray, name: str = "s") -> Series:
    n = len(counts)
    starts = (14_610 + np.arange(n)) * DAY_US
    return Series(
        name, "volume", "message", DAY_US, starts, counts.astype(float), np.ones(n), np.zeros(n, dtype=bool), "declared"
    )


def stepped(seed: int, ratio: float, at: int = 60, n: int = 120, level: float = 200.0) -> Series:
    rng = np.random.default_rng(seed)
    rate = level * np.exp(rng.normal(0, 0.2, n)) * np.where(np.arange(n) < at, 1, ratio)
    return daily(rng.poisson(rate), f"s{seed}")


def slow_gain(row: np.ndarray, column: np.ndarray, rho: float) -> float:
    """What a column takes off the generalised sum of squares, by explicit covariance."""
    n = len(row)
    place = np.arange(n)
    inverse = np.linalg.inv(rho ** np.abs(place[:, None] - place[None, :]) / (1 - rho**2) if rho else np.eye(n))

    def left(x: np.ndarray) -> float:
        b = np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ row)
        return float((row - x @ b) @ inverse @ (row - x @ b))

    return left(np.ones((n, 1))) - left(np.column_stack([np.ones(n), column]))


def test_the_scan_is_generalised_least_squares_at_every_place() -> None:
    from spamtide.measure.scan import _gains

    row = np.random.default_rng(1).normal(0, 1, 40)
    for rho in (0.0, 0.4, 0.9):
        _, gains = _gains(row[None, :], rho, 1)
        steps = [slow_gain(row, (np.arange(40) >= t).astype(float), rho) for t in range(7, 34)]
        assert gains[0][0] == pytest.approx(steps, rel=1e-8)
        spells = [
            slow_gain(row, ((np.arange(40) >= t) & (np.arange(40) < t + 14)).astype(float), rho) for t in range(7, 20)
        ]
        assert gains[14][0] == pytest.approx(spells, rel=1e-8)
        for days in (7, 28):
            ages = [np.arange(40) - t for t in range(7, 34)]
            wearing = [slow_gain(row, np.where(a >= 0, np.exp(-np.maximum(a, 0) / days), 0.0), rho) for a in ages]
            assert gains[-days][0] == pytest.approx(wearing, rel=1e-8)


def test_the_best_change_is_the_one_the_statistic_stands_on() -> None:
    row = np.r_[np.zeros(30), np.ones(30) * -1.5] + np.random.default_rng(2).normal(0, 0.2, 60)
    best = best_of(row, 1)
    assert best.places == (30,)
    assert best.statistic == pytest.approx(float(statistics(row[None, :], 1)[0]))
    assert len(CORRELATIONS) == 7
    spell = np.zeros(100)
    spell[40:54] = 2
    assert best_of(spell + np.random.default_rng(3).normal(0, 0.2, 100), 1).places == (40, 54)


def test_a_planted_fall_is_found_with_its_instant_and_its_size() -> None:
    said = find_changes({"a": stepped(1, 0.3), "b": stepped(2, 1.0), "c": stepped(3, 1.0)})
    assert said.looked_at == ("a", "b", "c")
    assert [c.series for c in said.changes] == ["a"]
    change = said.changes[0]
    assert change.at.low <= (14_610 + 60) * DAY_US <= change.at.high
    assert change.at.high - change.at.low <= 6 * DAY_US
    assert change.ratio.low <= 0.3 <= change.ratio.high and change.p <= 0.01


def test_a_spell_is_two_changes() -> None:
    series = stepped(4, 1.0, n=150)
    counts = series.counts.copy()
    counts[70:98] = np.round(counts[70:98] * 0.2)
    said = find_changes({"a": replace(series, counts=counts)})
    days = [round(c.at.value / DAY_US) - 14_610 for c in said.changes]
    assert len(days) == 2 and abs(days[0] - 70) <= 1 and abs(days[1] - 98) <= 1


@pytest.mark.parametrize("length", [11, 16, 23, 45])
def test_a_deep_hole_of_any_length_is_found_with_both_its_ends(length: int) -> None:
    series = stepped(4, 1.0, n=150)
    counts = series.counts.copy()
    counts[60 : 60 + length] = np.round(counts[60 : 60 + length] * 0.01)
    found = find_changes({"a": replace(series, counts=counts)}).changes
    assert [round(c.at.value / DAY_US) - 14_610 for c in found] == [60, 60 + length]
    assert found[0].ratio.high < 0.1 and found[1].ratio.low > 10


def test_a_fall_from_which_a_sender_comes_back_within_weeks_is_no_noise_that_remembers(bench) -> None:  # type: ignore[no-untyped-def]
    age = np.arange(110) - 60
    back = np.where(age < 0, 1.0, np.where(age < 3, 0.03, 1 - 0.8 * np.exp(-np.maximum(age - 3, 0) / 40)))
    for seed in range(6):
        rng = np.random.default_rng(seed)
        series = daily(rng.poisson(20 * back * np.exp(bench.worlds.noise(rng, 110, 0.2, 0.3))))
        days = _live(series)
        assert not isinstance(days, Refusal) and chance_of_none(days, 199) <= 0.02
        falls = [c for c in find_changes({"a": series}).changes if c.ratio.high < 1]
        assert any(c.at.low <= (14_610 + 60) * DAY_US <= c.at.high for c in falls)


def test_a_change_that_wears_off_is_its_own_column() -> None:
    row = np.random.default_rng(2).normal(0, 0.2, 80)
    row[30:] -= 1.5 * np.exp(-np.arange(50) / 28)
    best = best_of(row, 1)
    assert best.places == (30,) and best.recovery == 28
    assert best.column(80, 1) == pytest.approx(np.r_[np.zeros(30), np.exp(-np.arange(50) / 28)])
    assert best_of(np.r_[np.zeros(30), -np.ones(30)], 1).column(60, 1) == pytest.approx(
        np.r_[np.zeros(30), np.ones(30)]
    )


def test_the_same_counts_give_the_same_changes_in_any_order() -> None:
    series = {"a": stepped(1, 0.3), "b": stepped(2, 1.0), "c": stepped(5, 2.5)}
    assert find_changes(series).changes == find_changes(dict(reversed(series.items()))).changes


def test_what_has_too_little_is_not_looked_at_and_is_named() -> None:
    short, few = stepped(1, 0.3, n=20), daily(np.zeros(100))
    said = find_changes({"short": short, "few": few})
    assert said.looked_at == () and [name for name, _ in said.left_out] == ["short", "few"]
    assert said.left_out[0][1].needed == {"live_days": 28, "count": 60}


def test_dead_days_are_no_change() -> None:
    series = stepped(6, 1.0)
    dead = np.zeros(120, dtype=bool)
    dead[50:70] = True
    counts = np.where(dead, 0, series.counts)
    said = find_changes({"a": replace(series, counts=counts, exposures=np.where(dead, 0.0, 1.0))})
    assert said.changes == ()


def test_rare_counts_are_gathered_and_a_change_in_them_is_found() -> None:
    rng = np.random.default_rng(7)
    rate = np.where(np.arange(200) < 100, 2.0, 0.3)
    said = find_changes({"rare": daily(rng.poisson(rate))})
    assert len(said.changes) == 1
    assert said.changes[0].at.low <= (14_610 + 100) * DAY_US <= said.changes[0].at.high


def test_benjamini_and_hochberg_by_hand() -> None:
    assert benjamini_hochberg({"a": 0.01, "b": 0.04, "c": 0.9, "d": 0.06}, 0.1) == ["a", "b", "d"]
    assert benjamini_hochberg({"a": 0.01, "b": 0.06, "c": 0.9, "d": 0.08}, 0.1) == ["a"]
    assert benjamini_hochberg({"a": 0.2, "b": 0.3}, 0.1) == []


def test_noise_that_remembers_is_hardly_ever_called_a_change(bench) -> None:  # type: ignore[no-untyped-def]
    feeds = bench.run("nothing", 6, first=500, number=12)
    assert sum(j.found > 0 for j in feeds) <= 2


def test_planted_changes_are_found_and_few_others(bench) -> None:  # type: ignore[no-untyped-def]
    feeds = bench.run("many", 3, first=500, number=12)
    found, false = sum(j.found for j in feeds), sum(j.false for j in feeds)
    assert found >= 8 and false <= 0.3 * found
    assert sum(j.placed for j in feeds) >= 0.7 * (found - false)


@pytest.mark.proof
@pytest.mark.parametrize("kind", ["nothing", "few", "many"])
def test_the_share_of_false_discoveries_is_bounded(bench, kind: str) -> None:  # type: ignore[no-untyped-def]
    judged = bench.run(kind, 100, first=10_000)
    shares = np.array([j.false / max(1, j.found) for j in judged])
    print(bench.row(kind, judged))
    assert shares.mean() - 2 * shares.std() / np.sqrt(len(shares)) <= 0.1


def windows(before: int, after: int) -> tuple[Window, Window]:
    cut = (14_610 + before) * DAY_US
    return Window(cut - before * DAY_US, cut), Window(cut, cut + after * DAY_US)


def test_contributions_add_up_to_the_total() -> None:
    rng = np.random.default_rng(1)
    parts = {f"p{i}": rng.poisson(20 * (i + 1), 50).astype(float) for i in range(6)}
    parts["p1"][30:] = 0
    total = daily(np.asarray(sum(parts.values())) + 3)
    said = decompose(total, parts, *windows(30, 20), by="topic", most=3)
    assert not isinstance(said, Refusal)
    assert said.parts[0].name == "p1" and said.parts[-1].name == REST and len(said.parts) == 4
    for key in ("before", "after"):
        assert sum(getattr(p, key) for p in said.parts) == pytest.approx(getattr(said.total, key))
    assert sum(p.moved.value for p in said.parts) == pytest.approx(said.total.moved.value)
    assert sum(p.share or 0 for p in said.parts) == pytest.approx(1)


def test_a_contribution_holds_the_planted_difference() -> None:
    held = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        days = np.exp(rng.normal(0, 0.3, 60))
        counts = rng.poisson(50 * days * np.where(np.arange(60) < 40, 1, 0.4)).astype(float)
        said = decompose(daily(counts), {"a": counts}, *windows(40, 20), by="topic")
        assert not isinstance(said, Refusal)
        true = -0.6 * 50 * np.exp(0.045)
        held += said.total.moved.low <= true <= said.total.moved.high
    assert held >= 0.9 * 200


def test_days_without_exposure_do_not_lower_a_rate() -> None:
    counts = np.full(40, 10.0)
    series = daily(np.where(np.arange(40) % 4 == 0, 0, counts))
    series = replace(series, exposures=np.where(np.arange(40) % 4 == 0, 0.0, 1.0))
    said = decompose(series, {"a": series.counts}, *windows(20, 20), by="topic")
    assert not isinstance(said, Refusal) and said.total.before == said.total.after == 10
    refused = decompose(series, {}, *windows(39, 1), by="topic")
    assert isinstance(refused, Refusal) and refused.needed == {"live_days_after": 3}


def test_no_series_at_all_is_an_answer() -> None:
    assert find_changes({}) == Changes((), (), 0.1, ())
