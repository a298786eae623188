"""``report``: a page, figures, tables and JSON that can be quoted."""

from __future__ import annotations

from pathlib import Path

import click

from spamtide.app.commands.completing import complete_event
from spamtide.app.commands.options import feed_option, json_option, open_observatory, split_values
from spamtide.app.output import emit_json
from spamtide.errors import Unanswerable, WrongUse


def _no_verb(_: click.Context, __: click.Parameter, words: tuple[str, ...]) -> None:
    # Asked before --event and --out are missed, so that 'report verify DIR' is told what it is.
    if words[:1] == ("verify",):
        raise WrongUse("not_built_yet", "'spamtide report verify' is not built yet.", "See 'spamtide report --help'.")
    if words:
        raise WrongUse("usage", f"A report takes no argument {words[0]!r}.", "See 'spamtide report --help'.")


@click.command("report")
@click.argument("verb", nargs=-1, metavar="", is_eager=True, expose_value=False, callback=_no_verb)
@click.option("--event", required=True, metavar="E", shell_complete=complete_event, help="An event of the registry.")
@feed_option()
@click.option(
    "--measure",
    "measures",
    multiple=True,
    callback=split_values,
    metavar="M",
    help="Measures; repeat it. Default: the two subject words and the volume.",
)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the report.")
@json_option
@click.pass_context
def report_command(
    ctx: click.Context, event: str, feeds: list[str], measures: list[str], out: Path, as_json: bool
) -> None:
    """Write report.html, report.json, tables/*.csv and figures/*.svg into a folder."""
    from spamtide.app.reporting import REPORT_MEASURES, write_report

    observatory = open_observatory(ctx)
    names = observatory.workspace.require_feeds(feeds)
    if not names:
        raise Unanswerable("no_data", "There is no feed to report on yet.", "Run 'spamtide import PATH --feed NAME'.")
    document = write_report(observatory, event, names, out, measures=tuple(measures) or REPORT_MEASURES)
    if as_json:
        emit_json(document)
        return
    from spamtide.app.saying import print_findings

    print_findings(document)
    print(f"\nThe report: {out / 'report.html'}")
