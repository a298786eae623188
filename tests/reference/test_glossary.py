"""Numbers and equations of docs/reference/glossary.md are those of the code."""

from __future__ import annotations

import re
from math import comb, exp, log

import numpy as np
import pytest

from doc_tables import ROOT, section
from spamtide.app.commands.importing import VANTAGES
from spamtide.measure import Interval, duplicates, effect, latent, stops, trends
from spamtide.measure.confidence import MATTERS
from spamtide.message import ORIGINS

DOCUMENT = ROOT / "docs" / "reference" / "glossary.md"


def test_words_that_are_lists_are_those_of_the_code() -> None:
    text = section(DOCUMENT, "Instrument")
    vantages = re.search(r"\*\*Vantage\*\*.*?`unknown`", text, re.S)
    assert vantages and re.findall(r"`([a-z-]+)`", vantages[0]) == list(VANTAGES)
    origins = re.search(r"\*\*Origin\*\*.*?`personal`", text, re.S)
    assert origins and re.findall(r"`([a-z-]+)`", origins[0]) == list(ORIGINS)


@pytest.mark.parametrize("m", [2, 5, 11, 20])
def test_the_share_at_equal_n_is_the_equation(m: int) -> None:
    sizes = np.array([1, 1, 2, 3, 5, 8], dtype=np.int64)
    n = int(sizes.sum())
    expected = 1 - sum(int(k) * comb(n - int(k), m - 1) / comb(n, m) for k in sizes) / m
    assert duplicates.in_group_share(sizes, m) == pytest.approx(expected, abs=1e-12)


def test_the_priors_and_the_grid_are_those_of_the_code() -> None:
    text = section(DOCUMENT, "Effect")
    assert f"μ ~ N(0, {latent.MU_SD:g}²)    w ~ N(0, {latent.WEEKDAY_SD:g}²)    β ~ N(0, {latent.BETA_SD:g}²)" in text
    assert "ρ ∈ {" + ", ".join(f"{r:g}" for r in latent.RHO) + "}" in text
    assert f"σ ∈ {{{latent.SIGMA[0]:g} … {latent.SIGMA[-1]:g}}}" in text
    assert "share of ν ∈ {" + ", ".join(f"{r:g}" for r in latent.NUGGET) + "}" in text
    assert f"though {stops.STOP_EXPECTED} or more were expected" in text
    said = "none with weight {:g}, a slope of sd {:g} per 30 days with weight {:g}, or with weight {:g} a turn"
    assert said.format(trends.NO_TREND, *trends.SLOPE, trends.TURN_WEIGHT) in text
    said = "{} or {} days before the cut, log change at the cut ±{:g} with sd {:g}, that stops there or goes on"
    assert said.format(*trends.TURN_DAYS[0], trends.TURN_MEAN, trends.TURN_SD) in text
    late, room = trends.TURN_DAYS[1][0], trends.TURN_ROOM
    said = f"{late} days before where {late + room} to {trends.TURN_DAYS[0][0] + room - 1} days precede the cut"
    assert said in text
    assert (
        "sd 0 (weight {:g}), {:g} ({:g}), {:g} ({:g})".format(latent.SHAPE[0][1], *latent.SHAPE[1], *latent.SHAPE[2])
        in text
    )
    # A turn comes with a plain step only.
    each = 2 * len(latent.SHAPE) + 4 * len(trends.TURN_DAYS[0])
    points = len(latent.RHO) * len(latent.SIGMA) * len(latent.NUGGET) * each
    assert f"grid of {points} points" in text and f"{latent.DRAWS:,} draws" in text and effect.METHOD in text


def test_the_bounds_of_a_refusal_are_those_of_the_code() -> None:
    text = section(DOCUMENT, "Effect")
    assert (
        f"under {effect.MIN_BEFORE_DAYS} live days before, {effect.MIN_AFTER_DAYS} after, or {effect.MIN_COUNT} counted before"
        in text
    )
    assert f"at most {effect.MAX_BEFORE_DAYS} days" in text
    assert (
        f"the last {effect.DONUT_DAYS} days before the cut" in text
        and f"the last {effect.PRE_TREND_DAYS} days before the cut" in text
    )
    assert f"smaller than −{(1 - MATTERS) * 100:.0f} %" in text


def test_minimum_detectable_is_the_equation() -> None:
    from spamtide.measure import DAY_US, Series, Window, estimate_effect

    cut = 15_049 * DAY_US
    days = np.arange(-80, 20)
    counts = np.random.Generator(np.random.Philox(7)).poisson(50, len(days)).astype(float)
    one = np.ones(len(days))
    series = Series("s", "volume", "message", DAY_US, cut + days * DAY_US, counts, one, one == 0, "declared")
    found = estimate_effect(
        series, cut, before=Window(cut - 80 * DAY_US, cut), after=Window(cut, cut + 20 * DAY_US), diagnostics="none"
    )
    assert isinstance(found.ratio, Interval)
    assert found.minimum_detectable == pytest.approx(exp(-2.8 * log(found.ratio.high / found.ratio.low) / 3.92))


def test_the_alarm_is_that_of_the_code() -> None:
    from spamtide.watch import BETS, THRESHOLD, baseline

    text = section(DOCUMENT, "Watch")
    assert "k ∈ {" + ", ".join(f"{b:g}" for b in BETS) + "}" in text
    assert f"reaches {THRESHOLD:,.0f}" in text
    assert f"m + {baseline.ERRORS:g} √" in text and f"+ {baseline.DAYS_APART:g} √" in text
    assert f"B > {baseline.BURSTY:g} W" in text and baseline.BEYOND_WORST == 1.5
