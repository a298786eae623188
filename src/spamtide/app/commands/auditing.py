"""``campaigns audit``: a person says of pairs of messages whether they belong together."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spamtide.app.commands.options import json_option, open_settled
from spamtide.app.output import emit_json, say

if TYPE_CHECKING:
    from spamtide.app.auditing import Audit

_KEYS = {"s": "same", "d": "different", "c": "cannot-tell"}


@click.command("audit")
@click.option("--sample", type=click.IntRange(1, 5_000), default=200, show_default=True, help="Pairs to draw.")
@click.option("--seed", type=int, default=1, show_default=True, help="Two people with one seed judge the same pairs.")
@click.option("--by", metavar="WHO", help="Who judges; you by default.")
@click.option(
    "--answers", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.csv",
    help="Take verdicts from a CSV with the columns pair and verdict, instead of asking.",
)  # fmt: skip
@json_option
@click.pass_context
def audit_command(
    ctx: click.Context, sample: int, seed: int, by: str | None, answers: Path | None, as_json: bool
) -> int:
    """How right the grouping is, by your own judgement: pairs of messages, most of them near the threshold.

    On a terminal each pair is shown, not whether it was put together, and you say s(ame), d(ifferent) or c(annot tell): were the
    two filled in from one template? Judgements are kept at once; run it again to go on, or to see what they say.

    \b
    spamtide campaigns audit
    spamtide campaigns audit --json | jq -r '.pairs[] | [.pair, .a, .b] | @csv'
    """
    from spamtide.app.auditing import open_audit, read_answers
    from spamtide.app.auditwords import audit_lines
    from spamtide.app.commands.campaigns import settled_generation
    from spamtide.app.workspace import now_us

    workspace = open_settled(ctx)
    who = by or getpass.getuser()
    audit = open_audit(
        workspace, settled_generation(workspace), sample=sample, seed=seed, by=who, now=now_us()
    )  # fmt: skip
    if answers is not None:
        audit.judge_all(read_answers(audit, answers.read_bytes()), by=who, now=now_us())
    elif sys.stdin.isatty() and not as_json:
        _ask(audit, who)
    document = audit.document(who)
    if as_json:
        emit_json(document)
    else:
        print("\n".join(audit_lines(document)))
    return 0 if document["precision"] is not None else 1


def _ask(audit: Audit, who: str) -> None:
    """Show pair after pair until all are judged or the person stops."""
    from spamtide.app.workspace import now_us

    left = audit.left(who)
    whole = len(audit.draw.pairs)
    for n, pair in enumerate(left):
        say(f"\n-- {whole - len(left) + n + 1} of {whole}  {pair.id}")
        said = _asked(audit, pair.one, pair.other)
        if said is None:
            return
        audit.judge(pair, said, by=who, now=now_us())


def _asked(audit: Audit, one: str, other: str) -> str | None:
    """The verdict on one pair; None: stop."""
    from spamtide.app.auditwords import message_lines

    whole = False
    while True:
        for name, exact in (("A", one), ("B", other)):
            for line in message_lines(audit.workspace.archive, audit.sides[exact], name, whole=whole):
                say(line)
        say("same, different, cannot tell, more, quit [s/d/c/m/q]: ")
        said = sys.stdin.readline()
        key = said.strip().lower()[:1]
        if not said or key == "q":
            return None
        if key in _KEYS:
            return _KEYS[key]
        whole = key == "m"
