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
def test_what_became_of_every_target_is_said_or_said_to_be_unknown(event: Event) -> None:
    fate = event.target_fate
    if event.id in FATE_NOT_ASKED:
        assert fate is None, event.id
        return
    assert fate is not None, event.id
    if fate.fate in ("returned", "still-gone"):
        assert fate.at is not None
        assert fate.at > event.started_at
    else:
        assert fate.note is not None, "why no dated look was read"


# A programme that closed and a host that was cut off: what they served is what returns.
FATE_NOT_ASKED = {"spamit-2010", "pricewert-2009"}


def test_the_total_recovers_apart_from_the_target() -> None:
    grum, mccolo, cutwail = (REGISTRY.event(e) for e in ("grum-2012", "mccolo-2008", "real-host-2009"))
    assert grum.target_fate is not None and grum.target_fate.fate == "still-gone"
    assert grum.total_after is not None and grum.total_after.fate == "returned"
    assert mccolo.target_fate is not None and mccolo.target_fate.at == us("2008-11-15")
    assert mccolo.total_after is not None and mccolo.total_after.at == us("2009-03-23")
    assert cutwail.total_after is not None and cutwail.total_after.fate == "never-fell"


def test_figures_of_no_event_stand_beside_the_events_they_are_near_to() -> None:
    rustock = REGISTRY.event("rustock-2011")
    near = {c.id for c in REGISTRY.figures_near(rustock, 120)}
    assert near == {"share-2011-q1", "share-2011-01", "share-2011-q2"}, "February and March are the event's own claims"
    for series in REGISTRY.published:
        for claim in series.claims:
            assert claim.window is not None
            assert REGISTRY.group_of(claim.witness, claim.window.start) == claim.group
            assert claim.grade != "remembered"
        assert {c.source for c in series.claims} == set(series.sources)


@EVENTS
def test_every_claim_says_when_or_that_nobody_said(event: Event) -> None:
    for claim in event.claims:
        assert claim.window is not None or claim.window_note is not None or claim.grade == "derived", claim.id


@EVENTS
def test_every_source_is_used(event: Event) -> None:
    facts = [getattr(event.times, name) for name in event.times.__struct_fields__]
    used = {c.source for c in event.claims} | {p.source for p in event.places} | {a.source for a in event.actors}
    states = (event.target_after, event.total_after)
    used |= {fact.source for fact in (*facts, *states) if fact} | ({event.court.source} if event.court else set())
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
