"""How long until what was struck came back: the document of ``event returns`` and its sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from spamtide.measure import ReturnCurve
from spamtide.report.documents import interval, number

CAVEAT = (
    "Reported takedowns are a selected sample: those that somebody told of, mostly somebody who took part, and whose return somebody noticed. "
    "A pause is told of because it ended. A case without a dated look is left out, and one act that struck two targets counts twice. "
    "The curve is of the registry, not of takedowns."
)
WHOSE = {"target": ("targets", "came back"), "total": ("totals", "were back at their level")}


def returns_document(
    kind: str | None, curves: Mapping[str, ReturnCurve], by_kind: Mapping[str, Mapping[str, ReturnCurve]]
) -> dict[str, Any]:
    """The document ``spamtide.returns/1``: target and total apart, all kinds together and each for itself."""
    return {
        "schema": "spamtide.returns/1",
        "kind": kind,
        **{whose: _curve(whose, curve) for whose, curve in curves.items()},
        "by_kind": [
            {"kind": name, **{whose: _short(curve) for whose, curve in both.items()}} for name, both in by_kind.items()
        ],
        "caveat": CAVEAT,
    }


def _short(curve: ReturnCurve) -> dict[str, Any]:
    return {"n": curve.n, "returned": curve.returned, "censored": curve.censored, "median_days": interval(curve.median)}


def _curve(whose: str, curve: ReturnCurve) -> dict[str, Any]:
    return {
        **_short(curve),
        "median_if_dates": {"earliest": number(curve.median_bounds[0]), "latest": number(curve.median_bounds[1])},
        "median_if_unknown_never_returned": number(curve.median_if_never),
        "rows": [
            {
                "days": number(r.days), "at_risk": r.at_risk, "returned": r.returned, "censored": r.censored, "gone": interval(r.gone),
                "standard_error": number(r.standard_error),
            }
            for r in curve.rows
        ],
        "cases": [
            {
                "event": c.event, "kind": c.kind, "returned": c.returned, "days": number(c.days), "earliest": number(c.earliest),
                "latest": number(c.latest), "remembered": c.remembered,
            }
            for c in curve.cases
        ],
        "left_out": [{"event": c.event, "kind": c.kind, "reason": c.reason} for c in curve.left_out],
        "caveat": CAVEAT,
        "sentence": returns_sentence(whose, curve),
    }  # fmt: skip


def returns_sentence(whose: str, curve: ReturnCurve) -> str:
    """What one curve says, with n, interval, the censored, and what is left out."""
    noun, verb = WHOSE[whose]
    if not curve.n:
        return f"Of no {noun[:-1]} here is it known when it {'came back' if whose == 'target' else 'was back'}."
    text = (
        f"Of {curve.n} {noun} with a dated look, {curve.returned} {verb} and {curve.censored} had not when last looked"
    )
    if curve.median is None:
        return f"{text}; fewer than half {verb} within the time that they were watched."
    m = curve.median
    high = f"to {m.high:.3g} days" if math.isfinite(m.high) else "days to beyond what was watched"
    text += f"; half {verb} within {m.value:.3g} days (95 % interval: {m.low:.3g} {high})"
    unknown = sum(c.reason == "never_known" for c in curve.left_out)
    if unknown:
        later = "never" if curve.median_if_never is None else f"{curve.median_if_never:.3g} days"
        text += f", or {later} if the {unknown} of which nobody knows had never come back"
    fell = sum(c.reason == "never_fell" for c in curve.left_out)
    return text + (f"; {fell} more never showed a fall." if fell else ".")
