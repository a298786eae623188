"""``dialects`` and ``botnets``: how senders speak, who belongs together, and what a person calls them."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any

import click

from spamtide.app.commands.botnetrules import rules_command
from spamtide.app.commands.options import json_option, jsonl_option, open_current
from spamtide.app.output import emit_json, emit_json_items, emit_jsonl, printable, say, table

if TYPE_CHECKING:
    from spamtide.app.botnets import Senders

group_argument = click.argument("group", metavar="GROUP")


def open_senders(ctx: click.Context) -> Senders:
    """Dialects and sender groups of the messages as they are now."""
    from spamtide.app.botnets import Senders
    from spamtide.app.senders import settle_senders
    from spamtide.app.workspace import now_us

    workspace = open_current(ctx)
    generation = settle_senders(
        workspace, now=now_us(), waiting=lambda: say("another process is settling sender groups; waiting for it")
    )
    return Senders(workspace, generation)


def _listed(schema: str, rows: list[dict[str, Any]], *, as_json: bool, as_jsonl: bool) -> bool:
    """Print rows for a program; whether that was asked for."""
    if as_jsonl:
        emit_jsonl(rows)
    elif as_json:
        emit_json_items(schema, rows, lambda: None)
    return as_json or as_jsonl


@click.group("dialects", invoke_without_command=True)
@json_option
@jsonl_option
@click.pass_context
def dialects_command(ctx: click.Context, as_json: bool, as_jsonl: bool) -> None:
    """Dialects: the ways of speaking SMTP that were learned from sessions at traps."""
    if ctx.invoked_subcommand is None:
        _list_dialects(ctx, as_json=as_json, as_jsonl=as_jsonl)


def _list_dialects(ctx: click.Context, *, as_json: bool, as_jsonl: bool) -> None:
    rows = open_senders(ctx).dialects()
    if _listed("spamtide.dialects/1", rows, as_json=as_json, as_jsonl=as_jsonl):
        return
    if not rows:
        print(
            "No dialect was learned: it takes 20 messages of one path by 5 peers in 3 networks, from a trap of our own."
        )
        return
    cells = [[r["dialect"], str(r["messages"]), str(r["peers"]), str(len(r["groups"])), r["steps"]] for r in rows]
    print("\n".join(table(["dialect", "messages", "peers", "groups", "steps"], cells, right=(1, 2, 3))))


@dialects_command.command("list")
@json_option
@jsonl_option
@click.pass_context
def dialects_list(ctx: click.Context, as_json: bool, as_jsonl: bool) -> None:
    """All learned dialects, those of most messages first."""
    _list_dialects(ctx, as_json=as_json, as_jsonl=as_jsonl)


@dialects_command.command("show")
@click.argument("dialect", metavar="DIALECT")
@json_option
@click.pass_context
def dialects_show(ctx: click.Context, dialect: str, as_json: bool) -> None:
    """One dialect, by its id or by the first six digits or more of one of its paths."""
    document = open_senders(ctx).dialect(dialect)
    if as_json:
        emit_json(document)
        return
    print(
        f"{document['dialect']}: {document['messages']} messages by {document['peers']} peers in {document['networks']} networks"
    )
    print(f"  {document['steps']}")
    print(
        f"  from {document['first_seen']} to {document['last_seen']}, sender groups: {', '.join(document['groups']) or 'none'}"
    )


@click.group("botnets", invoke_without_command=True)
@json_option
@jsonl_option
@click.pass_context
def botnets_command(ctx: click.Context, as_json: bool, as_jsonl: bool) -> None:
    """Sender groups: campaigns that came from the same machines by one engine. A botnet is a name that somebody put on one."""
    if ctx.invoked_subcommand is None:
        _list_botnets(ctx, as_json=as_json, as_jsonl=as_jsonl)


def _namer(row: dict[str, Any]) -> str:
    """Who or which rule named a group."""
    if row["botnet"] is None:
        return "-"
    return f"rule {row['rule']}" if row["rule"] is not None else printable(row["named_by"], 40)


def _list_botnets(ctx: click.Context, *, as_json: bool, as_jsonl: bool) -> None:
    senders = open_senders(ctx)
    rows = senders.groups()
    if _listed("spamtide.botnets/1", rows, as_json=as_json, as_jsonl=as_jsonl):
        return
    cells = [
        [r["group"], printable(r["botnet"] or "-"), _namer(r), str(r["messages"]), f"{r['share']:.1%}", str(r["peers"]), str(len(r["campaigns"])),
         " ".join(r["dialects"])]
        for r in rows
    ]  # fmt: skip
    if cells:
        print(
            "\n".join(
                table(
                    ["group", "botnet", "named by", "messages", "share", "peers", "campaigns", "dialects"],
                    cells,
                    right=(3, 4, 5, 6),
                )
            )
        )
    print(f"{senders.unknown()} unsolicited messages are of no group.")


@botnets_command.command("list")
@json_option
@jsonl_option
@click.pass_context
def botnets_list(ctx: click.Context, as_json: bool, as_jsonl: bool) -> None:
    """All sender groups, those of most messages first."""
    _list_botnets(ctx, as_json=as_json, as_jsonl=as_jsonl)


@botnets_command.command("show")
@group_argument
@json_option
@click.pass_context
def botnets_show(ctx: click.Context, group: str, as_json: bool) -> None:
    """One group, by its id or its name: what it sent, who shares its engine or its customers, and its names."""
    document = open_senders(ctx).shown(group)
    if as_json:
        emit_json(document)
        return
    name = printable(document["botnet"]) if document["botnet"] else "unnamed"
    print(
        f"{document['group']} ({name}): {document['messages']} messages, {document['share']:.1%} of unsolicited mail, by {document['peers']} addresses"
    )
    if document["botnet"]:
        rule = f"the rule {document['rule']} of " if document["rule"] is not None else ""
        print(
            f"  {rule}{printable(document['named_by'])} identifies it as {name}: {printable(document['evidence'], 500)}"
        )
    print(
        f"  from {document['first_seen']} to {document['last_seen']}; {len(document['campaigns'])} campaigns in {', '.join(document['dialects'])}"
    )
    if document["undercounted"]:
        print("  undercounted: more than a tenth of its messages were broken off")
    print(f"  the same engine: {', '.join(document['engine_shared_with']) or 'nobody else'}")
    for shared in document["campaigns_shared_with"]:
        print(f"  {shared['group']} sent {len(shared['campaigns'])} of its campaigns too: a customer of both")


@botnets_command.command("explain")
@group_argument
@json_option
@click.pass_context
def botnets_explain(ctx: click.Context, group: str, as_json: bool) -> None:
    """Why a group is one: the hosts that its campaigns share, beside what chance would give."""
    document = open_senders(ctx).explained(group)
    if as_json:
        emit_json(document)
        return
    for dialect in document["dialects"]:
        print(f"{dialect['dialect']}  {dialect['steps']}")
    cells = [
        [
            m["one"],
            m["other"],
            str(m["shared_host_days"]),
            f"{m['expected_by_chance']:.3g}",
            f"{m['log_tail'] / 2.302585:.0f}",
        ]
        for m in document["merges"]
    ]
    if cells:
        print(
            "\n".join(
                table(
                    ["campaign", "with", "shared host days", "by chance", "log10 of the tail"], cells, right=(2, 3, 4)
                )
            )
        )
    else:
        print("One campaign: nothing had to be put together.")


@botnets_command.command("members")
@click.argument("group", required=False, metavar="[GROUP]")
@json_option
@jsonl_option
@click.pass_context
def botnets_members(ctx: click.Context, group: str | None, as_json: bool, as_jsonl: bool) -> None:
    """Unsolicited messages with their group (null: unknown) and membership, 0 to 1; of one group, or all."""
    rows = open_senders(ctx).members(group)
    if as_jsonl:
        emit_jsonl(rows)
    elif as_json:
        emit_json_items("spamtide.botnet-members/1", rows, lambda: None)
    else:
        for row in rows:
            print(f"{row['id']}  {row['group'] or 'unknown'}  {row['membership']:.3f}")


@botnets_command.command("name")
@group_argument
@click.argument("name", required=False)
@click.option("--evidence", required=True, metavar="TEXT", help="On what the name rests; kept in the journal.")
@click.option("--by", "named_by", metavar="WHO", help="Who says so; you by default.")
@click.option("--forget", is_flag=True, help="Take the name back.")
@json_option
@click.pass_context
def botnets_name(
    ctx: click.Context, group: str, name: str | None, evidence: str, named_by: str | None, forget: bool, as_json: bool
) -> None:
    """Put a botnet's name on a sender group. It stays with the group as more mail comes, with who said so and why."""
    from spamtide.app.botnets import Senders
    from spamtide.app.workspace import now_us

    if (name is None) != forget:
        raise click.UsageError("Give a NAME, or --forget.")
    senders = open_senders(ctx)
    found = senders.name(group, name, evidence=evidence, named_by=named_by or getpass.getuser(), now=now_us())
    again = Senders(senders.workspace, senders.generation)
    if as_json:
        emit_json(again.shown(found))
    else:
        print(f"{found} is {printable(name) if name else 'unnamed'} now.")


botnets_command.add_command(rules_command)
