"""Puts a report together: asks the observatory, hands values to the report room, writes what it makes."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spamtide.app.claiming import reconciled
from spamtide.app.instants import parse_instant
from spamtide.app.instruments import instrument_card
from spamtide.app.observatory import Observatory
from spamtide.app.registry import workspace_registry
from spamtide.fingerprint import FACTS_VERSION
from spamtide.measure import DAY_US, Duplicates, Effect, Window
from spamtide.report import (
    Finding,
    ReportInput,
    SharesFinding,
    build_report,
    duplicates_document,
    effect_document,
)

Documents = list[dict[str, Any]]
REPORT_MEASURES = ("subject:viagra,cialis", "volume")
REPORT_RULES = ("exact", "identical")


def write_report(
    observatory: Observatory,
    event_id: str,
    feeds: list[str],
    out: Path,
    *,
    effects_planted: Callable[[Documents], None] | None = None,
    duplicates_planted: Callable[[Documents], None] | None = None,
    measures: tuple[str, ...] = REPORT_MEASURES,
    reproduce: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Write ``report.html``, ``report.json``, tables and figures into ``out``; the document of ``report.json``."""
    event = observatory.event(event_id)
    cut = event.cut().at
    reported = event.times.reported_as
    also_at = [reported.at] if reported is not None and reported.at != cut else []
    effects: list[Effect] = []
    for feed in feeds:
        for measure in measures:
            effects.append(observatory.effect(measure, feed, event=event_id, also_at=also_at))
    documents = [effect_document(e) for e in effects]
    if effects_planted is not None:
        effects_planted(documents)
    values: list[Duplicates] = []
    for effect in effects[:1]:
        # The article's windows: from the first of the month to the cut, and from the cut to the end of data.
        start = parse_instant("2011-03-01") if event_id == "rustock-2011" else cut - 15 * DAY_US
        windows = [Window(max(start, effect.before.start), cut), effect.after]
        if all(w.end > w.start for w in windows):
            assert effect.feed is not None
            values += [observatory.duplicates(effect.feed, rule, windows) for rule in REPORT_RULES]
    shares = [duplicates_document(v) for v in values]
    if duplicates_planted is not None:
        duplicates_planted(shares)
    people = observatory.workspace.settings.people
    registry = workspace_registry(observatory.workspace)
    return build_report(
        ReportInput(
            title=event.title,
            event_id=event_id,
            cut=cut,
            findings=tuple(Finding(e, d) for e, d in zip(effects, documents, strict=True)),
            duplicates=tuple(SharesFinding(v, d) for v, d in zip(values, shares, strict=True)),
            claims=event.claims,
            cards=tuple(instrument_card(observatory.workspace, feed, public=True) for feed in feeds),
            controller=people.controller,
            interest=people.interest,
            cautions=event.cautions,
            summary=event.summary,
            witnesses={m.witness: m.name for m in registry.memberships},
            reconciled=reconciled(registry, event, [*documents, *shares]),
            reproduce=(*reproduce, _command(event_id, feeds, measures)),
            version=version("spamtide"),
            facts_version=FACTS_VERSION,
        ),
        out,
    )


def _command(event_id: str, feeds: list[str], measures: tuple[str, ...]) -> str:
    words = ["spamtide", "report", "--event", event_id]
    for feed in feeds:
        words += ["--feed", feed]
    if measures != REPORT_MEASURES:
        for measure in measures:
            words += ["--measure", measure]
    return " ".join(shlex.quote(w) for w in [*words, "--out", "report"])
