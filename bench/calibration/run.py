"""Calibration: how often intervals hold the planted truth, in ten kinds of made worlds, ours and a peer's, in one run.

    python bench/calibration/run.py [--worlds 200] [--first 0] [--kind K ...] [--processes 1] [--done] [--headline] [--peer-each N] [--page]

Worlds are numbered; those that are done lie in ``bench/out/calibration`` under a digest of the code that made them, so that
a run that was cut off goes on, and a change of the estimator begins anew. Rounds of 100 worlds go through the kinds, those named
first; ``--done`` computes nothing and scores what there is. ``--headline`` asks the default estimator alone, a tenth of the time. ``--page`` writes
the tables into docs/explanation/calibration.md, with ``--headline`` the first of them.
The peer, statsmodels, is asked of every world where it is installed (bench/peers/structural.txt), or of as many as ``--peer-each`` says: it is
quick, and its score varies so much that a ratio from 200 worlds is uncertain by a tenth.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE)]

import table  # noqa: E402
import worlds  # noqa: E402

import peers  # noqa: E402
from spamtide.measure import beside, methods  # noqa: E402

# Choosing a shape costs ten times the headline: every tenth world.
DEAR_EACH, PEER_EACH = 10, 1
ROUND = 100


def digest() -> str:
    """Of the code that a result depends on."""
    found = hashlib.sha256()
    folder = Path(beside.__file__).parent
    names = [
        folder / f"{n}.py"
        for n in (
            "latent",
            "grid",
            "noise",
            "shapes",
            "stops",
            "trends",
            "methods",
            "regressions",
            "opinions",
            "beside",
        )
    ]
    for path in [*names, HERE / "worlds.py", HERE / "peers.py", Path(__file__)]:
        found.update(path.read_bytes())
    return found.hexdigest()[:12]


def answers(kind: str, seed: int, headline: bool = False, peer_each: int = PEER_EACH) -> dict[str, Any]:
    """What every method, or the default alone, says of one world: ``{method: [value, low, high] or null}``; a refusal is null."""
    world = worlds.make(kind, seed)
    before = world.series.starts < world.after.start
    after = ~before
    said: dict[str, Any] = {}
    refused = beside.refusal_of(world.series, before, after)
    days = methods.live_days(world.series, before, after)
    for name in [methods.DEFAULT_METHOD] if headline else methods.METHODS:
        said[name] = None if refused is not None else _ends(methods.answer_by(name, days).ratio)
    if headline:
        if peers.available() and seed % peer_each == 0:
            said["statsmodels"] = peers.structural(days, seed)
        return {"seed": seed, "planted": world.planted, "shape": world.shape, "said": said}
    said["naive-poisson"] = _ends(beside.naive_of(world.series, before, after).ratio)
    if refused is None and seed % DEAR_EACH == 0:
        said["latent-ar1, shape chosen"] = _ends(methods.answer_by("latent-ar1", days, "auto").ratio)
        if kind == "shapes":
            said["latent-ar1, shape declared"] = _ends(methods.answer_by("latent-ar1", days, world.shape).ratio)
    if kind == "pre-decline":
        said["donut"] = _ends(beside.donut(world.series, world.after.start, before, after).ratio)
    if world.controls:
        said["with controls"] = _ends(beside.with_controls(world.series, before, after, world.controls).ratio)
    if peers.available() and seed % peer_each == 0:
        said["statsmodels"] = peers.structural(days, seed)
    return {"seed": seed, "planted": world.planted, "shape": world.shape, "said": said}


def _ends(ratio: Any) -> list[float] | None:
    return None if ratio is None else [float(f"{x:.6g}") for x in (ratio.value, ratio.low, ratio.high)]


def results(kind: str, folder: Path) -> dict[int, dict[str, Any]]:
    """Those of one kind that are done, by seed; a line that was cut off is not there."""
    path, found = folder / f"{kind.replace(' ', '-')}.jsonl", {}
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            found[row["seed"]] = row
    return found


def missing(done: dict[int, dict[str, Any]], first: int, count: int, peer_each: int = PEER_EACH) -> list[int]:
    """Worlds that are not done, or that a peer that is here now was not asked of."""
    peer = peers.available()
    asked = {s for s, row in done.items() if s % peer_each or not peer or table.PEER in row["said"]}
    return [s for s in range(first, first + count) if s not in asked]


def work(
    folder: Path, kinds: Sequence[str], first: int, count: int, processes: int, headline: bool = False, peer_each: int = PEER_EACH
) -> Iterator[str]:  # fmt: skip
    """Do what is missing, in rounds through the kinds; yields each kind of a round when it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for start in range(0, count, ROUND):
            for kind in kinds:
                left = missing(results(kind, folder), first + start, min(ROUND, count - start), peer_each)
                with (folder / f"{kind.replace(' ', '-')}.jsonl").open("a", encoding="utf-8") as file:
                    for row in pool.map(
                        partial(answers, kind, headline=headline, peer_each=peer_each), left, chunksize=5
                    ):
                        file.write(json.dumps(row) + "\n")
                        file.flush()
                yield f"{kind}: {min(start + ROUND, count):,} worlds"


def scores_of(folder: Path, first: int, count: int) -> table.Scores:
    """Scores by kind and method of those worlds that are done."""
    wanted, found = range(first, first + count), {}
    for kind in worlds.KINDS:
        rows = [r for s, r in sorted(results(kind, folder).items()) if s in wanted]
        if rows:
            found[kind] = table.score(rows)
    return found


def calibrate(count: int, first: int = 0, processes: int = 1, progress: Any = print) -> table.Scores:
    """Scores by kind and method of ``count`` worlds a kind, done now or before."""
    folder = ROOT / "bench" / "out" / "calibration" / digest()
    for line in work(folder, worlds.KINDS, first, count, processes):
        progress(line)
    return scores_of(folder, first, count)


def main() -> None:
    """Print the tables, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first world")
    parser.add_argument("--kind", action="append", choices=worlds.KINDS, help="these kinds only")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--done", action="store_true", help="score what is done, compute nothing")
    parser.add_argument("--headline", action="store_true", help="the default estimator alone")
    parser.add_argument(
        "--peer-each", type=int, default=PEER_EACH, help="ask the peer of every world whose number this divides"
    )
    parser.add_argument("--page", action="store_true", help="write docs/explanation/calibration.md")
    asked = parser.parse_args()
    folder = ROOT / "bench" / "out" / "calibration" / (digest() + ("-headline" if asked.headline else ""))
    if not asked.done:
        kinds = asked.kind or worlds.KINDS
        for line in work(folder, kinds, asked.first, asked.worlds, asked.processes, asked.headline, asked.peer_each):
            print(line, file=sys.stderr, flush=True)
    scores = scores_of(folder, asked.first, asked.worlds)
    print(table.headline(scores) + ("" if asked.headline else f"\n{table.tables(scores)}"))
    if asked.page:
        table.write_page(ROOT / "docs" / "explanation" / "calibration.md", scores, headline_alone=asked.headline)


if __name__ == "__main__":
    main()
