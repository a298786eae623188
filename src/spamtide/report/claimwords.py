"""What claims say together, in words; the document of ``claims`` and its lines for a terminal."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from spamtide.event import Claim, Event, Span
from spamtide.measure import ClaimFinding, Interval
from spamtide.message import PublicText
from spamtide.report.catalogue import TEXTS, VERDICTS, WAYS_OUT
from spamtide.report.claims import SIGNS, claim_figure
from spamtide.report.documents import instant, number
from spamtide.report.words import change_span, change_words, day_words, share_span, share_words, signed, thousands


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
        "here": _here(finding),
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


def _here(finding: ClaimFinding) -> str:
    """What was measured here with its interval, in as many digits as that bears."""
    facts = finding.facts
    if not finding.code.startswith("measured_"):
        return ""
    of = Interval(*(_f(facts[k]) for k in ("measured", "low", "high")))
    if finding.code == "measured_share_beside_claim":
        value, span = share_words(of), share_span(of)
    else:
        ratio = Interval(1 + of.value, 1 + of.low, 1 + of.high)
        value, span = change_words(ratio), change_span(ratio)
    return f"{value} ({span})" if span else value


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
