"""Scenario files: the written description of a world. Every complaint names the key."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from spamtide.errors import WrongUse

Share = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]


# What a group writes about. The last eight are no advertising: one layout of newsletters, and the rest of a trap's mail;
# "noise" is bounces and list mail, which nobody sent as spam.
Topic = Literal[
    "pharma",
    "replica",
    "casino",
    "loan",
    "newsletter",
    "noise",
    "bounce",
    "auto-reply",
    "list",
    "probe",
    "personal",
    "own-test",
]
UNSOLICITED = ("pharma", "replica", "casino", "loan", "newsletter")
Form = Literal["text", "html", "both", "image", "attachment"]
Language = Literal["en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "zh", "zh-tw", "ja"]
# Made-up engines in words of our own; a name says which shape is meant, not that it is the real program's code.
Dialect = Literal["rustock", "grum", "cutwail", "lethic", "mega-d", "storm", "waledac", "emotet", "plain"]
Space = Literal["benchmark", "loopback", "ipv6"]
Mark = Annotated[str, Meta(pattern=r"^[a-z][a-z_]*$", max_length=40)]
Weight = Annotated[float, Meta(ge=0)]
# How a group's volume goes from day to day, apart from weekday and events.
Rhythm = Literal["ar", "episodes", "bursts", "heavy", "regimes"]
EventKind = Literal[
    "step",
    "ramp",
    "decay",
    "pulse",
    "pause",
    "migration",
    "pre-decline",
    "bursts",
    "washing",
    "blocklist",
    "ramp-up",
    "poisoning",
    "vantage",
    "persona",
    "mx",
]
# Kinds that the world without the event has as well: what happens to the instrument, or of itself.
OF_BOTH_WORLDS = ("pre-decline", "bursts", "ramp-up", "poisoning", "vantage", "persona", "mx")


class BadScenario(WrongUse):
    """A scenario file is not what the schema asks."""


class FeedPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """One feed: its vantage, how many decoy addresses at which domain, its ordinary volume."""

    name: Name
    vantage: str
    addresses: Annotated[int, Meta(ge=1, le=100_000)]
    domain: str
    persona: str
    messages_per_day: Annotated[float, Meta(gt=0)]
    balancer: str | None = None
    marks: tuple[Mark, ...] = ()


class EventPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that happens to groups, botnets or feeds: what it does to the volume, from when, for how long."""

    kind: EventKind
    at: datetime
    until: datetime | None = None
    event: str | None = None
    groups: tuple[Name, ...] = ()
    botnets: tuple[Name, ...] = ()
    feeds: tuple[Name, ...] = ()
    to: Weight = 0.0
    days: Annotated[float, Meta(gt=0)] = 1.0
    half_life_days: Annotated[float, Meta(gt=0)] | None = None
    every_days: Annotated[float, Meta(gt=0)] = 14.0
    part: Share = 1.0
    into: Name | None = None
    value: str | None = None
    both_worlds: bool | None = None

    @property
    def planted(self) -> bool:
        """Whether the world without the event lacks it."""
        return not (self.kind in OF_BOTH_WORLDS if self.both_worlds is None else self.both_worlds)


class Outage(Struct, frozen=True, forbid_unknown_fields=True):
    """A span in which a feed was down: nothing arrives and nothing is exposed."""

    feed: Name
    start: datetime
    end: datetime


class Level(Struct, frozen=True, forbid_unknown_fields=True):
    """A group's output from an instant on, 1 being ordinary; optionally sliding to another level."""

    at: datetime
    level: Annotated[float, Meta(ge=0)]
    ramp_to: Annotated[float, Meta(ge=0)] | None = None
    ramp_days: Annotated[float, Meta(gt=0)] = 1.0


class Stop(Struct, frozen=True, forbid_unknown_fields=True):
    """The event that ends a group's output."""

    event: str
    at: datetime


class BotnetPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """A population of hosts that groups rent: how many, where, how their addresses change, how they speak."""

    name: Name
    dialect: Dialect
    hosts: Annotated[int, Meta(ge=1, le=1_000_000)]
    life_days: Annotated[float, Meta(ge=0)] = 0.0
    countries: dict[str, Weight] = msgspec.field(default_factory=dict)
    networks: Annotated[int, Meta(ge=0, le=65_536)] = 0
    space: Space = "benchmark"
    churn_hours: tuple[Weight, Weight] = (0.0, 0.0)
    periodic: Share = 0.0
    nat: Share = 0.0
    tail: Annotated[float, Meta(ge=0)] = 0.0
    duty: Annotated[float, Meta(gt=0, le=1)] = 1.0
    overlap: Share = 1.0
    helo: Literal["host", "random"] = "host"
    messages_per_hour: Annotated[float, Meta(gt=0)] | None = None


class GroupPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """One sender group: what it sends, by which botnet, how much of it is alike, how it varies by day."""

    name: Name
    topic: Topic
    share: dict[str, Share]
    words: Share
    missed: Share
    unique: Share
    variants: Annotated[int, Meta(ge=1, le=10_000)]
    campaign_days: Annotated[int, Meta(ge=1)]
    day_sd: Annotated[float, Meta(ge=0)]
    day_ar: Annotated[float, Meta(ge=0, lt=1)]
    bots: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    engine: str | None = None
    botnet: Name | None = None
    burst_days: int = 0
    burst: float = 1.0
    levels: tuple[Level, ...] = ()
    stop: Stop | None = None
    languages: dict[Language, Weight] = msgspec.field(default_factory=lambda: {"en": 1.0})
    forms: dict[Form, Weight] = msgspec.field(default_factory=lambda: {"text": 0.65, "html": 0.35})
    hidden: Share = 0.0
    misspelt: Share = 0.0
    homoglyph: Share = 0.0
    drift_days: Annotated[float, Meta(ge=0)] = 0.0
    family: Name | None = None
    domains: Annotated[int, Meta(ge=0, le=10_000)] = 0
    recipients: Annotated[int, Meta(ge=1, le=1_000)] = 1
    retry: Share = 0.0
    unfinished: Share = 0.0
    address_sd: Annotated[float, Meta(ge=0, le=5)] = 0.0
    rhythm: Rhythm = "ar"


class Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    """A world before it is drawn."""

    schema: int
    name: Name
    title: str
    start: datetime
    end: datetime
    feeds: tuple[FeedPlan, ...]
    groups: tuple[GroupPlan, ...]
    botnets: tuple[BotnetPlan, ...] = ()
    events: tuple[EventPlan, ...] = ()
    outages: tuple[Outage, ...] = ()


def build_schema() -> dict[str, object]:
    """The JSON Schema of a scenario, made from the types; the shipped ``scenarios/scenario.schema.json`` must equal it."""
    schema = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(Scenario)))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "spamtide scenario 1", **schema}


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC."""
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def shipped_scenarios() -> list[str]:
    """Names of the scenarios in the package."""
    folder = resources.files("spamtide.simulate") / "scenarios"
    return sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml"))


def load_scenario(name_or_path: str) -> Scenario:
    """A shipped scenario by name, or a file. Raises BadScenario naming file, line, key and what to do."""
    from spamtide.simulate.checks import check
    from spamtide.simulate.positions import line_of

    names = shipped_scenarios()
    if name_or_path in names:
        text = (resources.files("spamtide.simulate") / "scenarios" / f"{name_or_path}.toml").read_text("utf-8")
    else:
        path = Path(name_or_path)
        if not path.is_file():
            raise BadScenario(
                "unknown_scenario",
                f"There is no scenario {name_or_path!r}.",
                f"Shipped: {', '.join(names)}; or name a TOML file.",
            )
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            raise BadScenario("bad_scenario", f"{path} is not UTF-8 text.", "Save it as UTF-8.") from None
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadScenario("bad_scenario", f"{name_or_path}: {error}.", "Mend the TOML at that place.") from None
    try:
        scenario = msgspec.convert(parsed, Scenario)
    except msgspec.ValidationError as error:
        said, key = _split(str(error))
        line = line_of(text, key)
        raise BadScenario(
            "bad_scenario",
            f"{name_or_path}:{line}: {key or 'the file'}: {said}.",
            "docs/reference/scenario.md lists the keys and what each may be.",
            key=key,
            line=line,
        ) from None
    for fault in check(scenario):
        line = line_of(text, fault.key)
        raise BadScenario(
            "bad_scenario", f"{name_or_path}:{line}: {fault.key} {fault.what}.", fault.remedy, key=fault.key, line=line
        )
    return scenario


def _split(said: str) -> tuple[str, str]:
    """What msgspec says, and the key it speaks of."""
    what, _, path = said.partition(" - at `$")
    key = path.rstrip("`").removeprefix(".")
    unknown = re.search(r"unknown field `([^`]+)`|required field `([^`]+)`", what)
    if unknown:
        key = ".".join(k for k in (key, unknown[1]) if k)
    return what, key
