"""``campaigns audit``: drawn, judged, resumed, kept in the journal."""

from __future__ import annotations

import csv
import functools
import io
from pathlib import Path
from typing import Any

import pytest

from campaign_texts import made
from conftest import Spamtide
from spamtide.app.commands import auditing

HOSTILE = "\x1b]0;owned\x07\u202e"


def mbox(texts: list[tuple[str, str]]) -> str:
    return "".join(
        f"From x Mon Mar  7 10:00:{i % 60:02d} 2011\nFrom: a{i}@b.example\nSubject: {s}\n\n{HOSTILE}{t}\n\n"
        for i, (s, t) in enumerate(texts)
    )


@pytest.fixture(scope="module")
def made_once(spamtide: Spamtide, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A workspace of made campaigns, and the true campaign of each message id."""
    folder: Path = tmp_path_factory.mktemp("audit")
    texts = made(5, campaigns=12, members=10, alone=40)
    (folder / "m.mbox").write_text(mbox([(m.subject, m.text) for m in texts]), "utf-8")
    assert spamtide("init", folder / "w").code == 0
    assert spamtide("--workspace", folder / "w", "import", folder / "m.mbox", "--feed", "f").code == 0
    truth = {}
    for row in spamtide("--workspace", folder / "w", "search", "", "--jsonl").rows:
        m = texts[row["source"]["ordinal"]]
        truth[row["id"]] = f"alone {row['id']}" if m.campaign is None else str(m.campaign)
    return folder / "w", truth


@pytest.fixture
def use(spamtide: Spamtide, made_once: tuple[Path, dict[str, str]], tmp_path: Path):
    import shutil

    shutil.copytree(made_once[0], tmp_path / "w")
    return functools.partial(spamtide, "--workspace", tmp_path / "w")


def answers(path: Path, pairs: list[dict[str, Any]], truth: dict[str, str]) -> Path:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["pair", "verdict"])
    writer.writerows([p["pair"], "same" if truth[p["a"]] == truth[p["b"]] else "different"] for p in pairs)
    path.write_text(out.getvalue())
    return path


def test_an_audit_is_judged_from_a_file_and_goes_on(use, made_once, tmp_path: Path) -> None:
    truth = made_once[1]
    ask = functools.partial(use, "campaigns", "audit", "--sample", "60", "--by", "anna")
    first = ask("--json")
    assert first.code == 1 and first.json["precision"] is None
    assert first.json["refused"]["reason"] == "too_few_judged" and first.json["left"] == first.json["pairs_drawn"] > 20
    pairs = first.json["pairs"]
    half = ask("--answers", answers(tmp_path / "a.csv", pairs[: len(pairs) // 2], truth), "--json").json
    assert half["judged"] == len(pairs) // 2 and half["pairs"][0]["verdict"] in ("same", "different")
    done = ask("--answers", answers(tmp_path / "a.csv", pairs[len(pairs) // 2 :], truth), "--json").json
    assert (done["left"], done["refused"], done["audit"]) == (0, None, first.json["audit"])
    assert done["precision"]["value"] > 0.95 and done["precision"]["low"] < done["precision"]["value"]
    assert "together rightly" in ask().out
    # Tables go, judgements stay: the journal has them.
    before = ask("--json").json
    assert use("digest").code == 0
    assert use("campaigns", "settle").code == 0
    assert ask("--json").json == before


def test_two_people_with_one_seed_judge_the_same_pairs(use, made_once, tmp_path: Path) -> None:
    truth = made_once[1]
    ask = functools.partial(use, "campaigns", "audit", "--sample", "30", "--seed", "9", "--json")
    anna = ask("--by", "anna").json
    ask("--by", "anna", "--answers", answers(tmp_path / "a.csv", anna["pairs"], truth))
    bert = ask("--by", "bert").json
    assert bert["judged"] == 0 and bert["agreement"] == []
    assert [p["pair"] for p in bert["pairs"]] == [p["pair"] for p in anna["pairs"]]
    file = answers(tmp_path / "b.csv", bert["pairs"], truth)
    lines = file.read_text().splitlines()
    lines[1] = lines[1].split(",")[0] + ",cannot-tell"
    file.write_text("\n".join(lines))
    bert = ask("--by", "bert", "--answers", file).json
    n = len(anna["pairs"])
    assert bert["agreement"] == [{"with": "anna", "both": n, "agree": n - 1}]
    assert sum(s["cannot_tell"] for s in bert["strata"]) >= 1
    doubts = bert["precision_if_doubts_differ"]
    assert doubts["low"] <= bert["precision"]["low"] and doubts["value"] <= bert["precision"]["value"]


def test_a_finished_audit_is_followed_by_one_of_the_grouping_as_it_is(use, made_once, tmp_path: Path) -> None:
    truth = made_once[1]
    ask = functools.partial(use, "campaigns", "audit", "--sample", "12", "--by", "anna", "--json")
    old = ask().json
    (tmp_path / "more.mbox").write_text(mbox([(m.subject, m.text) for m in made(6, 2, 4, 3)]))
    assert use("import", tmp_path / "more.mbox", "--feed", "f").code == 0
    same = ask().json
    assert (same["audit"], same["current"], same["generation"]) == (old["audit"], False, old["generation"])
    done = ask("--answers", answers(tmp_path / "a.csv", old["pairs"], truth)).json
    assert (done["audit"], done["left"], done["current"]) == (old["audit"], 0, False)
    new = ask().json
    assert new["audit"] != old["audit"] and new["current"] and new["generation"] > old["generation"]


def test_bad_answers_change_nothing(use, tmp_path: Path) -> None:
    ask = functools.partial(use, "campaigns", "audit", "--sample", "12", "--json")
    pair = ask().json["pairs"][0]["pair"]
    file = tmp_path / "a.csv"
    for text, line in ((f"pair,verdict\n{pair},maybe\n", 2), ("pair,verdict\np-0,same\n", 2), ("a,b\n", 1)):
        file.write_text(text)
        ran = ask("--answers", file)
        assert (ran.code, ran.json["error"], ran.json["line"]) == (2, "bad_answers", line)
    file.write_bytes(b"\xff\xfepair")
    assert ask("--answers", file).json["error"] == "bad_answers"
    file.write_text(f"pair,verdict\n{pair},\n")
    assert ask("--answers", file).json["judged"] == 0


def test_a_person_is_asked_text_first_and_nothing_hostile_reaches_the_terminal(
    use, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(auditing.sys, "stdin", Terminal("s\nm\nd\nq\n"))
    ran = use("campaigns", "audit", "--sample", "30", "--by", "anna")
    assert "\x1b" not in ran.err and "\u202e" not in ran.err and "<U+001B>" in ran.err
    assert ran.err.count("-- ") == 3 and "[s/d/c/m/q]" in ran.err
    assert "campaign" not in ran.err and "similar" not in ran.err, "who judges is not told what was decided"
    assert "2 of " in ran.out
    document = use("campaigns", "audit", "--sample", "30", "--by", "anna", "--json").json
    assert [p["verdict"] for p in document["pairs"]][:3] == ["same", "different", None]
    # The next time it goes on with the third.
    monkeypatch.setattr(auditing.sys, "stdin", Terminal("c\n"))
    assert use("campaigns", "audit", "--sample", "30", "--by", "anna").err.startswith("\n-- 3 of ")


def test_what_was_erased_is_not_asked_and_a_lone_wording_has_no_pair(use, spamtide: Spamtide, tmp_path: Path) -> None:
    ask = functools.partial(use, "campaigns", "audit", "--sample", "20", "--json")
    before = ask().json
    a = before["pairs"][0]["a"]
    subject = next(r["subject"] for r in use("search", "", "--jsonl").rows if r["id"] == a)
    assert use("archive", "erase", f'subject:"{subject}"', "--reason", "asked", "--yes").code == 0
    after = ask().json
    gone = [p for p in after["pairs"] if p["a"] is None or p["b"] is None]
    assert after["audit"] == before["audit"] and after["pairs"][0] in gone
    assert after["left"] == before["left"] - len(gone) and {p["verdict"] for p in gone} == {"cannot-tell"}
    assert use("archive", "erase", "feed:f", "--reason", "asked", "--yes").code == 0
    empty = ask()
    assert (empty.code, empty.json["refused"]["reason"], empty.json["pairs"]) == (1, "no_pairs", [])
    (tmp_path / "one.mbox").write_text(mbox([("one", "a text of its own that nobody else has")]))
    assert spamtide("init", tmp_path / "one").code == 0
    assert spamtide("--workspace", tmp_path / "one", "import", tmp_path / "one.mbox", "--feed", "f").code == 0
    alone = spamtide("--workspace", tmp_path / "one", "campaigns", "audit", "--json")
    assert (alone.code, alone.json["refused"]["reason"], alone.json["pairs"]) == (1, "no_pairs", [])
