"""``duplicates`` and ``effect``: what repeats, what changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spamtide.app.commands.completing import complete_event, complete_measure
from spamtide.app.commands.options import (
    feed_option,
    group_now,
    json_option,
    jsonl_option,
    open_observatory,
    open_workspace,
    split_values,
)
from spamtide.app.commands.searching import chosen_origins, origin_option
from spamtide.app.effects import EffectQuestion, answer_question
from spamtide.app.instants import format_instant, parse_span, parse_window
from spamtide.app.output import emit_json, emit_jsonl, fill, say
from spamtide.app.progress import progress_bar
from spamtide.capture import DECIMALS, ORDERS
from spamtide.errors import WrongUse
from spamtide.measure import METHOD_NAMES, SHAPE_NAMES

if TYPE_CHECKING:
    from spamtide.app.observatory import Observatory


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
    "--per",
    metavar="NAME",
    help="With --series: a series that the counts are shares of, a population; it becomes the exposure.",
)
@click.option(
    "--harmonics",
    type=click.IntRange(0, 5),
    default=2,
    show_default=True,
    help="With counts by month: so many waves of the year.",
)
@click.option("--net", is_flag=True, help="The effect on the measure, on all else, and on the total, in one table.")
@click.option("--placebo", "placebos", multiple=True, metavar="M", help="A measure that the event cannot have touched.")
@click.option(
    "--dose",
    "doses",
    multiple=True,
    metavar="NAME=SHARE",
    help="With --series: the target's share of a series before the cut.",
)
@click.option(
    "--dose-by",
    type=click.Choice(["topic", "language", "network", "country"]),
    help="Did more go where the target had more? Asked of these parts of the feed.",
)
@click.option(
    "--parts",
    type=click.Choice(["topic", "language", "campaign", "dialect", "botnet", "network", "country"]),
    help="What changed: the change of the measure over these, adding up to it.",
)
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path),
    metavar="FILE.toml",
    help="Freeze what the file says in the journal, then answer it; the result says whether it followed its plan.",
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
    controls: str | None, dates: str | None, decimal: str | None, per: str | None, harmonics: int, net: bool, placebos: tuple[str, ...], doses: tuple[str, ...], dose_by: str | None, parts: str | None, plan_file: Path | None, batch_file: Path | None, origins: list[str], as_json: bool, as_jsonl: bool,
) -> int:  # fmt: skip
    """What changed on a measure after an event, with an interval; too little data is a refusal that says what is missing.

    \b
    spamtide effect --event rustock-2011 --measure subject:viagra,cialis --feed trap
    spamtide effect --series counts.csv --at 2011-03-16T14:45:00Z --target pharma
    spamtide effect --plan plan.toml
    spamtide effect --batch questions.jsonl --jsonl
    """
    from spamtide.app.grading import graded_alone
    from spamtide.app.plans import judged_by_plan
    from spamtide.app.searching import asks_for_campaigns, generation_behind
    from spamtide.report import contributions_document, effect_document

    if batch_file is not None:
        return _batch(batch_file)
    named = [c for c in controls.split(",") if c] if controls not in (None, "none") else []
    question = EffectQuestion(
        event=event, at=at, measure=measure, feed=",".join(feeds) or None, series=None if series_file is None else str(series_file),
        target=target, controls=None if controls is None else tuple(named), before=before, after=after, method=method,
        shape=shape, origins=tuple(chosen_origins(origins)), also_at=tuple(also_at), diagnostics=diagnostics, dates=dates,
        decimal=decimal, net=net, per=per, harmonics=harmonics, placebos=placebos, doses=tuple(_dose(d) for d in doses), dose_by=dose_by,
    )  # fmt: skip
    if plan_file is not None:
        question = _frozen(ctx, plan_file, question)

    def observatory() -> Observatory:
        opened = open_observatory(ctx)
        if asks_for_campaigns(question.measure):
            group_now(opened.workspace)
        return opened

    value = answer_question(question, observatory)
    if question.series is None:
        value = graded_alone(open_workspace(ctx), question, value)
    elif plan_file is not None:
        value = judged_by_plan(open_workspace(ctx), question, value)
    document = effect_document(value)
    if question.series is None and (generation := generation_behind(open_workspace(ctx), question.measure)) is not None:
        document["generation"] = generation
    if parts is not None:
        if question.series is not None:
            raise WrongUse("usage", "Parts are of messages; counts have none.", "Leave --parts or --series out.")
        document["contributions"] = contributions_document(
            observatory().what_changed(value, parts, origins=question.origins)
        )
    if as_jsonl:
        emit_jsonl([document])
    elif as_json:
        emit_json(document)
    else:
        from spamtide.app.saying import print_effect

        print_effect(value, document)
    return 1 if value.refused is not None else 0


def _dose(text: str) -> tuple[str, float]:
    name, equals, share = text.rpartition("=")
    try:
        value = float(share)
    except ValueError:
        value = -1.0
    if not equals or not name or not 0 <= value <= 1:
        raise WrongUse(
            "usage",
            f"{text!r} states no dose.",
            "Write --dose NAME=0.4: the target's share of that series before the cut.",
        )
    return name, value


def _frozen(ctx: click.Context, path: Path, asked: EffectQuestion) -> EffectQuestion:
    """The question of a plan, written down before anything is counted. Raises WrongUse ``usage`` where options say it again."""
    from spamtide.app.plans import freeze_plan, read_plan
    from spamtide.app.workspace import now_us

    if (
        replace(asked, also_at=(), diagnostics="standard", net=False, placebos=(), doses=(), dose_by=None)
        != EffectQuestion()
    ):
        raise WrongUse(
            "usage", "A plan says what is measured; options beside it would change that.",
            "Give --plan with --also-at, --diagnostics, --net, --json or --jsonl only.",
        )  # fmt: skip
    question = replace(
        read_plan(path),
        also_at=asked.also_at,
        diagnostics=asked.diagnostics,
        net=asked.net,
        placebos=asked.placebos,
        doses=asked.doses,
        dose_by=asked.dose_by,
    )
    plan = freeze_plan(open_workspace(ctx), question, now=now_us())
    say(f"{plan.id}, frozen {format_instant(plan.frozen_at)}")
    return question


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
