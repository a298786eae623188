"""Reading an event from TOML, and writing it as a document. Every complaint names the key it is about."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime

import msgspec

from spamtide.errors import WrongUse
from spamtide.event.instants import microseconds, rfc3339
from spamtide.event.values import Afterwards, Claim, Event, PublishedSeries, Source

INSTANT_KEYS = frozenset({"at", "start", "end", "published"})


class BadEvent(WrongUse):
    """The TOML of an event is not what the schema asks; ``key`` in its facts says where."""


class UnknownEvent(WrongUse):
    """No event of that name; the facts list those there are."""


def parse_event_toml(text: str) -> Event:
    """The event that ``text`` describes. Dates mean midnight UTC; times must say their offset.

    Raises BadEvent, whose message names the key (``claims[2].comparator``).
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _bad("", f"not TOML: {error}") from None
    return event_from_dict(instants_to_int(raw, ""))


def event_from_dict(raw: object) -> Event:
    """The event in a decoded TOML whose instants are already microseconds."""
    try:
        event = msgspec.convert(raw, Event)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        raise _bad(where.rstrip("`").lstrip(".") or "(top level)", what) from None
    _check(event)
    return event


def parse_published_toml(text: str) -> PublishedSeries:
    """Figures that belong to no event. Raises BadEvent as ``parse_event_toml`` does."""
    try:
        series = msgspec.convert(instants_to_int(tomllib.loads(text), ""), PublishedSeries)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        raise _bad(where.rstrip("`").lstrip(".") or "(top level)", what) from None
    _check_claims(series.claims, series.sources)
    return series


def instants_to_int(node: object, path: str) -> object:
    """The same tree with every TOML date and time as microseconds since 1970 UTC."""
    if isinstance(node, dict):
        return {key: instants_to_int(value, f"{path}.{key}" if path else str(key)) for key, value in node.items()}
    if isinstance(node, list):
        return [instants_to_int(value, f"{path}[{i}]") for i, value in enumerate(node)]
    if isinstance(node, datetime):
        if node.tzinfo is None:
            raise _bad(path, "a time without an offset: end it with Z for UTC")
        return microseconds(node)
    if isinstance(node, date):
        return microseconds(datetime(node.year, node.month, node.day, tzinfo=UTC))
    return node


def event_document(event: Event) -> dict[str, object]:
    """The event as plain JSON values with RFC 3339 instants: the document ``spamtide.event/1``."""
    body = _instants_to_text(msgspec.to_builtins(event))
    assert isinstance(body, dict)
    cut = event.cut()
    return {"schema": "spamtide.event/1", **body, "cut": {"at": rfc3339(cut.at), "basis": cut.basis}}


def _bad(key: str, problem: str) -> BadEvent:
    where = f"{key}: " if key else ""
    return BadEvent(
        "bad_event",
        f"The event file cannot be used: {where}{problem}.",
        "See docs/reference/events.md for the keys and what they hold.",
        key=key,
    )


def _check(event: Event) -> None:
    t = event.times
    named = {name: getattr(t, name) for name in t.__struct_fields__}
    facts = {name: fact for name, fact in named.items() if fact is not None}
    if not facts.keys() - {"returned_at", "reported_as"}:
        raise _bad("times", "an event needs at least one of ordered_at, executed_from, observed_stop_at, announced_at")
    for name, fact in facts.items():
        _known_source(event, f"times.{name}", fact.source)
    if t.executed_from and t.executed_to and t.executed_to.at < t.executed_from.at:
        raise _bad("times.executed_to", "is before executed_from")
    if t.returned_at and t.returned_at.at <= event.started_at:
        raise _bad("times.returned_at", "is not after the event")
    for i, place in enumerate(event.places):
        _known_source(event, f"places[{i}]", place.source)
    for i, actor in enumerate(event.actors):
        _known_source(event, f"actors[{i}]", actor.source)
    if event.court:
        _known_source(event, "court", event.court.source)
    for name, state in (("target_after", event.target_after), ("total_after", event.total_after)):
        if state is not None:
            _check_afterwards(event, name, state)
    if event.target_after and (t.returned_at or event.target_after.fate == "returned"):
        raise _bad("target_after", "a return of the target is times.returned_at, and then this is left out")
    _check_claims(event.claims, event.sources)


def _check_afterwards(event: Event, key: str, state: Afterwards) -> None:
    _known_source(event, key, state.source)
    if (state.at is None) != (state.fate in ("never-fell", "never-known")):
        raise _bad(f"{key}.at", "is given with the fates returned and still-gone, and with no other")
    if (state.at is None) != (state.precision is None):
        raise _bad(f"{key}.precision", "is given with at, and only with it")
    if state.at is not None and state.at <= event.started_at:
        raise _bad(f"{key}.at", "is not after the event")


def _check_claims(claims: tuple[Claim, ...], sources: dict[str, Source]) -> None:
    seen: set[str] = set()
    for i, claim in enumerate(claims):
        if claim.id in seen:
            raise _bad(f"claims[{i}].id", f"'{claim.id}' stands twice")
        seen.add(claim.id)
        if claim.source not in sources:
            raise _bad(f"claims[{i}].source", f"'{claim.source}' is not in [sources]")
        _check_claim(claim, f"claims[{i}]")
    for i, claim in enumerate(claims):
        for other in (*claim.derived_from, *([claim.restates] if claim.restates else [])):
            if other not in seen:
                raise _bad(f"claims[{i}]", f"refers to '{other}', which is no claim of this event")


def _check_claim(claim: Claim, key: str) -> None:
    if (claim.low is None) != (claim.high is None):
        raise _bad(f"{key}.low", "a range needs both low and high")
    if claim.low is not None and claim.high is not None and claim.low > claim.high:
        raise _bad(f"{key}.low", "is above high")
    if sum(x is not None for x in (claim.value, claim.low, claim.at)) > 1:
        raise _bad(f"{key}.value", "give one of value, low and high, or at")
    if claim.metric != "presence" and claim.value is None and claim.low is None and claim.at is None:
        raise _bad(f"{key}.value", "is missing; only the metric presence has none")
    for name, span in (("window", claim.window), ("baseline", claim.baseline)):
        if span is not None and span.end <= span.start:
            raise _bad(f"{key}.{name}", "ends before it starts")
    if claim.grade == "derived" and not claim.derived_from:
        raise _bad(f"{key}.derived_from", "a derived figure names the claims it was computed from")


def _known_source(event: Event, key: str, source: str) -> None:
    if source not in event.sources:
        raise _bad(f"{key}.source", f"'{source}' is not in [sources]")


def _instants_to_text(node: object) -> object:
    if isinstance(node, dict):
        return {
            key: rfc3339(value) if key in INSTANT_KEYS and isinstance(value, int) else _instants_to_text(value)
            for key, value in node.items()
        }
    if isinstance(node, (list, tuple)):
        return [_instants_to_text(value) for value in node]
    return node
