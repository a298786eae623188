"""Calibration in worlds with planted truth: bench/calibration, held to what is promised. ``make proof`` writes the page."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "bench" / "calibration"
WORLDS = int(os.environ.get("SPAMTIDE_CALIBRATION_WORLDS", "2000"))
# Worlds that no choice of the estimator was made on begin here.
FIRST = 100_000
# The bench's own modules: run, table, worlds.
Bench = tuple[ModuleType, ModuleType, ModuleType]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    sys.path.insert(0, str(FOLDER))
    import run
    import table
    import worlds

    yield run, table, worlds
    sys.path.remove(str(FOLDER))


def test_the_same_world_is_made_twice_and_every_kind_differs(bench: Bench) -> None:
    _, _, worlds = bench
    for kind in worlds.KINDS:
        one, other = worlds.make(kind, 7), worlds.make(kind, 7)
        assert (one.series.counts == other.series.counts).all() and one.planted == other.planted
        assert worlds.make(kind, 8).series.counts.sum() != one.series.counts.sum()
    assert worlds.make("no effect", 3).planted == 1.0
    assert len(worlds.make("displacement", 3).controls) == 2


def test_every_method_answers_a_world_or_refuses(bench: Bench) -> None:
    run, table, _ = bench
    rows = [run.answers("shapes", seed) for seed in (10, 11)]
    found = table.score(rows)
    assert {"latent-ar1", "gls-ar1", "placebo", "structural", "negative-binomial-hac", "naive-poisson"} <= set(found)
    assert found["latent-ar1"].worlds == 2 and found["latent-ar1, shape chosen"].worlds == 1


def test_a_score_is_what_it_says(bench: Bench) -> None:
    _, table, _ = bench
    rows = [
        {"planted": 0.5, "said": {"m": [0.5, 0.4, 0.6]}},
        {"planted": 0.5, "said": {"m": [1.0, 0.8, 1.25]}},
        {"planted": 0.5, "said": {"m": None}},
    ]
    found = table.score(rows)["m"]
    assert (found.worlds, round(found.refused, 3), found.coverage, found.changed) == (3, 0.333, 0.5, 0.5)
    assert table.winkler(0.8, 1.25, 0.5) == pytest.approx(0.4463 + 40 * 0.4700, rel=1e-3)


def test_the_page_keeps_its_words_and_takes_the_tables(bench: Bench, tmp_path: Path) -> None:
    _, table, _ = bench
    page = tmp_path / "p.md"
    page.write_text(f"before\n{table.FIRST}\nold\n{table.FIRST_END}\nbetween\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    one = table.score([{"planted": 0.5, "said": {"latent-ar1": [0.5, 0.4, 0.6]}}])
    table.write_page(page, {"calm": one})
    text = page.read_text("utf-8")
    assert text.startswith("before\n") and text.endswith(f"{table.END}\nafter\n") and "old" not in text
    assert "| calm | 1 | 1.000 | .000 |" in text
    by_method = text[text.index(table.BEGIN) :]
    table.write_page(page, {"calm": one, "rough": one}, headline_alone=True)
    again = page.read_text("utf-8")
    assert "| rough | 1 |" in again and again.endswith(by_method) and "between" in again


def test_the_peer_is_compared_in_the_worlds_it_was_asked_of(bench: Bench) -> None:
    _, table, _ = bench
    rows = [
        {"planted": 0.5, "said": {"latent-ar1": [0.5, 0.4, 0.6], "statsmodels": [0.5, 0.3, 0.7]}},
        {"planted": 0.5, "said": {"latent-ar1": [1.0, 0.9, 1.1]}},
    ]
    found = table.score(rows)
    assert found[table.PAIRED].worlds == 1 and found["latent-ar1"].worlds == 2
    assert found[table.PAIRED].winkler / found[table.PEER].winkler == pytest.approx(0.4055 / 0.8473, rel=1e-3)
    assert table.PAIRED not in table.headline({"calm": found}) + table.tables({"calm": found})


def test_the_ratio_to_the_peer_comes_with_its_error(bench: Bench) -> None:
    _, table, _ = bench
    rng = np.random.default_rng(1)

    def scores(worlds: int) -> dict[str, object]:
        rows = []
        for _ in range(worlds):
            own, peer = np.exp(rng.normal(0, 0.3, 2))
            said = {"latent-ar1": [own, 0.8 * own, own / 0.8], "statsmodels": [peer, 0.7 * peer, peer / 0.7]}
            rows.append({"planted": 1.0, "said": said})
        rows.append({"planted": 1.0, "said": {"latent-ar1": [1.0, 0.9, 1.1], "statsmodels": None}})
        return table.score(rows)

    found = [scores(60) for _ in range(150)]
    ratios = [f[table.PAIRED].winkler / f[table.PEER].winkler for f in found]
    errors = [table.ratio_error(f[table.PAIRED], f[table.PEER]) for f in found]
    assert np.mean(errors) == pytest.approx(np.std(ratios), rel=0.2)


@pytest.mark.parametrize(("kind", "seed"), [("calm", 3), ("pre-decline", 4)])
def test_other_priors_are_asked_beside_the_shipped_ones_and_leave_no_trace(bench: Bench, kind: str, seed: int) -> None:
    import trade

    run, _, _ = bench
    _, low, high = run.answers(kind, seed, headline=True)["said"]["latent-ar1"]
    widths = {}
    for way in ("no trend at all", "turns at 14, 24 and 40 days", "a memory of .96 too", "as shipped"):
        said = trade.answer(way, kind, seed)["said"][way]
        widths[way] = np.log(said[2] / said[1])
    assert said[1:] == pytest.approx((low, high), rel=1e-4)
    assert widths["no trend at all"] < 0.95 * np.log(high / low)
    assert len({round(width, 6) for width in widths.values()}) == 4


def test_every_way_names_priors_that_there_are_and_weights_that_add_up(bench: Bench) -> None:
    import trade

    from spamtide.measure import trends

    for given in trade.WAYS.values():
        assert all(hasattr(trends, name) for name in given if name != "RHO")
        value = {**vars(trends), **given}
        turns = value["TURN_WEIGHT"] if value["TURN_DAYS"] else 0.0
        assert value["NO_TREND"] + value["SLOPE"][1] + turns == pytest.approx(1.0)


def test_a_cut_off_run_goes_on_where_it_was(bench: Bench) -> None:
    run, _, _ = bench
    done = {0: {"said": {"statsmodels": None}}, 1: {"said": {}}, 3: {"said": {}}}
    assert run.missing(done, 0, 5, peer_each=10) == [2, 4]


@pytest.mark.proof
def test_intervals_are_calibrated_in_every_kind_of_world(bench: Bench) -> None:
    run, table, _ = bench
    scores = run.calibrate(WORLDS, FIRST, len(os.sched_getaffinity(0)))
    print(f"\n{table.headline(scores)}\n{table.tables(scores)}")
    table.write_page(ROOT / "docs" / "explanation" / "calibration.md", scores)
    own = {kind: by["latent-ar1"] for kind, by in scores.items()}
    lowest = {kind: 0.91 if kind in ("short history", "pre-decline") else 0.92 for kind in own}
    assert {k: s.coverage for k, s in own.items() if not lowest[k] <= s.coverage <= 0.985} == {}
    assert own["no effect"].changed <= 0.075
    assert {k: s.refused for k, s in own.items() if s.refused > 0.05} == {}
    peer = {kind: by[table.PEER] for kind, by in scores.items() if table.PEER in by}
    paired = {kind: by[table.PAIRED] for kind, by in scores.items() if table.PEER in by}
    ratios = {k: paired[k].winkler / s.winkler for k, s in peer.items()}
    if ratios:
        assert np.median(list(ratios.values())) <= 0.65
        assert all(paired[k].width / peer[k].width <= 0.65 for k in ("rough", "very rough"))
    # Red for calm worlds: docs/explanation/calibration.md, "What is outside".
    assert {k: r for k, r in ratios.items() if r > 0.8} == {}
