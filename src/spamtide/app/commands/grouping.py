"""``group``: grouping alone, of a file."""

from __future__ import annotations

from pathlib import Path

import click

from spamtide.app.commands.options import json_option, jsonl_option
from spamtide.app.output import emit_json, emit_jsonl, printable, say


@click.command("group")
@click.argument("file", type=click.Path(path_type=Path))
@jsonl_option
@json_option
def group_command(file: Path, as_jsonl: bool, as_json: bool) -> int:
    """Group the messages of an mbox, or of JSON lines with "text" (and optional "html", "subject"), without a workspace.

    Prints, in input order, the index from 0, the exact group and the campaign (near-duplicates).

    \b
    spamtide group spam.mbox --jsonl
    """
    from spamtide.app.grouping import group_file
    from spamtide.app.workspace import now_us

    rows, refused = group_file(file, now=now_us())
    for one in refused:
        say(f"not grouped: {printable(one.source)}: {printable(one.reason)}")
    if as_jsonl:
        emit_jsonl(rows)
    elif as_json:
        emit_json({"schema": "spamtide.group/1", "items": rows, "next": None})
    else:
        groups = {row["exact"] for row in rows}
        print(f"{len(rows)} messages in {len(groups)} exact groups.")
    return 3 if refused else 0
