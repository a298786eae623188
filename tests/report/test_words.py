"""Sentences: digits follow the interval, "after" is never "because", units and dates as a careful person says them."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from made_worlds import Kind, made
from spamtide.measure import DAY_US, Effect, Interval, Refusal, Window, estimate_effect
from spamtide.report import effect_sentence, note_text, planted_sentence, size_rows
from spamtide.report.words import THIN, change_span, change_words, digits, measure_words, points, thousands

FIGURE = re.compile(r"(fell|rose) by (about )?([\d.]+) % \(95 % interval: ([\d.]+) to ([\d.]+) %\)")


@pytest.fixture(scope="module")
def effect() -> Effect:
    series, cut, _ = made(Kind("calm", 0.1, 0.3, before=70), 3)
    whole = Window(int(series.starts[0]), int(series.starts[-1]) + DAY_US)
    return estimate_effect(
        series, cut, before=Window(whole.start, cut), after=Window(cut, whole.end), feed="f", event="e"
    )


def test_a_sentence_supports_each_of_its_digits(effect: Effect) -> None:
    rng = np.random.default_rng(5)
    seen = 0
    for _ in range(2000):
        value = float(np.exp(rng.normal(0, 1.5)))
        low, high = value * np.exp(-rng.exponential(0.5)), value * np.exp(rng.exponential(0.5))
        found = FIGURE.search(effect_sentence(replace(effect, ratio=Interval(value, low, high))))
        if low <= 1 <= high:
            assert found is None
            continue
        assert found is not None
        seen += 1
        shown, width = found[3], (high - low) * 100
        if "." in shown:
            assert width < 2, f"a decimal for an interval of {width:.0f} points"
        elif width > 6 * 5 and shown != "99":
            assert shown[-1] in "05" and found[2], f"{shown} for an interval of {width:.0f} points"
        if width > 6 * 50 and shown != "99":
            assert shown[-2:] in ("00", "50", "0"), f"{shown} for an interval of {width:.0f} points"
        assert [len(found[k].partition(".")[2]) for k in (4, 5)] == [len(shown.partition(".")[2])] * 2
        assert float(found[4]) <= float(shown) + width / 6 and float(shown) <= float(found[5]) + width / 6
    assert seen > 500


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.22, 0.32, "fell by 74 % (95 % interval: 68 to 78 %)"),
        (0.14, 0.46, "fell by about 75 % (95 % interval: 54 to 86 %)"),
        (0.002, 0.008, "fell by 99.6 % (95 % interval: 99.2 to 99.8 %)"),
        (0.0001, 0.0009, "fell by 99.96 % (95 % interval: 99.91 to 99.99 %)"),
        (3.1, 9.9, "rose by about 500 % (95 % interval: 210 to 890 %)"),
        (
            0.9,
            1.2,
            "showed no change that can be told from chance (95 % interval: from a fall by 10 % to a rise by 20 %)",
        ),
        (
            0.9,
            1.0003,
            "showed no change that can be told from chance "
            "(95 % interval: from a fall by 10 % to a rise by less than 1 %)",
        ),
    ],
)
def test_digits_follow_the_width(effect: Effect, low: float, high: float, said: str) -> None:
    value = {0.22: 0.26, 0.14: 0.26, 0.002: 0.004, 0.0001: 0.0004, 3.1: 6.0}.get(low, 1.04)
    assert f" {said} in the 14 days after " in effect_sentence(replace(effect, ratio=Interval(value, low, high)))


def test_a_complete_stop_is_said_by_its_bound(effect: Effect) -> None:
    stop = Interval(0.0008, 0.0, 0.0037)
    text = effect_sentence(replace(effect, ratio=stop))
    assert "came to a complete stop: a fall by at least 99.6 % (95 % interval: 99.6 to 100 %) in the 14 days" in text
    assert change_span(stop) == "−100 to −99.6 %" and change_words(stop) == "−99.9 %"


def test_the_step_grows_with_the_interval() -> None:
    steps = [digits(w)[0] for w in (0.5, 1.9, 2, 20, 29, 30, 59, 60, 400, 700)]
    assert steps == [0.1, 0.1, 1, 1, 1, 5, 5, 10, 50, 100]
    assert points(73.7, 54, 86) == ("about 75", "54", "86")


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (0.026904, 0.015987, 0.0454321, "0.027 (0.016 to 0.045)"),
        (6.0712, 5.6301, 6.5, "6.1 (5.6 to 6.5)"),
        (41.26, 38.1, 44.9, "41 (38 to 45)"),
        (5012.0, 3120.0, 9130.0, "5 000 (3 000 to 9 000)"),
        (3128.0, 3128.0, 3128.0, "3 128"),
    ],
)
def test_a_size_has_no_digit_that_its_interval_does_not_bear(value: float, low: float, high: float, said: str) -> None:
    estimate = {"quantity": "output_per_host_per_day", "value": value, "low": low, "high": high, "unit": "message"}
    estimate |= {"family": "IPv4", "population": "at these traps", "warning": None}
    assert size_rows({"estimates": [estimate]})[0][1].replace(THIN, " ") == said


def test_a_sentence_says_after_and_never_because(effect: Effect) -> None:
    text = effect_sentence(effect)
    assert text.startswith("At the feed “f”, ")
    assert " after 8 " in text or " after " in text
    assert "because" not in text and "due to" not in text and "caused" not in text
    assert text.endswith("compared with what was expected without the event.")
    assert effect_sentence(replace(effect, event=None)).endswith("what the days before led one to expect.")


def test_a_refusal_says_what_would_be_enough(effect: Effect) -> None:
    refused = Refusal("too_few_days_before", {"live_days_before": 14, "count_before": 20}, {"live_days_before": 9, "count_before": 3})  # fmt: skip
    text = effect_sentence(replace(effect, ratio=None, refused=refused))
    assert "no figure is given" in text
    assert text.endswith(
        "it would take at least 14 live days before and 20 messages counted before; there are 9 live days before and 3 messages counted before."
    )


def test_planted_stands_beside_and_says_whether_it_is_inside() -> None:
    assert planted_sentence(0.25, Interval(0.26, 0.22, 0.32)) == "The planted truth is −75 %, inside the interval."
    assert planted_sentence(0.5, Interval(0.26, 0.22, 0.32)) == "The planted truth is −50 %, outside the interval."


def test_measures_in_words() -> None:
    assert measure_words("subject:viagra,cialis") == "unsolicited mail with “viagra” or “cialis” in the subject"
    assert measure_words("volume@recipient") == "recipients of unsolicited mail"
    assert measure_words("volume", "unsolicited,bounce") == "mail"
    assert measure_words("volume", "as given") == "the series “volume”"
    assert "decoy@trap.example" not in measure_words("messages:from:decoy@trap.example")


def test_numbers_as_printed() -> None:
    assert thousands(7723) == "7\u2009723"
    assert (change_words(Interval(0.263, 0.215, 0.321)), change_span(Interval(0.263, 0.215, 0.321))) == (
        "−74 %",
        "−78 to −68 %",
    )
    assert change_words(Interval(1.0, 1.0, 1.0)) == "0 %"


def test_every_note_keeps_its_numbers(effect: Effect) -> None:
    assert effect.pre_trend is not None
    assert re.search(r"\d\.\d\d \(\d\.\d\d to \d\.\d\d\)", note_text(effect.pre_trend))
