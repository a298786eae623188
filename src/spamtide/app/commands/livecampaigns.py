"""``campaigns live``: what came since the last grouping, as it comes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from spamtide.app.commands.options import feed_option, group_now, json_option, jsonl_option, open_workspace
from spamtide.app.output import emit_json_items, emit_jsonl, fill, printable, say, table

if TYPE_CHECKING:
    from spamtide.app.newcampaigns import NewCampaigns

LOOK_SECONDS = 1.0
# Campaigns of a page for a person's eyes.
PAGE = 40


@click.command("live")
@feed_option()
@click.option("--new", is_flag=True, help="Only campaigns that no grouping holds yet.")
@click.option(
    "--follow", is_flag=True, help="Go on, and tell of each campaign when its first message comes; Ctrl-C ends it."
)
@json_option
@jsonl_option
@click.pass_context
def campaigns_live(ctx: click.Context, feeds: list[str], new: bool, follow: bool, as_json: bool, as_jsonl: bool) -> int:
    """What came since the last grouping: known campaigns that go on, and new ones. Provisional.

    Each message is held against the campaigns of the last grouping, and against what else came, seconds after it was
    accepted, where a digest follows the trap. Reports never read this.

    \b
    spamtide campaigns live --new
    spamtide campaigns live --follow --jsonl
    """
    from spamtide.app.newcampaigns import NewCampaigns
    from spamtide.app.settling import NEAR_INDEX

    workspace = open_workspace(ctx)
    names = workspace.require_feeds(feeds) if feeds else []
    live = NewCampaigns(workspace)
    if not live.look() and live.generation == 0:
        # No grouping yet, or one of an older program: there is nothing to hold messages against.
        group_now(workspace)
        live.look()
    if live.generation == 0:
        say(f"There is no grouping with its {NEAR_INDEX}: 'spamtide campaigns settle' makes one once there is mail.")
        return 1
    if follow:
        return _follow(live, names, new, as_jsonl or as_json)
    rows = live.rows(feeds=names, new=new)
    if as_jsonl:
        n = emit_jsonl(rows)
    elif as_json:
        n = emit_json_items("spamtide.campaigns-live/1", rows, lambda: None, generation=live.generation)
    else:
        n = _table(list(rows))
        if not n:
            say(f"Nothing came since the last grouping (generation {live.generation}).")
    return 0 if n else 1


def _table(rows: list[dict[str, Any]]) -> int:
    header = ("campaign", "", "messages", "peers", "first seen", "last seen", "subject")
    lines = [
        (
            r["campaign"], "known" if r["settled"] else "new", f"{r['messages']:,}", f"{r['peers']:,}", r["first_seen"][:19],
            r["last_seen"][:19], printable((r["subjects"] or ["(no subject)"])[0], 50),
        )
        for r in rows[:PAGE]
    ]  # fmt: skip
    if lines:
        for line in table(header, lines, right=(2, 3)):
            click.echo(line)
    if len(rows) > PAGE:
        click.echo(fill(f"{len(rows) - PAGE:,} more: --jsonl shows all of them."))
    return len(lines)


def _follow(live: NewCampaigns, feeds: list[str], new: bool, as_jsonl: bool) -> int:
    told: set[str] = set()
    while True:
        fresh = [r for r in live.rows(feeds=feeds, new=new) if r["campaign"] not in told]
        told.update(r["campaign"] for r in fresh)
        if as_jsonl:
            emit_jsonl(fresh)
        else:
            for r in fresh:
                word = "goes on" if r["settled"] else "new"
                subject = printable((r["subjects"] or ["(no subject)"])[0], 60)
                click.echo(f"{r['first_seen'][:19]}  {r['campaign']}  {word}: {subject}")
        while not live.look():
            time.sleep(LOOK_SECONDS)
