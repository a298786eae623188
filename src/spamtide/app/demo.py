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
from spamtide.app.output import say
from spamtide.app.planted import Truth
from spamtide.app.progress import progress_bar
from spamtide.app.reporting import ReportRequest, write_report
from spamtide.app.saying import print_findings
from spamtide.app.simulating import make_world_folder
from spamtide.app.workspace import now_us
from spamtide.errors import WrongUse
from spamtide.measure import DAY_US, Window
from spamtide.report import thousands
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


def planted_sizes(truth: Truth, documents: list[dict[str, Any]]) -> None:
    """Put the planted number of hosts, as if equally active, beside each size."""
    for document in documents:
        window = Window(*(parse_instant(document["window"][k]) for k in ("start", "end")))
        hosts = truth.effective_hosts(document["feeds"][0], document["target"], window)
        document["planted"] = float(f"{hosts:.6g}")


def planted_watch(truth: Truth, documents: list[dict[str, Any]], effects: list[dict[str, Any]]) -> None:
    """Put the planted rate after the stop, as a share of that of the 28 days before, beside each watch of a measure."""
    for document in documents:
        if document["measure"] not in MEASURES or document["silent_since"] is None:
            continue
        stop, feed = parse_instant(document["silent_since"]), document["feeds"][0]
        end = max(parse_instant(e["windows"]["after"]["end"]) for e in effects)
        before, after = Window(stop - 28 * DAY_US, stop), Window(stop, end)
        rates = [truth.expected(feed, document["measure"], w) / w.days for w in (before, after)]
        document["planted"] = float(f"{rates[1] / rates[0]:.6g}")


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
    reproduce = (f"DEMO_SEED={seed} DEMO_SCALE={scale:g} make demo", "export SPAMTIDE_WORKSPACE=demo/workspace")

    def plant(documents: dict[str, list[dict[str, Any]]]) -> None:
        planted_effects(truth, documents["effects"])
        planted_duplicates(truth, documents["duplicates"])
        planted_sizes(truth, documents["sizes"])
        planted_watch(truth, documents["watch"], documents["effects"])

    request = ReportRequest(EVENT, tuple(f.name for f in world.feeds), reproduce=reproduce)
    written = write_report(Observatory(workspace), request, folder / "report", plant=plant)
    print_findings(written.document)
    if written.no_pdf is not None:
        say(f"No PDF: {written.no_pdf}")
    print(
        f"\nThe report: {folder / 'report' / 'report.html'} ({thousands(outcome.messages)} simulated messages, seed {seed}, "
        f"scale {scale:g}, {time.monotonic() - started:.0f} s)"
    )


def _number(name: str, default: str, kind: type[int] | type[float]) -> float:
    text = os.environ.get(name, default)
    try:
        value = kind(text)
    except ValueError:
        value = -1
    if not (0 < value < 1000 or (kind is int and 0 <= value < 2**31)):
        raise WrongUse("usage", f"{name} is {text!r}.", f"Give a number: {name}={default} make demo")
    return value


def main() -> None:
    """Entry point of ``make demo``; ``DEMO_SEED`` and ``DEMO_SCALE`` change the world."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    def work() -> None:
        seed, scale = int(_number("DEMO_SEED", "1", int)), _number("DEMO_SCALE", "1", float)
        run_demo(Path("demo"), seed, scale)

    sys.exit(guarded(work, as_json=False))


if __name__ == "__main__":
    main()
