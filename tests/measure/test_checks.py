"""Full diagnostics: each check is quiet where nothing is wrong and doubts where its own flaw is planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spamtide.measure import DAY_US, Check, Effect, Series, Window, estimate_effect

CUT = 15_049 * DAY_US


def series(change: object = 0.4, *, name: str = "s", seed: int = 3, before: int = 110, after: int = 10) -> Series:
    """Calm days with a planted change at the cut."""
    rng = np.random.default_rng(seed)
    day = np.arange(-before, after)
    factor = np.ones(len(day))
    factor[day >= 0] = change
    counts = rng.poisson(300 * np.exp(rng.normal(0, 0.12, len(day))) * factor).astype(float)
    one = np.ones(len(day))
    return Series(name, "volume", "message", DAY_US, CUT + day * DAY_US, counts, one, one == 0, "declared")


def asked(given: Series, **more: object) -> Effect:
    end = int(given.starts[-1]) + DAY_US
    windows = {"before": Window(int(given.starts[0]), CUT), "after": Window(CUT, end)}
    return estimate_effect(given, CUT, **windows, diagnostics="full", **more)  # type: ignore[arg-type]


def check(effect: Effect, code: str) -> Check:
    return next(c for c in effect.checks if c.note.code == code)


@pytest.fixture(scope="module")
def clean() -> Effect:
    return asked(series(), controls=[series(1.0, name="other", seed=4)])


def test_a_clean_step_leaves_every_check_quiet(clean: Effect) -> None:
    assert {c.note.code: c.verdict for c in clean.checks} == dict.fromkeys(
        ("dates_check", "windows_check", "placebo_dates", "placebo_targets", "weekdays_check", "phase_check", "no_outages"),
        "quiet",
    )  # fmt: skip
    assert [label for label, _ in check(clean, "dates_check").rows] == ["-3 d", "-2 d", "-1 d", "+1 d", "+2 d", "+3 d"]
    assert check(clean, "placebo_dates").note.facts == {"of": 8, "changed": 0, "larger": 0}
    assert {o.method for o in clean.second_opinions} >= {"structural", "negative_binomial_hac", "placebo", "donut"}


def test_a_change_of_the_control_is_a_doubt() -> None:
    doubtful = asked(series(), controls=[series(0.5, name="other", seed=4)])
    assert check(doubtful, "placebo_targets").verdict == "doubt"
    assert check(doubtful, "placebo_targets").note.facts == {"of": 1, "changed": 1}


def test_earlier_changes_as_large_are_a_doubt() -> None:
    given = series()
    place = (given.starts - CUT) // DAY_US
    jumpy = replace(given, counts=np.where((place // 10) % 2 == 0, given.counts * 3, given.counts).round())
    assert check(asked(jumpy), "placebo_dates").verdict == "doubt"


def test_dead_days_are_left_out_and_said() -> None:
    given = series()
    exposures = given.exposures.copy()
    exposures[[40, 41, 112]] = 0.0
    exposures[60] = 0.5
    found = check(asked(replace(given, exposures=exposures)), "outages_check")
    assert (found.note.facts["dead"], found.note.facts["partial"]) == (3, 1)
    assert [label for label, _ in found.rows] == ["whole days only", "without days beside dead ones"]


def test_a_method_by_name_is_the_headline_and_the_default_stands_beside(clean: Effect) -> None:
    given = series()
    end = int(given.starts[-1]) + DAY_US
    for method in ("gls-ar1", "placebo", "structural", "negative-binomial-hac"):
        found = estimate_effect(
            given, CUT, before=Window(int(given.starts[0]), CUT), after=Window(CUT, end), diagnostics="none", method=method
        )  # fmt: skip
        assert found.ratio is not None and found.ratio.low < 0.45 and found.ratio.high > 0.35
        assert found.method == f"{method}/1" or method in ("placebo", "structural")
        beside = {o.method: o.ratio for o in found.second_opinions}
        assert beside["latent_ar1"] == clean.ratio and method.replace("-", "_") not in beside


def test_a_method_that_refuses_gives_no_headline() -> None:
    short = series(before=20)
    end = int(short.starts[-1]) + DAY_US
    found = estimate_effect(
        short, CUT, before=Window(int(short.starts[0]), CUT), after=Window(CUT, end), method="placebo"
    )
    assert found.ratio is None and found.refused is not None and found.refused.reason == "short_history"
