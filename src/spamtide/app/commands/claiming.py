"""``claims``: what others published about an event, and whether it can all be true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from spamtide.app.commands.completing import complete_event
from spamtide.app.commands.options import feed_option, json_option, open_observatory, workspace_or_none
from spamtide.app.output import emit_json, fill, printable
from spamtide.errors import WrongUse


@click.command("claims")
@click.argument("event_id", metavar="EVENT", shell_complete=complete_event)
@click.option(
    "--measured",
    "measured",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE.json",
    help="A document of an effect or of duplicates, or a report.json, to set beside the claims; repeat it.",
)
@feed_option()
@click.option(
    "--measure",
    "measures",
    multiple=True,
    metavar="M",
    help="With --feed: measure these there and set them beside the claims. Default: the two subject words and the volume.",
)
@json_option
@click.pass_context
def claims_command(
    ctx: click.Context, event_id: str, measured: tuple[Path, ...], feeds: list[str], measures: tuple[str, ...], as_json: bool
) -> None:  # fmt: skip
    """Every figure that others published about an event, and what they say together.

    A finding is consistent; or consistent if, with every way out; or inconsistent, where none is open. Claims are never averaged.

    \b
    spamtide claims rustock-2011
    spamtide claims rustock-2011 --feed trap
    spamtide effect --event rustock-2011 --feed trap --json > effect.json; spamtide claims rustock-2011 --measured effect.json
    """
    from spamtide.app.claiming import read_measured, reconciled
    from spamtide.app.registry import workspace_registry

    if measures and not feeds:
        raise WrongUse("usage", "--measure is measured at a feed.", "Give --feed F too.")
    effects = read_measured(measured)
    if feeds:
        from spamtide.app.reporting import REPORT_MEASURES
        from spamtide.report import effect_document

        observatory = open_observatory(ctx)
        event = observatory.event(event_id)
        effects += [
            effect_document(observatory.effect(m, feed, event=event.id))
            for feed in observatory.workspace.require_feeds(feeds)
            for m in measures or REPORT_MEASURES
        ]
    registry = workspace_registry(workspace_or_none(ctx))
    document = reconciled(registry, registry.event(event_id), effects)
    if as_json:
        emit_json(document)
    else:
        _print(document)


def _print(document: dict[str, Any]) -> None:
    from spamtide.report import claim_line

    print(f"{len(document['claims'])} claims about {document['event']}:\n")
    for claim in document["claims"]:
        print(fill(_plain(claim_line(claim), 600), "  "))
    findings = document["findings"]
    print(f"\n{len(findings)} findings, none of them an average:\n")
    for finding in findings:
        print(fill(f"{finding['code']}: {_plain(finding['text'], 2000)}"))
        print(fill(f"of {_plain(', '.join(finding['claims']), 1000)}", "    "))


def _plain(text: str, limit: int) -> str:
    # A page's thin space would be shown by its number, as what cannot be printed is.
    return printable(text.replace("\u2009", " "), limit)
