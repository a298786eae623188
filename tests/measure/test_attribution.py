""" "Because of" is said only where every rule is met; each rule that is not says what would meet it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spamtide.measure import Interval
from spamtide.measure.attribution import Evidence, attribute, bounds_of, dose_slope

FELL = Interval(0.4, 0.3, 0.5)
STILL = Interval(1.02, 0.9, 1.15)
DOSES = [
    ("a", 0.8, Interval(0.25, 0.2, 0.3)),
    ("b", 0.4, Interval(0.6, 0.5, 0.7)),
    ("c", 0.05, Interval(0.97, 0.85, 1.1)),
]
ALL = Evidence("rustock-2011", FELL, [("ham", STILL)], (), None, DOSES)


def unmet(evidence: Evidence) -> dict[str, str]:
    return {rule.name: rule.note.code for rule in attribute(evidence).rules if not rule.met}


def test_all_rules_met_is_because_of() -> None:
    said = attribute(ALL)
    assert said.word == "because of" and all(rule.met for rule in said.rules) and len(said.rules) == 5


@pytest.mark.parametrize(
    ("change", "rule", "code"),
    [
        ({"event": None}, "event_named", "no_event_named"),
        ({"placebos": ()}, "placebo_targets_quiet", "no_placebo_targets"),
        ({"placebos": [("ham", STILL), ("b", FELL)]}, "placebo_targets_quiet", "placebo_target_changed"),
        ({"placebos": [("few", Interval(1.0, 0.1, 9.0))]}, "placebo_targets_quiet", "placebo_targets_blind"),
        ({"competing": ("x",)}, "no_competing_event", "competing_event_loose"),
        ({"competing": ("x", "y"), "bounds": {"x": 0.1}}, "no_competing_event", "competing_event_loose"),
        ({"doses": DOSES[:2]}, "dose_agrees", "too_few_doses"),
        ({"doses": [(n, 0.3, r) for n, _, r in DOSES]}, "dose_agrees", "too_few_doses"),
        ({"doses": [(n, 1 - s, r) for n, s, r in DOSES]}, "dose_agrees", "dose_does_not_agree"),
    ],
)
def test_one_rule_that_is_not_met_makes_it_after(change: dict[str, object], rule: str, code: str) -> None:
    evidence = replace(ALL, **change)  # type: ignore[arg-type]
    assert attribute(evidence).word == "after"
    assert unmet(evidence) == {rule: code}


def test_no_change_has_no_cause() -> None:
    assert "change_found" in unmet(replace(ALL, ratio=STILL))


def test_a_competing_event_is_bounded_by_what_its_own_target_moved() -> None:
    bounds = bounds_of(-1_000.0, {"x": Interval(-50, -150, 40), "y": Interval(20, -10, 60)})
    assert bounds == {"x": 0.15, "y": 0.01}
    assert attribute(replace(ALL, competing=("x", "y"), bounds=bounds)).word == "because of"
    assert bounds_of(-1_000.0, {"x": Interval(-300, -500, -100)})["x"] == 0.5


def test_where_mail_came_back_the_dose_points_up() -> None:
    rose = [(n, s, Interval(1 / r.value, 1 / r.high, 1 / r.low)) for n, s, r in DOSES]
    assert attribute(replace(ALL, ratio=Interval(2.5, 2.0, 3.3), doses=rose)).word == "because of"
    assert unmet(replace(ALL, doses=rose)) == {"dose_agrees": "dose_does_not_agree"}


def test_the_slope_is_weighted_least_squares() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        shares = rng.uniform(0, 1, 6)
        sds = rng.uniform(0.05, 0.2, 6)
        logs = -1.2 * shares + rng.normal(0, sds)
        parts = [
            (float(s), Interval(*(float(np.exp(y + k * 1.96 * sd)) for k in (0, -1, 1))))
            for s, y, sd in zip(shares, logs, sds, strict=True)
        ]
        slope = dose_slope(parts)
        held += slope.low <= -1.2 <= slope.high
    assert held >= 0.93 * 400


def test_noise_alone_hardly_ever_makes_a_dose() -> None:
    rng = np.random.default_rng(2)
    agreed = 0
    for _ in range(400):
        logs = rng.normal(-0.9, 0.15, 5)
        doses = [
            (str(i), float(s), Interval(*(float(np.exp(y + k * 1.96 * 0.15)) for k in (0, -1, 1))))
            for i, (s, y) in enumerate(zip(rng.uniform(0, 1, 5), logs, strict=True))
        ]
        agreed += attribute(replace(ALL, doses=doses)).word == "because of"
    assert agreed <= 0.05 * 400
