"""Puts a report together: asks the observatory, hands values to the report room, writes what it makes and its manifest."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spamtide.app.claiming import reconciled
from spamtide.app.effects import EffectQuestion
from spamtide.app.grading import graded_alone, graded_together
from spamtide.app.instants import parse_instant
from spamtide.app.instruments import instrument_card
from spamtide.app.manifest import remove_earlier, write_manifest
from spamtide.app.observatory import Observatory
from spamtide.app.registry import workspace_registry
from spamtide.app.reportparts import agreements_of, data_end, sizes_of, watches_of
from spamtide.fingerprint import FACTS_VERSION
from spamtide.measure import DAY_US, Duplicates, Effect, Window
from spamtide.report import Finding as EffectFinding
from spamtide.report import (
    ReportInput,
    SharesFinding,
    build_report,
    duplicates_document,
    effect_document,
    write_pdf,
)

Documents = list[dict[str, Any]]
# What a report of simulated traps is told from outside: values that stand beside its documents, by list and place.
Planted = Mapping[str, list[Any]]
REPORT_MEASURES = ("subject:viagra,cialis", "volume")
REPORT_RULES = ("exact", "identical")


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What a report is asked for: the arguments of the command. ``groups``: feeds with their independence group; ``reproduce``: lines to type before it, of the demo."""

    event: str
    feeds: tuple[str, ...]
    measures: tuple[str, ...] = REPORT_MEASURES
    audience: str = "technical"
    tlp: str = "clear"
    supersedes: str | None = None
    groups: tuple[tuple[str, str], ...] = ()
    reproduce: tuple[str, ...] = field(default=())

    def command(self, out: str = "report") -> str:
        """The command line that makes it."""
        words = ["spamtide", "report", "--event", self.event]
        for feed in self.feeds:
            words += ["--feed", feed]
        if self.measures != REPORT_MEASURES:
            for measure in self.measures:
                words += ["--measure", measure]
        for feed, group in self.groups:
            words += ["--group", f"{feed}={group}"]
        if self.audience != "technical":
            words += ["--audience", self.audience]
        if self.tlp != "clear":
            words += ["--tlp", self.tlp]
        if self.supersedes is not None:
            words += ["--supersedes", self.supersedes]
        return " ".join(shlex.quote(w) for w in [*words, "--out", out])


@dataclass(frozen=True, slots=True)
class Written:
    """A report that was written: its document, and why there is no PDF (None: there is one)."""

    document: dict[str, Any]
    no_pdf: str | None


def write_report(
    observatory: Observatory,
    request: ReportRequest,
    out: Path,
    *,
    plant: Callable[[dict[str, Documents]], None] | None = None,
) -> Written:
    """Write ``report.html``, ``.pdf``, ``.json``, tables, figures and MANIFEST.json into ``out``.

    ``plant`` puts the planted truth of a simulated world into the documents of ``effects``, ``duplicates``, ``sizes`` and ``watch``; the
    manifest keeps what it put there as given from outside.
    """
    event = observatory.event(request.event)
    remove_earlier(out)
    cut = event.cut().at
    reported = event.times.reported_as
    also_at = [reported.at] if reported is not None and reported.at != cut else []
    effects = [
        graded_alone(
            observatory.workspace,
            EffectQuestion(event=request.event, measure=measure, feed=feed),
            observatory.effect(measure, feed, event=request.event, also_at=also_at),
        )
        for feed in request.feeds
        for measure in request.measures
    ]
    effects = graded_together(effects, dict(request.groups))
    values = _duplicates(observatory, request.event, effects[0])
    documents: dict[str, Documents] = {
        "effects": [effect_document(e) for e in effects],
        "duplicates": [duplicates_document(v) for v in values],
        "sizes": sizes_of(observatory, effects),
        "watch": watches_of(observatory, request.event, effects),
    }
    if plant is not None:
        plant(documents)
    people = observatory.workspace.settings.people
    registry = workspace_registry(observatory.workspace)
    end = data_end(observatory, request.feeds)
    document = build_report(
        ReportInput(
            title=event.title,
            event_id=request.event,
            cut=cut,
            findings=tuple(EffectFinding(e, d) for e, d in zip(effects, documents["effects"], strict=True)),
            duplicates=tuple(SharesFinding(v, d) for v, d in zip(values, documents["duplicates"], strict=True)),
            claims=event.claims,
            cards=tuple(instrument_card(observatory.workspace, f, public=True, now=end) for f in request.feeds),
            controller=people.controller,
            interest=people.interest,
            purpose=people.purpose,
            legal_ground=people.legal_ground,
            cautions=event.cautions,
            summary=event.summary,
            witnesses={m.witness: m.name for m in registry.memberships},
            reconciled=reconciled(registry, event, [*documents["effects"], *documents["duplicates"]]),
            reproduce=(*request.reproduce, request.command()),
            version=version("spamtide"),
            facts_version=FACTS_VERSION,
            sizes=tuple(documents["sizes"]),
            watches=tuple(documents["watch"]),
            agreements=tuple(agreements_of(effects, dict(request.groups))),
            audience=request.audience,
            tlp=request.tlp,
            supersedes=request.supersedes,
        ),
        out,
    )
    no_pdf = write_pdf(out)
    planted = {name: [d.get("planted") for d in found] for name, found in documents.items()}
    write_manifest(observatory, request, document, planted, out, no_pdf=no_pdf)
    return Written(document, no_pdf)


def given_again(planted: Planted) -> Callable[[dict[str, Documents]], None]:
    """Puts planted values where they stood, as a manifest has them."""

    def plant(documents: dict[str, Documents]) -> None:
        for name, found in documents.items():
            for document, value in zip(found, planted.get(name, []), strict=False):
                if value is not None:
                    document["planted"] = value

    return plant


def _duplicates(observatory: Observatory, event_id: str, effect: Effect) -> list[Duplicates]:
    """Shares at the first feed; none of a feed of counts."""
    assert effect.feed is not None
    if observatory.holds_counts(effect.feed):
        return []
    # The article's windows: from the first of the month to the cut, and from the cut to the end of data.
    start = parse_instant("2011-03-01") if event_id == "rustock-2011" else effect.cut - 15 * DAY_US
    windows = [Window(max(start, effect.before.start), effect.cut), effect.after]
    if any(w.end <= w.start for w in windows):
        return []
    return [observatory.duplicates(effect.feed, rule, windows) for rule in REPORT_RULES]
