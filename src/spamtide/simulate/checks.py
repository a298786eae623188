"""What no schema can say of a scenario: names that are there, dates in order, sums that fit. Each fault says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from spamtide.simulate.botnets import COUNTRIES, CROWDED, SPACE, all_botnets
from spamtide.simulate.scenario import EventPlan, Scenario


@dataclass(frozen=True, slots=True)
class Fault:
    """A key, what is wrong with it, what to do."""

    key: str
    what: str
    remedy: str


def check(scenario: Scenario) -> Iterator[Fault]:
    """The faults of a scenario, the first being what its author should see."""
    if scenario.schema != 1:
        yield Fault("schema", "is not 1, the only one there is", "Write schema = 1.")
    yield from _zones(scenario)
    yield from _order(scenario)
    yield from _names(scenario)
    yield from _groups(scenario)
    yield from _botnets(scenario)
    yield from _outages(scenario)
    yield from _events(scenario)


def _moments(scenario: Scenario) -> Iterator[tuple[str, datetime]]:
    yield "start", scenario.start
    yield "end", scenario.end
    for i, outage in enumerate(scenario.outages):
        yield f"outages[{i}].start", outage.start
        yield f"outages[{i}].end", outage.end
    for i, group in enumerate(scenario.groups):
        for k, level in enumerate(group.levels):
            yield f"groups[{i}].levels[{k}].at", level.at
        if group.stop:
            yield f"groups[{i}].stop.at", group.stop.at
    for i, event in enumerate(scenario.events):
        yield f"events[{i}].at", event.at
        if event.until:
            yield f"events[{i}].until", event.until


def _zones(scenario: Scenario) -> Iterator[Fault]:
    for key, moment in _moments(scenario):
        if moment.tzinfo is None:
            yield Fault(key, "has no time zone", f"End it with Z: {moment.isoformat()}Z.")


def _order(scenario: Scenario) -> Iterator[Fault]:
    if scenario.end <= scenario.start:
        yield Fault("end", "is not after start", f"Give an instant after {scenario.start.isoformat()}.")
    for i, group in enumerate(scenario.groups):
        if group.stop and not scenario.start < group.stop.at < scenario.end:
            yield Fault(f"groups[{i}].stop.at", "lies outside the world", _span(scenario))
    for i, event in enumerate(scenario.events):
        if event.at >= scenario.end:
            yield Fault(f"events[{i}].at", "lies after the end of the world", _span(scenario))
        if event.until is not None and event.until <= event.at:
            yield Fault(f"events[{i}].until", "is not after at", f"Give an instant after {event.at.isoformat()}.")


def _span(scenario: Scenario) -> str:
    return f"The world goes from {scenario.start.isoformat()} to {scenario.end.isoformat()}."


def _names(scenario: Scenario) -> Iterator[Fault]:
    for table in ("feeds", "groups", "botnets"):
        seen: dict[str, int] = {}
        for i, one in enumerate(getattr(scenario, table)):
            if one.name in seen:
                earlier = f"{table}[{seen[one.name]}]"
                yield Fault(
                    f"{table}[{i}].name", f"is {one.name!r}, which {earlier} has already", "Give it another name."
                )
            seen[one.name] = i
    if not scenario.feeds:
        yield Fault("feeds", "is empty", "Write at least one [[feeds]].")
    if not scenario.groups:
        yield Fault("groups", "is empty", "Write at least one [[groups]].")
    named = {b.name for b in scenario.botnets}
    for i, group in enumerate(scenario.groups):
        if group.botnet is None and group.name in named:
            yield Fault(
                f"groups[{i}].name",
                f"is the name of a botnet, {group.name!r}, which the group does not use",
                f'Write botnet = "{group.name}" into the group, or give one of the two another name.',
            )


def _known(key: str, what: str, name: str, there: list[str]) -> Iterator[Fault]:
    if name not in there:
        yield Fault(key, f"names {name!r}, which is no {what}", f"There are: {', '.join(there) or 'none'}.")


def _groups(scenario: Scenario) -> Iterator[Fault]:
    feeds = [f.name for f in scenario.feeds]
    botnets = [b.name for b in scenario.botnets]
    for i, group in enumerate(scenario.groups):
        for feed in group.share:
            yield from _known(f"groups[{i}].share.{feed}", "feed", feed, feeds)
        if group.botnet is not None:
            yield from _known(f"groups[{i}].botnet", "botnet", group.botnet, botnets)
            if group.bots is not None:
                yield Fault(f"groups[{i}].bots", "stands beside botnet", "Leave bots out: the botnet has its hosts.")
        elif group.bots is None:
            yield Fault(f"groups[{i}]", "has neither botnet nor bots", "Name a botnet, or say how many hosts send it.")
        if group.words + group.missed > 1:
            yield Fault(f"groups[{i}].missed", "and words are more than 1 together", "Lower one of them.")
        for key in ("languages", "forms"):
            if sum(getattr(group, key).values()) <= 0:
                yield Fault(f"groups[{i}].{key}", "holds nothing above 0", "Give one of them a weight.")


def _botnets(scenario: Scenario) -> Iterator[Fault]:
    for i, botnet in enumerate(scenario.botnets):
        for country in botnet.countries:
            yield from _known(f"botnets[{i}].countries.{country}", "country", country, list(COUNTRIES))
        if botnet.countries and sum(botnet.countries.values()) <= 0:
            yield Fault(f"botnets[{i}].countries", "holds nothing above 0", "Give one of them a weight.")
        low, high = botnet.churn_hours
        if low > high or (low == 0) != (high == 0):
            yield Fault(f"botnets[{i}].churn_hours", "is not [shortest, longest]", "Both above 0, or [0, 0].")
    for space, room in SPACE.items():
        hosts = sum(b.hosts for b in all_botnets(scenario) if b.space == space)
        if space != "ipv6" and hosts > room * CROWDED:
            last = max((i for i, b in enumerate(scenario.botnets) if b.space == space), default=None)
            key = "groups" if last is None else f"botnets[{last}].hosts"
            yield Fault(
                key,
                f"makes {hosts} hosts in the space {space}, which has room for {room * CROWDED}",
                'Use space = "ipv6" or "loopback", or fewer hosts.',
            )


def _outages(scenario: Scenario) -> Iterator[Fault]:
    feeds = [f.name for f in scenario.feeds]
    for i, outage in enumerate(scenario.outages):
        yield from _known(f"outages[{i}].feed", "feed", outage.feed, feeds)
        if outage.end <= outage.start:
            yield Fault(f"outages[{i}].end", "is not after start", f"Give an instant after {outage.start.isoformat()}.")


# What a kind cannot do without.
NEEDS = {"decay": ("half_life_days",), "pause": ("until",), "poisoning": ("until",), "migration": ("into", "groups")}
AT_FEEDS = ("ramp-up", "vantage", "persona", "mx", "blocklist")


def _events(scenario: Scenario) -> Iterator[Fault]:
    there = {
        "groups": [g.name for g in scenario.groups],
        "botnets": [b.name for b in all_botnets(scenario)],
        "feeds": [f.name for f in scenario.feeds],
    }
    for i, event in enumerate(scenario.events):
        for table, names in there.items():
            for k, name in enumerate(getattr(event, table)):
                yield from _known(f"events[{i}].{table}[{k}]", table.removesuffix("s"), name, names)
        if event.into is not None:
            yield from _known(f"events[{i}].into", "botnet", event.into, there["botnets"])
        for key in _lacking(event):
            yield Fault(f"events[{i}]", f"of kind {event.kind} has no {key}", f"Write {key} into it.")


def _lacking(event: EventPlan) -> Iterator[str]:
    yield from (key for key in NEEDS.get(event.kind, ()) if not getattr(event, key))
    if event.kind in AT_FEEDS and not event.feeds:
        yield "feeds"
    if event.kind not in AT_FEEDS and not (event.groups or event.botnets):
        yield "groups or botnets"
    if event.kind in ("persona", "vantage", "mx") and not event.value:
        yield "value"
