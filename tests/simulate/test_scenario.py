"""Scenario files: schema, document and code agree; every complaint names the key."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import jsonschema
import msgspec
import pytest

from doc_tables import ROOT, codes, section, tables
from spamtide.simulate import BadScenario, generate, load_scenario, shipped_scenarios
from spamtide.simulate.positions import line_of
from spamtide.simulate.scenario import (
    BotnetPlan,
    EventKind,
    EventPlan,
    FeedPlan,
    GroupPlan,
    Outage,
    Scenario,
    build_schema,
)

SHIPPED = ROOT / "src" / "spamtide" / "simulate" / "scenarios"
SCHEMA = SHIPPED / "scenario.schema.json"
DOCUMENT = ROOT / "docs" / "reference" / "scenario.md"
SMALL = re.findall(r"```toml scenario\n(.*?)```", DOCUMENT.read_text("utf-8"), re.S)[0]


def as_json(text: str) -> Any:
    """The JSON view of a TOML file: instants as RFC 3339 text."""
    return json.loads(
        json.dumps(tomllib.loads(text), default=lambda d: d.isoformat() if isinstance(d, datetime) else None)
    )


def test_the_shipped_schema_is_the_one_the_types_give(request: pytest.FixtureRequest) -> None:
    text = json.dumps(build_schema(), indent=1) + "\n"
    if request.config.getoption("--write-golden"):
        SCHEMA.write_text(text, "utf-8")
    assert SCHEMA.read_text("utf-8") == text


@pytest.mark.parametrize("text", [*[(SHIPPED / f"{n}.toml").read_text("utf-8") for n in shipped_scenarios()], SMALL])
def test_a_scenario_matches_the_schema(text: str) -> None:
    validator = jsonschema.Draft202012Validator(build_schema())
    assert list(validator.iter_errors(as_json(text))) == []
    broken = as_json(text)
    broken["groups"][0]["words"] = 1.5
    assert [list(e.absolute_path) for e in validator.iter_errors(broken)] == [["groups", 0, "words"]]


def test_the_scenario_of_the_document_makes_a_world(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    world = generate(load_scenario(str(tmp_path / "small.toml")), seed=1, scale=1)
    assert 1000 < world.messages < 3000
    last = max(batch.span[1] for batch, _ in world.batches("trap"))
    assert last < int(datetime.fromisoformat("2026-02-10T12:00:00+00:00").timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("Keys", Scenario),
        ("feeds", FeedPlan),
        ("groups", GroupPlan),
        ("botnets", BotnetPlan),
        ("events", EventPlan),
        ("outages", Outage),
    ],
)
def test_the_document_lists_the_keys(heading: str, kind: type[msgspec.Struct]) -> None:
    listed = [k for row in tables(section(DOCUMENT, heading))[0] for k in codes(row[0])]
    assert set(listed) == set(kind.__struct_fields__)
    assert len(set(listed)) == len(listed)


def test_the_document_lists_the_kinds_of_events_and_the_shipped_scenarios() -> None:
    kinds = [k for row in tables(section(DOCUMENT, "events"))[1] for k in codes(row[0])]
    assert sorted(kinds) == sorted(get_args(EventKind))
    shipped = [k for row in tables(section(DOCUMENT, "Shipped scenarios"))[0] for k in codes(row[0])]
    assert sorted(shipped) == shipped_scenarios()


EVENT = "[[events]]\nkind = 'step'\nat = 2026-02-01T00:00:00Z\ngroups = ['meadow']\n"
BOTNET = "[[botnets]]\nname = 'ember'\ndialect = 'grum'\nhosts = 9\n"


@pytest.mark.parametrize(
    ("old", "new", "key", "at", "remedy"),
    [
        ("schema = 1", "schema = 2", "schema", "schema = 2", "schema = 1"),
        ("start = 2026-01-01T00:00:00Z", "start = 2026-01-01T00:00:00", "start", "start = ", "End it with Z"),
        ("end = 2026-03-01T00:00:00Z", "end = 2025-03-01T00:00:00Z", "end", "end = ", "after 2026-01-01"),
        ("words = 0.3", "words = 3", "words", "words = 3", "scenario.md"),
        ("messages_per_day = 40.0", "messages_per_day = -1.0", "feeds[0].messages_per_day", "messages_per_day", "scenario.md"),
        ("trap = 1.0", "other = 1.0", "groups[0].share.other", "share = {", "There are: trap"),
        ("at = 2026-02-10T12:00:00Z", "at = 2026-02-10T12:00:00", "groups[0].stop.at", "stop = {", "End it with Z"),
        ("at = 2026-02-10T12:00:00Z", "at = 2027-02-10T12:00:00Z", "groups[0].stop.at", "stop = {", "The world goes from"),
        (
            "[[groups]]",
            "[[outages]]\nfeed = 'trap'\nstart = 2026-01-03T00:00:00Z\nend = 2026-01-02T00:00:00Z\n[[groups]]",
            "outages[0].end",
            "end = 2026-01-02",
            "after 2026-01-03",
        ),
        ("bots = 200", "robots = 200", "groups[0].robots", "robots", "scenario.md"),
        ("bots = 200", "botnet = 'ember'", "groups[0].botnet", "botnet = ", "There are: none"),
        ("bots = 200", "", "groups[0]", "[[groups]]", "Name a botnet"),
        ("[[groups]]", BOTNET.replace("grum", "nobody") + "[[groups]]", "botnets[0].dialect", "dialect = 'nobody'", "scenario.md"),
        ("[[groups]]", BOTNET.replace("hosts = 9", "hosts = 999999") + "[[groups]]", "botnets[0].hosts", "hosts = 999999", "ipv6"),
        ("[[groups]]", BOTNET + BOTNET + "[[groups]]", "botnets[1].name", "name = 'ember'", "another name"),
        ("[[groups]]", BOTNET.replace("ember", "meadow") + "[[groups]]", "groups[0].name", 'name = "meadow"', "another name"),
        ("[[groups]]", EVENT.replace("meadow", "valley") + "[[groups]]", "events[0].groups[0]", "groups = ['valley']", "There are: meadow"),
        ("[[groups]]", EVENT.replace("2026-02-01", "2029-02-01") + "[[groups]]", "events[0].at", "at = 2029", "The world goes from"),
        ("[[groups]]", EVENT + "to = -1.0\n[[groups]]", "events[0].to", "to = -1.0", "scenario.md"),
        ("[[groups]]", EVENT.replace("step", "decay") + "[[groups]]", "events[0]", "[[events]]", "half_life_days"),
        ("[[groups]]", EVENT + "until = 2026-01-01T00:00:00Z\n[[groups]]", "events[0].until", "until = ", "after 2026-02-01"),
    ],
)  # fmt: skip
def test_a_complaint_names_file_line_key_and_remedy(
    tmp_path: Path, old: str, new: str, key: str, at: str, remedy: str
) -> None:
    assert SMALL.count(old) == 1
    text = SMALL.replace(old, new)
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(BadScenario) as caught:
        load_scenario(str(path))
    assert caught.value.code == "bad_scenario"
    lines = [n for n, line in enumerate(text.splitlines(), 1) if at in line]
    said = str(caught.value)
    assert any(
        f"{path}:{n}: {key} " in said or f"{path}:{n}: {key}:" in said or (f"{path}:{n}: " in said and key in said)
        for n in lines
    ), said
    assert remedy in caught.value.next_step


def test_a_scenario_that_is_no_toml_says_where(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("schema = 1\nname = \n")
    with pytest.raises(BadScenario, match="line 2"):
        load_scenario(str(tmp_path / "x.toml"))


TRICKY = (
    """# [not] a = 1
a = "x # y" # z
b.c = [1, 2, # three
  { d = 1, e = '}' },
]
s = '''
[[x]]
k = 1'''
"q.r" = """
    + '"""one\\"""\n[y]\n"""'
    + """
[[t]]
u = 1
[[t]]
v = { w = 2026-01-01T00:00:00Z, x = [ [1], [2,
 3] ] }
[t.sub]
y = -1
"""
)


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("a", 2), ("b.c", 3), ("b.c[1]", 3), ("b.c[2].e", 4), ("s", 6), ("q.r", 9), ("t[0].u", 13), ("t[1].v.w", 15),
        ("t[1].v.x[1][1]", 16), ("t[1].sub.y", 18), ("t[1].nothing", 14), ("nothing", 1), ("", 1),
    ],
)  # fmt: skip
def test_the_line_of_a_key_is_found(key: str, line: int) -> None:
    tomllib.loads(TRICKY)
    assert line_of(TRICKY, key) == line
