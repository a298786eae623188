"""Published interrupted time series, recomputed from their own files by the command that anybody runs.

Sicily: James Lopez Bernal, Steven Cummins and Antonio Gasparrini, "Interrupted time series regression for the evaluation of public health
interventions: a tutorial", Int J Epidemiol 46 (2017) 348-355, counts of its supplement; the file is as published. Seat belts: the months of
R's UKDriverDeaths as R writes them; Harvey and Durbin (J R Stat Soc A 149, 1986) put the fall for drivers at 23 %.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import Spamtide

PUBLISHED = Path(__file__).parent.parent / "measure" / "published"
SICILY = ["--series", str(PUBLISHED / "sicily.csv"), "--target", "aces", "--per", "stdpop", "--at", "2005-01-01"]
BELTS = ["--series", str(PUBLISHED / "uk-driver-deaths.csv"), "--target", "value", "--at", "1983-02-01"]
BY_MONTH = ["--method", "quasi-poisson"]


Asked = Callable[..., dict[str, Any]]


@pytest.fixture
def asked(spamtide: Spamtide) -> Asked:
    """What the command answers, with the code it must end with."""

    def ask(*line: str, code: int = 0) -> dict[str, Any]:
        ran = spamtide("effect", *line, "--json")
        assert ran.code == code, ran.err
        found: dict[str, Any] = ran.json
        return found

    return ask


def test_sicily_comes_out_to_the_printed_digits(asked: Asked) -> None:
    # Step and trend, then the seasons as two waves, errors stretched by the dispersion.
    plain = asked(*SICILY, *BY_MONTH, "--harmonics", "0")
    waves = asked(*SICILY, *BY_MONTH)
    assert round(plain["ratio"]["value"], 3) == 0.894
    assert [round(waves["ratio"][k], 3) for k in ("value", "low", "high")] == [0.885, 0.839, 0.933]
    assert waves["method"] == "quasi-poisson/1" and waves["counts"]["before"]["bins"] == 36
    assert waves["counts"]["after"] == {"count": 19723, "live_days": 699, "bins": 23}


def test_seat_belts_show_what_a_straight_trend_does(asked: Asked) -> None:
    # Fourteen years with an oil crisis in them are no straight line; the published model has a level that wanders.
    long, short = asked(*BELTS, *BY_MONTH), asked(*BELTS, *BY_MONTH, "--before", "1980-01-01/1983-02-01")
    assert round(long["ratio"]["value"], 2) == 0.85 and long["ratio"]["low"] > 0.77
    assert short["ratio"]["low"] < 1 - 0.23 < short["ratio"]["high"]
    assert "window_chosen" in {w["code"] for w in short["warnings"]}


def test_a_cut_within_a_month_leaves_that_month_out(asked: Asked) -> None:
    within = asked(*BELTS[:-1], "1983-01-31", *BY_MONTH)
    assert within["windows"]["excluded"] == [{"start": "1983-01-01T00:00:00Z", "end": "1983-02-01T00:00:00Z"}]


def test_few_months_are_refused(asked: Asked) -> None:
    refused = asked(*SICILY[:-1], "2006-10-01", *BY_MONTH, code=1)["refused"]
    assert refused["reason"] == "too_few_months" and refused["needed"]["live_months_after"] == 3


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ([*SICILY], "usage"),
        ([*BELTS], "uneven_bins"),
        ([*BELTS, *BY_MONTH, "--per", "nothing"], "unknown_series"),
        ([*BELTS[:-1], "1990-01-01", *BY_MONTH], "cut_outside"),
    ],
)
def test_what_does_not_go_is_told(asked: Asked, line: list[str], code: str) -> None:
    assert asked(*line, code=2)["error"] == code


def test_months_that_are_none_are_told(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("year,month,n\n2002,1,5\n2002,13,6\n")
    (tmp_path / "y.csv").write_text("time,n\n2002.0,5\n2002.05,6\n")
    for name in ("m.csv", "y.csv"):
        assert asked("--series", str(tmp_path / name), "--at", "2002-01-01", *BY_MONTH, code=2)["error"] == "bad_counts"
