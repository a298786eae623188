"""``address``: the addresses of a trap, and where each stands in its life."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from spamtide.app.commands.completing import complete_feed
from spamtide.app.commands.importing import VANTAGES
from spamtide.app.commands.options import json_option, jsonl_option, open_current, open_workspace
from spamtide.app.output import emit_json, emit_jsonl, printable, say, table

if TYPE_CHECKING:
    from spamtide.app.lives import Life
    from spamtide.app.workspace import Workspace

feed_one = click.option(
    "--feed", required=True, metavar="F", shell_complete=complete_feed, help="The feed of these addresses."
)
given_addresses = click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
note_option = click.option("--note", default="", help="Why; kept in the journal.")


def _row(life: Life, first_hit: int | None, now: int) -> dict[str, Any]:
    from spamtide.app.instants import format_instant

    def told(at: int | None) -> str | None:
        return None if at is None else format_instant(at)

    return {
        "address_id": life.address_id,
        "address": life.address,
        "state": life.state_at(now),
        "vantage": life.vantage,
        "since": told(life.since),
        "live_from": told(life.live_from),
        "live_to": told(life.live_to),
        "first_hit_at": told(first_hit),
    }


def _tell(workspace: Workspace, feed: str, lives: Iterable[Life], *, as_json: bool, as_jsonl: bool) -> None:
    """Print rows; those of a list as a table for a person."""
    from spamtide.app.observatory import Observatory
    from spamtide.app.workspace import now_us

    lives, now = list(lives), now_us()
    hits = Observatory(workspace).first_hits(feed, [life.address for life in lives])
    rows = [_row(life, hits.get(life.address), now) for life in lives]
    if as_jsonl:
        emit_jsonl(rows)
    elif as_json:
        emit_json({"schema": "spamtide.addresses/1", "items": rows, "next": None})
    elif rows:
        cells = [[printable(r["address"]), *(r[k] or "-" for k in ("state", "vantage", "live_from", "live_to", "first_hit_at"))]
                 for r in rows]  # fmt: skip
        print("\n".join(table(["address", "state", "vantage", "live from", "live to", "first hit"], cells)))
    else:
        print(f"{feed} lists no address: its trap takes mail for anybody.")


def _changed(ctx: click.Context, feed: str, lives: list[Life], *, as_json: bool, as_jsonl: bool) -> None:
    _tell(open_workspace(ctx), feed, lives, as_json=as_json, as_jsonl=as_jsonl)
    say("A trap that runs takes this on SIGHUP.")


@click.group("address")
def address_command() -> None:
    """Addresses of a trap and their lives. What is printed is for you alone: addresses leave in no report, only their ids."""


@address_command.command("add")
@given_addresses
@feed_one
@click.option("--state", type=click.Choice(["bouncing", "conditioning", "ramp", "live"]),
              help="Where its life begins; bouncing where it belonged to somebody, else ramp.")  # fmt: skip
@click.option("--vantage", type=click.Choice(VANTAGES), help="What kind of address it is; that of the feed by default.")
@click.option("--since", metavar="T", help="When that state began; now by default.")
@json_option
@jsonl_option
@click.pass_context
def address_add(
    ctx: click.Context, addresses: tuple[str, ...], feed: str, state: str | None, vantage: str | None, since: str | None,
    as_json: bool, as_jsonl: bool,
) -> None:  # fmt: skip
    """Add addresses to a feed; ``@domain`` is all of a domain. From then on its trap takes mail for those it lists only.

    A planted address is in its ramp for 90 days: accepted, and outside measures. One that belonged to somebody bounces for a
    year, then is conditioning until a person has looked ('address move').
    """
    from spamtide.app.instants import parse_instant
    from spamtide.app.lives import add_addresses
    from spamtide.app.workspace import now_us
    from spamtide.archive import check_feed

    begun = None if since is None else parse_instant(since)
    lives = add_addresses(
        open_workspace(ctx), check_feed(feed), addresses, state=state, vantage=vantage, since=begun, now=now_us()
    )
    _changed(ctx, feed, lives, as_json=as_json, as_jsonl=as_jsonl)


@address_command.command("list")
@feed_one
@json_option
@jsonl_option
@click.pass_context
def address_list(ctx: click.Context, feed: str, as_json: bool, as_jsonl: bool) -> None:
    """Addresses of a feed: state, since when they count, when something first came for them."""
    from spamtide.app.lives import read_lives
    from spamtide.archive import check_feed

    workspace = open_current(ctx)
    lives = read_lives(workspace, check_feed(feed))
    _tell(workspace, feed, lives.values(), as_json=as_json, as_jsonl=as_jsonl)


@address_command.command("move")
@given_addresses
@feed_one
@click.option("--to", "state", required=True, type=click.Choice(["conditioning", "live"]), help="The next state.")
@note_option
@json_option
@jsonl_option
@click.pass_context
def address_move(
    ctx: click.Context, addresses: tuple[str, ...], feed: str, state: str, note: str, as_json: bool, as_jsonl: bool
) -> None:
    """Take addresses to the next state: bouncing to conditioning after a year, conditioning to live when you have looked."""
    _move(ctx, addresses, feed, state, note, as_json=as_json, as_jsonl=as_jsonl)


@address_command.command("retire")
@given_addresses
@feed_one
@note_option
@json_option
@jsonl_option
@click.pass_context
def address_retire(
    ctx: click.Context, addresses: tuple[str, ...], feed: str, note: str, as_json: bool, as_jsonl: bool
) -> None:
    """End the life of addresses: the trap answers 550 for them from now on."""
    _move(ctx, addresses, feed, "retired", note, as_json=as_json, as_jsonl=as_jsonl)


@address_command.command("disclose")
@given_addresses
@feed_one
@note_option
@json_option
@jsonl_option
@click.pass_context
def address_disclose(
    ctx: click.Context, addresses: tuple[str, ...], feed: str, note: str, as_json: bool, as_jsonl: bool
) -> None:
    """Say that addresses are known to be a trap: still accepted, and outside measures from now on."""
    _move(ctx, addresses, feed, "disclosed", note, as_json=as_json, as_jsonl=as_jsonl)


def _move(
    ctx: click.Context, addresses: tuple[str, ...], feed: str, state: str, note: str, *, as_json: bool, as_jsonl: bool
) -> None:
    from spamtide.app.lives import move_addresses
    from spamtide.app.workspace import now_us
    from spamtide.archive import check_feed

    lives = move_addresses(open_workspace(ctx), check_feed(feed), addresses, state, note=note, now=now_us())
    _changed(ctx, feed, lives, as_json=as_json, as_jsonl=as_jsonl)
