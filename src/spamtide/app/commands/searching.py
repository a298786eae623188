"""``search`` and ``series``: which messages, how many, when."""

from __future__ import annotations

import base64
import csv
import functools
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spamtide.app.commands.completing import complete_measure, complete_origin, complete_query, complete_saved
from spamtide.app.commands.options import (
    feed_option,
    group_now,
    json_option,
    jsonl_option,
    open_current,
    open_observatory,
    open_workspace,
    split_values,
)
from spamtide.app.output import emit_json, emit_json_items, emit_jsonl, printable, say
from spamtide.app.progress import progress_bar
from spamtide.errors import WrongUse

if TYPE_CHECKING:
    from spamtide.app.searching import Page
    from spamtide.app.workspace import Workspace

# Messages of a page for a person's eyes.
PAGE = 100
_BARS = " ▁▂▃▄▅▆▇█"
origin_option = click.option(
    "--origin",
    "origins",
    multiple=True,
    callback=split_values,
    shell_complete=complete_origin,
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
@click.argument("query", default="", shell_complete=complete_query)
@feed_option()
@click.option("--by", type=click.Choice(["hour", "day", "week"]), help="Counts by time instead of messages.")
@click.option("--raw", is_flag=True, help="With --jsonl or --json: the raw bytes too, base64.")
@click.option(
    "--limit", type=click.IntRange(min=1), help=f"At most so many messages; without --json and --jsonl {PAGE}."
)
@click.option("--explain", "explained", is_flag=True, help="Say for each message why it matches.")
@click.option("--after-id", metavar="ID", help="Go on after this message: 'next' of the page before.")
@click.option(
    "--eml", type=click.Path(path_type=Path), help="Write the messages into this new or empty folder as .eml."
)
@click.option(
    "--live", is_flag=True, help="Show at once what is there, with what 'digest --follow' has read provisionally."
)
@click.option("--save", metavar="NAME", help="Save QUERY under a name, in the workspace.")
@click.option("--saved", metavar="NAME", shell_complete=complete_saved, help="The saved query, and QUERY if given.")
@click.option("--list-saved", is_flag=True, help="List the saved queries.")
@click.option("--forget", metavar="NAME", shell_complete=complete_saved, help="Delete a saved query.")
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
    explained: bool,
    after_id: str | None,
    eml: Path | None,
    live: bool,
    save: str | None,
    saved: str | None,
    list_saved: bool,
    forget: str | None,
    as_json: bool,
    as_jsonl: bool,
) -> int:
    """Messages that match QUERY, in order of feed and arrival: subject:(viagra OR cialis) AND after:2011-03-16.

    Terms are folded, so that viagra finds V1agra; exact: before a field switches that off. All origins are shown.
    """
    chosen = [bool(o) for o in (by, eml, save, list_saved, forget)]
    if sum(chosen) > 1 or ((save or list_saved or forget) and saved):
        raise WrongUse(
            "usage", "--by, --eml, --save, --list-saved and --forget are different questions.", "Use one at a time."
        )
    if save or list_saved or forget:
        return _saved(ctx, query, save, forget, as_json=as_json, as_jsonl=as_jsonl)
    if by is not None and (limit or after_id or raw):
        raise WrongUse("usage", "--by counts all messages.", "Leave out --limit, --after-id and --raw.")
    if explained and (by or eml):
        raise WrongUse("usage", "--explain is about messages that are listed.", "Leave out --by and --eml.")
    if live and (by or eml):
        raise WrongUse("usage", "--live is about messages that are listed.", "Leave out --by and --eml.")
    workspace = open_workspace(ctx) if live else open_current(ctx, grouped=True)
    if saved is not None:
        from spamtide.app.saved import saved_query

        held = saved_query(workspace, saved)
        query = f"({held}) AND ({query})" if held and query.strip() else held or query
    if by is not None:
        return _by_time(workspace, query, feeds, by, as_json=as_json, as_jsonl=as_jsonl)
    if eml is not None:
        return _as_eml(workspace, query, feeds, limit, after_id, eml, as_json=as_json or as_jsonl)
    from spamtide.app.engines import campaign_generations
    from spamtide.app.searching import Page, search_messages

    generation = campaign_generations(workspace).current()
    page = limit if limit is not None or as_json or as_jsonl else PAGE
    why = query if explained else None
    number = generation.number if generation is not None else None
    show = functools.partial(_show, workspace, raw=raw, why=why, number=number, as_json=as_json, as_jsonl=as_jsonl)
    # Lines that run over a terminal leave no room for a bar.
    with progress_bar("searching", drawn=page is not None or not sys.stdout.isatty()) as tick:
        found = search_messages(
            workspace,
            query,
            feeds,
            limit=page and page + 1,
            after_id=after_id,
            live=live,
            generation=generation,
            progress=tick,
        )
        if page is None:
            return show(Page(found, None))
        rows = list(found)
    return show(Page(rows, page))


def _show(
    workspace: Workspace, page: Page, *, raw: bool, why: str | None, number: int | None, as_json: bool, as_jsonl: bool
) -> int:
    from spamtide.app.explaining import explained_lines, with_explain

    rows = (_with_raw(workspace, row) for row in page) if raw else iter(page)
    rows = with_explain(workspace.archive, why, rows) if why is not None else rows
    if as_jsonl:
        n = emit_jsonl(rows)
    elif as_json:
        n = emit_json_items("spamtide.search/1", rows, lambda: page.next_id, generation=number)
    else:
        n = 0
        for row in rows:
            n += 1
            print(f"{row['received_at'][:19]}  {row['id']:<28} {printable(row['subject'] or '(no subject)', 90)}")
            for line in explained_lines(row.get("explain", [])):
                print(line)
        if not n:
            hint = "" if workspace.archive.feeds() else " There is no feed yet: run 'spamtide import PATH --feed NAME'."
            say(f"No message matches.{hint}")
    if page.next_id is not None and not as_json:
        say(f"There are more: add --after-id {page.next_id}")
    return 0 if n else 1


def _with_raw(workspace: Workspace, row: dict[str, Any]) -> dict[str, Any]:
    stored = workspace.archive.read(row["id"])
    # What is left of a thinned message is not its raw bytes: their hash would not be that of the row.
    return {**row, "raw": None if stored.thinned else base64.b64encode(stored.raw).decode()}


def _warn(document: Mapping[str, Any]) -> None:
    for warning in document["warnings"]:
        say(f"Warning: {warning['text']}")


def _by_time(workspace: Workspace, query: str, feeds: list[str], by: str, *, as_json: bool, as_jsonl: bool) -> int:
    from spamtide.app.observatory import BINS, Observatory
    from spamtide.app.searching import generation_behind, networks_behind
    from spamtide.measure import parse_query
    from spamtide.message import ORIGINS
    from spamtide.report import series_document

    tree = parse_query(query)
    names = feeds or workspace.archive.feeds()
    measure = f"messages:{tree}" if query.strip() else "volume"
    series = Observatory(workspace).series(measure, names, bin_us=BINS[by], origins=ORIGINS)
    document = series_document(series)
    total = int(series.counts[~series.missing].sum())
    behind = networks_behind(workspace, measure)
    document = {**document, "schema": "spamtide.search-by/1", "total": total, "networks": behind}
    document["generation"] = generation_behind(workspace, measure)
    if as_jsonl:
        emit_jsonl(document["rows"])
    elif as_json:
        emit_json(document)
    else:
        _warn(document)
        print(f"{total} messages by {by}  {sparkline([float(c) for c in series.counts])}")
        for row in document["rows"]:
            shown = "-" if row["count"] is None else row["count"]
            print(
                f"{row['time'][: 16 if by == 'hour' else 10]}  {shown:>8}"
                + ("" if row["exposure"] == 1 else f"  exposure {row['exposure']}")
            )
    return 0 if total else 1


def _as_eml(
    workspace: Workspace,
    query: str,
    feeds: list[str],
    limit: int | None,
    after_id: str | None,
    folder: Path,
    *,
    as_json: bool,
) -> int:
    from spamtide.app.emlfolder import MANIFEST, open_eml_folder, write_eml_folder
    from spamtide.app.searching import Page, search_messages

    with progress_bar("writing") as tick:
        found = search_messages(workspace, query, feeds, limit=limit and limit + 1, after_id=after_id, progress=tick)
        page = Page(found, limit)
        done = write_eml_folder(open_eml_folder(folder), workspace.archive, page)
    if as_json:
        document = {"folder": str(folder), "manifest": MANIFEST, "messages": done.messages, "bytes": done.bytes}
        emit_json(
            {
                "schema": "spamtide.search-eml/1",
                **document,
                "erased": done.erased,
                "thinned": done.thinned,
                "next": page.next_id,
            }
        )
    else:
        print(f"{done.messages} messages, {done.bytes:,} bytes in {folder}; {MANIFEST} lists them.")
        if page.next_id is not None:
            say(f"There are more: add --after-id {page.next_id}, and another folder.")
    return 0 if done.messages else 1


def _saved(
    ctx: click.Context, query: str, save: str | None, forget: str | None, *, as_json: bool, as_jsonl: bool
) -> int:
    from spamtide.app.saved import forget_search, save_search, saved_searches
    from spamtide.app.workspace import now_us

    workspace = open_workspace(ctx)
    if save:
        save_search(workspace, save, query, now=now_us())
    if forget:
        forget_search(workspace, forget, now=now_us())
    rows = [s.document() for s in saved_searches(workspace)]
    if as_jsonl:
        emit_jsonl(rows)
    elif as_json:
        emit_json({"schema": "spamtide.searches/1", "items": rows, "next": None})
    else:
        for row in rows:
            print(f"{row['name']:<20} {printable(row['query'] or '(every message)', 2000)}")
        if not rows:
            say("No search is saved: 'spamtide search --save NAME QUERY' saves one.")
    return 0 if rows or forget else 1


@click.command("series")
@click.argument("measure", shell_complete=complete_measure)
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
    from spamtide.app.searching import asks_for_campaigns, generation_behind, networks_behind
    from spamtide.report import series_document

    observatory = open_observatory(ctx)
    if asks_for_campaigns(measure):
        group_now(observatory.workspace)
    series = observatory.series(measure, feeds, bin_us=BINS[by], origins=chosen_origins(origins))
    document = {
        **series_document(series),
        "networks": networks_behind(observatory.workspace, measure),
        "generation": generation_behind(observatory.workspace, measure),
    }
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
        _warn(document)
        print(f"{document['measure']} ({document['unit']}) by {by}  {sparkline([float(c) for c in series.counts])}")
        for row in document["rows"]:
            shown = "-" if row["count"] is None else row["count"]
            print(f"{row['time'][: 16 if by == 'hour' else 10]}  {shown:>10}  {row['exposure']}")
