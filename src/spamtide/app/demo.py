"""``make demo``: the March 2011 story, from simulated traps to a report, with the planted truth beside each number."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from spamtide.app.cli import guarded
from spamtide.app.digesting import digest_workspace
from spamtide.app.instants import parse_instant
from spamtide.app.observatory import Observatory
from spamtide.app.planted import Truth
from spamtide.app.progress import progress_bar
from spamtide.app.reporting import write_report
from spamtide.app.simulating import make_world_folder
from spamtide.app.workspace import now_us
from spamtide.measure import Window
from spamtide.simulate import generate, load_scenario

EVENT = "rustock-2011"
MEASURES = ("subject:viagra,cialis", "volume")


def planted_effects(truth: Truth, documents: list[dict[str, Any]]) -> None:
    """Put the planted ratio beside each effect."""
    for document in documents:
        window = document["windows"]["after"]
        after = Window(parse_instant(window["start"]), parse_instant(window["end"]))
        if document["measure"] in MEASURES:
            document["planted"] = float(f"{truth.ratio(document['feed'], document['measure'], after):.6g}")


def planted_duplicates(truth: Truth, documents: list[dict[str, Any]]) -> None:
    """Put the planted in-group shares, as counted and at equal n, beside each duplicates document."""
    for document in documents:
        # The truth is kept for the rule "exact".
        if document["rule"] != "exact":
            continue
        windows = [Window(parse_instant(w["start"]), parse_instant(w["end"])) for w in document["windows"]]
        feed = document["feed"]
        planted: dict[str, Any] = {"in_group": [float(f"{truth.in_group_share(feed, w):.6g}") for w in windows]}
        equal = document["equal_n"]
        if equal is not None:
            days = equal["days"] * 86_400_000_000
            near = (Window(windows[0].end - days, windows[0].end), Window(windows[1].start, windows[1].start + days))
            shares = [truth.in_group_share(feed, w, equal["n"]) for w in near]
            planted["equal_n"] = [float(f"{s:.6g}") for s in shares]
        document["planted"] = planted


def run_demo(folder: Path, seed: int, scale: float) -> None:
    """Make the world in ``folder``, digest it, write the report, print what was found."""
    started = time.monotonic()
    if folder.exists():
        shutil.rmtree(folder)
    world = generate(load_scenario("march-2011"), seed=seed, scale=scale)
    with progress_bar("simulating") as tick:
        workspace = make_world_folder(folder, world, lambda done: tick(done, world.messages))
    with progress_bar("reading") as tick:
        outcome = digest_workspace(workspace, now=now_us(), progress=tick)
    truth = Truth(folder / "truth")
    document = write_report(
        Observatory(workspace), EVENT, [f.name for f in world.feeds], folder / "report",
        effects_planted=lambda d: planted_effects(truth, d), duplicates_planted=lambda d: planted_duplicates(truth, d),
        reproduce=(f"DEMO_SEED={seed} DEMO_SCALE={scale:g} make demo", "export SPAMTIDE_WORKSPACE=demo/workspace"),
    )  # fmt: skip
    print(f"{outcome.messages} simulated messages read (seed {seed}, scale {scale:g}).\n")
    for effect in document["effects"]:
        print(effect["sentence"])
        if "planted" in effect:
            print(f"  planted: {(effect['planted'] - 1) * 100:+.0f} %")
    for duplicates in document["duplicates"]:
        print(duplicates["sentence"])
        shares = duplicates.get("planted")
        if shares is None:
            continue
        print("  planted: " + " and ".join(f"{s * 100:.0f} %" for s in shares["in_group"]), end="")
        if "equal_n" in shares:
            print("; at equal n " + " and ".join(f"{s * 100:.0f} %" for s in shares["equal_n"]), end="")
        print()
    print(f"\nThe report: {folder / 'report' / 'report.html'} ({time.monotonic() - started:.0f} s)")


def main() -> None:
    """Entry point of ``make demo``; ``DEMO_SEED`` and ``DEMO_SCALE`` change the world."""
    seed, scale = int(os.environ.get("DEMO_SEED", "1")), float(os.environ.get("DEMO_SCALE", "1"))
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(guarded(lambda: run_demo(Path("demo"), seed, scale), as_json=False))


if __name__ == "__main__":
    main()
