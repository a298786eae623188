"""``simulate``: a world with known truth."""

from __future__ import annotations

import time
from pathlib import Path

import click

from spamtide.app.commands.options import json_option
from spamtide.app.output import emit_json
from spamtide.app.progress import progress_bar


@click.command("simulate")
@click.argument("scenario")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="A folder that does not exist yet, or is empty.",
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
@click.option("--counts", is_flag=True, help="One DIR/FEED.csv of daily counts a feed instead of a workspace.")
@click.option("--smtp", metavar="HOST:PORT", help="Play it to a trap on loopback (not built yet).")
@json_option
def simulate_command(
    scenario: str, out: Path, seed: int, scale: float, mbox: bool, counts: bool, smtp: str | None, as_json: bool
) -> None:
    """Make the world of SCENARIO: a shipped name (march-2011) or a TOML file.

    The captures go to OUT/workspace, the truth that no other command reads to OUT/truth. Texts are our own, addresses
    are reserved ones, and every message says in a header that it is simulated.
    """
    from spamtide.app.simulating import make_world_folder
    from spamtide.errors import WrongUse
    from spamtide.simulate import generate, load_scenario

    if smtp:
        raise WrongUse("not_built_yet", "--smtp is not built yet.", "Use --mbox, or the workspace.")
    if mbox and counts:
        raise WrongUse("usage", "--mbox and --counts exclude each other.", "Choose one.")
    if out.exists() and any(out.iterdir()):
        raise WrongUse(
            "folder_not_empty", f"{out} is not empty.", "Choose a folder that does not exist yet.", path=str(out)
        )
    started = time.monotonic()
    world = generate(load_scenario(scenario), seed=seed, scale=scale)
    with progress_bar("simulating") as tick:
        if mbox:
            with world.truth_into(out / "truth"):
                messages = world.write_mbox(out)
        elif counts:
            messages = world.write_counts(out)
            world.write_truth(out / "truth")
        else:
            messages = 0

            def count(done: int) -> None:
                nonlocal messages
                messages = done
                tick(done, world.messages)

            make_world_folder(out, world, count)
    seconds = float(f"{time.monotonic() - started:.6g}")
    if as_json:
        emit_json({"schema": "spamtide.simulate/1", "messages": messages, "seconds": seconds})
    else:
        print(f"{messages} messages of {scenario} (seed {seed}, scale {scale:g}) in {out}, {seconds:.1f} s.")
