"""``import``: what arrived."""

from __future__ import annotations

import click

from spamtide.app.commands.mailboxes import take_sources
from spamtide.app.commands.options import group_now, grouped_line, json_option, open_workspace
from spamtide.app.output import emit_json, printable, say
from spamtide.app.progress import progress_bar
from spamtide.capture import DECIMALS, ORDERS, CountOptions
from spamtide.errors import WrongUse

VANTAGES = (
    "catch-all-domain", "planted", "dictionary", "recycled-address", "expired-domain", "typo-domain", "subscribed",
    "relay-bait", "user-reported", "mailbox", "filtered-upstream", "counts", "unknown",
)  # fmt: skip


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option("--feed", required=True, metavar="F", help="The feed that these messages belong to; made when it is new.")
@click.option("--time", "times", type=click.Choice(["auto", "received", "envelope", "date", "file"]), default="auto", show_default=True,
              help="Whence the receive time; auto tries Received, the mbox From line, the file.")  # fmt: skip
@click.option("--vantage", type=click.Choice(VANTAGES), help="What kind of address this feed is.")
@click.option("--append", is_flag=True, help="Add every message again, also those the feed has already.")
@click.option("--no-digest", is_flag=True, help="Store only; read them later with 'spamtide digest'.")
@click.option(
    "--dates", type=click.Choice(ORDERS), help="For counts: how dates are written, where the file leaves it open."
)
@click.option(
    "--decimal", type=click.Choice(DECIMALS), help="For counts: the decimal sign, where the file leaves it open."
)
@click.option(
    "--password-file",
    metavar="FILE",
    type=click.Path(),
    help="Password for imap://, on the first line of FILE; else from SPAMTIDE_IMAP_PASSWORD, else it is asked for.",
)
@click.option("--tls", type=click.Choice(["auto", "starttls", "none"]), default="auto", show_default=True,
              help="For imap://: auto asks for STARTTLS unless the server is this machine; none sends mail and password in the clear.")  # fmt: skip
@click.option(
    "--move-to",
    metavar="MAILBOX",
    help="Afterwards, move what the archive holds for certain to this mailbox of the server; asks first.",
)
@click.option("--yes", is_flag=True, help="Move without asking.")
@json_option
@click.pass_context
def import_command(
    ctx: click.Context,
    paths: tuple[str, ...],
    feed: str,
    times: str,
    vantage: str | None,
    append: bool,
    no_digest: bool,
    dates: str | None,
    decimal: str | None,
    password_file: str | None,
    tls: str,
    move_to: str | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Import PATHS into a feed: mbox, Maildir, MH, .eml, folders of them, also in tar, zip, gz, bz2, xz, zst; counts as .csv.

    A PATH may be a mailbox on a server, imap://user@host:port/MAILBOX or imaps://; without MAILBOX, all of them.

    It goes on after Ctrl-C or a crash where it stopped, and importing the same mail twice adds nothing. In folders, names
    that begin with a dot are left out.
    """
    from spamtide.app.importing import import_sources
    from spamtide.app.workspace import now_us

    if not all(paths):
        raise WrongUse("usage", "An empty path means nothing.", "Name a mailbox, or . for this folder.")
    workspace = open_workspace(ctx)
    mailboxes, sources = take_sources(
        paths, workspace.settings.imap, password_file=password_file, tls=tls, move_to=move_to, yes=yes
    )
    with progress_bar("importing") as tick:
        outcome = import_sources(
            workspace,
            sources,
            feed,
            times=times,
            vantage=vantage,
            append=append,
            digest=not no_digest,
            counts=CountOptions(dates, decimal),
            now=now_us(),
            progress=tick,
        )
    grouped = group_now(workspace, wait=False) if outcome.new and not no_digest else None
    if mailboxes is not None and move_to is not None:
        from spamtide.app.imap.moving import move_confirmed

        def agree(count: int, target: str) -> bool:
            return yes or click.confirm(f"Move {count} messages to {target}?", err=True)

        move_confirmed(mailboxes, workspace.archive, feed, agree, outcome.refused)
    for left in outcome.left_out[:20]:
        say(f"left out: {printable(left.source)}: {printable(left.reason)}")
    if len(outcome.left_out) > 20:
        say(f"left out: {len(outcome.left_out) - 20} more; --json lists them all")
    for refused in outcome.refused[:20]:
        say(f"not imported: {printable(refused.source)}: {printable(refused.reason)}")
    if len(outcome.refused) > 20:
        say(f"not imported: {len(outcome.refused) - 20} more; --json lists them all")
    if outcome.refused:
        say("What could be read is kept. Check what is named above and import it again; nothing is added twice.")
    if as_json:
        emit_json({**outcome.document(), "grouped": grouped})
    else:
        rate = outcome.messages / outcome.seconds if outcome.seconds else 0
        print(
            f"{outcome.new} new of {outcome.messages} messages in {feed}, {outcome.bytes / 1e6:.1f} MB, {outcome.seconds:.1f} s ({rate:,.0f}/s)."
        )
        if outcome.imap is not None:
            print(
                f"{outcome.imap.held} were in the feed and left on the server, {outcome.imap.fetched} fetched, {outcome.imap.moved} moved."
            )
            for what, times_seen in sorted(outcome.imap.noticed.items()):
                print(f"noticed: {what.replace('_', ' ')}: {times_seen}")
        if outcome.counts:
            print(f"{outcome.counts} counts.")
        if grouped is not None:
            print(grouped_line(grouped))
    return 3 if outcome.refused else 0
