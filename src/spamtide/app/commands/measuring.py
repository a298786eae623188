"""``duplicates`` and ``effect``: what repeats, what changed."""

from __future__ import annotations

import click

from spamtide.app.commands.options import feed_option, json_option, open_workspace, split_values
from spamtide.app.commands.searching import chosen_origins, origin_option
from spamtide.app.instants import parse_instant, parse_span, parse_window
from spamtide.app.output import emit_json
from spamtide.errors import WrongUse
from spamtide.measure import DAY_US, Window


@click.command("duplicates")
@feed_option(required=True)
@click.option("--rule", type=click.Choice(["identical", "exact", "near"]), default="exact", show_default=True)
@click.option("--window", "window", required=True, metavar="START/END", help="The window, end excluded.")
@click.option("--compare", metavar="START/END", help="A second window; both are then compared at equal n and length.")
@click.option("--lookback", default="7d", show_default=True, help="How far back an earlier copy may lie.")
@click.option("--by", type=click.Choice(["group"]), help="Shares by sender group (not built yet).")
@click.option("--without", help="Shares without a group (not built yet).")
@origin_option
@json_option
@click.pass_context
def duplicates_command(
    ctx: click.Context, feeds: list[str], rule: str, window: str, compare: str | None, lookback: str, by: str | None,
    without: str | None, origins: list[str], as_json: bool,
) -> int:  # fmt: skip
    """How much of a window repeats: in-group and repeat share, as counted and, with --compare, at equal n and length."""
    from spamtide.app.observatory import Observatory
    from spamtide.report import duplicates_document

    if by or without:
        raise WrongUse(
            "not_built_yet", "Shares by or without a sender group are not built yet.", "Leave --by and --without out."
        )
    if len(feeds) != 1:
        raise WrongUse("usage", "Duplicates are of one feed.", "Give one --feed.")
    windows = [parse_window(window)] + ([parse_window(compare)] if compare else [])
    observatory = Observatory(open_workspace(ctx))
    value = observatory.duplicates(
        feeds[0], rule, windows, lookback_us=parse_span(lookback), origins=chosen_origins(origins)
    )
    document = duplicates_document(value)
    if as_json:
        emit_json(document)
    else:
        print(document["sentence"])
        for warning in document["warnings"]:
            print(f"  {warning['text']}")
    return 1 if value.refused is not None else 0


@click.command("effect")
@feed_option()
@click.option("--event", metavar="E", help="An event of the registry: rustock-2011.")
@click.option("--at", metavar="T", help="An instant instead of an event.")
@click.option("--measure", default="volume", show_default=True, metavar="M")
@click.option("--before", metavar="LENGTH|START/END", help="Another before window: 56d or two instants.")
@click.option("--after", metavar="LENGTH|START/END", help="Another after window.")
@click.option(
    "--also-at", multiple=True, callback=split_values, metavar="T", help="The same at another cut, beside the headline."
)
@click.option("--diagnostics", type=click.Choice(["none", "standard", "full"]), default="standard", show_default=True)
@click.option("--series", "series_file", type=click.Path(), help="Counts from a CSV (not built yet).")
@click.option(
    "--batch", "batch_file", type=click.Path(), help="Many questions from a file of JSON lines (not built yet)."
)
@origin_option
@json_option
@click.pass_context
def effect_command(
    ctx: click.Context, feeds: list[str], event: str | None, at: str | None, measure: str, before: str | None,
    after: str | None, also_at: list[str], diagnostics: str, series_file: str | None, batch_file: str | None,
    origins: list[str], as_json: bool,
) -> int:  # fmt: skip
    """What changed on a measure after an event, with an interval; too little data is a refusal that says what is missing."""
    from spamtide.app.observatory import Observatory
    from spamtide.report import effect_document

    if series_file or batch_file:
        raise WrongUse(
            "not_built_yet", "--series and --batch are not built yet.", "Import the messages and use --feed."
        )
    if len(feeds) != 1:
        raise WrongUse("usage", "An effect is of one feed.", "Give one --feed.")
    observatory = Observatory(open_workspace(ctx))
    cut = parse_instant(at) if at else (observatory.event(event).cut().at if event else None)
    value = observatory.effect(
        measure, feeds[0], event=event, at=parse_instant(at) if at else None,
        before=_window(before, cut, -1), after=_window(after, cut, 1), also_at=[parse_instant(t) for t in also_at],
        diagnostics=diagnostics, origins=chosen_origins(origins),
    )  # fmt: skip
    document = effect_document(value)
    if as_json:
        emit_json(document)
    else:
        print(document["sentence"])
        for other in document["also_at"]:
            if other["ratio"]:
                r = other["ratio"]
                print(
                    f"  cut at {other['at']}: {(r['value'] - 1) * 100:+.0f} % ({(r['low'] - 1) * 100:+.0f} to {(r['high'] - 1) * 100:+.0f})"
                )
        for opinion in document["second_opinions"]:
            if opinion["ratio"]:
                r = opinion["ratio"]
                print(
                    f"  {opinion['method']}: {(r['value'] - 1) * 100:+.0f} % ({(r['low'] - 1) * 100:+.0f} to {(r['high'] - 1) * 100:+.0f})"
                )
        print(
            f"  confidence {document['confidence']['level']} of 5: "
            + " ".join(n["text"] for n in document["confidence"]["reasons"])
        )
        for warning in document["warnings"]:
            print(f"  {warning['text']}")
    return 1 if value.refused is not None else 0


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
