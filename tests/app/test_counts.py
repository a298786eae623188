"""Counts as CSV: into the journal, out as series and effects of a feed."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def place(spamtide, tmp_path: Path) -> Path:
    rng = np.random.default_rng(7)
    lines = ["time,series,count,exposure"]
    for i in range(120):
        day = date(2011, 1, 1) + timedelta(days=i)
        mean = 1000 if day < date(2011, 3, 16) else 250
        lines.append(f"{day},volume,{rng.poisson(mean)},{0 if i == 20 else 1}")
        lines.append(f"{day},subject:viagra,{'' if i == 30 else rng.poisson(mean / 10)},1")
    (tmp_path / "counts.csv").write_text("\n".join(lines) + "\n")
    assert spamtide("init", tmp_path / "w").code == 0
    ran = spamtide(
        "--workspace", tmp_path / "w", "import", tmp_path / "counts.csv", "--feed", "c", "--vantage", "counts", "--json"
    )
    assert (ran.code, ran.json["counts"], ran.json["messages"]) == (0, 240, 0)
    return tmp_path / "w"


def test_a_series_of_counts_keeps_what_is_missing_and_what_was_dead(spamtide, place: Path) -> None:
    rows = spamtide("--workspace", place, "series", "volume", "--feed", "c", "--by", "day", "--json").json["rows"]
    assert len(rows) == 120
    assert rows[20]["exposure"] == 0
    assert 800 < rows[0]["count"] < 1200
    rows = spamtide("--workspace", place, "series", "subject:viagra", "--feed", "c", "--by", "day", "--json").json[
        "rows"
    ]
    assert rows[30]["count"] is None
    weeks = spamtide("--workspace", place, "series", "volume", "--feed", "c", "--by", "week", "--json").json["rows"]
    # 20 and 21 January are Thursday and Friday: the week of the 17th lacks one dead day.
    assert weeks[3]["time"] == "2011-01-17T00:00:00Z"
    assert weeks[3]["exposure"] == pytest.approx(6 / 7, rel=1e-4)


def test_the_effect_of_an_event_on_a_feed_of_counts(spamtide, place: Path) -> None:
    ran = spamtide(
        "--workspace", place, "effect", "--event", "rustock-2011", "--measure", "volume", "--feed", "c", "--json"
    )
    assert ran.code == 0
    assert ran.json["target"] == "rustock"
    assert ran.json["ratio"]["low"] < 0.25 < ran.json["ratio"]["high"]
    assert ran.json["ratio"]["high"] < 0.4
    assert len(ran.json["windows"]["excluded"]) == 1


def test_counts_refuse_what_only_messages_answer(spamtide, place: Path, tmp_path: Path) -> None:
    use = ("--workspace", place)
    for arguments, error in (
        (("series", "volume", "--feed", "c", "--by", "hour"), "coarse_counts"),
        (("series", "text:pills", "--feed", "c", "--by", "day"), "unknown_series"),
        (("duplicates", "--feed", "c", "--rule", "exact", "--window", "2011-03-01/2011-03-08"), "counts_only"),
    ):
        ran = spamtide(*use, *arguments, "--json")
        assert (ran.code, ran.json["error"]) == (2, error)
    mail = tmp_path / "m.mbox"
    mail.write_text("From x Mon Mar  7 10:00:00 2011\nSubject: x\n\nhello\n\n")
    ran = spamtide(*use, "import", mail, "--feed", "c", "--json")
    assert (ran.code, ran.json["error"]) == (2, "mixed_feed")
    assert spamtide(*use, "import", mail, "--feed", "m", "--json").code == 0
    ran = spamtide(*use, "import", tmp_path / "counts.csv", "--feed", "m", "--json")
    assert (ran.code, len(ran.json["refused"])) == (3, 1)


def test_counts_imported_again_replace_and_add_nothing_twice(spamtide, place: Path, tmp_path: Path) -> None:
    use = ("--workspace", place)
    assert spamtide(*use, "import", tmp_path / "counts.csv", "--feed", "c", "--json").json["counts"] == 0
    (tmp_path / "more.csv").write_text("time,series,count,exposure\n2011-01-01,volume,5,1\n")
    assert spamtide(*use, "import", tmp_path / "more.csv", "--feed", "c", "--json").json["counts"] == 1
    rows = spamtide(*use, "series", "volume", "--feed", "c", "--by", "day", "--json").json["rows"]
    assert (len(rows), rows[0]["count"]) == (120, 5)
