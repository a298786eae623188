"""Watches in documents and words: the status as the definitions have it, and what an alarm rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from spamtide.report.documents import instant, note, number, refusal, window
from spamtide.report.words import capital, day_words, measure_words, quoted, thousands
from spamtide.watch import NEEDED, Alarm, Power, WatchStatus


def status_words(status: WatchStatus) -> str:
    """The status word for word; instants in it are RFC 3339."""
    since = "" if status.silent_since is None else f" since {instant(status.silent_since)}"
    match status.code:
        case "too_early":
            return "too early to be watched"
        case "silent_too_early":
            return f"silent{since}, too early to be watched"
        case "silent":
            return f"silent{since}"
        case "returned" if status.alarm is not None:
            return f"returned at {instant(status.alarm.at)}{'' if status.confirmed else ', unconfirmed'}"
        case "alarm" if status.alarm is not None:
            return f"alarm at {instant(status.alarm.at)}, not yet a return"
    return status.code


def watch_document(status: WatchStatus, *, name: str | None = None, feeds: Sequence[str] = ()) -> dict[str, Any]:
    """The document ``spamtide.watch/1``. ``upper_bound``, ``minimum_detectable`` and returns are shares of the active rate."""
    rates, baseline, evidence = status.rates, status.baseline, status.evidence
    upper, active = rates.upper_bound, rates.active_rate
    return {
        "schema": "spamtide.watch/1",
        "name": name,
        "measure": status.signature.measure,
        "feeds": list(feeds),
        "at": instant(status.at),
        "status": status_words(status),
        "status_code": status.code,
        "silent_since": None if status.silent_since is None else instant(status.silent_since),
        "confirmed": status.confirmed,
        "active": {
            "window": None if rates.window is None else window(rates.window),
            "rate_per_live_day": number(active),
        },
        "live_days": number(rates.live_days),
        "count": number(rates.hits),
        "upper_bound": number(upper),
        "upper_bound_per_live_day": None if upper is None or active is None else number(upper * active),
        "design_effect": number(rates.effect),
        "recall": None if status.signature.recall is None else [number(r) for r in status.signature.recall],
        "alarm": None if status.alarm is None else _alarm(status.alarm),
        "evidence": None
        if evidence is None
        else {
            "messages": evidence.messages, "peers": evidence.peers, "networks": evidence.networks,
            "addresses": evidence.addresses, "needed": dict(NEEDED), "enough": evidence.enough,
        },
        "background": None
        if baseline is None
        else {
            "rate_per_live_hour": number(baseline.mean), "bound_per_live_hour": number(baseline.bound),
            "worst_block_per_live_hour": number(baseline.worst), "burstiness": number(baseline.burstiness),
            "in_bursts": baseline.guarded, "quiet_days": number(baseline.hours / 24),
        },
        "power": [_power(p) for p in status.power],
        "minimum_detectable": number(status.minimum_detectable),
        "calibrated_from": None if status.calibrated_from is None else instant(status.calibrated_from),
        "refused": refusal(status.refused),
        "exposure_basis": status.basis,
        "warnings": [note(w) for w in status.warnings],
        "sentence": watch_sentence(status),
    }  # fmt: skip


def _alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "at": instant(alarm.at), "since": instant(alarm.since), "statistic": number(alarm.statistic),
        "threshold": number(alarm.threshold), "average_run_length_hours": number(alarm.threshold),
        "bound_per_live_hour": number(alarm.bound), "assumes": assumed(alarm),
    }  # fmt: skip


def assumed(alarm: Alarm) -> str:
    """What the alarm's guarantee is, and on what it rests."""
    return (
        f"that the background's mean stays below {alarm.bound:.3g} messages in a live hour; then at least {alarm.threshold:,.0f} hours of "
        "watching are expected before a false alarm. The statistic is neither a p-value nor an e-value."
    )


def _power(power: Power) -> dict[str, Any]:
    return {
        "return": number(power.share), "chance": number(power.chance), "within_hours": number(power.hours),
        "median_delay_hours": number(power.median_delay_hours),
    }  # fmt: skip


def watch_sentence(status: WatchStatus) -> str:
    """What may be said of a watched signature, a refusal included."""
    what = (
        measure_words(status.signature.measure) if ":" in status.signature.measure else quoted(status.signature.measure)
    )
    return capital(f"{what} {_said(status)}") + _alarm_note(status)


def _said(status: WatchStatus) -> str:
    rates = status.rates
    since = "" if status.silent_since is None else f" since {day_words(status.silent_since)}"
    bound = ""
    if rates.upper_bound is not None:
        # A bound is rounded up, so that it stays one.
        percent = 100 * rates.upper_bound
        share = (
            f"{math.ceil(percent - 1e-9):.0f} %"
            if percent >= 10
            else f"{max(0.1, math.ceil(percent * 10 - 1e-9) / 10):g} %"
        )
        bound = f": in {rates.live_days:.1f} live days {thousands(rates.hits)} came, a rate of at most {share} of what it was (upper 95 % bound)"
    match status.code:
        case "returned" if status.alarm is not None:
            return f"returned at {day_words(status.alarm.at)}{'' if status.confirmed else ', unconfirmed'}{_rests_on(status)}."
        case "alarm" if status.alarm is not None:
            return f"raised an alarm at {day_words(status.alarm.at)}, not yet a return{_rests_on(status)}."
        case "too_early":
            return f"is too early to be watched{bound}."
        case "silent" | "silent_too_early":
            early = ", too early to be watched" if status.code == "silent_too_early" else ""
            return f"has been silent{since}, in the form we know{early}{bound}."
        case "unknown":
            return f"is unknown: too little was seen, or the signature is too uncertain, to say more{bound}."
        case "declining":
            return f"is declining{bound}."
    return "is active."


def _rests_on(status: WatchStatus) -> str:
    e = status.evidence
    if e is None:
        return ""
    if e.peers is None:
        return f": {thousands(e.messages)} counted since the evidence began to rise; of peers, networks and trap addresses counts say nothing"
    return f": {thousands(e.messages)} messages by {e.peers} peers in {e.networks} networks to {e.addresses} trap addresses"


def _alarm_note(status: WatchStatus) -> str:
    """From when on there is an alarm, or what it would find."""
    if status.alarm is not None:
        return ""
    if status.refused is not None:
        if status.refused.reason == "too_few_quiet_days" and status.calibrated_from is not None:
            return f" An alarm needs 60 quiet days; it can be calibrated from {day_words(status.calibrated_from)} on."
        return ""
    least = status.minimum_detectable
    if least is None:
        return " The alarm would not notice even a full return within a week: the background is too high."
    return f" The alarm would notice a return to {100 * least:.0f} % of the old rate within a week, four times in five."


def watch_lines(status: WatchStatus) -> list[str]:
    """What a terminal prints below the sentence: delays, and what an alarm rests on."""
    lines = []
    for p in status.power if status.baseline is not None else ():
        late = "more than a week" if p.median_delay_hours is None else f"{p.median_delay_hours:g} hours"
        lines.append(f"A return to {100 * p.share:.0f} % would be noticed after {late} (median).")
    if status.alarm is not None:
        lines.append(f"The alarm assumes {assumed(status.alarm)}")
    return lines
