"""``report``: a page, figures, tables, JSON and a PDF that can be quoted, and whether they can be made again."""

from __future__ import annotations

from pathlib import Path

import click

from spamtide.app.commands.completing import complete_event
from spamtide.app.commands.options import feed_option, group_option, json_option, open_observatory, split_values
from spamtide.app.output import emit_json, fill, say
from spamtide.errors import Unanswerable, WrongUse


@click.group("report", invoke_without_command=True, subcommand_metavar="[verify DIR]")
@click.option("--event", metavar="E", shell_complete=complete_event, help="An event of the registry.")
@feed_option()
@click.option(
    "--measure",
    "measures",
    multiple=True,
    callback=split_values,
    metavar="M",
    help="Measures; repeat it. Default: the two subject words and the volume.",
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder of the report.")
@click.option(
    "--audience",
    type=click.Choice(["press", "technical"]),
    default="technical",
    help="Voice and depth; the numbers are the same.",
)
@click.option(
    "--tlp", type=click.Choice(["clear", "green", "amber", "red"]), default="clear", help="To whom it may be given on."
)
@group_option
@click.option("--supersedes", metavar="ID", help="The report that this one replaces.")
@json_option
@click.pass_context
def report_command(
    ctx: click.Context, event: str | None, feeds: list[str], measures: list[str], out: Path | None, audience: str, tlp: str,
    groups: tuple[str, ...], supersedes: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Write report.html, report.pdf, report.json, tables/*.csv, figures/*.svg and MANIFEST.json into a folder.

    \b
    spamtide report --event rustock-2011 --feed trap --out report
    spamtide report --event rustock-2011 --feed trap --audience press --tlp green --out press
    spamtide report verify report
    """
    if ctx.invoked_subcommand is not None:
        return
    from spamtide.app.corroborating import parse_groups
    from spamtide.app.reporting import REPORT_MEASURES, ReportRequest, write_report
    from spamtide.message import PublicText
    from spamtide.report import REPORT_ID, few_addresses

    if event is None or out is None:
        raise WrongUse(
            "usage", f"A report needs {'--event' if event is None else '--out'}.", "See 'spamtide report --help'."
        )
    if supersedes is not None and not REPORT_ID.fullmatch(supersedes):
        raise WrongUse(
            "bad_report_id", f"{supersedes[:60]!r} is no id of a report.", "It stands at the top of a report and in its report.json: r- and 20 digits."
        )  # fmt: skip
    for measure in measures:
        if PublicText.stated(measure, 4000).text != measure:
            raise WrongUse(
                "measure_not_public", "A measure of a report names a mail address or holds control characters, which no report prints.",
                "Ask 'spamtide effect' for it, or measure something that may leave.",
            )  # fmt: skip
    observatory = open_observatory(ctx)
    names = observatory.workspace.require_feeds(feeds)
    if not names:
        raise Unanswerable("no_data", "There is no feed to report on yet.", "Run 'spamtide import PATH --feed NAME'.")
    stated = parse_groups(groups, names)
    for group in stated.values():
        if PublicText.stated(group, 100).text != group:
            raise WrongUse("bad_group", "A group's name holds a mail address or control characters, which no report prints.", "Give it another name.")  # fmt: skip
    request = ReportRequest(
        event, tuple(names), tuple(measures) or REPORT_MEASURES, audience=audience, tlp=tlp, supersedes=supersedes,
        groups=tuple(stated.items()),
    )  # fmt: skip
    written = write_report(observatory, request, out)
    if written.no_pdf is not None:
        say(f"Warning: no report.pdf was made. {written.no_pdf}")
    for feed, n in few_addresses(written.document["instruments"]):
        say(f"Warning: {feed} has {n} addresses. Whoever sent the mail can tell one by the counts by day: give the report to those who may know it.")  # fmt: skip
    if as_json:
        emit_json(written.document)
        return
    from spamtide.app.saying import print_findings

    print_findings(written.document)
    print(f"\nThe report {written.document['id']}: {out / 'report.html'}")


@report_command.command("verify")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@json_option
@click.pass_context
def report_verify(ctx: click.Context, folder: Path, as_json: bool) -> int:
    """Make the report of DIR again from this workspace: equal, equal in numbers (to 1e-4, on another kind of machine), or what differs.

    Exit 0 for either, 1 where it differs. Files of DIR that somebody changed since are named too.
    """
    from spamtide.app.reportverify import read_manifest, verification_lines, verify_report

    manifest = read_manifest(folder)
    document = verify_report(open_observatory(ctx), folder, manifest)
    if as_json:
        emit_json(document)
    else:
        for line in verification_lines(document):
            print(fill(line))
    return 0 if document["ok"] else 1
