"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from spamtide.app.commands.completing import complete_feed

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


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
jsonl_option = click.option("--jsonl", "as_jsonl", is_flag=True, help="Print one JSON object a line on stdout.")


def open_workspace(ctx: click.Context) -> Workspace:
    """The workspace this command line means."""
    from spamtide.app.config import find_workspace
    from spamtide.app.workspace import Workspace

    given = ctx.find_root().obj
    return Workspace(Path(find_workspace(given)))


def open_current(ctx: click.Context) -> Workspace:
    """That workspace, its tables up to date: what is stored but not read yet is read first."""
    from spamtide.app.digesting import bring_up_to_date
    from spamtide.app.output import say
    from spamtide.app.progress import progress_bar
    from spamtide.app.workspace import now_us

    workspace = open_workspace(ctx)
    with progress_bar("reading") as tick:
        bring_up_to_date(
            workspace, now=now_us(), progress=tick,
            waiting=lambda: say("another process is reading new messages; waiting for it"),
        )  # fmt: skip
    return workspace


def open_observatory(ctx: click.Context) -> Observatory:
    """The observatory of that workspace, its tables up to date."""
    from spamtide.app.observatory import Observatory

    return Observatory(open_current(ctx))
