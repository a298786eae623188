"""A stop at 14:45 in hourly counts is cut at 14:45. The long table is bench/hours.py."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from spamtide.measure import DAY_US, HOUR_US, effect_of_given

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture(scope="module")
def hours():  # type: ignore[no-untyped-def]
    sys.path.insert(0, str(BENCH))
    import hours

    yield hours
    sys.path.remove(str(BENCH))


def test_the_hour_of_the_cut_is_in_neither_window_and_days_begin_beside_it(hours) -> None:  # type: ignore[no-untyped-def]
    world = hours.make(1)
    effect = effect_of_given({"mail": world.series}, world.cut, diagnostics="none")
    hole = effect.excluded[0]
    assert (hole.end - hole.start, world.cut - hole.start) == (HOUR_US, 45 * 60_000_000)
    assert effect.before.end == hole.start and effect.after.start == hole.end
    assert effect.path is not None
    assert set((effect.path.starts[~effect.path.post] % DAY_US).tolist()) == {14 * HOUR_US}
    assert set((effect.path.starts[effect.path.post] % DAY_US).tolist()) == {15 * HOUR_US}


def test_cut_at_its_hour_the_planted_ratio_is_held_and_at_midnight_it_is_missed(hours) -> None:  # type: ignore[no-untyped-def]
    hits, errors, late = 0, [], []
    for seed in range(200, 216):
        world = hours.make(seed)
        said, wrong = hours.anchored(world), hours.midnight(world)
        assert said is not None and wrong is not None
        hits += said.low <= world.ratio <= said.high
        errors.append(np.log(said.value / world.ratio))
        late.append(np.log(wrong.value / world.ratio))
    assert hits >= 13
    assert abs(np.mean(errors)) <= 0.1
    # Fifteen hours from before the stop are counted as after it: every fall looks smaller.
    assert np.mean(late) >= 0.12
