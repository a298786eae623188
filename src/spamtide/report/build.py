"""The report: values in; a page, figures, tables and one JSON document out. Renders public values only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spamtide.measure import is_witnessed
from spamtide.message import PublicText
from spamtide.report import parts
from spamtide.report.catalogue import say
from spamtide.report.claims import MEASURED, claim_groups, claim_row
from spamtide.report.documents import instant
from spamtide.report.identity import report_id
from spamtide.report.page import render_page
from spamtide.report.public import public_document
from spamtide.report.sentences import says_because
from spamtide.report.tables import write_claims
from spamtide.report.values import ReportInput
from spamtide.report.views import finding_view, instrument_cards, shares_views, since_words
from spamtide.report.words import day_words


def quote(report: ReportInput) -> dict[str, Any]:
    """What may be quoted, what may not, who measured, since which day, and how many findings the first was taken from."""
    first = report.findings[0]
    sentence: str = first.document["sentence"]
    if report.simulated:
        sentence = f"{say('in_a_simulated_world')}{sentence[:1].lower()}{sentence[1:]}"
    never = ["never_world", "never_bare"]
    if not says_because(first.effect):
        never.append("never_because")
    never += ["never_happened"] if report.simulated else []
    if first.effect.ratio is None:
        never.append("never_nothing")
    return {
        "you_can_write": sentence,
        "do_not_write": [say(code) for code in never],
        "who_measured": PublicText.stated(report.controller, 120).text or say("not_stated"),
        "since_when": min((c["instrument"]["since"] for c in report.cards if c["instrument"]["since"]), default=None),
        "selected_from": len(report.findings),
    }


def report_document(report: ReportInput) -> dict[str, Any]:
    """The document ``spamtide.report/1``; its id is a hash of the rest."""
    document: dict[str, Any] = {
        "schema": "spamtide.report/1",
        "id": "",
        "supersedes": report.supersedes,
        "tlp": report.tlp,
        "audience": report.audience,
        "event": report.event_id,
        "at": instant(report.cut),
        "quote": quote(report),
        "effects": [f.document for f in report.findings],
        "duplicates": [d.document for d in report.duplicates],
        "claims": [] if report.reconciled is None else [dict(report.reconciled)],
        "watch": [dict(w) for w in report.watches],
        "sizes": [dict(s) for s in report.sizes],
        "corroboration": [dict(a) for a in report.agreements],
        "instruments": [dict(c) for c in report.cards],
        "controller": report.controller or None,
        "interest": report.interest or None,
        "software": {"spamtide": report.version, "facts_version": report.facts_version},
    }
    document = public_document(document)
    return document | {"id": report_id(document)}


def build_report(report: ReportInput, out: Path) -> dict[str, Any]:
    """Write ``report.html``, ``report.json``, ``tables/*.csv`` and ``figures/*.svg`` into ``out``; the document."""
    (out / "tables").mkdir(parents=True, exist_ok=True)
    (out / "figures").mkdir(exist_ok=True)
    document = report_document(report)
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    (out / "report.json").write_text(text + "\n", encoding="utf-8")
    views = [finding_view(report, i + 1, f, out) for i, f in enumerate(report.findings)]
    shares = shares_views(report, out)
    write_claims(out / "tables" / "claims.csv", report.claims)
    (out / "report.html").write_text(_page(report, document, views, shares), encoding="utf-8")
    return document


def _page(
    report: ReportInput, document: dict[str, Any], views: list[dict[str, Any]], shares: list[dict[str, Any]]
) -> str:
    def inert(text: str, limit: int) -> str:
        return PublicText.stated(text, limit).text

    cards = instrument_cards(report)
    findings = (report.reconciled or {}).get("findings", [])
    beside = [f["text"] for f in findings if f["code"].startswith("measured_")]
    pairs = [f["text"] for f in findings if f["code"] == "same_metric"]
    together = [f["text"] for f in findings if f["text"] not in (*beside, *pairs)]
    rest = [claim_row(c, report.witnesses) for c in report.claims if c.metric not in MEASURED or not is_witnessed(c)]
    found_when, found = parts.found(report)
    people = [
        ("who_controller", inert(report.controller, 120)), ("who_interest", inert(report.interest, 200)),
        ("who_purpose", inert(report.purpose, 200)), ("who_ground", inert(report.legal_ground, 200)),
    ]  # fmt: skip
    return render_page(
        report.audience, id=document["id"], tlp=report.tlp, supersedes=report.supersedes, title=inert(report.title, 120),
        summary=inert(report.summary, 1000), event_id=inert(report.event_id, 64), cut_words=day_words(report.cut),
        simulated=report.simulated, quote=document["quote"], views=views, shares=shares, found=found, found_when=found_when,
        cards=cards, people=people, harms=parts.HARMS, definitions=parts.DEFINITIONS[report.audience],
        claim_groups=claim_groups(report.claims, report.witnesses), other_claims=rest, beside=beside, pairs=pairs, together=together,
        sizes=parts.sizes(report), watches=[w["sentence"] for w in report.watches], agreements=parts.agreements(report),
        windows=parts.windows(report), limits=parts.limits(report, cards), minds=parts.minds(report), interest=inert(report.interest, 200),
        reproduce=[inert(c, 400) for c in report.reproduce], version=report.version, facts_version=report.facts_version,
        since=since_words(document["quote"]["since_when"]), folder=report.folder,
    )  # fmt: skip
