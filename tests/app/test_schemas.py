"""Every JSON document that a command prints is described by its schema, key by key."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from doc_tables import ROOT, codes, tables
from spamtide.event.registry import build_schema

FOLDER = ROOT / "docs" / "reference" / "schemas"
NAMES = sorted(p.stem for p in FOLDER.glob("*.json"))


def event_schema() -> dict[str, Any]:
    """The document of an event: the shipped schema of event files, with its name and its default cut."""
    schema: dict[str, Any] = copy.deepcopy(build_schema())
    event = schema["$defs"]["Event"]
    event["properties"] |= {
        "schema": {"const": "spamtide.event/1"},
        "cut": {
            "type": "object",
            "required": ["at", "basis"],
            "properties": {
                "at": {"type": "string"},
                "basis": {"enum": ["observed-stop", "executed", "observed-in-feed", "announced"]},
            },
        },
    }
    event["required"] += ["schema", "cut"]
    return schema


def strict(node: Any) -> Any:
    """The same schema, but a key that it does not describe is an error."""
    if isinstance(node, dict):
        node = {k: strict(v) for k, v in node.items()}
        if "properties" in node:
            node.setdefault("additionalProperties", False)
        return node
    return [strict(v) for v in node] if isinstance(node, list) else node


def check(document: dict[str, Any]) -> str:
    """Validate one document against the schema that it names; that name."""
    name = re.fullmatch(r"spamtide\.([a-z-]+)/1", document["schema"])
    assert name, document["schema"]
    schema = strict(json.loads((FOLDER / f"{name[1]}.json").read_text("utf-8")))
    jsonschema.Draft202012Validator.check_schema(schema)
    errors = [
        f"{'/'.join(map(str, e.absolute_path))}: {e.message}"
        for e in jsonschema.Draft202012Validator(schema).iter_errors(document)
    ]
    assert errors == []
    return name[1]


def test_the_schema_of_an_event_is_that_of_its_file(request: pytest.FixtureRequest) -> None:
    text = json.dumps(event_schema(), indent=1) + "\n"
    if request.config.getoption("--write-golden"):
        (FOLDER / "event.json").write_text(text, "utf-8")
    assert (FOLDER / "event.json").read_text("utf-8") == text


@pytest.fixture(scope="module")
def printed(spamtide, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Documents of every command on a small world and a small mailbox, by name."""
    folder: Path = tmp_path_factory.mktemp("schemas")
    world, own = ("--workspace", folder / "world" / "workspace"), ("--workspace", folder / "own")
    (folder / "m.mbox").write_text(
        "From x Mon Mar  7 10:00:00 2011\nReceived: from a ([192.0.2.7]) by b; Mon, 7 Mar 2011 10:00:00 +0000\nReturn-Path: <>\nSubject: one\n\nx\n\n"
        "From y Tue Mar  8 10:00:00 2011\nFrom: a@b.example\nTo: c@trap.example\n\ny\n"
    )
    (folder / "bad.gz").write_bytes(b"\x1f\x8bno")
    days = "".join(f"2011-{m:02d}-{d:02d},{s},{40 + d % 5},1\n" for s in "ab" for m in (1, 2, 3) for d in range(1, 29))
    (folder / "counts.csv").write_text("time,series,count,exposure\n" + days)
    stepped = days.replace(",4", ",34").splitlines()
    (folder / "stepped.csv").write_text(
        "time,series,count,exposure\n"
        + "\n".join(r if r < "2011-02-10" else r.replace(",34", ",4") for r in stepped)
        + "\n"
    )
    lines = [
        f"2011-03-{1 + h // 24:02d}T{h % 24:02d}:00:00Z,a,192.0.2.{(7 * h) % 12},192.0.2.0/24,h{(7 * h) % 12}"
        for h in range(168)
    ]
    (folder / "seen.csv").write_text("\n".join(["time,feed,address,network,mark", *lines]) + "\n")
    (folder / "few.csv").write_text("time,address\n2011-03-01,192.0.2.1\n")
    question = {"id": 1, "series": "counts.csv", "at": "2011-03-16T14:45:00Z", "target": "a", "controls": ["b"]}
    (folder / "q.jsonl").write_text(json.dumps(question) + "\n" + json.dumps({"id": 2}) + "\n")
    (folder / "t.jsonl").write_text('{"text": "one two"}\n')
    event = re.findall(
        r"```toml event\n(.*?)```", (ROOT / "docs" / "reference" / "events.md").read_text("utf-8"), re.S
    )[0]
    (folder / "event.toml").write_text(event)
    rule = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "howto" / "botnets.md").read_text("utf-8"), re.S)[0]
    (folder / "rule.toml").write_text(
        rule.replace("d-0123456789ab", "d-e38f4380d5e7").replace("text:(quinces OR marmalade)", "subject:viagra")
    )
    runs: list[tuple[int, tuple[Any, ...]]] = [
        (0, ("simulate", "march-2011", "--out", folder / "world", "--scale", "0.03", "--seed", "4")),
        (0, (*world, "digest")),
        (0, (*world, "search", "subject:viagra", "--limit", "5")),
        (0, (*world, "search", "", "--limit", "3", "--raw")),
        (0, (*world, "search", "subject:viagra", "--limit", "5", "--explain")),
        (0, (*world, "search", "subject:viagra", "--by", "day")),
        (0, (*world, "search", "subject:viagra", "--limit", "2", "--eml", folder / "eml")),
        (1, (*world, "search", "subject:nothing", "--eml", folder / "none")),
        (0, (*world, "search", "--save", "drugs", "subject:viagra")),
        (0, (*world, "search", "--forget", "drugs")),
        (0, (*world, "series", "share:subject:viagra,cialis", "--feed", "trap")),
        (0, (*world, "series", "volume@recipient", "--feed", "trap", "--by", "hour")),
        (0, (*world, "duplicates", "--feed", "trap", "--window", "2011-02-01/2011-02-15", "--compare", "2011-03-01/2011-03-10")),
        (0, (*world, "duplicates", "--feed", "trap", "--window", "2011-02-01/2011-02-15", "--rule", "identical")),
        (1, (*world, "duplicates", "--feed", "trap", "--window", "2001-02-01/2001-02-15")),
        (0, (*world, "effect", "--event", "rustock-2011", "--measure", "subject:viagra,cialis", "--feed", "trap", "--also-at", "2011-03-18,2010-09-02")),
        (0, (*world, "effect", "--event", "rustock-2011", "--feed", "trap", "--diagnostics", "none", "--parts", "topic")),
        (0, (*world, "changes", "--feed", "trap", "--of", "volume,topic", "--window", "2011-01-10/2011-03-23")),
        (1, (*world, "effect", "--at", "2011-03-22T12:00:00Z", "--feed", "trap", "--diagnostics", "none")),
        (0, (*world, "duplicates", "--feed", "trap", "--window", "2011-02-01/2011-02-15", "--rule", "near")),
        (0, (*world, "campaigns", "--min-messages", "2")),
        (0, (*world, "campaigns", "settle")),
        (1, (*world, "campaigns", "live")),
        (0, (*world, "corroborate", "--event", "rustock-2011", "--feeds", "trap,second")),
        (0, (*world, "campaigns", "templates", "--limit", "2")),
        (0, (*world, "campaigns", "--limit", "2")),
        (1, (*world, "campaigns", "audit", "--sample", "8")),
        (0, (*world, "feeds", "list")),
        (0, (*world, "feeds", "show", "second")),
        (0, (*world, "report", "--event", "rustock-2011", "--feed", "trap", "--out", folder / "report")),
        (0, (*world, "report", "verify", folder / "report")),
        (0, (*world, "dialects")),
        (0, (*world, "dialects", "show", "d-e38f4380d5e7")),
        (0, (*world, "botnets")),
        (0, (*world, "botnets", "members")),
        (0, ("size", "--sightings", folder / "seen.csv", "--by", "week")),
        (1, ("size", "--sightings", folder / "few.csv")),
        (0, (*world, "watch", "add", "pills", "--measure", "subject:viagra", "--feed", "trap", "--event", "rustock-2011")),
        (0, (*world, "watch", "list")),
        (0, (*world, "watch", "run")),
        (0, (*world, "watch", "status", "pills")),
        (0, ("watch", "--series", folder / "counts.csv", "--target", "a", "--silent-since", "2011-03-01")),
        (0, (*world, "botnets", "rules", "add", folder / "rule.toml")),
        (0, (*world, "botnets", "rules")),
        (0, (*world, "status")),
        (0, ("init", folder / "own")),
        (3, (*own, "import", folder / "m.mbox", folder / "bad.gz", "--feed", "f", "--vantage", "mailbox")),
        (0, (*own, "import", folder / "counts.csv", "--feed", "counted")),
        (0, (*own, "address", "add", "anna@decoy.example", "--feed", "f")),
        (0, (*own, "address", "list", "--feed", "f")),
        (0, (*own, "feeds", "show", "f")),
        (0, (*own, "search", "")),
        (1, (*own, "search", "subject:nothing")),
        (1, (*own, "doctor")),
        (0, (*own, "archive", "erase", "subject:one", "--reason", "asked", "--yes")),
        (0, (*own, "archive", "verify")),
        (0, (*own, "archive", "thin", "--dry-run")),
        (0, (*own, "archive", "hold", "subject:two", "--reason", "asked")),
        (0, (*own, "event", "add", folder / "event.toml")),
        (0, (*own, "event", "list")),
        (0, ("event", "show", "rustock-2011")),
        (0, ("claims", "rustock-2011")),
        (0, ("event", "returns")),
        (1, ("event", "returns", "--kind", "calendar")),
        (0, ("group", folder / "t.jsonl")),
        (0, ("effect", "--series", folder / "counts.csv", "--target", "a", "--event", "rustock-2011")),
        (0, ("changes", "--series", folder / "stepped.csv")),
        (2, (*own, "series", "volume", "--feed", "nowhere")),
    ]  # fmt: skip
    found: dict[str, list[dict[str, Any]]] = {}
    for code, arguments in runs:
        ran = spamtide(*arguments, "--json")
        assert ran.code == code, (arguments, ran.err)
        found.setdefault(ran.json["schema"].removeprefix("spamtide.").removesuffix("/1"), []).append(ran.json)
    ids = [row["campaign"] for row in found["campaigns"][0]["items"][:2]]
    messages = [row["id"] for row in found["search"][0]["items"][:2]]
    for arguments in (("show", ids[0]), ("diff", *ids), ("explain", *messages)):
        document = spamtide(*world, "campaigns", *arguments, "--json").json
        found.setdefault(document["schema"].removeprefix("spamtide.").removesuffix("/1"), []).append(document)
    group = found["botnets"][0]["items"][0]["group"]
    for more in (("show", group), ("explain", group), ("name", group, "Rustock", "--evidence", "made so")):
        document = spamtide(*world, "botnets", *more, "--json").json
        found.setdefault(document["schema"].removeprefix("spamtide.").removesuffix("/1"), []).append(document)
    batch = spamtide("effect", "--batch", folder / "q.jsonl", "--jsonl")
    assert batch.code == 3
    found["effect"].append(batch.rows[0])
    found["error"].append(batch.rows[1])
    found["report"].append(json.loads((folder / "report" / "report.json").read_text("utf-8")))
    found["manifest"] = [json.loads((folder / "report" / "MANIFEST.json").read_text("utf-8"))]
    (folder / "own" / "archive" / "key").write_bytes(b"x")
    found["verify"].append(spamtide(*own, "archive", "verify", "--json").json)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_what_is_printed_is_what_the_schema_says(printed: dict[str, list[dict[str, Any]]], name: str) -> None:
    assert printed.get(name), f"no command here prints {name}"
    for document in printed[name]:
        assert check(document) == name
        parts = document.get("claims", []) if name == "report" else []
        effects = document.get("effects", []) if name == "report" else []
        more = [p for k in ("watch", "sizes", "corroboration") for p in document[k]] if name == "report" else []
        for part in (*effects, *document.get("duplicates", []), *parts, *more):
            check(part)
        if document.get("grouped"):
            check(document["grouped"])


def test_every_document_named_in_the_source_has_a_schema() -> None:
    source = "".join(p.read_text("utf-8") for p in (ROOT / "src" / "spamtide").rglob("*.py"))
    assert sorted(set(re.findall(r'"spamtide\.([a-z-]+)/1"', source))) == NAMES
    listed = [codes(row[0])[0] for row in tables((FOLDER / "README.md").read_text("utf-8"))[0]]
    assert listed == NAMES


def test_json_lines_are_the_items_of_the_document(spamtide, printed: dict[str, list[dict[str, Any]]]) -> None:
    for command, name in ((("event", "list"), "events"),):
        lines = spamtide(*command, "--jsonl").rows
        schema = strict(json.loads((FOLDER / f"{name}.json").read_text("utf-8")))
        item = {**schema["properties"]["items"]["items"], "$defs": schema["$defs"]}
        assert lines
        for line in lines:
            jsonschema.Draft202012Validator(item).validate(line)


def test_a_schema_refuses_what_it_should(printed: dict[str, list[dict[str, Any]]]) -> None:
    document = copy.deepcopy(printed["effect"][0])
    document["ratio"]["low"] = "little"
    with pytest.raises(AssertionError, match="ratio: "):
        check(document)
    del document["sentence"]
    with pytest.raises(AssertionError, match="sentence"):
        check(document)
