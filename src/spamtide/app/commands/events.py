"""``event``: the registry of what happened in the world."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from spamtide.app.commands.completing import complete_event
from spamtide.app.commands.options import json_option, jsonl_option, open_workspace, workspace_or_none
from spamtide.app.output import emit_json, emit_jsonl, printable
from spamtide.errors import WrongUse


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
    print(f"  {'default cut':<18} {format_instant(cut.at)} ({cut.basis})\n")
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
@click.option("--kind", help="Only events of this kind.")
@json_option
def event_returns(kind: str | None, as_json: bool) -> None:
    """How long until botnets came back (not built yet)."""
    raise WrongUse("not_built_yet", "'spamtide event returns' is not built yet.", "See 'spamtide event list'.")
