"""``simulate``: a world with known truth."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from spamtide.app.commands.options import json_option, jsonl_option
from spamtide.app.output import emit_json, say
from spamtide.app.progress import progress_bar
from spamtide.errors import WrongUse

if TYPE_CHECKING:
    from spamtide.simulate import World


class SpeedType(click.ParamType[float | None]):
    """``100x``, or ``max`` for as fast as the rate allows (then ``None``)."""

    name = "speed"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        if value is None or isinstance(value, float):
            return value
        text = str(value)
        if text == "max":
            return None
        number = float(text.rstrip("x")) if re.fullmatch(r"\d+(\.\d+)?x?", text) else 0.0
        if not 0 < number <= 1e9:
            self.fail(f"{text!r} is no speed; write 1x, 100x or max", param, ctx)
        return number


@click.command("simulate")
@click.argument("scenario")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder that does not exist yet, or is empty; may be left out with --smtp.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The same seed gives the same bytes."
)
@click.option(
    "--scale",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Multiplies volume, not shape.",
)
@click.option("--mbox", is_flag=True, help="One DIR/FEED.mbox a feed instead of a workspace.")
@click.option("--counts", is_flag=True, help="One DIR/FEED.csv of counts a feed instead of a workspace.")
@click.option("--by", type=click.Choice(["day", "hour"]), default="day", show_default=True, help="Bins of --counts.")
@click.option(
    "--worlds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="With --counts: so many, of seeds from --seed on, in DIR/SEED.",
)
@click.option(
    "--smtp",
    metavar="HOST:PORT",
    help="Play it live to a receiver on this machine, each bot from a loopback address of its own; the ledger of what was acknowledged goes to DIR/ledger.jsonl.",
)
@click.option("--speed", type=SpeedType(), default="1x", show_default=True, metavar="N|max",
              help="With --smtp: 1x is real time, 100x a hundred times that, max as fast as the rate allows.")  # fmt: skip
@click.option("--rate", type=click.FloatRange(min=0.01, max=1e6), default=1000.0, show_default=True,
              help="With --smtp: most transactions begun a second.")  # fmt: skip
@click.option("--connections", type=click.IntRange(min=1, max=50_000), default=200, show_default=True,
              help="With --smtp: most connections at once.")  # fmt: skip
@click.option("--wait", type=click.FloatRange(min=0.01, max=3600), default=60.0, show_default=True, metavar="SECONDS",
              help="With --smtp: longest wait for a reply; some engines wait less.")  # fmt: skip
@json_option
@jsonl_option
def simulate_command(
    scenario: str,
    out: Path | None,
    seed: int,
    scale: float,
    mbox: bool,
    counts: bool,
    by: Literal["day", "hour"],
    worlds: int,
    smtp: str | None,
    speed: float | None,
    rate: float,
    connections: int,
    wait: float,
    as_json: bool,
    as_jsonl: bool,
) -> int:
    """Make the world of SCENARIO: a shipped name (march-2011, grum, all-kinds ...) or a TOML file.

    The captures go to OUT/workspace, the truth that no other command reads to OUT/truth. Texts are our own, addresses
    are reserved ones, and every message says in a header that it is simulated.

    With --smtp each message is sent, in the dialect of its bot's engine, to an SMTP receiver on this machine and nowhere
    else; --jsonl prints the ledger, one transaction a line.
    """
    from spamtide.app.swarming import check_target
    from spamtide.simulate import generate, load_scenario, write_worlds

    if mbox + counts + (smtp is not None) > 1:
        raise WrongUse("usage", "--mbox, --counts and --smtp exclude each other.", "Choose one.")
    if worlds > 1 and not counts:
        raise WrongUse("usage", "--worlds goes with --counts only.", "Leave it out, or add --counts.")
    if as_jsonl and (smtp is None or as_json):
        raise WrongUse("usage", "--jsonl goes with --smtp, and without --json.", "Leave it out.")
    if out is None and smtp is None:
        raise WrongUse("usage", "Missing option '--out'.", "See 'spamtide simulate --help'.")
    if smtp is not None:
        check_target(smtp)
    if out is not None and out.exists() and any(out.iterdir()):
        raise WrongUse(
            "folder_not_empty", f"{out} is not empty.", "Choose a folder that does not exist yet.", path=str(out)
        )
    started = time.monotonic()
    written = load_scenario(scenario)
    world = generate(written, seed=seed, scale=scale)
    if smtp is not None:
        from spamtide.app.swarming import SwarmPlan

        plan = SwarmPlan(smtp, speed, rate, connections, wait)
        return _play(world, plan, out, as_json=as_json, as_jsonl=as_jsonl)
    assert out is not None
    if worlds > 1:
        with progress_bar("counting", "worlds") as tick:
            messages = write_worlds(
                written, out, seed=seed, scale=scale, worlds=worlds, by=by, tick=lambda done: tick(done, worlds)
            )
    else:
        messages = _write(world, out, mbox=mbox, by=by if counts else None)
    seconds = float(f"{time.monotonic() - started:.6g}")
    if as_json:
        emit_json({"schema": "spamtide.simulate/1", "messages": messages, "seconds": seconds})
    else:
        print(f"{messages} messages of {scenario} (seed {seed}, scale {scale:g}) in {out}, {seconds:.1f} s.")
    return 0


def _write(world: World, out: Path, *, mbox: bool, by: Literal["day", "hour"] | None) -> int:
    from spamtide.app.simulating import make_world_folder

    with progress_bar("simulating") as tick:
        if mbox:
            with world.truth_into(out / "truth"):
                messages = world.write_mbox(out)
        elif by is not None:
            messages = world.write_counts(out, by)
            world.write_truth(out / "truth")
        else:
            messages = 0

            def count(done: int) -> None:
                nonlocal messages
                messages = done
                tick(done, world.messages)

            make_world_folder(out, world, count)
    return messages


def _play(world: World, plan: object, out: Path | None, *, as_json: bool, as_jsonl: bool) -> int:
    from spamtide.app.swarming import LedgerFile, SwarmPlan, play_world

    assert isinstance(plan, SwarmPlan)
    ledger = LedgerFile(out / "ledger.jsonl") if out is not None else None

    def write(lines: bytes) -> None:
        if ledger is not None:
            ledger.write(lines)
        if as_jsonl and lines:
            sys.stdout.write(lines.decode("utf-8"))
            sys.stdout.flush()

    truth = world.truth_into(out / "truth") if out is not None else contextlib.nullcontext()
    try:
        with progress_bar("playing", "envelopes") as tick, truth:
            outcome = play_world(world, plan, write_ledger=write, progress=tick)
    finally:
        if ledger is not None:
            ledger.close()
    totals = outcome.totals
    seconds = float(f"{totals['seconds']:.6g}")
    if as_json:
        emit_json(
            {
                "schema": "spamtide.simulate/1",
                "messages": totals["messages"],
                "seconds": seconds,
                "swarm": {**outcome.document(), "ledger": str(out / "ledger.jsonl") if out is not None else None},
            }
        )
    for line in outcome.sentences():
        (print if not (as_json or as_jsonl) else say)(line)
    return outcome.exit_code
