"""The registry: events that ship with the package, reviewed, one TOML file each, and who is independent of whom."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources

import msgspec

from spamtide.event.toml import UnknownEvent, instants_to_int, parse_event_toml, parse_published_toml
from spamtide.event.values import Claim, Event, Membership, PublishedSeries, Span

EVENT_SCHEMA = "event.schema.json"


class Registry:
    """Events in order of time, and the independence groups of their witnesses."""

    def __init__(
        self,
        events: Iterable[Event],
        memberships: Iterable[Membership] = (),
        published: Iterable[PublishedSeries] = (),
    ) -> None:
        self._events = {event.id: event for event in sorted(events, key=lambda e: (e.started_at, e.id))}
        self._memberships = tuple(memberships)
        self._published = tuple(published)

    @property
    def events(self) -> tuple[Event, ...]:
        """All events, earliest first."""
        return tuple(self._events.values())

    @property
    def memberships(self) -> tuple[Membership, ...]:
        """Who belonged to which independence group, and when."""
        return self._memberships

    @property
    def published(self) -> tuple[PublishedSeries, ...]:
        """Figures that belong to no event."""
        return self._published

    def figures_near(self, event: Event, days: float) -> tuple[Claim, ...]:
        """Published figures whose window lies within ``days`` of the event's cut, but for those the event has itself."""
        reach = round(days * 86_400_000_000)
        own = {(c.witness, c.about, c.metric, c.window) for c in event.claims}
        return tuple(
            c
            for series in self._published
            for c in series.claims
            if c.window is not None
            and (c.witness, c.about, c.metric, c.window) not in own
            and c.window.start >= event.started_at - reach
            and c.window.end <= event.started_at + reach
        )

    def event(self, id: str) -> Event:
        """The event of that id. Raises UnknownEvent, which lists those there are."""
        try:
            return self._events[id]
        except KeyError:
            known = ", ".join(self._events)
            raise UnknownEvent(
                "unknown_event",
                f"There is no event '{id}' in the registry.",
                f"Events: {known}. Add your own with 'spamtide event add FILE.toml', or cut at an instant with --at.",
                event=id,
                known=list(self._events),
            ) from None

    def events_on(self, target: str) -> tuple[Event, ...]:
        """Events that struck ``target``, earliest first."""
        return tuple(event for event in self.events if event.target == target)

    def events_within(self, span: Span) -> tuple[Event, ...]:
        """Events, pseudo-events too, whose start or end lies in ``span`` or which last through it."""
        return tuple(e for e in self.events if e.started_at < span.end and e.ended_at >= span.start)

    def with_events(self, more: Iterable[Event]) -> Registry:
        """This registry and ``more`` (a user's own); one of the same id replaces the shipped one."""
        return Registry([*{**self._events, **{e.id: e for e in more}}.values()], self._memberships, self._published)

    def group_of(self, witness: str, at: int) -> str:
        """The independence group of ``witness`` at that instant; ``unknown`` when nobody wrote it down."""
        for m in self._memberships:
            if m.witness == witness and (m.start is None or m.start <= at) and (m.end is None or at < m.end):
                return m.group
        return "unknown"

    def independent(self, one: str, other: str, at: int) -> bool:
        """Whether two witnesses are known to share nothing at that instant; unknown counts as shared."""
        groups = (self.group_of(one, at), self.group_of(other, at))
        return "unknown" not in groups and groups[0] != groups[1]


@cache
def load_registry() -> Registry:
    """The registry that ships with this version."""
    here = resources.files(__package__)
    files = sorted((f for f in here.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    events = [parse_event_toml(f.read_text(encoding="utf-8")) for f in files if f.name != "witnesses.toml"]
    raw = instants_to_int(tomllib.loads((here / "witnesses.toml").read_text(encoding="utf-8")), "")
    assert isinstance(raw, dict)
    series = sorted(f.name for f in (here / "published").iterdir() if f.name.endswith(".toml"))
    published = [parse_published_toml((here / "published" / name).read_text(encoding="utf-8")) for name in series]
    return Registry(events, msgspec.convert(raw["witness"], list[Membership]), published)


def build_schema() -> dict[str, object]:
    """The JSON Schema of an event file, made from the types; the shipped copy must equal it.

    It is written for the JSON view of the file, in which a date or time is RFC 3339 text.
    """
    schema = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(Event)))
    _instants_are_text(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "spamtide.event/1", **schema}


def _instants_are_text(node: object) -> None:
    if isinstance(node, dict):
        if node.get("type") == "integer" and "pattern" in node:
            node["type"] = "string"
        for value in node.values():
            _instants_are_text(value)
    elif isinstance(node, list):
        for value in node:
            _instants_are_text(value)
