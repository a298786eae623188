"""``search`` and ``series``: which messages, how many, when."""

from __future__ import annotations

import base64
import csv
import sys

import click

from spamtide.app.commands.options import feed_option, json_option, jsonl_option, open_observatory, split_values
from spamtide.app.output import emit_json, emit_jsonl, printable
from spamtide.errors import WrongUse

_BARS = " ▁▂▃▄▅▆▇█"
origin_option = click.option(
    "--origin",
    "origins",
    multiple=True,
    callback=split_values,
    metavar="O",
    help="Kinds of message to count; default: unsolicited ('all' for every kind).",
)


def chosen_origins(origins: list[str]) -> tuple[str, ...]:
    """The population that ``--origin`` names. Raises WrongUse ``unknown_origin``."""
    from spamtide.app.observatory import UNSOLICITED
    from spamtide.message import ORIGINS

    if not origins:
        return UNSOLICITED
    if origins == ["all"]:
        return ORIGINS
    for name in origins:
        if name not in ORIGINS:
            raise WrongUse("unknown_origin", f"{name!r} is no origin.", f"Origins: {', '.join(ORIGINS)}, or all.")
    return tuple(origins)


def sparkline(values: list[float]) -> str:
    """Values as one line of bars."""
    top = max(values, default=0) or 1
    return "".join(_BARS[round(v / top * (len(_BARS) - 1))] for v in values)


@click.command("search")
@click.argument("query", default="")
@feed_option()
@click.option("--by", type=click.Choice(["hour", "day", "week"]), help="Counts by time instead of messages.")
@click.option("--raw", is_flag=True, help="With --jsonl: the raw bytes too, base64.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many messages.")
@json_option
@jsonl_option
@click.pass_context
def search_command(
    ctx: click.Context,
    query: str,
    feeds: list[str],
    by: str | None,
    raw: bool,
    limit: int | None,
    as_json: bool,
    as_jsonl: bool,
) -> int:
    """Messages that match QUERY, in order of feed and arrival: subject:(viagra OR cialis) AND after:2011-03-16.

    Terms are folded, so that viagra finds V1agra; exact: before a field switches that off. All origins are shown.
    """
    from spamtide.app.observatory import BINS
    from spamtide.measure import parse_query
    from spamtide.message import ORIGINS
    from spamtide.report import series_document

    observatory = open_observatory(ctx)
    if by is not None:
        tree = parse_query(query)
        names = feeds or observatory.workspace.archive.feeds()
        series = observatory.series(
            f"messages:{tree}" if query.strip() else "volume", names, bin_us=BINS[by], origins=ORIGINS
        )
        document = series_document(series)
        total = int(series.counts[~series.missing].sum())
        document = {**document, "schema": "spamtide.search-by/1", "total": total}
        if as_jsonl:
            emit_jsonl(document["rows"])
        elif as_json:
            emit_json(document)
        else:
            print(f"{total} messages by {by}  {sparkline([float(c) for c in series.counts])}")
            for row in document["rows"]:
                shown = "-" if row["count"] is None else row["count"]
                print(
                    f"{row['time'][: 16 if by == 'hour' else 10]}  {shown:>8}"
                    + ("" if row["exposure"] == 1 else f"  exposure {row['exposure']}")
                )
        return 0 if total else 1
    rows = observatory.search(query, feeds, limit=limit)
    if raw:
        for row in rows:
            row["raw"] = base64.b64encode(observatory.workspace.archive.read(row["id"]).raw).decode()
    if as_jsonl:
        emit_jsonl(rows)
    elif as_json:
        emit_json({"schema": "spamtide.search/1", "items": rows, "next": None})
    else:
        for row in rows:
            print(f"{row['received_at'][:19]}  {row['id']:<28} {printable(row['subject'] or '(no subject)', 90)}")
        if not rows:
            empty = not observatory.workspace.archive.feeds()
            hint = " There is no feed yet: run 'spamtide import PATH --feed NAME'." if empty else ""
            print(f"No message matches.{hint}", file=sys.stderr)
    return 0 if rows else 1


@click.command("series")
@click.argument("measure")
@feed_option(required=True)
@click.option("--by", type=click.Choice(["hour", "day", "week"]), default="day", show_default=True)
@click.option("--csv", "as_csv", is_flag=True, help="CSV with the columns time,series,count,exposure.")
@origin_option
@json_option
@click.pass_context
def series_command(
    ctx: click.Context, measure: str, feeds: list[str], by: str, as_csv: bool, origins: list[str], as_json: bool
) -> None:
    """A MEASURE by time with its exposure: volume, subject:viagra,cialis, messages:QUERY, peers, volume@recipient."""
    from spamtide.app.observatory import BINS
    from spamtide.report import series_document

    observatory = open_observatory(ctx)
    series = observatory.series(measure, feeds, bin_us=BINS[by], origins=chosen_origins(origins))
    document = series_document(series)
    if as_json:
        emit_json(document)
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(["time", "series", "count", "exposure"])
        for row in document["rows"]:
            writer.writerow(
                [row["time"], document["measure"], "" if row["count"] is None else row["count"], row["exposure"]]
            )
    else:
        print(f"{document['measure']} ({document['unit']}) by {by}  {sparkline([float(c) for c in series.counts])}")
        for row in document["rows"]:
            shown = "-" if row["count"] is None else row["count"]
            print(f"{row['time'][: 16 if by == 'hour' else 10]}  {shown:>10}  {row['exposure']}")
