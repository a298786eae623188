"""The shipped registry: its facts, and the rules every event and claim keeps."""

import json
from datetime import UTC, datetime
from importlib import resources

import jsonschema
import pytest

from spamtide.event import Event, Span, UnknownEvent, event_document, load_registry
from spamtide.event.registry import build_schema

REGISTRY = load_registry()
EVENTS = pytest.mark.parametrize("event", REGISTRY.events, ids=lambda e: e.id)


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000_000)


def test_rustock_stopped_at_a_quarter_to_three_utc_seen_by_an_outside_witness() -> None:
    cut = REGISTRY.event("rustock-2011").cut()
    assert cut == (us("2011-03-16T14:45:00"), "observed-stop")


def test_the_witness_of_the_stop_must_cut_its_own_feed_elsewhere() -> None:
    cut = REGISTRY.event("rustock-2011").cut(measured_by="cbl")
    assert cut == (us("2011-03-16T00:00:00"), "executed")


def test_rustock_has_its_times_places_and_court() -> None:
    event = REGISTRY.event("rustock-2011")
    times = event.times
    assert times.announced_at is not None
    assert times.announced_at.at == us("2011-03-18T01:00:00")
    assert times.reported_as is not None
    assert times.reported_as.at == us("2011-03-18")
    assert times.executed_from is not None
    assert times.executed_from.span == Span(us("2011-03-16"), us("2011-03-17"))
    assert times.ordered_at is None, "no source that we read gives the day of the order"
    assert sum(place.country == "US" for place in event.places) == 7
    assert [p.country for p in event.places if p.country != "US"] == ["NL"]
    assert event.court is not None
    assert "2:11-cv-00222" in event.court.case
    assert event.kind == "civil-seizure"


def test_the_pause_ends_when_mail_returns_so_the_takedown_looks_back_to_january() -> None:
    pause, takedown = REGISTRY.events_on("rustock")
    assert (pause.id, takedown.id) == ("rustock-holiday-2010", "rustock-2011")
    assert pause.ended_at == us("2011-01-10T00:00:00")
    assert takedown.ended_at == takedown.started_at


def test_events_within_a_span_are_found_whether_they_start_in_it_or_last_through_it() -> None:
    within = REGISTRY.events_within(Span(us("2011-01-01"), us("2011-01-05")))
    assert [e.id for e in within] == ["rustock-holiday-2010"]


def test_an_unknown_event_lists_those_there_are() -> None:
    with pytest.raises(UnknownEvent, match="rustok-2011") as caught:
        REGISTRY.event("rustok-2011")
    assert caught.value.code == "unknown_event"
    assert "rustock-2011" in caught.value.next_step
    assert caught.value.exit_code == 2


@EVENTS
def test_every_claim_names_its_witness_group_as_it_was_then(event: Event) -> None:
    for claim in event.claims:
        at = claim.window.start if claim.window else event.started_at
        assert REGISTRY.group_of(claim.witness, at) == claim.group, claim.id


@EVENTS
def test_every_claim_stands_with_its_grade_and_no_figure_is_only_remembered(event: Event) -> None:
    for claim in event.claims:
        assert claim.grade in ("primary", "secondary", "derived"), claim.id
        if "share" in claim.unit and claim.value is not None:
            assert -1 <= claim.value <= 5, f"{claim.id}: a share is a plain number, not a percentage"
        if claim.comparator == "=" and claim.value is not None and claim.grade != "derived":
            assert claim.rounding is not None, f"{claim.id}: an exact figure says how it was rounded"
        if claim.metric.endswith("share"):
            assert claim.denominator, f"{claim.id}: a share of what?"


@EVENTS
def test_every_claim_says_when_or_that_nobody_said(event: Event) -> None:
    for claim in event.claims:
        assert claim.window is not None or claim.window_note is not None or claim.grade == "derived", claim.id


@EVENTS
def test_every_source_is_used(event: Event) -> None:
    facts = [getattr(event.times, name) for name in event.times.__struct_fields__]
    used = {c.source for c in event.claims} | {p.source for p in event.places} | {a.source for a in event.actors}
    used |= {fact.source for fact in facts if fact} | ({event.court.source} if event.court else set())
    assert used == set(event.sources)


@EVENTS
def test_the_document_matches_the_shipped_schema(event: Event) -> None:
    document = event_document(event)
    assert document["schema"] == "spamtide.event/1"
    body = {key: value for key, value in document.items() if key not in ("schema", "cut")}
    jsonschema.validate(json.loads(json.dumps(body)), shipped_schema())


def shipped_schema() -> dict[str, object]:
    text = (resources.files("spamtide.event.registry") / "event.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def test_the_shipped_schema_is_the_one_the_types_give() -> None:
    assert shipped_schema() == build_schema()


def test_unknown_witnesses_are_never_independent() -> None:
    at = us("2011-03-16")
    assert REGISTRY.independent("icsa", "sophos", at)
    assert not REGISTRY.independent("symantec", "messagelabs", at)
    assert REGISTRY.independent("symantec", "messagelabs", us("2007-01-01"))
    assert not REGISTRY.independent("icsa", "somebody", at)
