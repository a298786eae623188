"""Counts that others made: bins, the day that straddles the cut, controls, batches, clear errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from spamtide.measure import DAY_US, HOUR_US, effect_of_given, given_series

CUT = 1_300_286_700_000_000  # 2011-03-16T14:45:00Z
MIDNIGHT = CUT - CUT % DAY_US


def rows(
    days: int = 90, after: int = 10, drop: float = 0.25, name: str = "pharma", bin_us: int = DAY_US, seed: int = 7
):
    """Log-normal counts with a planted fall at the instant of the cut, binned from midnight."""
    rng = np.random.default_rng(seed)
    per_day = DAY_US // bin_us
    found = []
    for day in range(-days, after):
        level = 400 * np.exp(rng.normal(0, 0.1))
        for part in range(per_day):
            start = MIDNIGHT + day * DAY_US + part * bin_us
            left = min(max((start + bin_us - CUT) / bin_us, 0.0), 1.0)
            found.append((start, name, float(rng.poisson(level / per_day * (1 - left + left * drop))), 1.0))
    return found


def write(path: Path, given: list[tuple[int, str, float | None, float]]) -> Path:
    lines = ["time,series,count,exposure"]
    for start, name, count, exposure in given:
        time = np.datetime_as_string(np.datetime64(start, "us"), unit="s") + "Z"
        lines.append(f"{time},{name},{'' if count is None else f'{count:g}'},{exposure:g}")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_the_day_that_straddles_the_cut_is_in_neither_window():
    effect = effect_of_given(given_series(rows()), CUT, diagnostics="none")
    assert [(w.start, w.end) for w in effect.excluded] == [(MIDNIGHT, MIDNIGHT + DAY_US)]
    assert (effect.before.end, effect.after.start) == (MIDNIGHT, MIDNIGHT + DAY_US)
    assert (effect.counted_before.bins, effect.counted_after.bins) == (90, 9)
    assert effect.ratio is not None and effect.ratio.low < 0.25 < effect.ratio.high


def test_a_cut_at_the_edge_of_a_day_excludes_nothing():
    effect = effect_of_given(given_series(rows()), MIDNIGHT + DAY_US, diagnostics="none")
    assert effect.excluded == () and effect.after.start == MIDNIGHT + DAY_US


def test_hours_are_gathered_into_days_at_the_cut():
    hourly = given_series(rows(days=40, bin_us=HOUR_US))
    effect = effect_of_given(hourly, CUT, diagnostics="none")
    hour = CUT - CUT % HOUR_US
    assert [(w.start, w.end) for w in effect.excluded] == [(hour, hour + HOUR_US)]
    assert effect.counted_before.bins == 40 and effect.counted_before.live_days == pytest.approx(40)
    assert effect.before.start == hour - 40 * DAY_US
    assert effect.ratio is not None and effect.ratio.low < 0.25 < effect.ratio.high


def test_missing_and_dead_days_are_never_zero():
    holed = [(t, n, None if i % 9 == 3 else c, 0.0 if i % 9 == 5 else 1.0) for i, (t, n, c, _) in enumerate(rows())]
    effect = effect_of_given(given_series(holed), CUT, diagnostics="none")
    assert effect.counted_before.bins == 70
    assert effect.ratio is not None and effect.ratio.low < 0.25 < effect.ratio.high


def test_half_a_day_of_exposure_counts_half():
    halved = [(t, n, round(c / 2) if t > CUT else c, 0.5 if t > CUT else 1.0) for t, n, c, _ in rows(drop=1.0)]
    effect = effect_of_given(given_series(halved), CUT, diagnostics="none")
    assert effect.ratio is not None and effect.ratio.low < 1 < effect.ratio.high


def test_controls_are_a_second_opinion_and_do_not_move_the_headline():
    both = rows() + rows(drop=1.0, name="other", seed=8)
    alone = effect_of_given(given_series(both), CUT, target="pharma", controls=[])
    beside = effect_of_given(given_series(both), CUT, target="pharma")
    assert alone.ratio == beside.ratio
    opinions = {o.method: o.ratio for o in beside.second_opinions}
    assert opinions["with_controls"] is not None and opinions["with_controls"].high < 0.5
    assert "with_controls" not in {o.method for o in alone.second_opinions}
    assert {"placebo", "gls_ar1", "donut", "naive_poisson"} <= set(opinions)


def test_the_command_answers_without_a_workspace(spamtide, tmp_path: Path):
    path = write(tmp_path / "counts.csv", rows())
    result = spamtide(
        "effect", "--series", str(path), "--at", "2011-03-16T14:45:00Z", "--json", "--diagnostics", "none"
    )
    document = result.json
    assert result.code == 0
    assert document["target"] == "pharma"
    assert document["windows"]["excluded"] == [{"start": "2011-03-16T00:00:00Z", "end": "2011-03-17T00:00:00Z"}]
    assert document["ratio"]["low"] < 0.25 < document["ratio"]["high"]


def test_an_event_of_the_registry_names_the_cut(spamtide, tmp_path: Path):
    path = write(tmp_path / "counts.csv", rows())
    result = spamtide("effect", "--series", str(path), "--event", "rustock-2011", "--json", "--diagnostics", "none")
    document = result.json
    assert result.code == 0 and document["event"] == "rustock-2011" and document["ratio"]["high"] < 0.5


def test_too_little_is_a_refusal_that_says_what_is_enough(spamtide, tmp_path: Path):
    path = write(tmp_path / "counts.csv", rows(days=8))
    result = spamtide("effect", "--series", str(path), "--at", "2011-03-16T14:45:00Z", "--json")
    document = result.json
    assert result.code == 1 and document["ratio"] is None
    assert document["refused"]["needed"] == {"live_days_before": 14}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time,count\n2011-03-16,x\n", "line 2"),
        ("time,count\n2011-03-16T10:00:00,4\n", "no time zone"),
        ("time,count\n2011-03-16,-4\n", "0 or more"),
        ("time,count\n2011-03-16,4\n2011-03-16,5\n", "stands twice"),
        ("foo,n\n2011-03-16,4\n", "no column 'time'"),
        ("time,count\n", "no row"),
        ("time,count\n2011-03-01,4\n2011-03-08,5\n2011-03-15,5\n", "one grid"),
    ],
)
def test_bad_counts_name_the_line_and_the_next_step(spamtide, tmp_path: Path, text: str, words: str):
    path = tmp_path / "bad.csv"
    path.write_text(text, "utf-8")
    result = spamtide("effect", "--series", str(path), "--at", "2011-03-16", "--json")
    document = result.json
    assert result.code == 2 and words in document["message"] and document["next"]


def test_several_series_ask_which(spamtide, tmp_path: Path):
    path = write(tmp_path / "counts.csv", rows() + rows(name="other"))
    which = spamtide("effect", "--series", str(path), "--at", "2011-03-16", "--json")
    assert which.code == 2 and which.json["error"] == "which_series"
    unknown = spamtide("effect", "--series", str(path), "--at", "2011-03-16", "--target", "nobody", "--json")
    assert unknown.code == 2 and "pharma, other" in unknown.json["next"]


def test_a_batch_answers_each_line_in_order(spamtide, tmp_path: Path):
    write(tmp_path / "long.csv", rows())
    write(tmp_path / "short.csv", rows(days=5))
    questions = [
        {"id": f"q{i}", "series": "short.csv" if i == 3 else "long.csv", "at": "2011-03-16T14:45:00Z", "controls": []}
        for i in range(9)
    ]
    batch = tmp_path / "batch.jsonl"
    batch.write_text("".join(json.dumps(q) + "\n" for q in questions), "utf-8")
    result = spamtide("effect", "--batch", str(batch), "--jsonl")
    answers = result.rows
    assert result.code == 0
    assert [a["id"] for a in answers] == [f"q{i}" for i in range(9)]
    assert answers[3]["refused"] is not None and answers[3]["diagnostics"] is None
    assert all(a["ratio"] == answers[0]["ratio"] for i, a in enumerate(answers) if i != 3)


def test_a_batch_line_that_cannot_be_asked_is_named_and_the_rest_answered(spamtide, tmp_path: Path):
    write(tmp_path / "long.csv", rows())
    batch = tmp_path / "batch.jsonl"
    good = {"id": 1, "series": "long.csv", "at": "2011-03-16"}
    batch.write_text(
        json.dumps(good) + "\nnot json\n" + json.dumps({**good, "id": 2, "series": "gone.csv"}) + "\n", "utf-8"
    )
    result = spamtide("effect", "--batch", str(batch), "--jsonl")
    answers = result.rows
    assert result.code == 3
    assert answers[0]["ratio"] is not None
    assert answers[1]["error"] == "bad_question" and answers[1]["line"] == 2
    assert answers[2]["error"] == "unreadable" and answers[2]["id"] == 2


def answer_to(spamtide, path: Path, given: list[tuple[int, str, float | None, float]], at: str = "2011-03-16"):
    return spamtide("effect", "--series", str(write(path, given)), "--at", at, "--diagnostics", "none", "--json")


def test_wrong_input_says_which_datum_and_what_would_be_enough(spamtide, tmp_path: Path):
    path = tmp_path / "wrong.csv"
    later = answer_to(spamtide, path, rows(), "2012-03-16").json["refused"]
    assert later["reason"] == "cut_outside_data" and later["have"]["data_to"] == "2011-03-26T00:00Z"
    assert "from 2010-12-16T00:00Z to 2011-03-26T00:00Z, all on one side of the cut" in later["text"]
    assert later["needed"]["live_days_after"] == 3
    zeros = answer_to(spamtide, path, [(t, n, 0.0, e) for t, n, _, e in rows()]).json["refused"]
    assert zeros["reason"] == "all_zero" and zeros["text"].startswith("every count is 0")
    one = answer_to(spamtide, path, rows(days=1, after=9)).json["refused"]
    assert one["reason"] == "too_few_days_before" and one["have"]["live_days_before"] == 1
    mixed = answer_to(spamtide, path, [(t - (i > 40) * HOUR_US, n, c, e) for i, (t, n, c, e) in enumerate(rows())])
    assert mixed.code == 2 and "most follow by 24 hours, 2011-01-25T23:00:00Z follows by 23" in mixed.json["message"]


def test_the_instant_within_a_day_counts_where_bins_are_hours():
    """A stop at 14:45 is found at its hour: twelve hours off mixes days with and without it."""
    hourly = effect_of_given(given_series(rows(days=60, after=10, bin_us=HOUR_US)), CUT, diagnostics="full")
    check = next(c for c in hourly.checks if c.note.code == "instants_check")
    ratios = dict(check.rows)
    assert list(ratios) == ["-12 h", "-6 h", "-3 h", "-1 h", "+1 h", "+3 h", "+6 h", "+12 h"]
    assert hourly.ratio is not None and all(r is not None for r in ratios.values())
    # Half a day of the old rate in ten: .25 and .0375 more.
    assert ratios["-12 h"].value > hourly.ratio.value + 0.02
    assert check.verdict == "quiet"
