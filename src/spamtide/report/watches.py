"""Watches in documents and words: the status as the definitions have it, and what an alarm rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from spamtide.report.catalogue import SENTENCES
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
        bound = SENTENCES["watch_bound"].format(days=f"{rates.live_days:.1f}", count=thousands(rates.hits), share=share)
    facts = {"bound": bound, "since": since}
    if status.alarm is not None and status.code in ("returned", "alarm"):
        facts |= {"day": day_words(status.alarm.at), "rests": _rests_on(status)}
        facts["unconfirmed"] = "" if status.confirmed else SENTENCES["watch_unconfirmed"]
        return SENTENCES[f"watch_{status.code}"].format(**facts)
    known = ("too_early", "silent", "silent_too_early", "unknown", "declining")
    return SENTENCES[f"watch_{status.code}" if status.code in known else "watch_active"].format(**facts)


def _rests_on(status: WatchStatus) -> str:
    e = status.evidence
    if e is None:
        return ""
    return SENTENCES["watch_counts" if e.peers is None else "watch_evidence"].format(
        messages=thousands(e.messages), peers=e.peers, networks=e.networks, addresses=e.addresses
    )


def _alarm_note(status: WatchStatus) -> str:
    """From when on there is an alarm, or what it would find."""
    if status.alarm is not None:
        return ""
    if status.refused is not None:
        if status.refused.reason == "too_few_quiet_days" and status.calibrated_from is not None:
            return SENTENCES["watch_calibrated"].format(day=day_words(status.calibrated_from))
        return ""
    least = status.minimum_detectable
    if least is None:
        return SENTENCES["watch_blind"]
    return SENTENCES["watch_sees"].format(percent=f"{100 * least:.0f}")


def watch_lines(status: WatchStatus) -> list[str]:
    """What a terminal prints below the sentence: delays, and what an alarm rests on."""
    lines = []
    for p in status.power if status.baseline is not None else ():
        late = "more than a week" if p.median_delay_hours is None else f"{p.median_delay_hours:g} hours"
        lines.append(f"A return to {100 * p.share:.0f} % would be noticed after {late} (median).")
    if status.alarm is not None:
        lines.append(f"The alarm assumes {assumed(status.alarm)}")
    return lines
