"""Options that several commands share."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from spamtide.app.commands.completing import complete_feed
from spamtide.errors import WrongUse

if TYPE_CHECKING:
    from spamtide.app.observatory import Observatory
    from spamtide.app.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])


def split_values(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> list[str]:
    """Values of an option that is repeated, or given once with commas."""
    return [part for value in values for part in value.split(",") if part]


def feed_option(*, required: bool = False) -> Callable[[F], F]:
    """``--feed`` and ``--feeds`` are the same option: repeated, or once with commas."""
    return click.option(
        "--feed",
        "--feeds",
        "feeds",
        multiple=True,
        required=required,
        callback=split_values,
        shell_complete=complete_feed,
        metavar="F",
        help="Feed; repeat it or use commas.",
    )


group_option = click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="FEED=GROUP",
    help="Whose a feed is: feeds that share owner, sensors, filter or supplier are one witness. Not stated counts as shared.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
jsonl_option = click.option("--jsonl", "as_jsonl", is_flag=True, help="Print one JSON object a line on stdout.")


def open_workspace(ctx: click.Context) -> Workspace:
    """The workspace this command line means."""
    from spamtide.app.config import find_workspace
    from spamtide.app.workspace import Workspace

    given = ctx.find_root().obj
    return Workspace(Path(find_workspace(given)))


def workspace_or_none(ctx: click.Context) -> Workspace | None:
    """The workspace of this command line; None where there is none and none was named: the shipped registry needs none."""
    try:
        return open_workspace(ctx)
    except WrongUse as error:
        if error.code == "no_workspace" and ctx.find_root().obj is None:
            return None
        raise


def open_current(ctx: click.Context, *, grouped: bool = False) -> Workspace:
    """That workspace, its tables up to date: what is stored but not read yet is read first.

    ``grouped``: campaigns too, but where a digest follows, which does that in its time.
    """
    from spamtide.app.digesting import bring_up_to_date
    from spamtide.app.output import say
    from spamtide.app.progress import progress_bar
    from spamtide.app.workspace import now_us
    from spamtide.archive import is_followed

    workspace = open_workspace(ctx)
    with progress_bar("reading") as tick:
        bring_up_to_date(
            workspace, now=now_us(), progress=tick,
            waiting=lambda: say("another process is reading new messages; waiting for it"),
        )  # fmt: skip
    if grouped and not is_followed(workspace.archive.root):
        try:
            group_now(workspace)
        except OSError as error:
            # What is read-only can still be read.
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise
            say("campaigns are those of the last grouping: nothing can be written here")
    return workspace


def open_observatory(ctx: click.Context) -> Observatory:
    """The observatory of that workspace, its tables up to date."""
    from spamtide.app.observatory import Observatory

    return Observatory(open_current(ctx))


def open_settled(ctx: click.Context) -> Workspace:
    """That workspace, tables and campaigns up to date: what is not grouped yet is grouped first."""
    workspace = open_current(ctx)
    group_now(workspace)
    return workspace


def group_now(workspace: Workspace, *, wait: bool = True) -> dict[str, Any] | None:
    """Group what is digested; what was done, None where another process groups and ``wait`` is off."""
    from spamtide.app.output import say
    from spamtide.app.progress import progress_bar
    from spamtide.app.settling import settle_campaigns
    from spamtide.app.workspace import now_us
    from spamtide.errors import BrokenWorld

    waiting = (lambda: say("another process is grouping; waiting for it")) if wait else None
    try:
        with progress_bar("grouping", "steps") as tick:
            return settle_campaigns(workspace, now=now_us(), waiting=waiting, progress=tick).document()
    except BrokenWorld as error:
        if wait or error.code != "locked":
            raise
        say("another process is grouping; what is new is grouped next time")
        return None


def grouped_line(document: dict[str, Any]) -> str:
    """What a grouping did, in a line."""
    took = f", {document['seconds']:.1f} s" if document["new"] else ", as it was"
    return (
        f"{document['messages']:,} messages in {document['exact_groups']:,} exact groups and {document['campaigns']:,} campaigns: "
        f"generation {document['generation']}{took}."
    )


class ListedGroup(click.Group):
    """A group of commands of which ``list`` may be left out: ``spamtide campaigns --jsonl``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the ``list`` that was left out."""
        asked = args[0] if args else "--"
        if not ctx.resilient_parsing and asked.startswith("-") and asked not in ("-h", "--help"):
            args = ["list", *args]
        return super().parse_args(ctx, args)
