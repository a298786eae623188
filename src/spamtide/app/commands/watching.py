"""``watch``: has it come back?"""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spamtide.app.commands.completing import complete_event, complete_measure
from spamtide.app.commands.options import feed_option, group_now, json_option, jsonl_option, open_observatory
from spamtide.app.output import emit_json, emit_json_items, emit_jsonl, fill, printable, say, table
from spamtide.errors import WrongUse

if TYPE_CHECKING:
    from spamtide.app.observatory import Observatory
    from spamtide.app.watching import Stepped, Watch

name_argument = click.argument("name", metavar="NAME")
since_option = click.option("--silent-since", metavar="T", help="When it stopped.")
active_option = click.option(
    "--active", metavar="START/END", help="Where its rate while active is read; by default the 28 live days before it stopped."
)  # fmt: skip
background_option = click.option(
    "--background", metavar="START/END", help="Sixty or more quiet days: what its signature meets while it is dead."
)
recall_option = click.option(
    "--recall", metavar="LOW,HIGH", help="How much of its mail the signature finds, by a check of yours: 0.8,0.95."
)


@click.group("watch", invoke_without_command=True)
@click.option("--series", type=click.Path(path_type=Path), metavar="FILE.csv", help="Hourly counts instead of a feed.")
@click.option("--target", metavar="NAME", help="With --series: which series is watched.")
@since_option
@active_option
@background_option
@recall_option
@json_option
@click.pass_context
def watch_command(
    ctx: click.Context, series: Path | None, target: str | None, silent_since: str | None, active: str | None,
    background: str | None, recall: str | None, as_json: bool,
) -> int | None:  # fmt: skip
    """Has it come back? A watch steps hour by hour and raises an alarm once; its status says what may be said today.

    \b
    spamtide watch add rustock --measure subject:viagra,cialis --feed trap --event rustock-2011
    spamtide watch run
    spamtide watch status rustock
    spamtide watch --series counts.csv --target rustock --silent-since 2011-03-16T14:45:00Z \\
        --background 2011-03-18/2011-05-20
    """
    if ctx.invoked_subcommand is not None:
        return None
    if series is None:
        raise WrongUse(
            "usage", "'spamtide watch' needs a command (add, list, status, run, ...) or --series FILE.csv.", "See 'spamtide watch --help'."
        )  # fmt: skip
    from spamtide.app.watching import status_of_file
    from spamtide.report import watch_document, watch_lines

    status = status_of_file(
        series, target=target, silent_since=_instant(silent_since), active=_window(active), background=_window(background),
        recall=_recall(recall),
    )  # fmt: skip
    document = watch_document(status)
    if as_json:
        emit_json(document)
    else:
        _print(document, watch_lines(status))
    return 0


@watch_command.command("add")
@name_argument
@click.option(
    "--measure",
    required=True,
    metavar="M",
    shell_complete=complete_measure,
    help="A measure that counts messages, or botnet:G, dialect:D, template:CAMPAIGN.",
)
@feed_option(required=True)
@click.option("--event", metavar="E", shell_complete=complete_event, help="It stopped at an event of the registry.")
@since_option
@active_option
@background_option
@recall_option
@click.option("--checked", metavar="T", help="When a person last saw that the signature fits.")
@json_option
@click.pass_context
def watch_add(
    ctx: click.Context, name: str, measure: str, feeds: list[str], event: str | None, silent_since: str | None, active: str | None,
    background: str | None, recall: str | None, checked: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Watch a signature under a NAME, in place of a watch of that name.

    Without --background it learns the background itself, from sixty quiet days behind the stop.
    """
    from spamtide.app.watching import WatchBook
    from spamtide.app.watching.targets import check_target
    from spamtide.app.workspace import now_us
    from spamtide.watch import check_windows

    if event is not None and silent_since is not None:
        raise WrongUse("usage", "It stopped at --event or at --silent-since, not both.", "Leave one out.")
    windows = _window(active), _window(background)
    check_windows(*windows)
    observatory = _observatory(ctx, measure)
    since = observatory.event(event).cut().at if event is not None else _instant(silent_since)
    target = check_target(observatory, measure, feeds)
    kept = WatchBook(observatory.workspace).add(
        name, target.measure, list(target.feeds), now=now_us(), silent_since=since, active=windows[0], background=windows[1],
        recall=_recall(recall), checked_at=_instant(checked), expressions=target.expressions,
    )  # fmt: skip
    if as_json:
        emit_json({"schema": "spamtide.watches/1", "items": [kept.document()], "next": None})
    else:
        print(f"{name} is watched now; 'spamtide watch run' steps it forward.")


@watch_command.command("list")
@json_option
@jsonl_option
@click.pass_context
def watch_list(ctx: click.Context, as_json: bool, as_jsonl: bool) -> None:
    """What is watched."""
    from spamtide.app.commands.options import open_workspace
    from spamtide.app.watching import WatchBook

    rows = [w.document() for w in WatchBook(open_workspace(ctx)).watches()]
    if as_jsonl:
        emit_jsonl(rows)
    elif as_json:
        emit_json_items("spamtide.watches/1", rows, lambda: None)
    elif rows:
        cells = [[r["name"], printable(r["measure"], 60), ",".join(r["feeds"]), r["silent_since"] or "-"] for r in rows]
        print("\n".join(table(["name", "measure", "feeds", "silent since"], cells)))
    else:
        print("Nothing is watched yet. 'spamtide watch add NAME --measure M --feed F' begins.")


@watch_command.command("status")
@click.argument("name", required=False, metavar="[NAME]")
@json_option
@jsonl_option
@click.pass_context
def watch_status(ctx: click.Context, name: str | None, as_json: bool, as_jsonl: bool) -> None:
    """What may be said today of one watch, or of all. Nothing is written down; 'watch run' does that."""
    from spamtide.app.watching import status_of_watch
    from spamtide.app.workspace import now_us

    observatory, watches = _chosen(ctx, name)
    stepped = [status_of_watch(observatory, w, now=now_us()) for w in watches]
    _emit(stepped, one=name is not None, as_json=as_json, as_jsonl=as_jsonl)


@watch_command.command("run")
@click.argument("name", required=False, metavar="[NAME]")
@json_option
@jsonl_option
@click.pass_context
def watch_run(ctx: click.Context, name: str | None, as_json: bool, as_jsonl: bool) -> int:
    """Step one watch forward, or all, to the last whole hour, and tell of alarms as [watch] in spamtide.toml says.

    'spamtide digest --follow' does it by itself; without that run it every hour. It goes on where it stopped, and an alarm is raised once.
    """
    from spamtide.app.progress import progress_bar
    from spamtide.app.watching import run_round
    from spamtide.app.workspace import now_us
    from spamtide.archive import hold_watch_lock

    observatory, watches = _chosen(ctx, name)
    root = observatory.workspace.archive.root
    lock = hold_watch_lock(root, lambda: say("another process steps the watches; waiting for it"))
    with lock, progress_bar("watching", "watches") as tick:
        done = run_round(observatory, watches, clock=now_us, progress=lambda n: tick(n, len(watches)))
    _emit(done.stepped, one=name is not None, as_json=as_json, as_jsonl=as_jsonl)
    for error in done.failed:
        say(f"spamtide: {printable(error.message)} {error.next_step} [{error.code}]")
    return 3 if done.failed else 0


@watch_command.command("confirm")
@name_argument
@click.option("--evidence", required=True, metavar="TEXT", help="Why it is a return; kept in the journal.")
@json_option
@click.pass_context
def watch_confirm(ctx: click.Context, name: str, evidence: str, as_json: bool) -> None:
    """Say that the alarm of a watch is a return."""
    _decide(ctx, name, "confirmed", evidence, as_json)


@watch_command.command("dismiss")
@name_argument
@click.option("--evidence", required=True, metavar="TEXT", help="Why it is none; kept in the journal.")
@json_option
@click.pass_context
def watch_dismiss(ctx: click.Context, name: str, evidence: str, as_json: bool) -> None:
    """Say that the alarm of a watch is no return: it goes on watching from here, by the bound that it had."""
    _decide(ctx, name, "dismissed", evidence, as_json)


@watch_command.command("check")
@name_argument
@click.option("--at", metavar="T", help="When you looked; now by default.")
@json_option
@click.pass_context
def watch_check(ctx: click.Context, name: str, at: str | None, as_json: bool) -> None:
    """Note that you looked whether the signature still fits; after 90 days without that its status is unknown."""
    from spamtide.app.commands.options import open_workspace
    from spamtide.app.watching import WatchBook
    from spamtide.app.workspace import now_us

    now = now_us()
    kept = WatchBook(open_workspace(ctx)).checked(name, _instant(at) or now, now=now)
    _emit_watch(kept, f"{name} was checked.", as_json)


@watch_command.command("remove")
@name_argument
@json_option
@click.pass_context
def watch_remove(ctx: click.Context, name: str, as_json: bool) -> None:
    """Watch it no longer. Its alarms stay in the journal."""
    from spamtide.app.commands.options import open_workspace
    from spamtide.app.watching import WatchBook
    from spamtide.app.workspace import now_us

    book = WatchBook(open_workspace(ctx))
    gone = book.watch(name)
    book.remove(name, now=now_us())
    _emit_watch(gone, f"{name} is watched no longer.", as_json)


def _decide(ctx: click.Context, name: str, verdict: str, evidence: str, as_json: bool) -> None:
    from spamtide.app.watching import WatchBook, status_of_watch
    from spamtide.app.workspace import now_us

    observatory, watches = _chosen(ctx, name)
    status = status_of_watch(observatory, watches[0], now=now_us()).status
    WatchBook(observatory.workspace).decide(
        name, verdict, by=getpass.getuser(), evidence=evidence, up_to=status.at, now=now_us()
    )
    _emit([status_of_watch(observatory, watches[0], now=now_us())], one=True, as_json=as_json, as_jsonl=False)


def _chosen(ctx: click.Context, name: str | None) -> tuple[Observatory, list[Watch]]:
    from spamtide.app.watching import WatchBook

    observatory = open_observatory(ctx)
    book = WatchBook(observatory.workspace)
    watches = [book.watch(name)] if name is not None else book.watches()
    if not watches:
        raise WrongUse(
            "unknown_watch", "Nothing is watched yet.", "'spamtide watch add NAME --measure M --feed F' begins."
        )
    return observatory, watches


def _observatory(ctx: click.Context, measure: str) -> Observatory:
    observatory = open_observatory(ctx)
    if measure.startswith(("campaign:", "template:", "botnet:", "dialect:")):
        group_now(observatory.workspace)
    return observatory


def _emit(stepped: Sequence[Stepped], *, one: bool, as_json: bool, as_jsonl: bool) -> None:
    from spamtide.app.watching import document_of
    from spamtide.report import watch_lines

    documents = [document_of(s) for s in stepped]
    if as_jsonl:
        emit_jsonl(documents)
    elif as_json and one:
        emit_json(documents[0])
    elif as_json:
        emit_json_items("spamtide.watch-statuses/1", documents, lambda: None)
    else:
        for s, document in zip(stepped, documents, strict=True):
            print(f"{document['name']}: {document['status']}")
            _print(document, watch_lines(s.status))


def _emit_watch(watch: Watch, line: str, as_json: bool) -> None:
    if as_json:
        emit_json({"schema": "spamtide.watches/1", "items": [watch.document()], "next": None})
    else:
        print(line)


def _print(document: dict[str, Any], lines: list[str]) -> None:
    print(fill(document["sentence"]))
    for line in lines:
        print(fill(line, indent="  "))
    for warning in document["warnings"]:
        print(fill(f"Warning: {warning['text']}"))


def _instant(text: str | None) -> int | None:
    from spamtide.app.instants import parse_instant

    return None if text is None else parse_instant(text)


def _window(text: str | None) -> Any:
    from spamtide.app.instants import parse_window

    return None if text is None else parse_window(text)


def _recall(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low, high = 0.0, 0.0
    if not 0 < low <= high <= 1:
        raise WrongUse("bad_recall", f"{text!r} bounds no recall.", "Give its bounds between 0 and 1: 0.8,0.95.")
    return low, high
