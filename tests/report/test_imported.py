"""Reports of imported mail: verified in an archive that was made anew from the same mailbox, and what a feed of two addresses owes."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from made_report import made_report
from spamtide.measure import Interval
from spamtide.report import build_report

CUT = datetime(2011, 3, 16, 14, 45, tzinfo=UTC)


def mailbox(path: Path, seed: int) -> Path:
    """Ninety days of offers around the cut, a third as many after it, as an mbox."""
    rng = random.Random(seed)
    day, letters = CUT - timedelta(days=75), []
    while day < CUT + timedelta(days=15):
        for i in range(rng.randrange(14, 22) // (1 if day < CUT else 3)):
            at = day + timedelta(seconds=rng.randrange(86_400))
            letters.append((at, f"Subject: {rng.choice(['Viagra', 'C1alis', 'Watches'])} for {rng.randrange(20, 90)} today\nMessage-ID: <{at.timestamp()}.{i}@x.example>"))  # fmt: skip
        day += timedelta(days=1)
    letters.sort()
    path.write_text("".join(
        f"From a@x.example {at:%a %b %d %H:%M:%S %Y}\nReceived: from h.example ([203.0.113.9]) by mx.example; {format_datetime(at)}\n"
        f"From: a@x.example\nTo: t@trap.example\nDate: {format_datetime(at)}\n{head}\n\nBuy now.\n\n"
        for at, head in letters
    ))  # fmt: skip
    return path


def imported(spamtide: Any, place: Path, mail: Path) -> tuple[str, Path]:
    assert spamtide("init", place).code == 0
    done = spamtide("--workspace", place, "import", mail, "--feed", "box", "--vantage", "mailbox")
    assert done.code == 0, done.err
    return ("--workspace", place)


def test_a_report_of_imported_mail_is_equal_in_a_fresh_archive(spamtide: Any, tmp_path: Path) -> None:
    mail = mailbox(tmp_path / "m.mbox", 4)
    first = imported(spamtide, tmp_path / "one", mail)
    asked = ("--event", "rustock-2011", "--feed", "box", "--measure", "volume", "--out", tmp_path / "report")
    made = spamtide(*first, "report", *asked, "--json")
    assert made.code == 0, made.err
    assert made.json["effects"][0]["ratio"]["value"] < 0.6
    second = imported(spamtide, tmp_path / "two", mail)
    done = spamtide(*second, "report", "verify", tmp_path / "report", "--json")
    segments = [
        json.loads((tmp_path / "report" / "MANIFEST.json").read_text())["inputs"]["feeds"][0]["segments"][0]["chain"]
    ]
    assert done.json["verdict"] == "equal", done.json
    # The same mail, in segments with salts of their own.
    assert [u["stated"] for u in done.json["inputs"] if u["what"].endswith("chain")] == segments
    third = imported(spamtide, tmp_path / "three", mailbox(tmp_path / "n.mbox", 5))
    other = spamtide(*third, "report", "verify", tmp_path / "report", "--json")
    assert other.code == 1 and other.json["verdict"] == "differs"
    assert "inputs.feeds[0].content" in [u["what"] for u in other.json["inputs"]]


def test_a_feed_of_two_addresses_says_who_could_find_them(tmp_path: Path) -> None:
    report = made_report([Interval(0.25, 0.2, 0.3)], bare=True)
    pages = []
    for name, stated in (("two", {"planted": 2}), ("three", {"planted": 3}), ("unknown", {"planted": None})):
        card = {**report.cards[0], "instrument": {**report.cards[0]["instrument"], "addresses_by_vantage": stated}}
        build_report(replace(report, cards=(card,)), tmp_path / name)
        pages.append("has 2 of the 3 addresses or more" in (tmp_path / name / "report.html").read_text("utf-8"))
    assert pages == [True, False, False]
