"""``size``: how many hosts sent it, at these traps."""

from __future__ import annotations

from pathlib import Path

import click

from spamtide.app.commands.completing import complete_measure
from spamtide.app.commands.options import feed_option, group_now, json_option, open_observatory
from spamtide.app.instants import parse_window
from spamtide.app.output import emit_json, fill, table
from spamtide.errors import WrongUse


@click.command("size")
@click.option("--botnet", metavar="G", help="A sender group, by id or name.")
@click.option(
    "--measure",
    metavar="M",
    shell_complete=complete_measure,
    help="Instead, who sent what a measure counts, or dialect:D, template:CAMPAIGN.",
)
@click.option(
    "--sightings", type=click.Path(path_type=Path), metavar="FILE.csv", help="Rows of time,feed,address,network instead of a feed."
)  # fmt: skip
@feed_option()
@click.option(
    "--window", "window", metavar="START/END", help="The window; by default the last seven days in which it was seen."
)
@click.option(
    "--by", type=click.Choice(["group", "country", "feed", "day", "week"]), help="The same for each of these."
)
@click.option(
    "--factor", metavar="TIMES|VALUE,LOW,HIGH", help="How many messages sent stand for one here: adds the output in all, by that factor."
)  # fmt: skip
@click.option("--factor-by", metavar="TEXT", help="Who states the factor; it is named in the sentence.")
@json_option
@click.pass_context
def size_command(
    ctx: click.Context, botnet: str | None, measure: str | None, sightings: Path | None, feeds: list[str], window: str | None,
    by: str | None, factor: str | None, factor_by: str | None, as_json: bool,
) -> int:  # fmt: skip
    """How many hosts sent it: live at a time, as if equally active, at these traps. Not infections, not the world.

    \b
    spamtide size --botnet group-58b8fa5bc174 --feed trap
    spamtide size --measure subject:viagra --window 2011-03-01/2011-03-15 --by week
    spamtide size --sightings seen.csv
    spamtide size --sightings seen.csv --factor 2e6,5e5,8e6 --factor-by "Lab N, report of 2011"
    """
    from spamtide.app.sizing import read_factor, sizes_of_file, sizes_of_workspace
    from spamtide.report import part_rows, size_document, size_rows

    if sum(given is not None for given in (botnet, measure, sightings)) != 1:
        raise WrongUse(
            "usage", "A size is of a --botnet, of a --measure or of --sightings, one of them.", "See 'spamtide size --help'."
        )  # fmt: skip
    span, times = parse_window(window) if window else None, read_factor(factor, factor_by)
    if sightings is not None:
        if by in ("country", "group"):
            raise WrongUse(
                "usage", f"A file of sightings has no {by}.", "Leave --by out, or ask for feed, day or week."
            )
        target, found = None, sizes_of_file(sightings, window=span, by=by)
    else:
        target = f"botnet:{botnet}" if botnet is not None else measure or ""
        observatory = open_observatory(ctx)
        if target.startswith(("campaign:", "template:", "botnet:", "dialect:")):
            group_now(observatory.workspace)
        found = sizes_of_workspace(observatory, target, feeds, window=span, by=by)
    if times is not None:
        found = found.by_factor(times)
    document = size_document(found.populations, target=target, feeds=found.feeds, parts=found.parts, factor=times)
    if as_json:
        emit_json(document)
    else:
        print(fill(document["sentence"]))
        print()
        print(
            "\n".join(
                table(
                    ["quantity", "95 % interval", "unit", "family", "of"], size_rows(document), right=(1,), indent="  "
                )
            )
        )
        if document["parts"]:
            print()
            print(
                "\n".join(
                    table(
                        [by or "part", "from", "sightings", "effective hosts"],
                        part_rows(document),
                        right=(2, 3),
                        indent="  ",
                    )
                )
            )
        for warning in document["warnings"]:
            print(fill(f"Warning: {warning['text']}"))
    return 1 if document["refused"] is not None else 0
