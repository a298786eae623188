"""The report: values in; a page, figures, tables and one JSON document out. Renders Public values only."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from spamtide.event import Claim
from spamtide.measure import DAY_US, Effect, Interval
from spamtide.message import PublicText
from spamtide.report.documents import instant, number
from spamtide.report.figures import Mark, effect_alt, effect_chart, effect_title, forest_plot
from spamtide.report.sentences import day_words, measure_words, note_text


@dataclass(frozen=True, slots=True)
class Finding:
    """An effect with its document (which may carry ``planted``)."""

    effect: Effect
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReportInput:
    """Everything that a report is made of; it reads nothing else."""

    title: str
    event_id: str
    cut: int
    findings: tuple[Finding, ...]
    duplicates: tuple[dict[str, Any], ...]
    claims: tuple[Claim, ...]
    cards: tuple[Mapping[str, Any], ...]
    controller: str
    interest: str
    cautions: tuple[str, ...] = ()


def _ratio_of(claim: Claim) -> Interval | None:
    """A claim of a relative change as a ratio; None for claims of another kind."""
    if not claim.metric.endswith("change") or claim.value is None or not -1 < claim.value < 5:
        return None
    half = (claim.rounding or 0.0) / 2
    return Interval(1 + claim.value, 1 + claim.value - half, 1 + claim.value + half)


def _marks(finding: Finding, claims: Sequence[Claim]) -> list[Mark]:
    effect = finding.effect
    marks = [Mark("headline", effect.ratio, "headline")]
    names = {"placebo": "placebo in time", "naive_poisson": "naive: a plain count"}
    marks += [Mark(names.get(o.method, o.method), o.ratio, "opinion") for o in effect.second_opinions]
    for at, ratio in effect.also_at:
        marks.append(
            Mark(f"cut at {day_words(at, clock=False)}", ratio if isinstance(ratio, Interval) else None, "opinion")
        )
    for n in effect.neighbours:
        if n.kind == "date":
            shift = (n.cut - effect.cut) // DAY_US
            label = f"{shift:+d} day{'s' if abs(shift) > 1 else ''}".replace("-", "−")
        elif n.before != effect.before:
            label = f"{n.before.days:.0f} days before"
        else:
            label = f"first {n.after.days:.0f} days after"
        marks.append(Mark(label, n.ratio, "neighbour"))
    planted = finding.document.get("planted")
    if planted is not None:
        marks.append(Mark("planted truth", Interval(planted, planted, planted), "planted"))
    if effect.measure.startswith("subject:viagra"):
        for claim in claims:
            stated = _ratio_of(claim)
            if stated is not None and claim.metric.startswith("subject"):
                marks.append(
                    Mark(
                        f"claim: {PublicText.of(claim.witness, 30).text}",
                        Interval(stated.value, stated.value, stated.value),
                        "claim",
                    )
                )
    return marks


def _quote(report: ReportInput) -> dict[str, Any]:
    first = report.findings[0]
    simulated = any(card.get("simulated") for card in report.cards)
    refused = first.effect.ratio is None
    return {
        "you_can_write": first.document["sentence"],
        "do_not_write": [
            "that world spam fell by this much: this is one trap's measure",
            "the figure without its interval",
            *(["that this happened: the traps are simulated"] if simulated else []),
            *(["that nothing changed: there was too little data to say"] if refused else []),
        ],
        "who_measured": report.controller or "not stated",
        "since_when": min((c["instrument"]["since"] for c in report.cards if c["instrument"]["since"]), default=None),
    }


def _safe_cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([[_safe_cell(v) for v in row] for row in rows])


def build_report(report: ReportInput, out: Path) -> dict[str, Any]:
    """Write ``report.html``, ``report.json``, ``tables/*.csv`` and ``figures/*.svg`` into ``out``; the document."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    (out / "tables").mkdir(parents=True, exist_ok=True)
    (out / "figures").mkdir(exist_ok=True)
    views = []
    for i, finding in enumerate(report.findings):
        effect = finding.effect
        name = f"{i + 1}-{effect.feed}-{'-'.join(effect.measure.replace(':', '-').split(','))}"
        name = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)
        view: dict[str, Any] = {
            "document": finding.document, "title": effect_title(effect), "alt": effect_alt(effect), "name": name,
            "measure": measure_words(effect.measure), "effect": effect, "chart": None, "forest": None,
            "unmet": [note_text(n) for n in effect.confidence.unmet], "warnings": [note_text(n) for n in effect.warnings],
            "before_days": round(effect.before.days), "after_days": round(effect.after.days, 1),
        }  # fmt: skip
        if effect.path is not None:
            chart = effect_chart(effect, PublicText.of(report.title, 60).text)
            forest = forest_plot(_marks(finding, report.claims))
            (out / "figures" / f"{name}.svg").write_text(chart, encoding="utf-8")
            (out / "figures" / f"{name}-forest.svg").write_text(forest, encoding="utf-8")
            # Figures are our own SVG; nothing of a message stands in them unmasked.
            view["chart"], view["forest"] = Markup(chart), Markup(forest)
            p = effect.path
            rows = [
                [
                    instant(int(s)),
                    None if m else number(float(c)),
                    number(float(e)),
                    number(float(x)),
                    number(float(lo)),
                    number(float(hi)),
                ]
                for s, c, e, m, x, lo, hi in zip(
                    p.starts,
                    p.observed,
                    p.exposures,
                    p.missing,
                    p.expected,
                    p.expected_low,
                    p.expected_high,
                    strict=True,
                )
            ]
            _write_csv(
                out / "tables" / f"{name}.csv",
                ["time", "count", "exposure", "expected", "expected_low", "expected_high"],
                rows,
            )
        views.append(view)
    claims = [
        {
            "witness": PublicText.of(c.witness, 60).text, "text": PublicText.of(c.text, 400).text, "metric": c.metric,
            "vantage": PublicText.of(c.vantage, 80).text, "grade": c.grade,
        }
        for c in report.claims
    ]  # fmt: skip
    _write_csv(
        out / "tables" / "claims.csv", ["witness", "metric", "vantage", "grade", "text"],
        [[c["witness"], c["metric"], c["vantage"], c["grade"], c["text"]] for c in claims],
    )  # fmt: skip
    document = {
        "schema": "spamtide.report/1",
        "event": report.event_id,
        "at": instant(report.cut),
        "quote": _quote(report),
        "effects": [f.document for f in report.findings],
        "duplicates": list(report.duplicates),
        "claims": [],
        "watch": [],
        "sizes": [],
        "instruments": [dict(c) for c in report.cards],
        "controller": report.controller or None,
        "interest": report.interest or None,
    }
    (out / "report.json").write_text(
        json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(
        (resources.files("spamtide.report") / "templates" / "report.html").read_text("utf-8")
    )
    page = template.render(
        title=PublicText.of(report.title, 120).text, views=views, duplicates=report.duplicates, claims=claims,
        cards=report.cards, quote=document["quote"], cut_words=day_words(report.cut), event_id=report.event_id,
        simulated=any(c.get("simulated") for c in report.cards), controller=report.controller, interest=report.interest,
        cautions=[PublicText.of(c, 400).text for c in report.cautions],
        change=lambda r: None if r is None else f"{(r['value'] - 1) * 100:+.0f} %".replace("-", "−"),
        span=lambda r: "" if r is None else f"{(r['low'] - 1) * 100:+.0f} to {(r['high'] - 1) * 100:+.0f} %".replace("-", "−"),
        share=lambda i: "–" if i is None else f"{i['value'] * 100:.0f} %", share_span=lambda i: "" if i is None else f"{i['low'] * 100:.0f} to {i['high'] * 100:.0f} %",
    )  # fmt: skip
    (out / "report.html").write_text(page, encoding="utf-8")
    return document
