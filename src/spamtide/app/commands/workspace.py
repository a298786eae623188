"""``init``, ``status``, ``doctor``, ``feeds``: the workspace itself."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from spamtide.app.commands.options import json_option, jsonl_option, open_workspace
from spamtide.app.output import emit_json, emit_jsonl, printable

PEOPLE = {
    "controller": "who is responsible for this trap (a person or an organisation)",
    "contact": "where people can reach them",
    "purpose": "what the mail is kept for",
    "legal_ground": "on what legal ground",
    "interest": "your interest in the findings (vendor, funder, party to a case)",
}


@click.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--controller", help="Who is responsible for this trap.")
@click.option("--contact", help="Where people can reach them.")
@click.option("--purpose", help="What the mail is kept for.")
@click.option("--legal-ground", help="On what legal ground.")
@click.option("--interest", help="Your interest in the findings; printed beside them.")
@json_option
def init_command(folder: Path, as_json: bool, **given: str | None) -> None:
    """Make a workspace in FOLDER.

    On a terminal it asks for what was not given; an empty answer is printed as "not stated" in every report, and
    'spamtide doctor' goes on reminding you.
    """
    from spamtide.app.config import People
    from spamtide.app.workspace import Workspace

    answers: dict[str, str] = {}
    ask = sys.stdin.isatty() and sys.stderr.isatty() and not as_json
    for key, what in PEOPLE.items():
        value = given.get(key)
        if value is None and ask:
            value = click.prompt(what[0].upper() + what[1:], default="", show_default=False, err=True)
        answers[key] = value or ""
    workspace = Workspace.create(folder, People(**answers))
    missing = [key for key, value in answers.items() if not value]
    if as_json:
        emit_json({"schema": "spamtide.init/1", "workspace": str(workspace.root), "not_stated": missing})
        return
    print(f"Made a workspace in {workspace.root}.")
    if missing:
        print(f"Not stated yet: {', '.join(missing)}. Fill them in {workspace.root / 'spamtide.toml'}.")
    print(f"Next: spamtide --workspace {workspace.root} import MAILBOX --feed NAME")


@click.command("doctor")
@click.option(
    "--dns", is_flag=True, help="Ask DNS where the mail of the decoys' domains goes; else no name is looked up."
)
@click.option("--listen", multiple=True, metavar="HOST:PORT", help="Also say whether a trap could listen here.")
@json_option
@click.pass_context
def doctor_command(ctx: click.Context, dns: bool, listen: tuple[str, ...], as_json: bool) -> int:
    """What is missing or wrong in this workspace and around its traps, and how to mend it.

    Ports, domains of the decoys, clock, disk, access, the last message of each feed; then what the workspace itself lacks.
    """
    from spamtide.app.doctor import examine
    from spamtide.app.doctor.words import seen_lines
    from spamtide.app.health import networks_in_use
    from spamtide.app.workspace import now_us

    workspace = open_workspace(ctx)
    seen, problems = examine(workspace, listen=listen, dns=dns, now=now_us())
    told = [{"code": p.code, "text": p.text, "next": p.next_step} for p in problems]
    networks = networks_in_use(workspace)
    if as_json:
        emit_json({"schema": "spamtide.doctor/1", "ok": not problems, "problems": told, **seen, "networks": networks})
        return 1 if problems else 0
    for line in seen_lines(seen):
        print(line)
    if networks is not None:
        print(f"Networks by the {networks['kind']} table of {networks['date']}, SHA-256 {networks['sha256'][:16]}.")
    for problem in problems:
        print(printable(f"- {problem.text} {problem.next_step}", 1000))
    if not problems:
        print("Nothing is missing.")
    return 1 if problems else 0


def _lag(waiting: int, provisional: int) -> str:
    if not waiting:
        return ""
    return f"; {waiting} not settled yet" + (f", {provisional} of them read provisionally" if provisional else "")


@click.command("status")
@json_option
@click.pass_context
def status_command(ctx: click.Context, as_json: bool) -> int:
    """What the workspace holds, and whether anything needs attention."""
    from spamtide.app.health import describe

    workspace = open_workspace(ctx)
    state = describe(workspace)
    if as_json:
        emit_json({"schema": "spamtide.status/1", **state})
    else:
        if not state["feeds"]:
            print("No feed yet. Next: spamtide import MAILBOX --feed NAME")
        for feed in state["feeds"]:
            print(
                f"{printable(feed['feed'])}: {feed['messages']} messages in {feed['segments']} segments, "
                f"{feed['first_received_at'] or '-'} to {feed['last_received_at'] or '-'}"
                f"{'; its trap runs' if feed['trap'] else ''}"
                f"{_lag(feed['not_settled'], feed['provisional'])}"
            )
        print(f"digest: {'follows' if state['digest']['following'] else 'does not follow'}; ", end="")
        print(f"disk: {state['disk']['free_bytes'] / 2**30:.1f} GiB free")
        for problem in state["problems"]:
            print(f"- {problem['text']} {problem['next']}")
        for warning in state["warnings"]:
            print(f"warning: {warning['text']} {warning['next']}")
    return 0 if state["ok"] else 1


@click.group("feeds")
def feeds_command() -> None:
    """Feeds and their instrument cards."""


@feeds_command.command("list")
@json_option
@jsonl_option
@click.pass_context
def feeds_list(ctx: click.Context, as_json: bool, as_jsonl: bool) -> None:
    """The feeds of this workspace."""
    from spamtide.app.instruments import instrument_card

    workspace = open_workspace(ctx)
    cards = [instrument_card(workspace, feed) for feed in workspace.archive.feeds()]
    if as_jsonl:
        emit_jsonl(cards)
    elif as_json:
        emit_json({"schema": "spamtide.feeds/1", "items": cards, "next": None})
    else:
        for card in cards:
            vantages = ", ".join(card["instrument"]["addresses_by_vantage"]) or "unknown"
            print(f"{card['feed']}: since {card['instrument']['since'] or 'not stated'}, vantage {vantages}")
        if not cards:
            print("No feed yet. Next: spamtide import MAILBOX --feed NAME")


@feeds_command.command("show")
@click.argument("feed")
@json_option
@click.pass_context
def feeds_show(ctx: click.Context, feed: str, as_json: bool) -> None:
    """The instrument card of FEED: what measured, since when, through which filter."""
    from spamtide.app.instruments import instrument_card

    workspace = open_workspace(ctx)
    workspace.require_feeds([feed])
    card = instrument_card(workspace, feed)
    if as_json:
        emit_json({"schema": "spamtide.feed/1", **card})
        return
    print(f"Instrument card of {card['feed']}")
    for key, value in card["instrument"].items():
        shown = (
            ", ".join(f"{k} ({v})" if v is not None else k for k, v in value.items())
            if isinstance(value, dict)
            else value
        )
        print(f"  {key.replace('_', ' ')}: {shown if shown not in (None, '', []) else 'not stated'}")
