"""``corroborate``: the same event at several feeds."""

from __future__ import annotations

from typing import Any

import click

from spamtide.app.commands.completing import complete_event, complete_measure
from spamtide.app.commands.options import feed_option, group_now, group_option, json_option, open_observatory
from spamtide.app.commands.searching import chosen_origins, origin_option
from spamtide.app.output import emit_json, fill, table
from spamtide.errors import WrongUse


@click.command("corroborate")
@click.option("--event", required=True, metavar="E", shell_complete=complete_event, help="An event of the registry.")
@click.option("--measure", default="volume", show_default=True, metavar="M", shell_complete=complete_measure)
@feed_option(required=True)
@group_option
@origin_option
@json_option
@click.pass_context
def corroborate_command(
    ctx: click.Context, event: str, measure: str, feeds: list[str], groups: tuple[str, ...], origins: list[str], as_json: bool
) -> int:  # fmt: skip
    """One event at several feeds: the effects side by side, how far they differ, and what the feeds saw of one another.

    Effects are pooled only where three independence groups are stated, and the mean is never the headline. A feed may hold counts only.

    \b
    spamtide corroborate --event rustock-2011 --measure volume --feeds trap,second,isp --group trap=us --group second=us --group isp=them
    """
    from spamtide.app.corroborating import corroborate, parse_groups

    if len(feeds) < 2 or len(set(feeds)) < len(feeds):
        raise WrongUse(
            "usage", "An event is corroborated by other feeds.", "Give two different feeds or more: --feeds A,B."
        )
    stated = parse_groups(groups, feeds)
    observatory = open_observatory(ctx)
    group_now(observatory.workspace)
    document = corroborate(observatory, event, measure, feeds, stated, origins=chosen_origins(origins))
    if as_json:
        emit_json(document)
    else:
        _print(document)
    return 0 if document["range"] is not None else 1


def _print(document: dict[str, Any]) -> None:
    print(fill(document["sentence"]) + "\n")
    rows = [
        [e["feed"], e["independence_group"], ",".join(e["vantages"]), *_change(e["ratio"]), f"{e['confidence']} of 5"]
        for e in document["effects"]
    ]
    print(
        "\n".join(
            table(
                ["feed", "group", "vantage", "change", "95 % interval", "confidence"], rows, right=(3, 4), indent="  "
            )
        )
    )
    if len(document["leave_one_out"]) > 2:
        print()
        for one in document["leave_one_out"]:
            print(f"  without {one['without']}: {one['lowest'] - 1:+.0%} to {one['highest'] - 1:+.0%}")
    feeds = document["feeds"]
    if feeds["coverage"] is not None:
        lags = {row["feed"]: row["median_hours"] for row in feeds["lag"]}
        seen = [
            [f["feed"], f"{f['messages']:,}", f"{f['items']:,}", _share(f["exclusive_share"]), _hours(lags[f["feed"]])]
            for f in feeds["coverage"]["feeds"]
        ]
        print("\nThe feeds themselves, while all were there:")
        print(
            "\n".join(
                table(["feed", "messages", "campaigns", "only here", "later by"], seen, right=range(1, 5), indent="  ")
            )
        )
        for pair, part in zip(feeds["coverage"]["pairs"], feeds["proportionality"], strict=True):
            one, other = pair["feeds"]
            print(
                f"  {other} saw {_share(pair['of_first'])} of {one}'s campaigns, {one} {_share(pair['of_second'])} of {other}'s; "
                f"proportions {'-' if part['distance'] is None else format(part['distance'], '.2f')} apart (0 alike, 1 nothing in common)"
            )


def _change(ratio: dict[str, float] | None) -> list[str]:
    if ratio is None:
        return ["-", "refused"]
    return [f"{ratio['value'] - 1:+.0%}", f"{ratio['low'] - 1:+.0%} to {ratio['high'] - 1:+.0%}"]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _hours(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g} h"
