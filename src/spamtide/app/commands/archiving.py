"""``archive``: verify, erase, thin, hold."""

from __future__ import annotations

import getpass
from dataclasses import asdict

import click

from spamtide.app.commands.options import group_now, json_option, open_observatory, open_workspace
from spamtide.app.output import emit_json, printable
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
        if found.thinned:
            erased += f"; {found.thinned} thinned by policy"
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

    from spamtide.app.engines import campaign_generations
    from spamtide.app.retention import refuse_held
    from spamtide.app.workspace import now_us
    from spamtide.archive import erase_messages, parse_id

    if not query.strip():
        raise WrongUse("empty_query", "The empty query means every message.", "Name what to erase, for example feed:F.")
    observatory = open_observatory(ctx)
    workspace = observatory.workspace
    ids = [row["id"] for row in observatory.search(query)]
    refuse_held(workspace, ids)
    places = [parse_id(i) for i in ids]
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
    if done.erased:
        # The generation that knew them goes at once, as their tables did.
        group_now(workspace)
        with campaign_generations(workspace).writing_lock(lambda: None):
            campaign_generations(workspace).sweep(grace_seconds=0)
    if as_json:
        emit_json({"schema": "spamtide.erase/1", "erased": done.erased, "segments": done.segments, "reason": reason})
    else:
        if done.erased:
            print(f"{done.erased} messages erased. 'spamtide archive verify' says so from now on.")
        else:
            print("No message matches; nothing was erased.")
    return 0 if places else 1


@archive_command.command("thin")
@click.option("--dry-run", "dry", is_flag=True, help="Say what the policy would drop; drop nothing.")
@json_option
@click.pass_context
def archive_thin(ctx: click.Context, dry: bool, as_json: bool) -> None:
    """Drop bodies by the policies of spamtide.toml ([feeds.F.retention]); header, envelope, hashes and facts stay.

    A following digest does so once a day. There is no way back.
    """
    from spamtide.app.commands.options import open_current
    from spamtide.app.retention import apply_retention
    from spamtide.app.workspace import now_us

    outcome = apply_retention(open_current(ctx), now=now_us(), dry=dry)
    if as_json:
        emit_json({"schema": "spamtide.thin/1", "dry_run": dry, **asdict(outcome)})
    else:
        done = "would be thinned" if dry else "thinned"
        freed = "" if dry else f", {outcome.bytes:,} bytes dropped"
        print(f"{outcome.messages} messages of {outcome.segments} segments {done}{freed}; {outcome.held} are on hold.")


@archive_command.command("hold")
@click.argument("query", required=False)
@click.option("--reason", help="Why; stands in the journal for ever.")
@click.option("--who", default=None, help="Who says so; default: the user of this machine.")
@click.option("--lift", metavar="ID", help="Lift this hold.")
@click.option("--list", "listed", is_flag=True, help="List the holds.")
@json_option
@click.pass_context
def archive_hold(
    ctx: click.Context,
    query: str | None,
    reason: str | None,
    who: str | None,
    lift: str | None,
    listed: bool,
    as_json: bool,
) -> None:
    """Hold the messages that match QUERY, now or later: none is thinned or erased until the hold is lifted."""
    from spamtide.app.retention import active_holds, add_hold, lift_hold
    from spamtide.app.workspace import now_us

    if (query is not None) + (lift is not None) + listed != 1:
        raise WrongUse(
            "usage", "Name a query, --lift ID, or --list.", "For example: archive hold feed:F --reason TEXT."
        )
    workspace = open_workspace(ctx)
    if not listed:
        if not reason:
            raise WrongUse("usage", "A hold and its end have a reason.", "Add --reason TEXT.")
        who, at = who or getpass.getuser(), now_us()
        if query is not None:
            add_hold(workspace, query, reason=reason, who=who, at=at)
        elif lift is not None:
            lift_hold(workspace, lift, reason=reason, who=who, at=at)
    holds = active_holds(workspace)
    if as_json:
        emit_json({"schema": "spamtide.holds/1", "items": [hold.document() for hold in holds], "next": None})
    else:
        for hold in holds:
            print(printable(f"{hold.id}  {hold.query or '(every message)'}  {hold.reason}, by {hold.who}", 500))
        if not holds:
            print("Nothing is on hold.")
