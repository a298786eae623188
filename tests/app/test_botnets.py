"""Dialects and sender groups of a workspace, by the command line, on a world with known truth."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from conftest import Spamtide

WORLD = """
schema = 1
name = "three"
title = "Two botnets of one engine, one of another that is rented to rivals"
start = 2024-02-01T00:00:00Z
end = 2024-02-11T00:00:00Z
[[feeds]]
name = "trap"
vantage = "planted"
addresses = 50
domain = "trap.example"
persona = "plain-1"
messages_per_day = 240.0
"""
BOTNETS = (("ash", "cutwail"), ("beech", "cutwail"), ("cherry", "rustock"))
GROUPS = (
    ("a", "replica", "ash", 0.25),
    ("b", "loan", "beech", 0.25),
    ("c", "pharma", "cherry", 0.25),
    ("d", "casino", "cherry", 0.25),
)
MORE = "From x Mon Feb 12 10:00:00 2024\nFrom: a@b.example\nSubject: later\n\nsomething else that came later\n"
Call = Any


@pytest.fixture(scope="module")
def made(spamtide: Spamtide, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("three")
    text = WORLD + "".join(
        f'[[botnets]]\nname = "{name}"\ndialect = "{dialect}"\nhosts = 60\nnetworks = 20\nchurn_hours = [48.0, 400.0]\n'
        for name, dialect in BOTNETS
    )
    text += "".join(
        f'[[groups]]\nname = "{name}"\ntopic = "{topic}"\nbotnet = "{botnet}"\nshare = {{ trap = {share} }}\nwords = 0.0\nmissed = 0.0\n'
        "unique = 0.0\nvariants = 4\ncampaign_days = 5\nday_sd = 0.1\nday_ar = 0.1\n"
        for name, topic, botnet, share in GROUPS
    )
    (folder / "three.toml").write_text(text)
    assert spamtide("simulate", folder / "three.toml", "--out", folder / "w", "--seed", "5").code == 0
    return folder / "w"


@pytest.fixture
def ask(spamtide: Spamtide, made: Path) -> Call:
    return lambda *arguments: spamtide("--workspace", made / "workspace", *arguments)


def truth(made: Path) -> list[str]:
    rows = pq.read_table(made / "truth" / "messages.parquet", columns=["place", "botnet"]).to_pylist()
    return [row["botnet"] for row in sorted(rows, key=lambda r: r["place"])]


def test_groups_are_the_botnets_of_the_world(ask: Call, made: Path) -> None:
    rows = ask("botnets", "--jsonl").rows
    assert ask("botnets", "list", "--json").json["items"] == rows
    members = ask("botnets", "members", "--jsonl").rows
    assert len(members) == len(truth(made)) and {"id", "group", "membership"} <= members[0].keys()
    told: dict[str | None, Counter[str]] = {}
    for member, botnet in zip(members, truth(made), strict=True):
        told.setdefault(member["group"], Counter())[botnet] += 1
        assert 0 <= member["membership"] <= 1 and (member["group"] is None or member["membership"] >= 0.9)
    for group, count in told.items():
        assert group is None or len(count) == 1, (group, count)
    named = {next(iter(c)) for g, c in told.items() if g is not None}
    assert named == {"ash", "beech", "cherry"}
    assert told.get(None, Counter()).total() < 0.1 * len(members)
    for row in rows:
        assert row["botnet"] is None and row["messages"] == told[row["group"]].total()
        assert row["share"] == pytest.approx(row["messages"] / len(members), rel=1e-5) and len(row["dialects"]) == 1


def test_engines_and_customers_are_told_apart_from_botnets(ask: Call) -> None:
    rows = ask("botnets", "--jsonl").rows
    by_dialect: dict[str, list[str]] = {}
    for row in rows:
        by_dialect.setdefault(row["dialects"][0], []).append(row["group"])
    shared = next(groups for groups in by_dialect.values() if len(groups) >= 2)
    document = ask("botnets", "show", shared[0], "--json").json
    assert (
        document["engine_shared_with"] == sorted(set(shared) - {shared[0]}) and document["campaigns_shared_with"] == []
    )
    dialects = ask("dialects", "--jsonl").rows
    assert {d["dialect"] for d in dialects} == set(by_dialect)
    one = ask("dialects", "show", dialects[0]["paths"][0][:8], "--json").json
    assert one["dialect"] == dialects[0]["dialect"] and sorted(by_dialect[one["dialect"]]) == one["groups"]


def test_a_group_says_why_it_is_one(ask: Call) -> None:
    row = max(ask("botnets", "--jsonl").rows, key=lambda r: len(r["campaigns"]))
    document = ask("botnets", "explain", row["group"], "--json").json
    assert len(document["merges"]) == len(row["campaigns"]) - 1 > 0
    for merge in document["merges"]:
        assert {merge["one"], merge["other"]} <= set(row["campaigns"])
        assert merge["shared_host_days"] >= 10 * merge["expected_by_chance"] and merge["log_tail"] < -16
    assert "by chance" in ask("botnets", "explain", row["group"]).out


def test_a_name_needs_its_evidence_and_stays_with_its_group(
    ask: Call, spamtide: Spamtide, made: Path, tmp_path: Path
) -> None:
    group = ask("botnets", "--jsonl").rows[0]["group"]
    assert ask("botnets", "name", group, "Ember").code == 2
    bare = ask("botnets", "name", group, "Ember", "--evidence", " ", "--json")
    assert (bare.code, bare.json["error"]) == (2, "no_evidence")
    lost = ask("botnets", "name", "group-000000000000", "Ember", "--evidence", "x", "--json")
    assert (lost.code, lost.json["error"]) == (2, "unknown_group")
    given = ask(
        "botnets", "name", group, "Ember", "--evidence", "seen in a captive bot", "--by", "A. Analyst", "--json"
    ).json
    said = {"botnet": "Ember", "named_by": "A. Analyst", "rule": None, "evidence": "seen in a captive bot"}
    assert {k: given[k] for k in said} == said and given["at"].endswith("Z")
    # More mail comes, and groups are settled anew: the name is where it was, and stands for the id.
    (tmp_path / "more.mbox").write_text(MORE)
    assert ask("import", tmp_path / "more.mbox", "--feed", "more").code == 0
    after = ask("botnets", "show", "ember", "--json").json
    assert after["generation"] > given["generation"] and after["group"] == group and {k: after[k] for k in said} == said
    assert "A. Analyst identifies it as Ember" in ask("botnets", "show", group).out
    # The message of a mailbox has no session: it is a member of nothing.
    last = next(m for m in ask("botnets", "members", "--jsonl").rows if m["id"].startswith("more/"))
    assert (last["group"], last["dialect"], last["membership"]) == (None, None, 0.0)
    assert ask("botnets", "name", group, "--forget", "--evidence", "it was another", "--json").json["botnet"] is None
    assert [n["botnet"] for n in ask("botnets", "show", group, "--json").json["names"]] == ["Ember", None]


LOANS = "subject:(decision OR history OR debt OR money OR application)"
RULE = """
id = "{id}"
botnet = "{botnet}"
by = "A. Analyst"
evidence = "as in the captive bot"
{more}
"""


def test_a_rule_names_the_one_group_that_meets_it_with_what_was_found(ask: Call, tmp_path: Path) -> None:
    def add(more: str, rule: str = "one", botnet: str = "Cherry") -> Any:
        (tmp_path / "r.toml").write_text(RULE.format(id=rule, botnet=botnet, more=more))
        return ask("botnets", "rules", "add", tmp_path / "r.toml", "--json").json

    rows = ask("botnets", "--jsonl").rows
    alone = next(r for r in rows if sum(o["dialects"] == r["dialects"] for o in rows) == 1)
    shared = next(r for r in rows if sum(o["dialects"] == r["dialects"] for o in rows) == 2)
    engine = alone["dialects"][0]
    found = add(f'dialects = ["{engine}"]')
    assert (found["met"], [g["group"] for g in found["groups"]]) == ("one", [alone["group"]])
    named = ask("botnets", "show", "cherry", "--json").json
    assert (named["group"], named["botnet"], named["rule"], named["named_by"]) == (
        alone["group"],
        "Cherry",
        "one",
        "A. Analyst",
    )
    assert f"its engine speaks {engine}" in named["evidence"] and "as in the captive bot" in named["evidence"]
    assert "rule one" in ask("botnets").out and "the rule one of A. Analyst" in ask("botnets", "show", "cherry").out
    path = ask("dialects", "show", engine, "--json").json["paths"][0]
    assert add(f'dialects = ["{path[:8]}"]')["groups"][0]["found"].endswith(f"which has the path {path[:8]}")
    # An engine that two groups speak names neither; what they write tells them apart.
    both = add(f'dialects = ["{shared["dialects"][0]}"]', "two", "Ash")
    assert both["met"] == "several" and {g["group"] for g in both["groups"]} >= {shared["group"]}
    assert "several groups meet it" in ask("botnets", "rules").out
    assert all(r["botnet"] != "Ash" for r in ask("botnets", "--jsonl").rows)
    words = add(f'dialects = ["{shared["dialects"][0]}"]\nquery = "{LOANS}"\nshare = 0.6', "two", "Ash")
    assert words["met"] == "one" and "messages match subject:" in words["groups"][0]["found"]
    assert {r["botnet"]: r["rule"] for r in ask("botnets", "--jsonl").rows if r["botnet"]} == {
        "Cherry": "one",
        "Ash": "two",
    }
    assert add(f'query = "{LOANS}"\nmessages = 100000', "two", "Ash")["met"] == "none"
    # A person's word goes before a rule's; taken back, the rule still waits.
    ask("botnets", "name", alone["group"], "Plum", "--evidence", "seen")
    assert ask("botnets", "show", alone["group"], "--json").json["botnet"] == "Plum"
    ask("botnets", "name", alone["group"], "--forget", "--evidence", "wrong")
    shown = ask("botnets", "show", alone["group"], "--json").json
    assert shown["botnet"] is None and shown["names"][-1]["rule"] == "one"
    assert [r["rule"] for r in ask("botnets", "rules", "--jsonl").rows] == ["one", "two"]
    for rule in ("one", "two"):
        assert ask("botnets", "rules", "remove", rule).code == 0
    assert ask("botnets", "rules", "list", "--json").json["items"] == []
    assert ask("botnets", "rules", "remove", "one", "--json").code == 2


def test_a_rule_by_topic_asks_for_the_majority_topic(ask: Call, tmp_path: Path) -> None:
    # Half of what the group sends is another customer's, and not every letter has a word that tells its topic.
    (tmp_path / "r.toml").write_text(
        RULE.format(id="wares", botnet="Cherry", more='query = "topic:casino"\nshare = 0.8')
    )
    found = ask("botnets", "rules", "add", tmp_path / "r.toml", "--json").json
    assert found["met"] == "one" and "messages whose topic is told match topic:casino" in found["groups"][0]["found"]
    told, whole = (int(n.replace(",", "")) for n in re.findall(r"[\d,]+", found["groups"][0]["found"])[:2])
    group = next(r for r in ask("botnets", "--jsonl").rows if r["group"] == found["groups"][0]["group"])
    assert 20 <= told <= whole < 0.8 * group["messages"]
    # With other words the same topic is a query like any other: of all messages.
    (tmp_path / "r.toml").write_text(
        RULE.format(id="wares", botnet="Cherry", more='query = "topic:casino OR topic:casino"')
    )
    assert ask("botnets", "rules", "add", tmp_path / "r.toml", "--json").json["met"] == "none"
    assert ask("botnets", "rules", "remove", "wares").code == 0


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ("", "bad_rule"),
        ("dialect = ['d-1']", "bad_rule"),
        ("share = 2", "bad_rule"),
        ("query = 'text:('", "bad_query"),
        ("=", "bad_rule"),
    ],
)
def test_what_is_no_rule_is_not_kept(ask: Call, tmp_path: Path, more: str, error: str) -> None:
    (tmp_path / "r.toml").write_text(RULE.format(id="x", botnet="X", more=more))
    ran = ask("botnets", "rules", "add", tmp_path / "r.toml", "--json")
    assert (ran.code, ran.json["error"]) == (2, error)
    (tmp_path / "r.toml").write_bytes(b"\xff")
    assert ask("botnets", "rules", "add", tmp_path / "r.toml", "--json").json["error"] == "bad_rule"


def test_where_there_is_no_session_there_is_no_group(spamtide: Spamtide, tmp_path: Path) -> None:
    (tmp_path / "more.mbox").write_text(MORE)
    place = ("--workspace", tmp_path / "w")
    assert spamtide("init", tmp_path / "w").code == 0
    assert spamtide(*place, "botnets", "--jsonl").rows == []
    assert spamtide(*place, "import", tmp_path / "more.mbox", "--feed", "f").code == 0
    assert spamtide(*place, "dialects", "--json").json["items"] == []
    assert "1 unsolicited messages are of no group" in spamtide(*place, "botnets").out
    unknown = spamtide(*place, "dialects", "show", "d-000000000000", "--json")
    assert (unknown.code, unknown.json["error"]) == (2, "unknown_dialect")


def test_duplicates_are_told_by_sender_group_and_a_change_without_one(ask: Call) -> None:
    first, second = "2024-02-01/2024-02-06", "2024-02-06/2024-02-11"
    group = ask("botnets", "--json").json["items"][0]["group"]
    how = ("duplicates", "--feed", "trap", "--window", first, "--compare", second)
    found = ask(*how, "--by", "group", "--without", f"group:{group}", "--json").json
    for place, window in enumerate(found["windows"]):
        rows = [row for row in found["by_group"] if row["window"] == place]
        assert sum(row["messages"] for row in rows) == window["messages"]
        assert group in {row["group"] for row in rows}
    parts = found["without"]
    assert parts["group"] == group and parts["messages"][0] > 0
    total = sum(parts[key]["value"] for key in ("removal", "sample_size", "unexplained"))
    assert total == pytest.approx(parts["change"]["value"], abs=1e-5)
    whole = found["windows"][1]["in_group"]["value"] - found["windows"][0]["in_group"]["value"]
    assert parts["change"]["value"] == pytest.approx(whole, abs=1e-5)
    plain = ask(*how, "--json").json
    assert plain["by_group"] == [] and plain["without"] is None
    assert "are the removal of" in ask(*how, "--without", group).out
    assert ask("duplicates", "--feed", "trap", "--window", first, "--without", group, "--json").json["error"] == "usage"
    assert ask(*how, "--without", "nobody", "--json").json["error"] == "unknown_group"
