"""Direct, displacement and net: the rows add up, and their intervals hold what was planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spamtide.measure import DAY_US, Displacement, Refusal, Series, Window, added, remainder
from spamtide.measure.displacement import displacement_of

CUT = 15_049 * DAY_US
BEFORE, AFTER = Window(CUT - 90 * DAY_US, CUT), Window(CUT, CUT + 14 * DAY_US)


def world(seed: int, taken: float = 0.5) -> tuple[Series, Series, float]:
    """A target of 300 a day that loses 70 %, and the rest, 900 a day, that takes ``taken`` of it over; the planted net ratio."""
    rng = np.random.default_rng(seed)
    day = np.arange(-90, 14)
    post = day >= 0
    wave = rng.normal(0, 0.15, len(day))
    target = 300 * np.exp(wave + rng.normal(0, 0.1, len(day)))
    rest = 900 * np.exp(wave + rng.normal(0, 0.1, len(day)))
    lost = 0.7 * target * post
    with_event = target - lost, rest + taken * lost
    one = np.ones(len(day))
    series = [
        Series(n, n, "message", DAY_US, CUT + day * DAY_US, rng.poisson(r).astype(float), one, one == 0, "declared")
        for n, r in zip(("target", "rest"), with_event, strict=True)
    ]
    return *series, float((with_event[0] + with_event[1])[post].sum() / (target + rest)[post].sum())


def test_the_parts_add_up_to_the_net() -> None:
    target, rest, _ = world(1)
    found = displacement_of(target, rest, BEFORE, AFTER)
    assert isinstance(found, Displacement)
    direct, displaced, net = found.parts
    assert net.counted == direct.counted + displaced.counted
    # Medians of a sum are nearly the sum of medians.
    assert net.expected.value == pytest.approx(direct.expected.value + displaced.expected.value, rel=0.02)
    assert direct.ratio.high < 0.5 and displaced.moved.value > 0
    assert 0.5 < found.correlation < 0.95 and found.days == 14


def test_intervals_of_the_net_hold_the_planted_ratio() -> None:
    inside = 0
    for seed in range(20):
        target, rest, planted = world(seed)
        found = displacement_of(target, rest, BEFORE, AFTER)
        assert isinstance(found, Displacement)
        inside += found.parts[2].ratio.low <= planted <= found.parts[2].ratio.high
    # Of 20 at .95, fewer than 16 would come once in 400.
    assert inside >= 16


def test_what_is_too_little_is_a_refusal() -> None:
    target, rest, _ = world(2)
    found = displacement_of(replace(target, counts=target.counts * 0), rest, BEFORE, AFTER)
    assert isinstance(found, Refusal) and found.needed == {"count_before": 20}


def test_sums_and_remainders_keep_exposure() -> None:
    target, rest, _ = world(3)
    half = replace(rest, exposures=np.where(rest.starts == CUT, 0.5, 1.0), counts=np.full(len(rest.counts), 10.0))
    total = added([replace(target, counts=np.full(len(target.counts), 20.0)), half], "both")
    at = int(np.flatnonzero(target.starts == CUT)[0])
    assert (total.counts[at], total.exposures[at], total.counts[0]) == (20.0, 0.5, 30.0)
    assert remainder(total, half, "left").counts[0] == 20.0


def test_the_command_prints_the_table(spamtide, tmp_path) -> None:
    lines = ["time,series,count"]
    for s in world(4)[:2]:
        for start, count in zip(s.starts, s.counts, strict=True):
            lines.append(f"{np.datetime64(int(start), 'us').astype('datetime64[D]')},{s.name},{count:g}")
    (tmp_path / "c.csv").write_text("\n".join(lines) + "\n")
    asked = (
        "effect",
        "--series",
        tmp_path / "c.csv",
        "--target",
        "target",
        "--at",
        "2011-03-16",
        "--net",
        "--diagnostics",
        "none",
    )
    parts = spamtide(*asked, "--json").json["displacement"]["parts"]
    assert [p["part"] for p in parts] == ["direct", "displacement", "net"]
    assert "net: the total" in spamtide(*asked).out
