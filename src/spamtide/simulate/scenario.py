"""Scenario files: the written description of a world. Every complaint names the key."""

from __future__ import annotations

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


# What a group writes about. The last seven are no advertising: one layout of newsletters, and the rest of a trap's mail;
# "noise" is bounces and list mail, which nobody sent as spam.
Topic = Literal[
    "pharma", "replica", "casino", "loan", "newsletter", "noise", "bounce", "auto-reply", "list", "probe", "personal"
]
UNSOLICITED = ("pharma", "replica", "casino", "loan", "newsletter")
Form = Literal["text", "html", "both", "image", "attachment"]
Language = Literal["en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "zh", "zh-tw", "ja"]
# Made-up engines in words of our own; a name says which shape is meant, not that it is the real program's code.
Dialect = Literal["rustock", "grum", "cutwail", "lethic", "mega-d", "storm", "waledac", "emotet", "plain"]
Space = Literal["benchmark", "loopback", "ipv6"]
Weight = Annotated[float, Meta(ge=0)]


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
    """A shipped scenario by name, or a file. Raises BadScenario naming the key."""
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
        scenario = msgspec.convert(tomllib.loads(text), Scenario)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadScenario(
            "bad_scenario", f"{name_or_path}: {error}.", "docs/reference/scenario.md lists the keys."
        ) from None
    _check(scenario, name_or_path)
    return scenario


def _check(scenario: Scenario, name: str) -> None:
    def bad(key: str, what: str) -> BadScenario:
        return BadScenario(
            "bad_scenario", f"{name}: {key} {what}.", "docs/reference/scenario.md lists the keys.", key=key
        )

    moments = [("start", scenario.start), ("end", scenario.end)]
    moments += [(f"outages[{i}].{k}", getattr(o, k)) for i, o in enumerate(scenario.outages) for k in ("start", "end")]
    for i, group in enumerate(scenario.groups):
        moments += [(f"groups[{i}].levels[{k}].at", level.at) for k, level in enumerate(group.levels)]
        moments += [(f"groups[{i}].stop.at", group.stop.at)] if group.stop else []
    if scenario.schema != 1:
        raise bad("schema", "is not 1, the only one there is")
    for key, moment in moments:
        if moment.tzinfo is None:
            raise bad(key, "has no time zone; end it with Z")
    if scenario.end <= scenario.start:
        raise bad("end", "is not after start")
    feeds = {f.name for f in scenario.feeds}
    for i, group in enumerate(scenario.groups):
        for feed in group.share:
            if feed not in feeds:
                raise bad(f"groups[{i}].share", f"names {feed!r}, which is no feed")
    for i, outage in enumerate(scenario.outages):
        if outage.feed not in feeds:
            raise bad(f"outages[{i}].feed", f"is {outage.feed!r}, which is no feed")
        if outage.end <= outage.start:
            raise bad(f"outages[{i}].end", "is not after start")
