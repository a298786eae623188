"""The report: values in; a page, figures, tables and one JSON document out. Renders public values only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spamtide.measure import is_witnessed
from spamtide.message import PublicText
from spamtide.report.claims import MEASURED, claim_groups, claim_row
from spamtide.report.documents import instant
from spamtide.report.page import render_page
from spamtide.report.tables import write_claims
from spamtide.report.values import ReportInput
from spamtide.report.views import finding_view, instrument_cards, shares_views, since_words
from spamtide.report.words import day_words


def quote(report: ReportInput) -> dict[str, Any]:
    """What may be quoted, what may not, who measured, since when."""
    first = report.findings[0]
    sentence: str = first.document["sentence"]
    if report.simulated:
        sentence = f"In a simulated world, {sentence[:1].lower()}{sentence[1:]}"
    return {
        "you_can_write": sentence,
        "do_not_write": [
            "that world spam fell or rose by this much: this is the measure of one trap",
            "the figure without its interval",
            "“because of” for “after”",
            *(["that this happened: the traps are simulated"] if report.simulated else []),
            *(["that nothing changed: there was too little data to say"] if first.effect.ratio is None else []),
        ],
        "who_measured": PublicText.stated(report.controller, 120).text or "not stated",
        "since_when": min((c["instrument"]["since"] for c in report.cards if c["instrument"]["since"]), default=None),
    }


def build_report(report: ReportInput, out: Path) -> dict[str, Any]:
    """Write ``report.html``, ``report.json``, ``tables/*.csv`` and ``figures/*.svg`` into ``out``; the document."""
    (out / "tables").mkdir(parents=True, exist_ok=True)
    (out / "figures").mkdir(exist_ok=True)
    views = [finding_view(report, i + 1, f, out) for i, f in enumerate(report.findings)]
    shares = shares_views(report, out)
    write_claims(out / "tables" / "claims.csv", report.claims)
    to_quote = quote(report)
    document: dict[str, Any] = {
        "schema": "spamtide.report/1",
        "event": report.event_id,
        "at": instant(report.cut),
        "quote": to_quote,
        "effects": [f.document for f in report.findings],
        "duplicates": [d.document for d in report.duplicates],
        "claims": [] if report.reconciled is None else [dict(report.reconciled)],
        "watch": [],
        "sizes": [],
        "instruments": [dict(c) for c in report.cards],
        "controller": report.controller or None,
        "interest": report.interest or None,
        "software": {"spamtide": report.version, "facts_version": report.facts_version},
    }
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    (out / "report.json").write_text(text + "\n", encoding="utf-8")
    groups = claim_groups(report.claims, report.witnesses)
    rest = [
        claim_row(c, report.witnesses) for c in report.claims if c.metric not in MEASURED or not is_witnessed(c)
    ]  # fmt: skip
    page = render_page(
        title=PublicText.stated(report.title, 120).text, summary=PublicText.stated(report.summary, 1000).text,
        event_id=PublicText.stated(report.event_id, 64).text, cut_words=day_words(report.cut), simulated=report.simulated, quote=to_quote,
        views=views, shares=shares, claim_groups=groups, other_claims=rest, findings=(report.reconciled or {}).get("findings", []), cards=instrument_cards(report),
        cautions=[PublicText.stated(c, 400).text for c in report.cautions], interest=PublicText.stated(report.interest, 200).text,
        controller=PublicText.stated(report.controller, 120).text, reproduce=[PublicText.stated(c, 400).text for c in report.reproduce],
        version=report.version, facts_version=report.facts_version, since=since_words(to_quote["since_when"]),
    )  # fmt: skip
    (out / "report.html").write_text(page, encoding="utf-8")
    return document
