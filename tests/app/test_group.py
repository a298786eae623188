"""Grouping of a file, without a workspace: the same digest as that of imported mail, in input order."""

from __future__ import annotations

import json
from pathlib import Path


def lines(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_texts_that_differ_in_what_is_masked_are_one_group(spamtide, tmp_path: Path) -> None:
    path = lines(
        tmp_path / "texts.jsonl",
        [
            {"text": "Order 12 now at http://a.example/x1\nBye", "subject": "Deal 5"},
            {"text": "Order  99 now at http://b.example/y2 Bye\n", "subject": "Deal 6"},
            {"text": "Something else", "subject": "Deal 5"},
            {"text": "naïve ✓ 日本語", "subject": "ünï"},
            {"html": "<p>Order 12 now at http://a.example/x1</p> Bye", "subject": "Deal 5"},
            {"text": "plain", "html": "<b>rich</b>"},
        ],
    )
    ran = spamtide("group", path, "--jsonl")
    assert ran.code == 0
    assert [row["index"] for row in ran.rows] == list(range(6))
    exact = [row["exact"] for row in ran.rows]
    assert exact[0] == exact[1] == exact[4]
    assert len(set(exact)) == 4 and all(exact)
    campaign = [row["campaign"] for row in ran.rows]
    assert campaign[0] == campaign[1] == campaign[4] == "c-" + exact[0][:20]
    assert len(set(campaign)) == 4


def test_variants_of_one_text_are_one_campaign_of_several_exact_groups(spamtide, tmp_path: Path) -> None:
    said = "Dear friend, order {} at our shop today, the cheapest pills are {} away from your door and nobody asks questions"
    rows = [{"text": said.format(a, b), "subject": "Good offer"} for a, b in (("now", "never far"), ("n0w", "not far"))]
    path = lines(
        tmp_path / "texts.jsonl", [*rows, {"text": "See you on Monday at ten, as we said last week in the office"}]
    )
    ran = spamtide("group", path, "--jsonl")
    assert len({row["exact"] for row in ran.rows}) == 3
    # Of texts nobody knows which came first: the lowest digest names them.
    variants = min(row["exact"] for row in ran.rows[:2])
    assert [row["campaign"] for row in ran.rows] == [f"c-{e[:20]}" for e in (variants, variants, ran.rows[2]["exact"])]


def test_an_mbox_is_grouped_as_it_is_when_imported(spamtide, tmp_path: Path) -> None:
    box = tmp_path / "spam.mbox"
    box.write_text(
        "".join(
            f"From x Mon Mar  7 10:00:0{i} 2011\nFrom: a@b.example\nSubject: Deal {i % 2 * 'x'}\n\nBuy {i}\n\n"
            for i in range(5)
        )
    )
    ran = spamtide("group", box, "--jsonl").rows
    grouped = [row["exact"] for row in ran]
    assert spamtide("init", tmp_path / "w").code == 0
    assert spamtide("--workspace", tmp_path / "w", "import", box, "--feed", "f").code == 0
    found = spamtide("--workspace", tmp_path / "w", "search", "", "--jsonl").rows
    found = sorted(found, key=lambda row: row["source"]["ordinal"])
    assert grouped == [row["exact"] for row in found]
    assert [row["campaign"] for row in ran] == [row["campaign"] for row in found]
    assert grouped[0] == grouped[2] == grouped[4] != grouped[1] == grouped[3]


def test_a_bad_line_is_named(spamtide, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"text": "a"}\n{"subject": "b"}\n', "utf-8")
    ran = spamtide("group", path, "--json")
    assert ran.code == 2 and ran.json["error"] == "bad_row" and "line 2" in ran.json["message"]
    assert spamtide("group", tmp_path / "gone", "--json").code == 3
