"""*Event*: what happened in the world, and what changed here: effect with its diagnostics, other feeds, claims of others."""

from __future__ import annotations

from functools import partial
from typing import Any

from spamtide.app.claiming import claims_about, reconciled
from spamtide.app.corroborating import corroborate
from spamtide.app.effects import EffectQuestion
from spamtide.app.grading import graded_alone
from spamtide.app.instants import format_instant
from spamtide.app.observatory import UNSOLICITED
from spamtide.app.registry import workspace_registry
from spamtide.app.serving.asking import Asker
from spamtide.app.serving.pages.series import narrowed
from spamtide.app.serving.params import Params
from spamtide.app.serving.values import How, Page, PageValue, Taken
from spamtide.errors import SpamtideError
from spamtide.event import Event
from spamtide.measure import Effect, span
from spamtide.report import effect_document, effect_figures

_FEEDS = 6


def show_events(asker: Asker, params: Params) -> PageValue:
    """The registry, and which of its events lie within what the feeds saw."""
    feeds = asker.workspace.require_feeds(list(params.feeds))
    covered = span(asker.observatory.exposures(feeds)) if feeds else None
    rows = []
    for event in workspace_registry(asker.workspace).events:
        if event.pseudo:
            continue
        at = event.started_at
        rows.append(
            {
                "event": event.id, "title": event.title, "target": event.target, "kind": event.kind, "at": format_instant(at),
                "claims": len(event.claims), "within": covered is not None and covered[0] < at < covered[1],
            }
        )  # fmt: skip
    rows.sort(key=lambda r: (not r["within"], r["at"]))
    inside = sum(bool(r["within"]) for r in rows)
    return PageValue(
        title="Events",
        sentence=f"{len(rows)} events are in the registry; {inside or 'none'} {'lies' if inside == 1 else 'lie'} within what these feeds saw.",
        facts={"events": rows},
        how=How(
            definition="An event is something that happened to a target, reviewed, with sources and the claims of others.",
            method="An event lies within when its cut is between the first and the last exposure of the feeds.",
            command="spamtide event list --jsonl",
        ),
        table="events", columns=("event", "title", "target", "kind", "at", "claims", "within"),
    )  # fmt: skip


def usual_measure(event: Event) -> str:
    """What the event's claims speak of: the two words of a subject where one is told, else the volume."""
    for claim in event.claims:
        if claim.metric == "subject-change" and claim.about.endswith("-subjects"):
            return f"subject:{','.join(claim.about.removesuffix('-subjects').split('-'))}"
    return "volume"


def show_event(asker: Asker, params: Params) -> PageValue:
    """One event, its effect on a measure at a feed, and with ``more`` all diagnostics and the other feeds."""
    registry = workspace_registry(asker.workspace)
    event = registry.event(params.get("event"))
    measure = narrowed(params.get("measure") or usual_measure(event), params)
    names = asker.workspace.require_feeds(list(params.feeds))
    origins = params.origins(UNSOLICITED)
    more = params.get("more") == "1"
    facts: dict[str, Any] = {
        "event": event.id, "event_title": event.title, "summary": event.summary, "target": event.target, "kind": event.kind,
        "at": format_instant(event.started_at), "basis": event.cut().basis, "cautions": list(event.cautions),
        "times": _times(event), "measure": measure, "feeds": names, "effect": None, "figures": None, "others": [],
        "corroboration": None, "more": more, "why_not": None,
    }  # fmt: skip
    effects: list[Effect] = []
    for feed in (names if more else [_fullest(asker, names)] if names else [])[:_FEEDS]:
        how: dict[str, Any] = {"event": event.id, "origins": origins, "diagnostics": "full" if more else "standard"}
        try:
            key = ("effect", measure, feed, *(str(v) for v in how.values()))
            effects.append(asker.kept(key, partial(_effect, asker, measure, feed, how)))
        except SpamtideError as error:
            facts["why_not"] = {"code": error.code, "message": error.message, "next": error.next_step}
    documents = [effect_document(e) for e in effects]
    witnesses = {m.witness: m.name for m in registry.memberships}
    if effects:
        main = max(effects, key=lambda e: (e.ratio is not None, e.counted_before.count))
        others = [e for e in effects if e is not main]
        facts |= {
            "effect": effect_document(main),
            "others": [{"feed": e.feed, "document": effect_document(e)} for e in others],
            "figures": effect_figures(main, [e for e in others if e.ratio], claims_about(registry, event), witnesses, event.title),
        }  # fmt: skip
    if more and len(effects) > 1 and len(effects) == len(names):
        facts["corroboration"] = asker.kept(
            ("corroborate", event.id, measure, tuple(names), origins),
            lambda: corroborate(asker.observatory, event.id, measure, names, {}, origins=origins, effects=effects),
        )
    facts["claims"] = reconciled(registry, event, documents)
    facts["rows"] = (
        (facts["figures"] or {}).get("forest", {}).get("rows", [])
        if facts["figures"] and facts["figures"]["forest"]
        else []
    )
    feed = (facts["effect"] or {}).get("feed") or "F"
    return PageValue(
        title=event.title, sentence=facts["effect"]["sentence"] if effects else "No effect can be told here.", facts=facts,
        how=How(
            definition=(
                "The effect is the ratio of what was counted after the event to what would have been expected without it, for the default "
                "cut of the event; confidence is 1 to 5 by published rules."
            ),
            method="A latent AR(1) model averaged over shapes of effect; placebo dates and four other methods beside it. docs/explanation/effect.md.",
            command=f"spamtide effect --event {event.id} --measure '{measure}' --feed {feed}{' --diagnostics full' if more else ''} --json",
            query=measure, files=("message", "exposure (journal)"),
        ),
        table="rows", columns=("label", "kind", "change", "span"),
        warnings=[{"code": w["code"], "text": w["text"]} for w in (facts["effect"] or {}).get("warnings", [])],
    )  # fmt: skip


def _effect(asker: Asker, measure: str, feed: str, how: dict[str, Any]) -> Effect:
    question = EffectQuestion(event=how["event"], measure=measure, feed=feed, origins=tuple(how["origins"]))
    return graded_alone(asker.workspace, question, asker.observatory.effect(measure, feed, **how))


def _fullest(asker: Asker, feeds: list[str]) -> str:
    """The feed that holds most messages."""

    def held(feed: str) -> int:
        return sum(segment.records for segment in asker.workspace.archive.segments(feed))

    return max(feeds, key=held)


def _times(event: Event) -> list[dict[str, Any]]:
    import msgspec

    rows = []
    for name, fact in msgspec.to_builtins(event.times).items():
        if isinstance(fact, dict) and "at" in fact:
            rows.append({"what": name.replace("_", " "), "at": format_instant(fact["at"]), "precision": fact.get("precision"), "note": fact.get("note"), "source": fact.get("source")})  # fmt: skip
    return rows


PAGES = (
    Page(
        "events", "/event", "Events", show_events, "events.html", nav="Event", meaning="The events of the registry.", offers=("feed",),
        why_not=dict.fromkeys(("origin", "country", "network", "window"), "The registry is of the world; feeds say which events they saw."),
    ),
    Page(
        "event", "/event/{event}", "Event", show_event, "event.html", nav="Event",
        takes=(
            Taken("measure", "what to count; by default what the claims of others speak of", example="subject:viagra,cialis"),
            Taken("more", "1: full diagnostics and every feed, which takes some seconds", ("1",)),
        ),
        meaning="One event: effect with its diagnostics, other feeds, claims of others.",
        offers=("feed", "origin", "country", "network"),
        why_not={"window": "The windows of an effect are the event's own; 'spamtide effect' takes --before and --after."},
    ),
)  # fmt: skip
