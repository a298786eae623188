"""``serve``: the dashboard."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from spamtide.app.commands.options import open_workspace, split_values
from spamtide.app.output import say


@click.command("serve")
@click.option("--listen", default="127.0.0.1:8025", show_default=True, metavar="HOST:PORT",
              help="Where; port 0 takes a free one and prints it.")  # fmt: skip
@click.option("--token-file", type=click.Path(path_type=Path), envvar="SPAMTIDE_TOKEN_FILE", metavar="FILE",
              help="Tokens, one a line; whoever looks needs one. Beyond loopback this is a must.")  # fmt: skip
@click.option("--name", "names", multiple=True, callback=split_values, metavar="NAME",
              help="A name by which the server is asked for, behind a proxy for instance; repeat it or use commas.")  # fmt: skip
@click.option("--public", is_flag=True, help="Show no more than beyond loopback: texts masked, peers as networks.")
@click.pass_context
def serve_command(ctx: click.Context, listen: str, token_file: Path | None, names: list[str], public: bool) -> int:
    """Show the workspace in a browser: pages with a .json and a .csv twin each, and an API. It prints its URL on stdout.

    It only reads: what is new is read by 'spamtide digest', or by the one beside a running trap. Ctrl-C or SIGTERM ends it.
    """
    from spamtide.app.serving.entrance import read_tokens
    from spamtide.app.serving.running import run_server
    from spamtide.app.trapping import parse_address
    from spamtide.app.workspace import now_us

    workspace = open_workspace(ctx)
    tokens = read_tokens(token_file) if token_file is not None else []

    def ready(url: str) -> None:
        sys.stdout.write(url + "\n")
        sys.stdout.flush()
        say(f"The dashboard of {workspace.root} is at {url} until Ctrl-C.")

    stopped = run_server(
        workspace, parse_address(listen), tokens=tokens, names=names, public=public, clock=now_us, ready=ready
    )
    return 130 if stopped == signal.SIGINT else 0
