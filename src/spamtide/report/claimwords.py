"""What claims say together, in words; the document of ``claims`` and its lines for a terminal."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from spamtide.event import Claim, Event, Span
from spamtide.measure import ClaimFinding
from spamtide.message import PublicText
from spamtide.report.claims import SIGNS, claim_figure
from spamtide.report.documents import instant, number
from spamtide.report.words import day_words, signed, thousands

WAYS_OUT = {
    "about": "“about” reaches as far as that",
    "addresses_are_not_machines": "machines were counted by their addresses",
    "baseline_not_stated": "what a change is measured from is not stated",
    "captive_machine_at_its_own_speed": "a captive machine sends faster than those in the field",
    "cut_not_stated": "where the days before end is not stated",
    "decimal_point": "one of the two lost or gained a digit",
    "duplicate_rule_not_published": "the rule for a duplicate is not published",
    "filter_before_the_count": "a filter before the count took part of the fall",
    "mean_over_days_after_event": "a figure is a mean over a time that holds days after the event",
    "morning_for_evening": "one of the two took morning for evening",
    "not_all_machines_send_at_once": "not all machines send at once",
    "one_of_the_units": "the unit of one of the two is wrong",
    "other_denominator": "they are shares of different things",
    "other_mail_changed": "other mail changed too",
    "other_time": "they are of different times",
    "other_time_of_the_same_house": "the same house's figure for another time held",
    "other_unit": "they count different units",
    "other_vantage": "they look from different vantages",
    "other_window": "their windows differ",
    "sample_size": "the share of duplicates falls with the number of messages alone",
    "scaled_up_differently": "each house scales up to the world by a factor of its own",
    "shared_servers": "other senders shared the servers that were struck",
    "unattributed_mail": "mail that nobody attributed was the target's",
    "unique_messages_as_before": "as many unique messages came as before",
    "unique_messages_changed": "the number of unique messages changed too",
    "up_to": "“up to” is a maximum, and of what is not stated",
    "weekday": "the days compared are not the same weekdays",
    "window_not_stated": "a window is not stated",
}
VERDICTS = {"consistent": "consistent", "consistent_if": "consistent if", "inconsistent": "inconsistent"}

TEXTS = {
    "chain_of_steps": "Steps of {steps} days chain to {chained:change}; {names} states {stated:change} for the same days.",
    "one_witness": "{names} are one witness (group {group}): {figures}. That they agree counts once.",
    "not_a_replication": "{witness} spoke of presence only. That replicates none of the figures printed beside it: {figures_of_others}.",
    "replication": "{witness} gives the same metric about the same thing from an independent group: {figures}.",
    "same_number_different_metric": "{value:change} stands for two different things, {what}: neither confirms the other.",
    "attributable_cap": "From {before:amount} to {after:amount} a day, {removed:amount} went: {times:times} times what the same house credits to the target, {sent:amount}. By its figures the target was {share:share} of spam and the fall {fall:share}; a target cannot take away more than it sends.",
    "share_cap": "A fall by {fall:share} is {times:times} times the share of spam that the target was given, {share:share}.",
    "per_bot_product": "Mail over machines makes {lowest:rate} to {highest:rate} messages a minute and machine{captive}.",
    "totals_differ_ratios_agree": "World totals differ {times:times} times ({low:amount} and {high:amount} a day), while what each house has left of its own total agrees: {ratio_low:share} and {ratio_high:share}. Compare ratios, never totals.",
    "totals_and_ratios_differ": "World totals differ {times:times} times ({low:amount} and {high:amount} a day), and so does what each house has left of its own: {ratio_low:share} and {ratio_high:share}.",
    "totals_differ": "World totals differ {times:times} times: {low:amount} and {high:amount} a day.",
    "counted_is_not_scaled_up": "{counted:amount} messages a day were counted at traps, and {scaled:amount} are a count scaled up to the world, {times:times} times as many: messages seen and messages inferred are two units.",
    "duplicates_can_be_the_fall": "A fall of duplicates from {share_before_needed:share} to {share_after:share} and {stated:change} of volume can be one event, if as many unique messages came as before; {names} states {before_words}.",
    "duplicates_are_not_the_fall": "If as many unique messages came as before, the duplicates stand for {implied_low:change} to {implied_high:change} of volume, not {stated:change}.",
    "share_against_volume": "{share_change_low:points} to {share_change_high:points} points of a share of {share_before:share} stand for {implied_low:change} to {implied_high:change} of volume if other mail stayed as it was; {stated:change} would have been {stated_as_points:points} points. Shares compress effects.",
    "reported_date_late": "The source dates the event {late}: {reported:day} instead of {done:day}. Cut there, a true {stated:change} shows as {shown:change}{true_words}.",
    "denominator_changed": "A copy changes the denominator: “{first}” for “{second}”",
    "percent_of_what": "A copy changes what it is a percentage of: “{first}” for “{second}”",
    "window_changed": "A copy changes the time: “{first}” for “{second}”",
    "unit_changed": "{value:plain} are once {one} and once {other}.",
    "press_slip": "A copy slips: {copy:amount} for {original:amount}.",
    "points_are_not_per_cent": "{points:points} points of a share and {per_cent:change} of volume are the same digits on two scales.",
    "lost_digit": "The same figure stands {times:plain} times larger elsewhere: {figures}.",
    "same_metric": "{about_words}: {number} figures{range}; {disagree} of {pairs} pairs whose times may overlap differ.",
    "measured_share_beside_claim": "Measured here{where}, by the rule “{rule}” on {messages:amount} messages: {measured:share} ({low:share} to {high:share}) duplicates; {names} states {before_words}.",
    "measured_beside_claim": "Measured here{where}: {measured:change} ({low:change} to {high:change}); {names} states {stated:change}.",
}  # fmt: skip


class _Figure(float):
    """A number that formats itself by the name of its kind."""

    def __format__(self, kind: str) -> str:
        return _KINDS[kind](float(self)) if kind else str(float(self))


class _None(str):
    """What stands for a figure that a claim does not have, whatever its kind."""

    def __format__(self, kind: str) -> str:
        return "no figure"


def _change(value: float) -> str:
    return signed(f"{value * 100:+.{_decimals(value)}f} %")


def _decimals(value: float) -> int:
    return 0 if math.isclose(value * 100, round(value * 100), abs_tol=1e-6) else 1


def _amount(value: float) -> str:
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if abs(value) >= size:
            return f"{value / size:.4g} {word}"
    return thousands(value) if abs(value) >= 1000 else f"{value:.4g}"


_KINDS: dict[str, Callable[[float], str]] = {
    "change": _change,
    "share": lambda v: f"{v * 100:.{_decimals(v)}f} %",
    "points": lambda v: signed(f"{v * 100:+.1f}"),
    "amount": _amount,
    "times": lambda v: f"{v:.3g}",
    "rate": lambda v: f"{v:.3g}",
    "plain": lambda v: f"{v:.10g}",
    "day": lambda v: day_words(int(v)),
}


def _inert(text: str, limit: int = 400) -> str:
    return PublicText.stated(text, limit).text


def finding_text(finding: ClaimFinding, claims: Mapping[str, Claim], witnesses: Mapping[str, str]) -> str:
    """One finding in words, its verdict and every way out at the end."""
    used = [claims[i] for i in finding.claims]
    facts: dict[str, Any] = {
        k: _None() if v is None else _Figure(v) if isinstance(v, int | float) else _inert(str(v))
        for k, v in finding.facts.items()
    }
    facts |= _words(finding, used, witnesses)
    text = TEXTS[finding.code].format(**facts)
    verdict = VERDICTS[finding.verdict]
    if finding.verdict == "consistent_if":
        return f"{text} {verdict.capitalize()} " + "; or ".join(WAYS_OUT[w] for w in finding.ways_out) + "."
    return f"{text} {verdict.capitalize()}."


def _words(finding: ClaimFinding, used: Sequence[Claim], witnesses: Mapping[str, str]) -> dict[str, str]:
    def name(claim: Claim) -> str:
        # What stands behind a comma or colon tells who that is, which a sentence has no room for.
        return re.split("[,:]", _inert(witnesses.get(claim.witness, claim.witness), 60))[0]

    facts, first = finding.facts, used[0]
    last = used[-1]
    words = {
        "names": " and ".join(dict.fromkeys(name(c) for c in used)) if finding.code == "one_witness" else name(first),
        "figures": ", ".join(_figure(c) for c in used),
        "figures_of_others": ", ".join(f"{_figure(c)} of {_plain(c)}" for c in used[1:]),
        "what": f"{_plain(first)} ({name(first)}) and {_plain(last)} ({name(last)})",
        "first": _inert(first.text.rstrip("."), 200) + ".",
        "second": _inert(last.text.rstrip("."), 200) + ".",
        "about_words": f"{_inert(str(facts.get('about', ''))).replace('-', ' ')}, {_inert(str(facts.get('metric', ''))).replace('-', ' ')}",
        "number": f"{facts.get('figures', len(used))}",
        "range": f" from {_bound(used, 0)} to {_bound(used, -1)}" if "lowest" in facts else "",
        "before_words": _figure(first),
        "captive": "",
        "late": "",
        "true_words": "",
        "where": f" at {_inert(str(facts['feed']), 60)}" if facts.get("feed") else "",
    }
    if "witness" in facts:
        words["witness"] = name(next(c for c in used if c.witness == facts["witness"]))
    if "disagree" in facts:
        words["disagree"], words["pairs"] = str(facts["disagree"]), str(facts["pairs"])
    if "steps" in facts:
        words["steps"] = "two" if facts["steps"] == 2 else str(facts["steps"])
    if "captive_lowest" in facts:
        words["captive"] = (
            f"; a captive one made {_Figure(_f(facts['captive_lowest'])):rate} to {_Figure(_f(facts['captive_highest'])):rate}, "
            f"so a census times such a speed says {_Figure(_f(facts['times'])):times} times too much"
        )
    if "late_days" in facts:
        days = round(_f(facts["late_days"]))
        words["late"] = f"{abs(days)} day{'' if abs(days) == 1 else 's'} {'late' if days > 0 else 'early'}"
        if facts.get("true") is not None:
            words["true_words"] = (
                f"; what shows as {_Figure(_f(facts['stated'])):change} there was {_Figure(_f(facts['true'])):change}"
            )
    return words  # fmt: skip


def _f(value: object) -> float:
    assert isinstance(value, int | float)
    return float(value)


def _plain(claim: Claim) -> str:
    return f"{claim.about.replace('-', ' ')}, {claim.metric.replace('-', ' ')}"


def _figure(claim: Claim) -> str:
    sign = SIGNS[claim.comparator]
    return _inert(f"{'' if sign == '=' else sign + ' '}{claim_figure(claim)}", 120)


def _bound(claims: Sequence[Claim], which: int) -> str:
    """The least or greatest figure as its own claim prints it."""
    ends = [(x, c) for c in claims for x in (c.value, c.low, c.high) if x is not None]
    value, claim = sorted(ends, key=lambda e: e[0])[which]
    return f"{_Figure(value):change}" if claim.unit.startswith("change") else (
        f"{_Figure(value):share}" if "share" in claim.metric else f"{_Figure(value):amount}"
    )  # fmt: skip


def _window(value: Span | None) -> dict[str, str] | None:
    return None if value is None else {"start": instant(value.start), "end": instant(value.end)}


def _inert_or_none(text: str | None) -> str | None:
    return None if text is None else _inert(text, 1000)


def claim_document(claim: Claim, witnesses: Mapping[str, str]) -> dict[str, Any]:
    """One claim as plain values, every key there; ``text`` and ``caveat`` are our sentences about other people's figures."""
    low, high = claim.bounds
    return {
        "id": claim.id,
        "about": _inert_or_none(claim.about),
        "metric": _inert_or_none(claim.metric),
        "comparator": claim.comparator,
        "value": number(claim.value),
        "low": number(claim.low),
        "high": number(claim.high),
        "at": None if claim.at is None else instant(claim.at),
        "rounding": number(claim.rounding),
        "bounds": {"low": number(low), "high": number(high)},
        "unit": _inert_or_none(claim.unit),
        "denominator": _inert_or_none(claim.denominator),
        "window": _window(claim.window),
        "baseline": _window(claim.baseline),
        "window_note": _inert_or_none(claim.window_note),
        "vantage": _inert_or_none(claim.vantage),
        "witness": _inert_or_none(claim.witness),
        "witness_name": _inert(witnesses.get(claim.witness, claim.witness), 120),
        "group": _inert_or_none(claim.group),
        "grade": claim.grade,
        "source": _inert_or_none(claim.source),
        "derived_from": list(claim.derived_from),
        "restates": claim.restates,
        "replication": claim.replication,
        "flaw": claim.flaw,
        "text": _inert_or_none(claim.text),
        "caveat": _inert_or_none(claim.caveat),
    }


def claim_line(document: Mapping[str, Any]) -> str:
    """One claim of the document on a line: name, figure, unit, window, vantage, witness with group, grade."""
    figure = document["at"] or "no figure"
    if document["value"] is not None or document["low"] is not None:
        values = [document[k] for k in ("value", "low", "high") if document[k] is not None]
        shares = document["unit"].startswith(("change", "share"))
        shown = [signed(f"{v * 100:.6g} %") if shares else f"{_Figure(v):amount}" for v in values]
        figure = f"{SIGNS[document['comparator']]} {' to '.join(shown)}"
    window = (
        "" if document["window"] is None else "{start}/{end}".format(**document["window"]).replace("T00:00:00Z", "")
    )
    note = document["window_note"] or ("" if window else "window not stated")
    when = "; ".join(t for t in (window, note) if t)
    who = f"{document['witness']} (group {document['group']})"
    flaw = f", {document['flaw']}" if document["flaw"] else ""
    return (
        f"{document['id']}: {figure} of {document['about']}, {document['metric']}; {document['unit']}; {when}; "
        f"{document['vantage']}; {who}; {document['grade']}{flaw}"
    )


def claims_document(
    event: Event,
    claims: Sequence[Claim],
    findings: Sequence[ClaimFinding],
    witnesses: Mapping[str, str],
) -> dict[str, Any]:
    """The document ``spamtide.claims/1``."""
    known = {c.id: c for c in claims}
    return {
        "schema": "spamtide.claims/1",
        "event": event.id,
        "at": instant(event.started_at),
        "claims": [claim_document(c, witnesses) for c in claims],
        "findings": [
            {
                "code": f.code,
                "claims": list(f.claims),
                "verdict": f.verdict,
                "ways_out": [{"code": w, "text": WAYS_OUT[w]} for w in f.ways_out],
                "facts": {k: number(v) if isinstance(v, int | float) else v for k, v in f.facts.items()},
                "pairs": [
                    {"claims": list(p.claims), "verdict": p.verdict, "ways_out": list(p.ways_out)} for p in f.pairs
                ],
                "text": finding_text(f, known, witnesses),
            }
            for f in findings
        ],
    }
