"""``archive verify`` and ``archive erase``."""

from __future__ import annotations

import getpass
from dataclasses import asdict

import click

from spamtide.app.commands.options import json_option, open_observatory, open_workspace
from spamtide.app.output import emit_json
from spamtide.app.progress import progress_bar
from spamtide.errors import WrongUse


@click.group("archive")
def archive_command() -> None:
    """The archive: is it unchanged? Remove what must go."""


@archive_command.command("verify")
@json_option
@click.pass_context
def archive_verify(ctx: click.Context, as_json: bool) -> int:
    """Compute every hash again: segments, chains, journal, tables. 'content' is equal for archives of equal messages."""
    from spamtide.app.instants import format_instant
    from spamtide.archive import verify_archive

    workspace = open_workspace(ctx)
    with progress_bar("verifying", "segments") as tick:
        found = verify_archive(workspace.archive, tick)
    if as_json:
        document = asdict(found)
        document["problems"] = [asdict(p) for p in found.problems]
        document["anchored_until"] = None if found.anchored_until is None else format_instant(found.anchored_until)
        emit_json({"schema": "spamtide.verify/1", **document})
    else:
        erased = f"; {found.erased} erased" if found.erased else ""
        print(
            f"{'Holds' if found.ok else 'DOES NOT HOLD'}: {found.messages} messages in {found.segments} segments{erased}."
        )
        print(f"content {found.content}")
        for problem in found.problems:
            print(f"- {problem.thing}: {problem.text} [{problem.code}]")
        for record in workspace.archive.journal.read("erasure") if found.erased else []:
            body = record.body
            print(
                f"- erased: {len(body['ordinals'])} of {body['feed']}/{body['writer']}-{body['segment']:06d}, {body['reason']}, by {body['who']}, {format_instant(record.at)}"
            )
    return 0 if found.ok else 1


@archive_command.command("erase")
@click.argument("query")
@click.option("--reason", required=True, help="Why; stands in the journal for ever.")
@click.option("--who", default=None, help="Who erases; default: the user of this machine.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_context
def archive_erase(ctx: click.Context, query: str, reason: str, who: str | None, yes: bool, as_json: bool) -> int:
    """Erase the messages that match QUERY: bytes, envelope and salt go, the chain still verifies. There is no way back."""
    import sys

    from spamtide.app.workspace import now_us
    from spamtide.archive import erase_messages, parse_id

    if not query.strip():
        raise WrongUse("empty_query", "The empty query means every message.", "Name what to erase, for example feed:F.")
    observatory = open_observatory(ctx)
    workspace = observatory.workspace
    places = [parse_id(row["id"]) for row in observatory.search(query)]
    if places and not yes and sys.stdin.isatty():
        click.confirm(f"Erase {len(places)} messages for good?", abort=True, err=True)
    done = erase_messages(
        workspace.archive,
        workspace.tables,
        places,
        reason=reason,
        who=who or getpass.getuser(),
        at=now_us(),
    )
    if as_json:
        emit_json({"schema": "spamtide.erase/1", "erased": done.erased, "segments": done.segments, "reason": reason})
    else:
        if done.erased:
            print(f"{done.erased} messages erased. 'spamtide archive verify' says so from now on.")
        else:
            print("No message matches; nothing was erased.")
    return 0 if places else 1
