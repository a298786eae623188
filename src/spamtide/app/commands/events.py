"""``event``: the registry of what happened in the world."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from spamtide.app.commands.completing import complete_event
from spamtide.app.commands.options import json_option, jsonl_option, open_workspace, workspace_or_none
from spamtide.app.output import emit_json, emit_jsonl, fill, printable, table
from spamtide.errors import WrongUse
from spamtide.event import KINDS

WHOSE: tuple[Literal["target"], Literal["total"]] = ("target", "total")


@click.group("event")
def event_command() -> None:
    """The registry of events: takedowns, pauses, closures, with their times, sources and others' claims."""


@event_command.command("list")
@json_option
@jsonl_option
@click.pass_context
def event_list(ctx: click.Context, as_json: bool, as_jsonl: bool) -> None:
    """Every event: the shipped ones and this workspace's own."""
    from spamtide.app.instants import format_instant
    from spamtide.app.registry import workspace_registry

    registry = workspace_registry(workspace_or_none(ctx))
    items: list[dict[str, Any]] = []
    for event in sorted(registry.events, key=lambda e: (e.started_at, e.id)):
        cut = event.cut()
        items.append(
            {
                "id": event.id,
                "target": event.target,
                "kind": event.kind,
                "title": event.title,
                "cut": {"at": format_instant(cut.at), "basis": cut.basis},
                "claims": len(event.claims),
            }
        )
    if as_jsonl:
        emit_jsonl(items)
    elif as_json:
        emit_json({"schema": "spamtide.events/1", "items": items, "next": None})
    else:
        for item in items:
            print(f"{item['id']:<24} {item['cut']['at']:<21} {item['kind']:<16} {printable(item['title'])}")


@event_command.command("show")
@click.argument("event_id", shell_complete=complete_event)
@json_option
@click.pass_context
def event_show(ctx: click.Context, event_id: str, as_json: bool) -> None:
    """One event with its times, places, actors and every claim about it."""
    from spamtide.app.instants import format_instant
    from spamtide.app.registry import workspace_registry
    from spamtide.event import event_document

    event = workspace_registry(workspace_or_none(ctx)).event(event_id)
    if as_json:
        emit_json(event_document(event))
        return
    print(f"{printable(event.title)}\n\n{printable(event.summary, 1000)}\n")
    for name in event.times.__struct_fields__:
        fact = getattr(event.times, name)
        if fact is not None:
            print(
                f"  {name.replace('_', ' '):<18} {format_instant(fact.at)} (to the {fact.precision}; {printable(fact.source)})"
            )
    cut = event.cut()
    print(f"  {'default cut':<18} {format_instant(cut.at)} ({cut.basis})")
    for whose, state in (("target after", event.target_fate), ("total after", event.total_after)):
        if state is not None:
            when = "" if state.at is None else f" {format_instant(state.at)} (to the {state.precision})"
            print(f"  {whose:<18} {state.fate.replace('-', ' ')}{when}; {state.grade}, {printable(state.source)}")
    print()
    for claim in event.claims:
        print(f"  {claim.grade:<9} {printable(claim.witness)}: {printable(claim.text, 300)}")


@event_command.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@click.pass_context
def event_add(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Add an event of your own from a TOML file to this workspace's journal. docs/reference/events.md has the keys."""
    from spamtide.app.registry import add_event
    from spamtide.app.workspace import now_us
    from spamtide.event import event_document

    workspace = open_workspace(ctx)
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise WrongUse("bad_event", f"{file} is not UTF-8 text.", "Save it as UTF-8.", path=str(file)) from None
    event = add_event(workspace, text, now_us())
    if as_json:
        emit_json(event_document(event))
    else:
        print(f"Added {event.id}. Next: spamtide effect --event {event.id} --measure volume --feed F")


@event_command.command("returns")
@click.option("--kind", type=click.Choice(KINDS), help="Only events of this kind.")
@json_option
@click.pass_context
def event_returns(ctx: click.Context, kind: str | None, as_json: bool) -> int:
    """How long until what was struck came back: Kaplan-Meier over the registry, and apart from it the total's recovery.

    Those still gone when last looked are kept as censored; those of which no dated look is known are named and left out.
    """
    from spamtide.app.registry import workspace_registry
    from spamtide.measure import ReturnCurve, return_curve
    from spamtide.report import returns_document

    events = workspace_registry(workspace_or_none(ctx)).events
    curves: dict[str, ReturnCurve] = {whose: return_curve(events, whose, kind) for whose in WHOSE}
    kinds = [k for k in KINDS if any(e.kind == k and not e.pseudo for e in events)] if kind is None else []
    by_kind: dict[str, dict[str, ReturnCurve]] = {
        k: {whose: return_curve(events, whose, k) for whose in WHOSE} for k in kinds
    }
    if kind is None:
        # A pause is one because it ended, so those who were struck have a row without them.
        struck = [e for e in events if e.kind != "operator-pause"]
        by_kind["all but operator-pause"] = {whose: return_curve(struck, whose) for whose in WHOSE}
    document = returns_document(kind, curves, by_kind)
    if as_json:
        emit_json(document)
    else:
        _print_returns(document)
    return 0 if any(c.n for c in curves.values()) else 1


def _print_returns(document: dict[str, Any]) -> None:
    for whose in WHOSE:
        curve = document[whose]
        print(fill(curve["sentence"]) + "\n")
        if curve["rows"]:
            rows = [
                [f"{r['days']:g}", str(r["at_risk"]), str(r["returned"]), str(r["censored"]), *_percents(r["gone"])]
                for r in curve["rows"]
            ]
            header = ["days", "watched", "back", "last seen gone", "still gone", "95 % interval"]
            print("\n".join(table(header, rows, right=range(6), indent="  ")) + "\n")
    if document["by_kind"]:
        rows = [
            [k["kind"], *(f"{k[w][x]}" for w in WHOSE for x in ("n", "returned")), _days(k["target"]["median_days"])]
            for k in document["by_kind"]
        ]
        header = ["kind", "targets", "back", "totals", "back", "median of the target, days"]
        print("\n".join(table(header, rows, right=range(1, 5), indent="  ")) + "\n")
    print(fill(f"Warning: {document['caveat']}"))


def _percents(gone: dict[str, float]) -> list[str]:
    open_ended = gone["low"] == 0 and gone["high"] == 1
    return [f"{gone['value']:.0%}", "none" if open_ended else f"{gone['low']:.0%} to {gone['high']:.0%}"]


def _days(median: dict[str, float | None] | None) -> str:
    if median is None:
        return "not reached"
    high = "open" if median["high"] is None else f"{median['high']:.3g}"
    return f"{median['value']:.3g} ({median['low']:.3g} to {high})"
