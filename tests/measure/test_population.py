"""Sizes: pairs by hand, the decay's limits, refusals, and worlds with planted truth (``make proof`` prints the table of docs/explanation/size.md)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sized_worlds import BENT, KINDS, MARKED, SESSIONS, Kind, make, sightings_of
from spamtide.measure import DAY_US, HOUR_US, Population, Sightings, Window, estimate_population
from spamtide.measure.marks import fit_zero_truncated, sessions_of_marks, stability
from spamtide.measure.pairdecay import all_pairs_by_gap, first_gap, fit_decay, pairs_by_gap, pairs_of, without_each
from spamtide.measure.population import textbook


def estimated(kind: Kind, seed: int) -> tuple[Population, float, int]:
    world = make(kind, seed)
    found = estimate_population(sightings_of(world), Window(0, int(kind.days * DAY_US)))
    return found, world.effective, world.live


def value(found: Population, quantity: str = "hosts_lower_bound") -> float:
    estimate = found.estimate(quantity)
    assert estimate is not None
    return estimate.interval.value


def test_pairs_are_those_of_a_count_one_by_one() -> None:
    rng = np.random.Generator(np.random.Philox(1))
    keys, hours = rng.integers(0, 9, 150), rng.integers(0, 40, 150)
    slow, slow_all = np.zeros(31), np.zeros(31)
    for i in range(150):
        for j in range(i):
            gap = abs(int(hours[i]) - int(hours[j]))
            if gap <= 30:
                slow_all[gap] += 1
                slow[gap] += keys[i] == keys[j]
    assert pairs_by_gap(keys, hours, 30).tolist() == slow.tolist()
    assert all_pairs_by_gap(hours, 30).tolist() == slow_all.tolist()


def test_pairs_without_a_part_are_those_of_the_rest() -> None:
    rng = np.random.Generator(np.random.Philox(2))
    network, hours = rng.integers(0, 12, 400), rng.integers(0, 50, 400)
    address, part = network * 10 + rng.integers(0, 3, 400), network % 4
    whole = pairs_of(address, network, hours, 40)
    for number, (left, pairs) in enumerate(without_each(whole, address, network, hours, part)):
        kept = part != number
        direct = pairs_of(address[kept], network[kept], hours[kept], 40)
        assert left == pytest.approx(kept.mean())
        assert np.array_equal(pairs.same, direct.same)
        assert np.array_equal(pairs.every, direct.every)


def test_equal_hosts_that_never_move_are_counted() -> None:
    found, effective, live = estimated(Kind("equal", hosts=400, hits=4.0, shape=1e6), 3)
    assert effective == pytest.approx(live, rel=1e-3)
    assert value(found) == pytest.approx(400, rel=0.03)
    assert found.at_least


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[2], KINDS[7], SESSIONS[0], SESSIONS[3]], ids=lambda k: k.name)
def test_neither_churn_nor_turnover_nor_sessions_move_the_size(kind: Kind) -> None:
    kind = replace(kind, hosts=1500)
    worlds = [estimated(kind, seed) for seed in range(3)]
    assert np.mean([value(found) / effective for found, effective, _ in worlds]) == pytest.approx(1, abs=0.10)
    for found, effective, _ in worlds:
        interval = found.estimates[[e.quantity for e in found.estimates].index("hosts_lower_bound")].interval
        # A 95 % interval, and half its width again: no luck is needed.
        wide = np.log(interval.high / interval.low)
        assert interval.low * np.exp(-0.25 * wide) <= effective <= interval.high * np.exp(0.25 * wide)


def test_sessions_are_found_and_counted_as_one() -> None:
    gaps = {}
    for kind in (KINDS[0], SESSIONS[0], SESSIONS[2]):
        world = make(replace(kind, hosts=1500), 4)
        pairs = pairs_of(world.address, world.network, world.at.astype(np.int64), 167)
        gaps[kind.name] = first_gap(pairs)
        raw = fit_decay(pairs, 1)
        assert raw is not None
        if kind is SESSIONS[2]:
            # What becomes of it with all pairs: the bias that this is about.
            assert raw.effective < 0.4 * world.effective
    assert list(gaps.values()) == [0, 2, 4]


def test_live_hosts_by_marks() -> None:
    for kind in (MARKED[1], MARKED[2]):
        worlds = [estimated(replace(kind, hosts=1500), seed) for seed in range(2)]
        assert np.mean([value(found, "hosts") / live for found, _, live in worlds]) == pytest.approx(1, abs=0.15)


def test_marks_that_change_or_are_everybodys_are_no_marks() -> None:
    world = make(replace(MARKED[0], hosts=800), 5)
    seen = sightings_of(world)
    window = Window(0, 7 * DAY_US)
    drawn = np.random.Generator(np.random.Philox(5)).integers(0, 10**9, len(seen))
    for marks in (drawn, np.zeros(len(seen), dtype=np.int64), np.where(np.arange(len(seen)) % 5 == 0, seen.mark, -1)):
        found = estimate_population(replace(seen, mark=marks), window)
        assert found.estimate("hosts") is None
        assert found.estimate("hosts_lower_bound") is not None


def test_zero_truncated_negative_binomial_finds_its_shape() -> None:
    rng = np.random.Generator(np.random.Philox(6))
    counts = rng.poisson(rng.gamma(0.7, 2 / 0.7, 20_000))
    shape, mean = fit_zero_truncated(counts[counts > 0].astype(float))
    assert shape == pytest.approx(0.7, rel=0.12)
    assert mean == pytest.approx(2, rel=0.06)


def test_messages_of_one_session_are_one() -> None:
    mark, seconds = np.array([1, 1, 1, 2, 1]), np.array([0.0, 50.0, 200.0, 10.0, 4000.0])
    m, t, length = sessions_of_marks(mark, seconds, 100)
    assert m.tolist() == [1, 1, 1, 2]
    assert t.tolist() == [0.0, 200.0, 4000.0, 10.0]
    assert length == pytest.approx(50 / 4)
    assert stability(
        np.zeros(4, dtype=np.int64), np.array([1, 1, 2, 2]), np.array([0.0, 60, 120, 180])
    ) == pytest.approx(2 / 3)


def test_too_few_pairs_are_a_refusal_with_what_is_counted() -> None:
    at = np.arange(40) * HOUR_US
    one = np.arange(40)
    found = estimate_population(Sightings(at, one, one, one * 0 - 1, one % 2), Window(0, 2 * DAY_US))
    assert found.refused is not None
    assert found.refused.reason == "too_few_pairs"
    assert found.refused.needed == {"pairs": 30}
    assert found.refused.have == {"pairs": 0}
    assert value(found, "addresses_ever") == 40
    assert value(found, "output_per_day") == 20


@pytest.mark.parametrize(
    "kind",
    [replace(BENT[2], churn=(1.5, 1.5)), replace(SESSIONS[1], churn=(3.0, 3.0))],
    ids=["churn", "sessions and churn"],
)
def test_addresses_that_change_as_fast_as_sessions_end_are_refused(kind: Kind) -> None:
    found, _, _ = estimated(replace(kind, hosts=1500), 1000)
    assert found.refused is not None
    assert found.refused.reason == "addresses_change_too_fast"
    assert found.estimate("hosts_lower_bound") is None


def test_what_is_mostly_carried_back_is_no_lower_bound() -> None:
    found, effective, _ = estimated(BENT[2], 1001)
    assert value(found) == pytest.approx(effective, rel=0.25)
    assert not found.at_least


def test_dead_days_are_no_quiet_ones() -> None:
    at = np.repeat(np.arange(4) * DAY_US, 24) + np.tile(np.arange(24) * HOUR_US, 4)
    at = at[(at < DAY_US) | (at >= 2 * DAY_US)]
    one = np.arange(len(at))
    found = estimate_population(
        Sightings(at, one, one, one * 0 - 1, one * 0), Window(0, 4 * DAY_US), np.array([1.0, 0, 1, 1])
    )
    assert value(found, "output_per_day") == 24


def test_hosts_behind_one_address_are_told() -> None:
    kind = replace(BENT[1], marked=0.9, hosts=800, crowd=80)
    found, effective, _ = estimated(kind, 8)
    assert "shared_addresses" in [w.code for w in found.warnings]
    assert not found.at_least
    assert value(found) < effective


def test_the_textbook_by_hand() -> None:
    # One day: feed 0 saw addresses 1 2 3, feed 1 saw 2 3 4; 1 and 4 once, 2 and 3 twice.
    address, feed = np.array([1, 2, 3, 2, 3, 4]), np.array([0, 0, 0, 1, 1, 1])
    seen = Sightings(np.arange(6) * HOUR_US, address, address, address * 0 - 1, feed)
    chapman, chao = textbook(seen, Window(0, DAY_US))
    assert chapman.interval.value == pytest.approx(4 * 4 / 3 - 1)
    assert chao.interval.value == pytest.approx(4 + 2 * 1 / (2 * 3))
    assert chapman.warning == chao.warning == "textbook"


@pytest.mark.proof
def test_sizes_of_worlds_with_planted_truth() -> None:
    print(
        "\nworld | worlds | effective size over its truth | sd | coverage | live hosts over truth | coverage | addresses ever | Chapman | Chao1 (over live hosts)"
    )
    for kind in (*KINDS, *SESSIONS, *MARKED, *BENT):
        n = 8 if kind.hosts > 5000 else 30
        ratios, covered, live, live_covered, others = [], [], [], [], []
        for seed in range(n):
            found, effective, hosts = estimated(kind, 1000 + seed)
            estimate = found.estimate("hosts_lower_bound")
            assert estimate is not None
            ratios.append(estimate.interval.value / effective)
            covered.append(estimate.interval.low <= effective <= estimate.interval.high)
            if (by_marks := found.estimate("hosts")) is not None:
                live.append(by_marks.interval.value / hosts)
                live_covered.append(by_marks.interval.low <= hosts <= by_marks.interval.high)
            others.append([value(found, q) / hosts for q in ("addresses_ever", "textbook_chapman", "textbook_chao1")])
        shown = f"{np.mean(live):.3f} | {np.mean(live_covered):.2f}" if live else "- | -"
        print(
            f"{kind.name} | {n} | {np.mean(ratios):.3f} | {np.std(ratios):.3f} | {np.mean(covered):.2f} | {shown} | "
            + " | ".join(f"{x:.2f}" for x in np.mean(others, axis=0)),
            flush=True,
        )
        if kind in BENT:
            continue
        assert abs(np.mean(ratios) - 1) <= (0.07 if kind.session > 1 else 0.05), kind.name
        assert np.mean(covered) >= 0.90, kind.name
        if kind in MARKED[:5]:
            assert abs(np.mean(live) - 1) <= 0.15, kind.name


def test_one_address_is_refused_and_few_have_a_wide_interval() -> None:
    """A mailer of one address is found by a pair an hour, and there is nothing to leave out in turn; of few, Student's t has few degrees."""
    at, rng, wide = np.arange(0, 20 * 24) * HOUR_US, np.random.Generator(np.random.Philox(3)), []
    for n in (1, 3, 40):
        address = rng.integers(0, n, len(at))
        none = np.full(len(at), -1)
        seen = Sightings(at, address, address, none, np.zeros(len(at), dtype=np.int64), "IPv4")
        found = estimate_population(seen, Window(0, 20 * 24 * HOUR_US))
        if n == 1:
            assert found.refused is not None and found.refused.reason == "too_few_addresses"
            assert dict(found.refused.have) == {"addresses": 1} and found.estimate("hosts_lower_bound") is None
            continue
        size = found.estimate("hosts_lower_bound")
        assert size is not None and size.interval.low < n < size.interval.high < np.inf
        wide.append(np.log(size.interval.high / size.interval.low))
    assert wide[0] > wide[1]
