"""``duplicates`` and ``effect``: what repeats, what changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from spamtide.app.commands.completing import complete_event, complete_measure
from spamtide.app.commands.options import (
    feed_option,
    group_now,
    json_option,
    jsonl_option,
    open_observatory,
    split_values,
)
from spamtide.app.commands.searching import chosen_origins, origin_option
from spamtide.app.instants import parse_instant, parse_span, parse_window
from spamtide.app.output import emit_json, emit_jsonl, fill
from spamtide.app.progress import progress_bar
from spamtide.capture import DECIMALS, ORDERS, CountOptions
from spamtide.errors import WrongUse
from spamtide.measure import DAY_US, METHOD_NAMES, SHAPE_NAMES, Window


@click.command("duplicates")
@feed_option(required=True)
@click.option("--rule", type=click.Choice(["identical", "exact", "near"]), default="exact", show_default=True)
@click.option("--window", "window", required=True, metavar="START/END", help="The window, end excluded.")
@click.option("--compare", metavar="START/END", help="A second window; both are then compared at equal n and length.")
@click.option("--lookback", default="7d", show_default=True, help="How far back an earlier copy may lie.")
@click.option("--by", type=click.Choice(["group"]), help="The shares of each sender group's own messages too.")
@click.option(
    "--without",
    metavar="group:G",
    help="With --compare: what of the change is the removal of this sender group or botnet.",
)
@origin_option
@json_option
@click.pass_context
def duplicates_command(
    ctx: click.Context, feeds: list[str], rule: str, window: str, compare: str | None, lookback: str, by: str | None,
    without: str | None, origins: list[str], as_json: bool,
) -> int:  # fmt: skip
    """How much of a window repeats: in-group and repeat share, as counted and, with --compare, at equal n and length."""
    from spamtide.app.searching import generation_behind
    from spamtide.report import duplicates_document, sender_lines

    if len(feeds) != 1:
        raise WrongUse("usage", "Duplicates are of one feed.", "Give one --feed.")
    if without and not compare:
        raise WrongUse("usage", "--without tells the parts of a change.", "Give --compare START/END too.")
    windows = [parse_window(window)] + ([parse_window(compare)] if compare else [])
    observatory = open_observatory(ctx)
    if rule == "near" or by or without:
        group_now(observatory.workspace)
    how: dict[str, Any] = {"lookback_us": parse_span(lookback), "origins": chosen_origins(origins)}
    value = observatory.duplicates(feeds[0], rule, windows, **how)
    senders = None
    if by or without:
        senders = observatory.duplicates_by_sender(feeds[0], rule, windows, without=without, **how)
    document = {
        **duplicates_document(value, senders),
        "generation": generation_behind(observatory.workspace, f"duplicates:{rule}"),
    }
    if as_json:
        emit_json(document)
    else:
        print(fill(document["sentence"]))
        for line in sender_lines(document):
            print(fill(line))
        for warning in document["warnings"]:
            print(fill(f"Warning: {warning['text']}"))
    return 1 if value.refused is not None else 0


@click.command("effect")
@feed_option()
@click.option("--event", metavar="E", shell_complete=complete_event, help="An event of the registry: rustock-2011.")
@click.option("--at", metavar="T", help="An instant instead of an event.")
@click.option("--measure", default="volume", show_default=True, metavar="M", shell_complete=complete_measure)
@click.option("--before", metavar="LENGTH|START/END", help="Another before window: 56d or two instants.")
@click.option("--after", metavar="LENGTH|START/END", help="Another after window.")
@click.option(
    "--also-at", multiple=True, callback=split_values, metavar="T", help="The same at another cut, beside the headline."
)
@click.option(
    "--method",
    type=click.Choice(METHOD_NAMES),
    default="latent-ar1",
    show_default=True,
    help="Whose interval is the headline; the default's then stands beside it.",
)
@click.option(
    "--shape",
    type=click.Choice(SHAPE_NAMES),
    default="averaged",
    show_default=True,
    help="How the effect unfolds; auto weighs the named ones and pays for the choice in the interval.",
)
@click.option("--diagnostics", type=click.Choice(["none", "standard", "full"]), default="standard", show_default=True)
@click.option(
    "--series", "series_file", type=click.Path(path_type=Path), metavar="FILE.csv", help="Counts instead of a feed."
)
@click.option("--target", metavar="NAME", help="With --series: which series is measured.")
@click.option(
    "--controls", metavar="A,B|none", help="With --series: series the event cannot have touched; default all others."
)
@click.option(
    "--dates", type=click.Choice(ORDERS), help="With --series: how dates are written, where the file leaves it open."
)
@click.option(
    "--decimal", type=click.Choice(DECIMALS), help="With --series: the decimal sign, where the file leaves it open."
)
@click.option(
    "--batch",
    "batch_file",
    type=click.Path(path_type=Path),
    metavar="FILE.jsonl",
    help="Many questions about given counts.",
)
@origin_option
@json_option
@jsonl_option
@click.pass_context
def effect_command(
    ctx: click.Context, feeds: list[str], event: str | None, at: str | None, measure: str, before: str | None,
    after: str | None, also_at: list[str], method: str, shape: str, diagnostics: str, series_file: Path | None, target: str | None,
    controls: str | None, dates: str | None, decimal: str | None, batch_file: Path | None, origins: list[str], as_json: bool, as_jsonl: bool,
) -> int:  # fmt: skip
    """What changed on a measure after an event, with an interval; too little data is a refusal that says what is missing.

    \b
    spamtide effect --event rustock-2011 --measure subject:viagra,cialis --feed trap
    spamtide effect --series counts.csv --at 2011-03-16T14:45:00Z --target pharma
    spamtide effect --batch questions.jsonl --jsonl
    """
    from spamtide.app.searching import asks_for_campaigns, generation_behind
    from spamtide.report import effect_document

    if batch_file is not None:
        return _batch(batch_file)
    if series_file is None and (target or controls or dates or decimal):
        raise WrongUse(
            "usage",
            "--target, --controls, --dates and --decimal belong to --series.",
            "Give --series FILE.csv, or leave them out.",
        )
    if series_file is not None and feeds:
        raise WrongUse("usage", "Counts come from --series or from --feed, not from both.", "Leave one out.")
    if shape != "averaged" and method != "latent-ar1":
        raise WrongUse("usage", f"The method {method} knows no shapes.", "Leave --shape or --method out.")
    cut = parse_instant(at) if at else None
    cuts = [parse_instant(t) for t in also_at]
    if series_file is not None:
        from spamtide.app.given import effect_of_file

        others = [] if controls == "none" else None if controls is None else [c for c in controls.split(",") if c]
        value = effect_of_file(
            series_file, at=cut, event=event, target=target, controls=others, before=_window(before, cut, -1),
            after=_window(after, cut, 1), also_at=cuts, diagnostics=diagnostics, options=CountOptions(dates, decimal),
            method=method, shape=shape,
        )  # fmt: skip
    else:
        if len(feeds) != 1:
            raise WrongUse("usage", "An effect is of one feed.", "Give one --feed.")
        observatory = open_observatory(ctx)
        if asks_for_campaigns(measure):
            group_now(observatory.workspace)
        middle = cut if cut is not None or event is None else observatory.event(event).cut().at
        value = observatory.effect(
            measure, feeds[0], event=event, at=cut, before=_window(before, middle, -1), after=_window(after, middle, 1),
            also_at=cuts, diagnostics=diagnostics, origins=chosen_origins(origins),
            method=method, shape=shape,
        )  # fmt: skip
    document = effect_document(value)
    if series_file is None and (generation := generation_behind(observatory.workspace, measure)) is not None:
        document["generation"] = generation
    if as_jsonl:
        emit_jsonl([document])
    elif as_json:
        emit_json(document)
    else:
        from spamtide.app.saying import print_effect

        print_effect(value, document)
    return 1 if value.refused is not None else 0


def _batch(path: Path) -> int:
    """One document a line, in the order of the questions; 3 when a line could not be asked."""
    import os

    from spamtide.app.given import Question, answer_all, read_questions
    from spamtide.app.output import error_document
    from spamtide.errors import SpamtideError

    lines = list(read_questions(path))
    asked = [q for q in lines if isinstance(q, Question)]
    failed = False
    with progress_bar("Answering", "questions") as tick:
        answers = answer_all(asked, len(os.sched_getaffinity(0)), lambda done: tick(done, len(asked)))
        for line in lines:
            document = (
                {"id": line.facts.get("id"), **error_document(line)}
                if isinstance(line, SpamtideError)
                else next(answers)
            )
            failed |= "error" in document
            emit_jsonl([document])
    return 3 if failed else 0


def _window(text: str | None, cut: int | None, side: int) -> Window | None:
    if text is None:
        return None
    if "/" in text:
        return parse_window(text)
    if cut is None:
        return None
    length = parse_span(text)
    length -= length % DAY_US if side < 0 and length >= DAY_US else 0
    return Window(cut - length, cut) if side < 0 else Window(cut, cut + length)
