"""Claims of others as rows that can be read: comparator, figure, unit, window, witness, grade."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spamtide.event import Claim
from spamtide.measure import DAY_US, Effect, is_witnessed
from spamtide.message import PublicText
from spamtide.report.words import THIN, day_words, signed

SIGNS = {">": ">", ">=": "≥", "~": "≈", "=": "=", "<=": "≤", "<": "<"}
# What a report measures, in the order in which it is shown; the other metrics are listed after them.
MEASURED = {
    "subject-change": "The two words in the subject",
    "volume-change": "The volume of spam",
    "duplicate-share": "Duplicates",
    "stop-time": "The instant of the stop",
    "presence": "Gone or there",
}
NEAR_DAYS = 60


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A claim for the page: every text inert, ``sign`` and ``figure`` apart."""

    metric: str
    witness: str
    text: str
    sign: str
    figure: str
    unit: str
    window: str
    vantage: str
    grade: str
    caveat: str


def claim_row(claim: Claim, witnesses: Mapping[str, str]) -> ClaimRow:
    """One claim as a row."""

    def inert(text: str | None, limit: int = 400) -> str:
        return PublicText.stated(text or "", limit).text

    unit = claim.unit
    if claim.denominator and claim.denominator not in unit:
        unit += f" (denominator: {claim.denominator})"
    window = claim.window_note or ""
    if claim.window is not None:
        last = day_words(claim.window.end - DAY_US, clock=False)
        first = day_words(claim.window.start, clock=False)
        window = (first if first == last else f"{first} to {last}") + (f" ({window})" if window else "")
    return ClaimRow(
        metric=claim.metric.replace("-", " "), witness=re.split("[,:]", inert(witnesses.get(claim.witness, claim.witness), 60))[0],
        text=inert(claim.text), sign=SIGNS[claim.comparator], figure=claim_figure(claim), unit=inert(unit, 160),
        window=inert(window, 160) or "not stated", vantage=inert(claim.vantage, 120),
        grade=_grade(claim), caveat=inert(claim.caveat),
    )  # fmt: skip


def _grade(claim: Claim) -> str:
    if claim.flaw is not None:
        return f"{claim.grade}; misquotes: {claim.flaw.replace('_', ' ')}"
    return f"{claim.grade}; repeats another" if claim.restates is not None else claim.grade


def claim_figure(claim: Claim) -> str:
    """The figure as it was rounded: ``−75 %``, ``1 000 to 2 000``, ``16 March 2011, 14:45 UTC``."""
    if claim.at is not None:
        return day_words(claim.at)
    if claim.value is not None:
        return _number(claim.value, claim)
    if claim.low is not None and claim.high is not None:
        return (
            f"{_number(claim.low, claim).removesuffix(' %').removesuffix(' billion')} to {_number(claim.high, claim)}"
        )
    return "no figure"


def _number(value: float, claim: Claim) -> str:
    change = "change" in claim.metric
    if not (change or "share" in claim.metric or "share" in claim.unit):
        # Nobody reads 1.382e+10; a figure keeps the digits it was given.
        if abs(value) >= 1e9:
            return f"{value / 1e9:.6g} billion"
        return f"{value:,.10g}".replace(",", THIN)
    decimals = 0 if round(value * 100, 6) == round(value * 100) else 1
    return signed(f"{value * 100:{'+' if change else ''}.{decimals}f} %")


def claim_groups(claims: Sequence[Claim], witnesses: Mapping[str, str]) -> list[tuple[str, list[ClaimRow]]]:
    """Witnessed claims on what a report measures, by metric."""
    groups = []
    for metric, heading in MEASURED.items():
        rows = [claim_row(c, witnesses) for c in claims if c.metric == metric and is_witnessed(c)]
        if rows:
            groups.append((heading, rows))
    return groups


def claims_beside(effect: Effect, claims: Sequence[Claim]) -> list[Claim]:
    """Claims of the same kind of change that may stand on one axis with an effect.

    Left out: arithmetic on other claims, copies, misquotations, and windows that end long after the cut.
    """
    kind, _, rest = effect.measure.partition(":")
    terms = set(rest.split(",")) if kind in ("subject", "subject-literal") else set()
    found = []
    for c in claims:
        if not is_witnessed(c):
            continue
        if c.window is not None and abs(c.window.end - effect.cut) > NEAR_DAYS * DAY_US:
            continue
        words = c.metric == "subject-change" and bool(terms) and terms <= set(c.about.split("-"))
        if words or (kind == "volume" and c.metric == "volume-change" and c.about == "all-spam"):
            found.append(c)
    return found


def duplicate_claims(claims: Sequence[Claim]) -> list[Claim]:
    """Shares of duplicates that others published."""
    return [c for c in claims if c.metric == "duplicate-share" and is_witnessed(c)]


def short_witness(claim: Claim, witnesses: Mapping[str, str]) -> str:
    """A witness's name for a chart, with the day where one claim of several is meant."""
    name = PublicText.stated(witnesses.get(claim.witness, claim.witness), 60).text
    return name if len(name) <= 14 else name.replace(",", " ").split(" ")[0][:18]
