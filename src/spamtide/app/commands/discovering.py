"""``changes``: what changed that nobody asked about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from spamtide.app.commands.options import feed_option, group_now, json_option, open_observatory, split_values
from spamtide.app.commands.searching import chosen_origins, origin_option
from spamtide.app.instants import parse_window
from spamtide.app.output import emit_json, fill
from spamtide.capture import DECIMALS, ORDERS, CountOptions
from spamtide.errors import WrongUse

KINDS, BY_NAME = ("volume", "topic", "language", "origin", "campaign", "dialect", "botnet"), ("country",)


@click.command("changes")
@feed_option()
@click.option(
    "--measure", "measures", multiple=True, metavar="M", help="These measures only; by default every series of --of."
)
@click.option(
    "--of",
    multiple=True,
    callback=split_values,
    metavar="KIND,...",
    help=f"Kinds of series of a feed: {', '.join(KINDS)}; default all these. Also country, which needs a table of networks.",
)
@click.option(
    "--top", "most", type=click.IntRange(min=1), default=20, show_default=True, help="The largest of each kind."
)
@click.option("--window", "window", metavar="START/END", help="Only in this window; default all there is.")
@click.option(
    "--zone", metavar="ZONE", help="Whose days are counted: Europe/Berlin, +02:00; default UTC. All of 24 hours, by standard time."
)  # fmt: skip
@click.option(
    "--series", "series_file", type=click.Path(path_type=Path), metavar="FILE.csv", help="Counts instead of a feed."
)
@click.option(
    "--dates", type=click.Choice(ORDERS), help="With --series: how dates are written, where the file leaves it open."
)
@click.option(
    "--decimal", type=click.Choice(DECIMALS), help="With --series: the decimal sign, where the file leaves it open."
)
@click.option(
    "--false-discoveries",
    "rate",
    type=click.FloatRange(0.001, 0.5),
    default=0.1,
    show_default=True,
    help="How large a share of what is found may be false, in expectation.",
)
@origin_option
@json_option
@click.pass_context
def changes_command(
    ctx: click.Context, feeds: list[str], measures: tuple[str, ...], of: list[str], most: int, window: str | None,
    zone: str | None, series_file: Path | None, dates: str | None, decimal: str | None, rate: float, origins: list[str], as_json: bool,
) -> int:  # fmt: skip
    """What changed that nobody asked about: unknown change points in every series of a feed, and what lies near each.

    The share of false ones is bounded over all series that were looked at. Near is no cause: ask 'spamtide effect' of an event.

    \b
    spamtide changes --feed trap
    spamtide changes --feed trap --of topic,campaign --top 50 --json
    spamtide changes --series counts.csv --false-discoveries 0.05
    """
    from spamtide.app.discovering import changes_of_feed, changes_of_file
    from spamtide.report import changes_document

    wrong = [kind for kind in of if kind not in (*KINDS, *BY_NAME)]
    if wrong:
        raise WrongUse("usage", f"{wrong[0]!r} is no kind of series.", f"Kinds: {', '.join((*KINDS, *BY_NAME))}.")
    if (series_file is None) == (not feeds):
        raise WrongUse(
            "usage", "Changes are of a --feed or of a --series, one of them.", "See 'spamtide changes --help'."
        )
    if series_file is not None:
        if measures or of or window:
            raise WrongUse("usage", "--measure, --of and --window belong to --feed.", "Leave them out.")
        said = changes_of_file(series_file, rate=rate, options=CountOptions(dates, decimal), zone=zone)
    else:
        observatory = open_observatory(ctx)
        group_now(observatory.workspace)
        said = changes_of_feed(
            observatory, feeds, measures=measures, of=of or KINDS, most=most, window=parse_window(window) if window else None,
            origins=chosen_origins(origins), rate=rate, zone=zone,
        )  # fmt: skip
    document = changes_document(
        said.feed,
        said.window,
        said.found,
        [(n.events, n.campaigns, n.series) for n in said.nearby],
        ",".join(chosen_origins(origins)),
    )
    if as_json:
        emit_json(document)
    else:
        _print(document)
    return 0 if said.found.looked_at else 1


def _print(document: dict[str, Any]) -> None:
    print(fill(document["sentence"]))
    for change in document["changes"]:
        print("\n" + fill(change["sentence"]))
        for line in _near(change["explanations"]):
            print(fill(line, indent="  "))
    if document["not_looked_at"]:
        print(f"\nNot looked at, too little in them: {len(document['not_looked_at'])} series.")


def _near(explanations: list[dict[str, Any]]) -> list[str]:
    lines = []
    for part in explanations:
        if part["kind"] in ("campaign", "all-else"):
            named = f"campaign {part['part']}" if part["kind"] == "campaign" else "all else"
            lines.append(f"{named}: {part['before']:.3g} to {part['after']:.3g} a day")
    others = [e["series"] for e in explanations if e["kind"] == "series"]
    if others:
        lines.append(f"at the same time: {', '.join(others[:6])}{' ...' if len(others) > 6 else ''}")
    return lines
