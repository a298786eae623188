"""Counts-only worlds: they agree with the rates, are quick, and are not drawn from the default estimator's priors."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from spamtide.capture import read_counts
from spamtide.simulate import generate, load_scenario, write_worlds
from spamtide.simulate.rhythms import day_factors

CALIBRATION = ["calibration-bursts", "calibration-episodes", "calibration-heavy", "calibration-regimes"]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_days_are_the_sums_of_their_hours_and_both_files_are_read(tmp_path: Path) -> None:
    world = generate(load_scenario("shape-step"), seed=3)
    assert (
        world.write_counts(tmp_path / "day", "day") == world.write_counts(tmp_path / "hour", "hour") == world.messages
    )
    days, hours = rows(tmp_path / "day" / "trap.csv"), rows(tmp_path / "hour" / "trap.csv")
    assert len(hours) == 24 * len(days)
    assert [int(d["count"]) for d in days] == [
        sum(int(h["count"]) for h in hours[24 * i : 24 * i + 24]) for i in range(len(days))
    ]
    for name in ("day", "hour"):
        assert len(list(read_counts(tmp_path / name / "trap.csv"))) > 100


def test_many_worlds_come_with_what_was_planted_in_each(tmp_path: Path) -> None:
    scenario = load_scenario("calibration-episodes")
    started = time.process_time()
    write_worlds(scenario, tmp_path, seed=5, scale=1.0, worlds=40, by="day", tick=lambda _: None)
    # Two thousand a minute; the promise is thousands.
    assert time.process_time() - started < 40 * 60 / 2000 * 2
    planted = pq.read_table(tmp_path / "truth" / "planted.parquet").to_pylist()
    assert [p["seed"] for p in planted] == list(range(5, 45))
    assert all(p["ratio"] == pytest.approx(0.25, abs=1e-9) for p in planted)
    one = generate(scenario, seed=5)
    one.write_counts(tmp_path / "one")
    assert (tmp_path / "one" / "trap.csv").read_bytes() == (tmp_path / "5" / "trap.csv").read_bytes()


@pytest.mark.parametrize("name", CALIBRATION)
def test_calibration_days_are_unlike_the_estimators_own(name: str) -> None:
    """The default model has normal log days. Each rhythm departs: in its tails, its steps, or its jumps."""
    group = load_scenario(name).groups[0]
    logs = np.concatenate([np.log(day_factors(group, seed, 120)) for seed in range(60)])
    moves = np.concatenate([np.diff(np.log(day_factors(group, seed, 120))) for seed in range(60)])

    def excess(x: np.ndarray) -> float:
        return float(((x - x.mean()) ** 4).mean() / x.var() ** 2 - 3)

    assert max(excess(logs), excess(moves)) > 1.0, (excess(logs), excess(moves))
    plain = load_scenario("shape-step").groups[0]
    usual = np.concatenate([np.log(day_factors(plain, seed, 120)) for seed in range(60)])
    assert abs(excess(usual)) < 0.3


def test_the_scenarios_for_calibration_say_what_they_are() -> None:
    folder = Path(__file__).parents[2] / "src" / "spamtide" / "simulate" / "scenarios"
    for name in CALIBRATION:
        assert "priors this world is not drawn from" in (folder / f"{name}.toml").read_text("utf-8")
