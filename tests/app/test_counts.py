"""Counts as CSV: into the journal, out as series and effects of a feed."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from spamtide.capture import CountOptions, read_counts


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


def counted(
    spamtide, folder: Path, text: str, *options: str, feed: str = "s"
) -> dict[str, list[tuple[str, float | None, float]]]:
    """Series by name of a sheet that was imported: day, count, exposure."""
    if not (folder / "w").exists():
        assert spamtide("init", folder / "w").code == 0
    (folder / f"{feed}.csv").write_text(text)
    use = ("--workspace", folder / "w")
    ran = spamtide(*use, "import", folder / f"{feed}.csv", "--feed", feed, "--json", *options)
    assert ran.code == 0, ran.err
    names = {"subject:viagra", "subject:cialis", "volume"} & set(text.replace(";", ",").replace("\n", ",").split(","))
    found = {}
    for name in names or {"count"}:
        rows = spamtide(*use, "series", name, "--feed", feed, "--by", "day", "--json").json["rows"]
        found[name] = [(r["time"][:10], r["count"], r["exposure"]) for r in rows]
    return found


def test_a_wide_sheet_with_semicolons_and_decimal_commas_is_read_as_it_was_meant(spamtide, tmp_path: Path) -> None:
    text = (
        "Date;subject:viagra;subject:cialis;exposure\n15.03.2011;1.204;98;1\n16.03.2011;311;;0,5\n17.03.2011;300;12;0\n"
    )
    found = counted(spamtide, tmp_path, text)
    assert found["subject:viagra"] == [("2011-03-15", 1204, 1), ("2011-03-16", 311, 0.5), ("2011-03-17", 0, 0)]
    assert [c for _, c, _ in found["subject:cialis"]] == [98, None, 0]


def test_day_or_month_first_is_asked_and_the_answer_counts(spamtide, tmp_path: Path) -> None:
    text = "date,series,count\n01/02/2011,volume,5\n02/02/2011,volume,6\n"
    assert spamtide("init", tmp_path / "w").code == 0
    (tmp_path / "q.csv").write_text(text)
    ran = spamtide("--workspace", tmp_path / "w", "import", tmp_path / "q.csv", "--feed", "q", "--json")
    assert (ran.code, ran.json["error"]) == (2, "ambiguous_dates")
    assert "--dates day-first" in ran.json["next"] and "line 2" in ran.json["message"]
    days = counted(spamtide, tmp_path, text, "--dates", "day-first", feed="d")["volume"]
    assert [(t, c) for t, c, _ in days] == [("2011-02-01", 5), ("2011-02-02", 6)]
    months = read_counts(tmp_path / "q.csv", CountOptions(dates="month-first"))
    assert [r.start // 86_400_000_000 for r in months] == [(date(2011, m, 2) - date(1970, 1, 1)).days for m in (1, 2)]


def test_one_date_that_can_be_read_in_one_way_tells_for_the_column(spamtide, tmp_path: Path) -> None:
    found = counted(
        spamtide, tmp_path, "date,series,count\n3/11/2011,volume,5\n3/12/2011,volume,6\n3/13/2011,volume,7\n"
    )
    assert [t for t, _, _ in found["volume"]] == ["2011-03-11", "2011-03-12", "2011-03-13"]


def test_what_one_sheet_leaves_open_keeps_all_of_them_out(spamtide, tmp_path: Path) -> None:
    assert spamtide("init", tmp_path / "w").code == 0
    (tmp_path / "good.csv").write_text("time,count\n2011-03-16,5\n")
    (tmp_path / "open.csv").write_text("time,count\n01/02/2011,5\n")
    use = ("--workspace", tmp_path / "w")
    ran = spamtide(*use, "import", tmp_path / "good.csv", tmp_path / "open.csv", "--feed", "f", "--json")
    assert (ran.code, ran.json["error"]) == (2, "ambiguous_dates")
    assert spamtide(*use, "import", tmp_path / "good.csv", "--feed", "f", "--json").json["counts"] == 1


def test_effect_takes_the_same_sheets_and_the_same_answers(spamtide, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    days = [date(2011, 1, 1) + timedelta(days=i) for i in range(12)]
    (tmp_path / "short.csv").write_text("date;volume\n" + "".join(f"{d.day}/1/2011;{rng.poisson(100)}\n" for d in days))
    ask = ("effect", "--series", tmp_path / "short.csv", "--at", "2011-01-08", "--json")
    ran = spamtide(*ask)
    assert (ran.code, ran.json["error"]) == (2, "ambiguous_dates")
    ran = spamtide(*ask, "--dates", "day-first")
    assert (ran.code, ran.json["refused"]["reason"]) == (1, "too_few_days_before")
