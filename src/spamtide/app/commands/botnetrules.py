"""``botnets rules``: rules that name sender groups by their engine and by what their messages say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from spamtide.app.commands.options import json_option, jsonl_option, open_workspace
from spamtide.app.output import emit_json, emit_json_items, emit_jsonl, printable

_STATES = {"none": "no group meets it", "several": "several groups meet it, so it names none"}


@click.group("rules", invoke_without_command=True)
@json_option
@jsonl_option
@click.pass_context
def rules_command(ctx: click.Context, as_json: bool, as_jsonl: bool) -> None:
    """Rules that name sender groups, and which group meets each. Without a command: list."""
    if ctx.invoked_subcommand is None:
        _list_rules(ctx, as_json=as_json, as_jsonl=as_jsonl)


def _rows(ctx: click.Context) -> list[dict[str, Any]]:
    from spamtide.app.botnetrules import rule_document
    from spamtide.app.commands.senders import open_senders

    return [rule_document(*entry) for entry in open_senders(ctx).rules]


def _list_rules(ctx: click.Context, *, as_json: bool, as_jsonl: bool) -> None:
    rows = _rows(ctx)
    if as_jsonl:
        emit_jsonl(rows)
    elif as_json:
        emit_json_items("spamtide.botnet-rules/1", rows, lambda: None)
    else:
        for row in rows:
            _say(row)
        if not rows:
            print("No rule yet: 'spamtide botnets rules add FILE.toml' adds one.")


def _say(row: dict[str, Any]) -> None:
    print(f"{row['rule']}: {printable(row['botnet'])}, by {printable(row['by'])}, {row['at']}")
    if row["error"] is not None:
        print(f"  cannot be asked: {printable(row['error'], 300)}")
    elif row["met"] in _STATES:
        print(f"  {_STATES[row['met']]}")
    for met in row["groups"]:
        print(f"  {met['group']}: {printable(met['found'], 300)}")


@rules_command.command("list")
@json_option
@jsonl_option
@click.pass_context
def rules_list(ctx: click.Context, as_json: bool, as_jsonl: bool) -> None:
    """All rules, by their ids."""
    _list_rules(ctx, as_json=as_json, as_jsonl=as_jsonl)


@rules_command.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@click.pass_context
def rules_add(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Add a rule from a TOML file, or replace the one of its id. It is kept in the journal. docs/howto/botnets.md shows one."""
    from spamtide.app.botnetrules import add_rule
    from spamtide.app.workspace import now_us

    added = add_rule(open_workspace(ctx), file.read_bytes(), now=now_us())
    (row,) = [r for r in _rows(ctx) if r["rule"] == added.id]
    if as_json:
        emit_json({"schema": "spamtide.botnet-rule/1", **row})
    else:
        _say(row)


@rules_command.command("remove")
@click.argument("rule", metavar="RULE")
@click.pass_context
def rules_remove(ctx: click.Context, rule: str) -> None:
    """Take the rule of that id back; what it named is unnamed again."""
    from spamtide.app.botnetrules import remove_rule
    from spamtide.app.workspace import now_us

    remove_rule(open_workspace(ctx), rule, now=now_us())
    print(f"The rule {printable(rule)} is taken back.")
