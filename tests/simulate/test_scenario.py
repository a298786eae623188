"""Scenario files: schema, document and code agree; every complaint names the key."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from doc_tables import ROOT, codes, section, tables
from spamtide.simulate import BadScenario, generate, load_scenario, shipped_scenarios
from spamtide.simulate.scenario import BotnetPlan, FeedPlan, GroupPlan, Outage, Scenario, build_schema

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
    [("Keys", Scenario), ("feeds", FeedPlan), ("groups", GroupPlan), ("botnets", BotnetPlan), ("outages", Outage)],
)
def test_the_document_lists_the_keys(heading: str, kind: type[msgspec.Struct]) -> None:
    listed = [k for row in tables(section(DOCUMENT, heading))[0] for k in codes(row[0])]
    assert set(listed) == set(kind.__struct_fields__)
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("schema = 1", "schema = 2", "schema"),
        ("start = 2026-01-01T00:00:00Z", "start = 2026-01-01T00:00:00", "start"),
        ("end = 2026-03-01T00:00:00Z", "end = 2025-03-01T00:00:00Z", "end"),
        ("words = 0.3", "words = 3", "words"),
        ("trap = 1.0", "other = 1.0", "groups[0].share"),
        ("at = 2026-02-10T12:00:00Z", "at = 2026-02-10T12:00:00", "groups[0].stop.at"),
        (
            "[[groups]]",
            "[[outages]]\nfeed = 'trap'\nstart = 2026-01-03T00:00:00Z\nend = 2026-01-02T00:00:00Z\n[[groups]]",
            "outages[0].end",
        ),
        ("bots = 200", "robots = 200", "robots"),
    ],
)
def test_a_complaint_names_the_key(tmp_path: Path, old: str, new: str, key: str) -> None:
    assert SMALL.count(old) == 1
    (tmp_path / "x.toml").write_text(SMALL.replace(old, new))
    with pytest.raises(BadScenario) as caught:
        load_scenario(str(tmp_path / "x.toml"))
    assert key in str(caught.value)
    assert caught.value.code == "bad_scenario"
