"""Events: each kind does to the true rates what it says, in the world with the event and in the one without."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from spamtide.simulate import generate, load_scenario
from spamtide.simulate.rates import DAY_US, HOUR_US, Rates
from spamtide.simulate.scenario import EventPlan, Scenario, microseconds

START = datetime(2024, 1, 1, tzinfo=UTC)
AT = datetime(2024, 3, 11, 10, tzinfo=UTC)


def level(event: EventPlan, *, with_event: bool = True, name: str = "alder", feed: int = 0) -> np.ndarray:
    """Rate of a group by hour, over what it would be without any events."""
    plain = msgspec.structs.replace(load_scenario("shape-step"), events=())
    struck = msgspec.structs.replace(plain, events=(event,))
    number = [g.name for g in plain.groups].index(name)

    def of(scenario: Scenario, both: bool) -> np.ndarray:
        return Rates(scenario, 3, 1.0, lambda *_: 0.0).rates(feed, number, with_event=both)

    return of(struck, with_event) / of(plain, True)


def at(days: float) -> int:
    """Hour of the world, days after the event."""
    return int((AT + timedelta(days=days) - START).total_seconds() // 3600)


def test_a_step_is_there_from_its_instant_on_and_only_with_the_event() -> None:
    event = EventPlan("step", AT + timedelta(minutes=15), groups=("alder",), to=0.25)
    found = level(event)
    assert set(np.round(found[: at(0)], 9)) == {1.0}
    assert found[at(0)] == pytest.approx(0.25 + 0.75 * 0.25, abs=1e-3)
    assert set(np.round(found[at(0) + 1 :], 9)) == {0.25}
    assert set(np.round(level(event, with_event=False), 9)) == {1.0}
    assert set(np.round(level(event, name="birch"), 9)) == {1.0}


@pytest.mark.parametrize(
    ("kind", "keys", "expected"),
    [
        ("ramp", {"to": 0.2, "days": 4.0}, {-1: 1.0, 2: 0.6, 4.1: 0.2, 20: 0.2}),
        ("decay", {"half_life_days": 5.0}, {-1: 1.0, 5: 0.5, 10: 0.25}),
        ("pulse", {"to": 0.0, "days": 6.0}, {-1: 1.0, 0.1: 0.016, 6: 0.632, 40: 0.999}),
        ("pause", {"to": 0.1, "until": AT + timedelta(days=3)}, {-1: 1.0, 1: 0.1, 3.1: 1.0}),
        ("pre-decline", {"to": 0.5, "days": 10.0}, {-11: 1.0, -5: 0.75, 0: 0.5, 9: 0.5}),
        ("poisoning", {"until": AT + timedelta(days=2)}, {-1: 0.0, 1: 1.0, 2.1: 0.0}),
    ],
)
def test_a_shape_is_what_its_name_says(kind: str, keys: dict[str, object], expected: dict[float, float]) -> None:
    found = level(EventPlan(kind, AT, groups=("alder",), **keys))
    for days, value in expected.items():
        assert found[at(days)] == pytest.approx(value, abs=0.02), days


@pytest.mark.parametrize("kind", ["ramp-up", "vantage", "persona", "mx", "blocklist"])
def test_what_happens_to_a_feed_happens_there_alone(kind: str) -> None:
    event = EventPlan(kind, AT, feeds=("second",), to=0.3, days=10.0, value="x")
    assert set(np.round(level(event), 9)) == {1.0}
    there = level(event, feed=1)
    assert there[at(20)] == pytest.approx(1.0 if kind == "ramp-up" else 0.3)
    assert there[at(5)] == pytest.approx(0.65 if kind in ("ramp-up", "blocklist") else 0.3, abs=0.01)
    without = level(event, feed=1, with_event=False)
    assert (without[at(20)] == pytest.approx(1.0)) == (kind in ("ramp-up", "blocklist"))


def test_bursts_come_as_often_as_asked_and_last_two_days() -> None:
    event = EventPlan("bursts", START, groups=("alder",), to=3.0, days=2.0, every_days=10.0)
    found = level(event)
    high = found > 2.9
    assert 0.05 < high.mean() < 0.35
    edges = np.flatnonzero(np.diff(high.astype(int)))
    spans = np.diff(edges)[0 if high[edges[0] + 1] else 1 :: 2]
    assert set(spans) <= {46, 47, 48}


def test_a_migration_moves_customers_and_loses_none() -> None:
    scenario = load_scenario("rule-12-switching")
    moving = msgspec.structs.replace(scenario, events=scenario.events[:1])
    rates = Rates(moving, 1, 1.0, lambda *_: 0.0)
    still = Rates(msgspec.structs.replace(scenario, events=()), 1, 1.0, lambda *_: 0.0)
    names = [(scenario.groups[s.group].name, rates.botnets[s.botnet].name) for s in rates.streams]
    mine = [k for k, n in enumerate(names) if n[0] == "alder"]
    assert [names[k] for k in mine] == [("alder", "ember"), ("alder", "flint")]
    whole = sum(rates.rates(0, k, with_event=True) for k in mine)
    assert np.allclose(whole, still.rates(0, 0, with_event=True))
    assert np.allclose(rates.rates(0, mine[1], with_event=True)[at(8) :], 0.8 * whole[at(8) :])
    assert not rates.rates(0, mine[1], with_event=False).any()


def test_a_wash_takes_the_rate_of_the_decoys_that_it_takes_and_their_mail() -> None:
    world = generate(load_scenario("rule-06-listwashing"), seed=2, scale=0.5)
    share = world.maker.washed_share(0, 0, 1)
    assert 0.2 < share < 0.8
    there, gone = (world.rates.rates(0, 0, with_event=w) for w in (True, False))
    assert np.allclose(there[at(0) + 1 :], (1 - share) * gone[at(0) + 1 :])
    assert np.allclose(there[: at(0)], gone[: at(0)])


def test_a_washed_decoy_gets_nothing_more_from_the_washer() -> None:
    scenario = load_scenario("rule-06-listwashing")
    only = msgspec.structs.replace(scenario, groups=scenario.groups[:1])
    world = generate(only, seed=2)
    wash = microseconds(AT)
    decoys: tuple[set[bytes], set[bytes]] = (set(), set())
    for batch, _ in world.batches("trap", 50):
        first, last = batch.span or (0, 0)
        if first >= wash or last < wash:
            decoys[first >= wash].update(re.findall(rb"^To: (decoy\d+)@", batch.mbox(), re.M))
    assert len(decoys[0]) > 150
    assert 60 < len(decoys[1]) < 125


def test_hosts_fall_by_the_half_life_of_a_decay() -> None:
    world = generate(load_scenario("grum"), seed=1, scale=0.01)
    assert world.maker.senders(0)["bots"]["bot"][1] > 1200
    cut = microseconds(datetime(2012, 7, 19, 3, tzinfo=UTC))
    rows = columns(world.maker.senders([b.name for b in world.rates.botnets].index("grum"))["bots"])

    def live(t: int) -> int:
        return int(((rows["infected_at"] <= t) & (t < rows["cleaned_at"])).sum())

    assert live(cut - 1) == 1200
    # Its own cleaning, once in sixty days, goes on.
    expected = 1200 * 2.0**-1 * np.exp(-20 / 60)
    assert abs(live(cut + 20 * DAY_US) - expected) < 4 * expected**0.5


def columns(table: dict[str, tuple[str, int, bytes, bytes | None, bytes | None]]) -> dict[str, np.ndarray]:
    """Integer columns of the kernel."""
    return {k: np.frombuffer(c[2], dtype="<i8") for k, c in table.items() if c[0] == "int64"}


def test_nothing_is_sent_in_the_second_after_a_stop() -> None:
    world = generate(load_scenario("mccolo"), seed=1, scale=2.0)
    stop, back = (microseconds(datetime(2008, 11, d, h, m, tzinfo=UTC)) for d, h, m in ((11, 21, 30), (25, 0, 0)))
    number = [g.name for g in world.scenario.groups].index("mirror")
    hours = (np.arange(world.rates.hours) * HOUR_US + world.start).tolist()
    inside = [i for i, t in enumerate(hours) if stop - HOUR_US < t < back]
    assert world.rates.counts[0][inside[0], number] > 0
    assert world.rates.counts[0][inside[1:], number].sum() == 0
