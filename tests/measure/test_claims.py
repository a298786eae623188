"""Claims reconciled: what March 2011 says, and that each notice follows the figures and not the event's name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from spamtide.event import Claim, Event, Span, TimeFact, load_registry
from spamtide.measure import ClaimFinding, MeasuredChange, MeasuredShare, reconcile, replication, subject_of
from spamtide.measure.claims import shown_change, true_change, what_changed

REGISTRY = load_registry()
RUSTOCK = REGISTRY.event("rustock-2011")
DAY = 86_400_000_000


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000_000)


def changed(event: Event = RUSTOCK, /, **claims: object) -> Event:
    """The event with some claims' fields replaced: ``step=dict(value=-.3)``, underscores standing for hyphens."""
    fields = {name.replace("_", "-"): new for name, new in claims.items()}
    known = {c.id for c in event.claims}
    assert set(fields) <= known
    new = [msgspec.structs.replace(c, **fields[c.id]) if c.id in fields else c for c in event.claims]  # type: ignore[arg-type]
    return msgspec.structs.replace(event, claims=tuple(new))


def found(event: Event, code: str, *ids: str) -> list[ClaimFinding]:
    """Findings of that code that speak of all these claims."""
    return [f for f in reconcile(event, event.claims) if f.code == code and set(ids) <= set(f.claims)]


def only(event: Event, code: str, *ids: str) -> ClaimFinding:
    (finding,) = found(event, code, *ids)
    return finding


def number(finding: ClaimFinding, name: str) -> float:
    value = finding.facts[name]
    assert isinstance(value, int | float)
    return value


STEPS = ("messagelabs-fall", "symantec-step-1", "symantec-step-2")


def test_the_daily_steps_chain_to_the_fall_of_the_sister_house() -> None:
    chain = only(RUSTOCK, "chain_of_steps", *STEPS)
    assert chain.verdict == "consistent"
    assert number(chain, "chained") == pytest.approx(-0.337, abs=5e-4)


def test_steps_that_do_not_chain_contradict_a_house_that_is_their_own() -> None:
    wrong = changed(symantec_step_2={"value": -0.3})
    assert only(wrong, "chain_of_steps", *STEPS).verdict == "inconsistent"
    # Another house may see another world.
    apart = changed(symantec_step_2={"value": -0.3}, messagelabs_fall={"group": "sophos", "witness": "sophos"})
    assert only(apart, "chain_of_steps", *STEPS).ways_out == ("other_vantage",)


def test_two_names_of_one_house_are_one_witness() -> None:
    assert number(only(RUSTOCK, "one_witness", *STEPS), "independent") == 1
    independent = changed(messagelabs_fall={"group": "messagelabs"})
    assert not found(independent, "one_witness", *STEPS)


def test_more_left_the_total_than_the_house_credits_to_the_target_and_every_reading_is_told() -> None:
    cap = only(RUSTOCK, "attributable_cap")
    assert number(cap, "times") == pytest.approx(1.37, abs=0.006)
    assert cap.verdict == "consistent_if"
    assert {"mean_over_days_after_event", "up_to", "unattributed_mail", "shared_servers", "weekday"} <= set(
        cap.ways_out
    )
    assert "other_time_of_the_same_house" in cap.ways_out, "in 2010 the same house had three times as much"


def test_the_cap_follows_the_figures() -> None:
    enough = changed(rustock_output_2011_03={"value": 20e9})
    assert only(enough, "attributable_cap").verdict == "consistent"
    assert only(enough, "attributable_cap").ways_out == ()
    before = changed(rustock_output_2011_03={"window": Span(us("2011-02-01"), us("2011-03-01")), "comparator": "="})
    ways = only(before, "attributable_cap").ways_out
    assert "mean_over_days_after_event" not in ways
    assert "up_to" not in ways
    pause = msgspec.structs.replace(RUSTOCK, kind="operator-pause")
    assert "shared_servers" not in only(pause, "attributable_cap").ways_out
    others = changed(rustock_output_2011_03={"group": "commtouch-cyren", "witness": "commtouch"})
    assert not found(others, "attributable_cap"), "only the source that credits the target is held to its own figure"


def test_seventy_five_per_cent_of_words_is_not_seventy_five_per_cent_of_machines() -> None:
    assert only(RUSTOCK, "same_number_different_metric", "icsa-two-words", "microsoft-three-quarters")
    other = changed(microsoft_three_quarters={"value": -0.70})
    assert not found(other, "same_number_different_metric", "icsa-two-words")


def test_totals_of_the_world_differ_threefold_while_ratios_agree() -> None:
    finding = only(RUSTOCK, "totals_differ_ratios_agree", "messagelabs-before", "commtouch-q1-2011")
    assert number(finding, "times") == pytest.approx(149 / 52)
    assert number(finding, "ratios_apart") < 1.1
    assert only(changed(commtouch_year_change={"value": -0.8}), "totals_and_ratios_differ")
    near = changed(commtouch_q1_2011={"value": 60e9})
    assert not [f for f in reconcile(near, near.claims) if f.code.startswith("totals_")]


def test_a_fall_of_duplicates_and_a_fall_of_a_third_can_be_one_event() -> None:
    finding = only(RUSTOCK, "duplicates_can_be_the_fall", "messagelabs-fall")
    assert number(finding, "share_before_needed") == pytest.approx(0.555, abs=1e-3)
    assert finding.ways_out[0] == "unique_messages_as_before"
    less = changed(icsa_duplicates_before={"value": 0.4, "comparator": "=", "rounding": 0.01})
    assert only(less, "duplicates_are_not_the_fall", "messagelabs-fall").ways_out[0] == "unique_messages_changed"


def test_a_word_on_the_return_replicates_no_figure() -> None:
    finding = only(RUSTOCK, "not_a_replication", "sophos-not-back")
    assert {"icsa-two-words", "icsa-duplicates-before", "icsa-duplicates-after"} <= set(finding.claims)
    same = {
        "metric": "subject-change",
        "about": "viagra-cialis-subjects",
        "value": -0.7,
        "unit": "change of messages, as a share of before",
    }
    counted = changed(sophos_not_back=same)
    assert not found(counted, "not_a_replication", "sophos-not-back")
    assert only(counted, "replication", "sophos-not-back", "icsa-two-words")


def test_kinds_of_replication() -> None:
    claims = {c.id: c for c in RUSTOCK.claims}
    fall, words, share = claims["messagelabs-fall"], claims["icsa-two-words"], claims["kaspersky-dip"]
    assert replication(words, claims["sophos-not-back"]) == "presence-only"
    assert replication(fall, claims["symantec-step-1"]) == "restates", "one group"
    assert replication(fall, claims["messagelabs-fall-copy"]) == "restates"
    assert replication(fall, words) == replication(fall, share) == "related-metric"
    assert replication(fall, claims["size-press-low"]) == "restates", "an unknown group counts as shared"
    assert replication(fall, msgspec.structs.replace(fall, id="x", group="sophos")) == "same-metric"
    assert replication(fall, claims["size-cbl"]) == "none"


def test_the_article_is_two_days_late_and_cutting_there_dilutes() -> None:
    finding = only(RUSTOCK, "reported_date_late", "icsa-two-words")
    assert finding.facts["late_days"] == 2
    assert number(finding, "shown") == pytest.approx(-0.734, abs=5e-4)
    assert number(finding, "true") == pytest.approx(-0.766, abs=5e-4)


@pytest.mark.parametrize(("day", "late"), [("2011-03-16", None), ("2011-03-19", 3), ("2011-03-14", -2)])
def test_the_lateness_is_of_the_registrys_times(day: str, late: int | None) -> None:
    reported = TimeFact(us(day), "day", "gsn-2011")
    event = msgspec.structs.replace(RUSTOCK, times=msgspec.structs.replace(RUSTOCK.times, reported_as=reported))
    findings = found(event, "reported_date_late")
    assert [f.facts["late_days"] for f in findings] == ([] if late is None else [late])


def test_a_cut_two_days_off_is_undone_by_its_inverse() -> None:
    window = Span(us("2011-03-01"), us("2011-03-23"))
    stop, cut = us("2011-03-16T14:45:00"), us("2011-03-18")
    for true in (-0.75, -0.2, 0.4):
        assert true_change(shown_change(true, stop, cut, window), stop, cut, window) == pytest.approx(true)
    assert shown_change(-0.5, stop, stop, window) == pytest.approx(-0.5)
    assert true_change(-1.0, stop, cut, window) is not None
    assert true_change(-0.99999, stop, us("2011-03-15"), window) is None, "no step that late shows so large a fall"


def test_a_share_compresses_a_fall() -> None:
    finding = only(RUSTOCK, "share_against_volume", "kaspersky-dip", "messagelabs-fall")
    assert number(finding, "implied_low") == pytest.approx(-0.157, abs=1e-3)
    assert number(finding, "implied_high") == pytest.approx(-0.109, abs=1e-3)
    assert number(finding, "stated_as_points") == pytest.approx(-0.0766, abs=1e-3)
    assert finding.verdict == "consistent_if"
    enough = changed(kaspersky_dip={"low": -0.08, "high": -0.07})
    assert only(enough, "share_against_volume", "kaspersky-dip", "messagelabs-fall").verdict == "consistent"


def test_a_month_whose_share_rose_holds_days_before_the_event() -> None:
    finding = only(RUSTOCK, "share_against_volume", "kaspersky-2011-03", "messagelabs-fall")
    assert number(finding, "implied_low") > 0
    assert "mean_over_days_after_event" in finding.ways_out


def test_a_laboratorys_speed_times_a_census_is_told_to_be_wrong() -> None:
    finding = only(RUSTOCK, "per_bot_product")
    assert number(finding, "lowest") == pytest.approx(9.6, abs=0.05)
    assert number(finding, "captive_highest") == pytest.approx(417, abs=1)
    assert number(finding, "times") == pytest.approx(17, abs=0.5)
    assert finding.verdict == "consistent_if"
    slow = changed(microsoft_speed={"value": 900.0})
    assert only(slow, "per_bot_product").verdict == "consistent"


def test_messages_seen_are_not_messages_inferred() -> None:
    finding = only(RUSTOCK, "counted_is_not_scaled_up", "cbl-rate-before")
    assert number(finding, "counted") == pytest.approx(1500 * 86_400)
    assert number(finding, "times") == pytest.approx(50e9 / (1500 * 86_400))
    counted = changed(
        **{
            i: {"unit": "messages a day"}
            for i in ("rustock_output_2011_03", "commtouch_rustock", "rustock_output_2010_end")
        }
    )
    assert not found(counted, "counted_is_not_scaled_up", "cbl-rate-before")


def test_points_of_a_share_are_not_per_cent_of_a_volume() -> None:
    assert not found(RUSTOCK, "points_are_not_per_cent")
    same = {"value": -0.025, "group": "kaspersky", "witness": "kaspersky"}
    assert only(changed(symantec_step_2=same), "points_are_not_per_cent", "kaspersky-dip", "symantec-step-2")


def test_a_share_below_the_fall_is_told_and_one_above_is_not() -> None:
    assert not found(RUSTOCK, "share_cap")
    small = changed(cbl_share={"low": 0.1, "high": 0.2})
    assert only(small, "share_cap", "cbl-share", "messagelabs-fall").ways_out[0] == "unattributed_mail"


def test_misquotations_are_found_by_what_changed_and_the_labels_are_right() -> None:
    for event in REGISTRY.events:
        claims = {c.id: c for c in event.claims}
        for copy in event.claims:
            original = claims.get(copy.restates or "")
            if original is None:
                continue
            told = what_changed(copy, original)
            if told is None and copy.flaw is not None:
                assert copy.window is None, f"{copy.id}: only a lost window cannot be seen in the figures"
                continue
            assert told == copy.flaw, copy.id


def test_a_copy_that_is_mended_is_no_misquotation() -> None:
    assert only(RUSTOCK, "denominator_changed", "flaw-share-of-total").verdict == "inconsistent"
    origin = next(c for c in RUSTOCK.claims if c.id == "rustock-botnet-share-2011-03")
    same = {"metric": origin.metric, "denominator": origin.denominator, "unit": origin.unit, "flaw": None}
    mended = changed(flaw_share_of_total=same)
    assert not [f for f in reconcile(mended, mended.claims) if "flaw-share-of-total" in f.claims]
    assert only(changed(flaw_a_billion={"value": 30e9, "flaw": None}), "press_slip").claims[0] == "flaw-thirty-million"


def test_a_lost_digit_and_a_changed_unit_are_seen() -> None:
    assert only(RUSTOCK, "lost_digit", "size-press-high", "size-press-slip").facts["times"] == 10
    assert not found(changed(size_press_slip={"value": 27e6}), "lost_digit")
    assert only(RUSTOCK, "unit_changed", "servers-26", "networks-26")
    assert not found(changed(networks_26={"value": 27.0}), "unit_changed")


def test_one_house_with_two_figures_for_one_window_contradicts_itself() -> None:
    exact = {
        "comparator": "=",
        "vantage": "one",
        "rounding": 0.01,
        "window": Span(us("2008-11-11"), us("2008-11-12")),
        "baseline": Span(us("2008-11-04"), us("2008-11-05")),
    }
    mccolo = changed(REGISTRY.event("mccolo-2008"), senderbase_two_thirds=exact, ironport_press=exact)
    pairs = [p for f in found(mccolo, "same_metric", "senderbase-two-thirds") for p in f.pairs]
    (pair,) = [p for p in pairs if set(p.claims) == {"senderbase-two-thirds", "ironport-press"}]
    assert pair.verdict == "inconsistent"
    assert only(mccolo, "same_metric", "senderbase-two-thirds").verdict == "inconsistent"
    real = REGISTRY.event("mccolo-2008")
    assert only(real, "same_metric", "senderbase-two-thirds").verdict == "consistent_if", "windows are not stated there"


def test_morning_for_evening_is_a_way_out_of_half_a_day() -> None:
    assert "morning_for_evening" in only(RUSTOCK, "same_metric", "cbl-stop", "symantec-stop").ways_out
    later = changed(symantec_stop={"at": us("2011-03-16T20:00:00")})
    assert "morning_for_evening" not in only(later, "same_metric", "cbl-stop", "symantec-stop").ways_out


@pytest.mark.parametrize("event", REGISTRY.events, ids=lambda e: e.id)
def test_a_verdict_has_its_ways_out_and_no_claim_without_a_window_is_inconsistent(event: Event) -> None:
    claims = {c.id: c for c in (*event.claims, *REGISTRY.figures_near(event, 120))}
    for finding in reconcile(event, list(claims.values())):
        assert (finding.verdict == "consistent_if") == bool(finding.ways_out), finding
        for part in (finding, *finding.pairs):
            if part.verdict == "inconsistent" and not getattr(part, "pairs", ()):
                assert all(claims[i].window is not None for i in part.claims), part


def test_no_finding_is_an_average() -> None:
    falls = [c.value for c in RUSTOCK.claims if c.metric == "volume-change" and c.value is not None]
    mean = sum(falls) / len(falls)
    numbers = [v for f in reconcile(RUSTOCK, RUSTOCK.claims) for v in f.facts.values() if isinstance(v, float)]
    assert not [v for v in numbers if v == pytest.approx(mean, abs=1e-6)]


def measured(value: float, low: float, high: float, **more: object) -> MeasuredChange:
    start, end = us("2011-03-16T14:45:00"), us("2011-03-30T14:45:00")
    fields = {"about": "viagra-cialis", "metric": "subject-change", "start": start, "end": end, **more}
    return MeasuredChange("subject:viagra,cialis", "trap", value=value, low=low, high=high, **fields)  # type: ignore[arg-type]


def beside(value: MeasuredChange, event: Event = RUSTOCK) -> list[ClaimFinding]:
    return [f for f in reconcile(event, event.claims, [value]) if f.code == "measured_beside_claim"]


def test_a_measured_change_stands_beside_the_claims_of_its_metric_alone() -> None:
    (agree,) = beside(measured(-0.74, -0.80, -0.66))
    assert (agree.claims, agree.verdict) == (("icsa-two-words",), "consistent")
    (apart,) = beside(measured(-0.2, -0.4, 0.1))
    assert apart.verdict == "consistent_if"
    assert "other_vantage" in apart.ways_out
    volume = beside(measured(-0.33, -0.45, -0.2, about="all-spam", metric="volume-change"))
    assert {f.claims[0] for f in volume} == {"messagelabs-fall", "symantec-week"}, (
        "a step of one day holds a part of the fall"
    )
    assert not [f for f in volume if f.claims[0].startswith("flaw") or "copy" in f.claims[0]]
    assert beside(measured(-0.7, -0.8, -0.6, about="viagra-cialis", end=us("2012-03-30"))) == [], "another year"


def test_measured_duplicates_stand_beside_those_of_the_same_side_of_the_event() -> None:
    def beside_share(value: float, start: str, end: str) -> list[tuple[str, str]]:
        here = MeasuredShare("exact", "trap", 900, value, value - 0.02, value + 0.02, us(start), us(end))
        found = [
            f for f in reconcile(RUSTOCK, RUSTOCK.claims, shares=[here]) if f.code == "measured_share_beside_claim"
        ]
        return [(f.claims[0], f.verdict) for f in found]

    assert beside_share(0.34, "2011-03-16T14:45:00", "2011-03-23") == [("icsa-duplicates-after", "consistent")]
    assert beside_share(0.20, "2011-03-16T14:45:00", "2011-03-23") == [("icsa-duplicates-after", "consistent_if")]
    assert beside_share(0.52, "2011-03-01", "2011-03-16T14:45:00") == [("icsa-duplicates-before", "consistent")]
    assert beside_share(0.40, "2011-03-01", "2011-03-16T14:45:00") == [("icsa-duplicates-before", "consistent_if")]
    assert beside_share(0.40, "2011-02-01", "2011-02-16") == []


@pytest.mark.parametrize(
    ("measure", "subject"),
    [
        ("volume", ("all-spam", "volume-change")),
        ("subject:viagra,cialis", ("viagra-cialis", "subject-change")),
        ("botnet:rustock", ("rustock", "volume-change")),
        ("volume@recipient", None),
        ("topic:pharmacy", None),
    ],
)
def test_what_claims_call_a_measure(measure: str, subject: tuple[str, str] | None) -> None:
    assert subject_of(measure) == subject


def test_a_users_own_event_is_judged_by_the_same_rules() -> None:
    make: Callable[..., Claim] = lambda id, value, source: Claim(  # noqa: E731
        id, "all-spam", "volume-change", "=", "change of messages, as a share of before", "one mailbox", "me", "unknown", "primary",
        source, "Fell.", value=value, rounding=0.01, window=Span(us("2026-05-05"), us("2026-05-06")), baseline=Span(us("2026-05-04"), us("2026-05-05")),
    )  # fmt: skip
    event = msgspec.structs.replace(RUSTOCK, claims=(make("a", -0.2, "x"), make("b", -0.6, "y")))
    (finding,) = reconcile(event, event.claims)
    assert (finding.code, finding.verdict) == ("same_metric", "inconsistent")
