"""``digest``: what is stored becomes tables, once or as it arrives."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import click

from spamtide.app.commands.options import group_now, grouped_line, json_option, open_workspace
from spamtide.app.output import emit_json, printable, say
from spamtide.app.progress import progress_bar
from spamtide.errors import WrongUse


@click.command("digest")
@click.option("--follow", is_flag=True, help="Go on as messages arrive, until SIGTERM or Ctrl-C.")
@click.option("--retry-quarantine", is_flag=True, help="Try messages in quarantine again.")
@click.option("--compact", is_flag=True, help="Also gather the tables of past days into one sorted file a day.")
@click.option("--log", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="With --follow, json: one event a line on stdout.")  # fmt: skip
@click.option(
    "--tied", is_flag=True, hidden=True, help="End when standard input does: the trap that started it is gone."
)
@json_option
@click.pass_context
def digest_command(
    ctx: click.Context, follow: bool, retry_quarantine: bool, compact: bool, log: str, tied: bool, as_json: bool
) -> None:
    """Read messages that are stored but not in the tables yet.

    With --follow also what is being stored: what a running trap takes is there for 'spamtide search --live' within seconds, and
    for everything else when its segment is sealed, or when a command asks.
    """
    from spamtide.app.digesting import compact_workspace, digest_workspace
    from spamtide.app.digesting import retry_quarantine as read_again
    from spamtide.app.workspace import now_us

    if follow and (retry_quarantine or compact):
        raise WrongUse("usage", "--follow goes with neither --retry-quarantine nor --compact.", "Run them one by one.")
    workspace = open_workspace(ctx)
    if follow:
        outcome = _follow(workspace, log_json=log == "json", tied=tied)
    else:
        with progress_bar("reading") as tick:
            outcome = (read_again if retry_quarantine else digest_workspace)(workspace, now=now_us(), progress=tick)
    grouped = None if follow else group_now(workspace, wait=False)
    if compact:
        with progress_bar("gathering", "days") as tick:
            compact_workspace(workspace, now=now_us(), progress=tick)
    if as_json:
        emit_json({**outcome.document(), "grouped": grouped})
    elif log != "json":
        print(f"{outcome.messages} messages of {outcome.segments} segments read, {outcome.quarantined} in quarantine.")
        if grouped is not None and grouped["generation"]:
            print(grouped_line(grouped))


def _follow(workspace: Any, *, log_json: bool, tied: bool) -> Any:
    from spamtide.app.following import follow
    from spamtide.app.stopping import starter_is_gone, stop_signals
    from spamtide.app.trapevents import event_line
    from spamtide.app.workspace import now_us

    def tell(event: dict[str, Any]) -> None:
        if log_json:
            sys.stdout.write(event_line(event) + "\n")
            sys.stdout.flush()
        elif event["event"] != "digest.read":
            facts = ", ".join(f"{k} {v}" for k, v in event.items() if k not in ("event", "at"))
            say(printable(f"{event['at']} {event['event']}{': ' if facts else ''}{facts}", 500))

    # The trap, and whoever asks, come first.
    os.nice(workspace.settings.digest.follow_nice)
    with stop_signals() as asked:
        outcome = follow(
            workspace,
            clock=now_us,
            tell=tell,
            stopping=lambda: bool(asked) or (tied and starter_is_gone(sys.stdin.fileno())),
        )
    if signal.SIGINT in asked:
        raise KeyboardInterrupt
    return outcome
