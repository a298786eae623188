"""Shares and duplicates by day, counted again by hand from what search lists."""

from __future__ import annotations

from collections import Counter
from pathlib import Path


def test_shares_and_duplicates_by_day_are_those_of_the_listed_messages(spamtide, tmp_path: Path) -> None:
    world = tmp_path / "sim"
    assert spamtide("simulate", "march-2011", "--out", world, "--scale", "0.02", "--seed", "5").code == 0
    use = ("--workspace", world / "workspace")
    feed = spamtide(*use, "feeds", "list", "--jsonl").rows[0]["feed"]
    ask = ("--feed", feed, "--by", "day", "--json")
    listed = [m for m in spamtide(*use, "search", "", "--feed", feed, "--jsonl").rows if m["origin"] == "unsolicited"]
    days = Counter(m["received_at"][:10] for m in listed)
    words = Counter(
        m["received_at"][:10]
        for m in spamtide(*use, "search", "subject:(viagra OR cialis)", "--feed", feed, "--jsonl").rows
    )
    groups = Counter((m["received_at"][:10], m["exact"]) for m in listed)
    assert sum(words.values()) > 100
    shares = spamtide(*use, "series", "share:subject:viagra,cialis", *ask).json
    copies = spamtide(*use, "series", "duplicates:exact", *ask).json
    assert shares["unit"] == "share"
    assert len(shares["rows"]) > 180
    for share, copy in zip(shares["rows"], copies["rows"], strict=True):
        day = share["time"][:10]
        if days[day]:
            assert abs(share["count"] - words[day] / days[day]) < 1e-5
        else:
            assert share["count"] is None
        assert copy["count"] in (None, sum(n for (d, _), n in groups.items() if d == day and n > 1))


def test_an_effect_on_a_share_is_not_built_and_says_so(spamtide, tmp_path: Path) -> None:
    assert spamtide("init", tmp_path / "w").code == 0
    mail = tmp_path / "m.mbox"
    mail.write_text("From x Mon Mar  7 10:00:00 2011\nSubject: x\n\nhello\n\n")
    use = ("--workspace", tmp_path / "w")
    assert spamtide(*use, "import", mail, "--feed", "f").code == 0
    ran = spamtide(*use, "effect", "--at", "2011-03-07", "--measure", "share:subject:x", "--feed", "f", "--json")
    assert (ran.code, ran.json["error"]) == (2, "not_built_yet")
