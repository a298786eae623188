"""Sender groups against the truth: worlds of eight botnets (two of one engine, one rented to rivals, one unseen in training), and March 2011.

    python bench/botnets.py [--seeds 1,2,3] [--scale 1] [--march]

Campaigns are the planted ones, so that only dialects and sender groups are judged. Three tables: the settled grouping of everything
(adjusted Rand over campaigns, those sent by two botnets counted for each); mail from day 28 on, told by what was learned before it (the
unseen botnet's share left unknown, the share given to a wrong group); reliability of the membership. ``rents`` is the world in which the
unseen botnet rents the engine that two others share: there only hosts can tell. That it is another world is seen in how much of the
unseen botnet's mail speaks a dialect that was known before it came, and in the mean membership of that mail.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spamtide.app.workspace import Workspace
from spamtide.campaign import (
    PATH_COLUMNS,
    Mail,
    Members,
    SenderGroups,
    assign_dialects,
    follow_members,
    group_senders,
    learn_dialects,
    learn_witnesses,
    path_uses,
    tell_members,
)
from spamtide.fingerprint import FACTS_VERSION

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "tests")]
from march_botnets import work_example  # noqa: E402

DAY_US = 86_400_000_000
UNSEEN_FROM = 28
EDGES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 1.000001)


@dataclass
class World:
    """Facts and truth of one simulated workspace, a row a message in one order."""

    facts: pa.Table
    campaign: np.ndarray
    botnet: np.ndarray
    received_at: np.ndarray

    def mail(self, dialects: list[str | None]) -> Mail:
        """As the room ``campaign`` takes it."""
        peers = [p or "" for p in self.facts["peer_unit"].to_pylist()]
        return Mail(
            self.campaign, np.array([d or "" for d in dialects], object), np.array(peers, object), self.received_at
        )


def make(scenario: str, folder: Path, seed: int, scale: float) -> World:
    """Simulate, digest, and read facts beside the truth."""
    command = [sys.executable, "-m", "spamtide"]
    out = ["--out", str(folder), "--seed", str(seed), "--scale", str(scale), "--json"]
    subprocess.run([*command, "simulate", scenario, *out], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(
        [*command, "--workspace", str(folder / "workspace"), "digest", "--json"], check=True, stdout=subprocess.DEVNULL
    )
    return read(folder)


def read(folder: Path) -> World:
    """Facts of a made world, and its truth."""
    order = [(name, "ascending") for name in ("feed", "segment", "ordinal")]
    columns = [*PATH_COLUMNS, "segment", "ordinal"]
    files = Workspace(folder / "workspace").tables.snapshot(FACTS_VERSION).files["message"]
    parts = [pq.read_table(f, columns=columns) for f in files]
    facts = pa.concat_tables(
        [p.set_column(p.column_names.index("feed"), "feed", p["feed"].cast(pa.string())) for p in parts]
    ).sort_by(order)
    truth = pq.read_table(folder / "truth" / "messages.parquet").sort_by(
        [("feed", "ascending"), ("place", "ascending")]
    )
    at = facts["received_at"].to_numpy()
    assert (at == truth["received_at"].to_numpy()).all()
    texts = (np.array(truth[name].to_pylist(), object) for name in ("near", "botnet"))
    return World(facts, *texts, at)


def adjusted_rand(one: list[str], other: list[str]) -> float:
    """Hubert and Arabie, 1985."""
    pairs = sum(comb(n, 2) for n in Counter(zip(one, other, strict=True)).values())
    a, b = (sum(comb(n, 2) for n in Counter(labels).values()) for labels in (one, other))
    chance = a * b / comb(len(one), 2)
    return (pairs - chance) / ((a + b) / 2 - chance)


def owners(groups: list[str | None] | tuple[str | None, ...], botnet: np.ndarray) -> dict[str, str]:
    """The botnet that sent most of each group."""
    count: dict[str, Counter[str]] = defaultdict(Counter)
    for g, b in zip(groups, botnet.tolist(), strict=True):
        if g is not None:
            count[g][b] += 1
    return {g: c.most_common(1)[0][0] for g, c in count.items()}


def by_campaign(world: World, members: Members) -> float:
    """Adjusted Rand over (campaign, botnet); the group of most of its messages, and alone where that is none."""
    cells: dict[tuple[str, str], Counter[str | None]] = defaultdict(Counter)
    for c, b, g in zip(world.campaign, world.botnet, members.group, strict=True):
        cells[c, b][g] += 1
    told = [n.most_common(1)[0][0] or "alone " + "/".join(k) for k, n in cells.items()]
    return adjusted_rand([b for _, b in cells], told)


def settle(world: World) -> tuple[Mail, SenderGroups, Members]:
    """Everything at once."""
    dialects = learn_dialects(path_uses([world.facts]))
    mail = world.mail(assign_dialects(dialects, world.facts))
    settled = group_senders(mail)
    return mail, settled, tell_members(learn_witnesses(mail, settled), mail)


def later(world: World) -> tuple[Members, dict[str, str], np.ndarray, np.ndarray]:
    """Mail from ``UNSEEN_FROM`` on by what was learned before; the owners of the groups; which rows; which of them speak a dialect
    of one of those groups.
    """
    start = int(world.received_at.min()) // DAY_US * DAY_US
    old = world.received_at < start + UNSEEN_FROM * DAY_US
    dialects = learn_dialects(path_uses([world.facts.filter(pa.array(old))]))
    mail = world.mail(assign_dialects(dialects, world.facts))
    settled = group_senders(mail.take(old))
    groups = [settled.group_of.get((c, d)) for c, d in zip(mail.campaign, mail.dialect, strict=True)]
    owner = owners([g for g, o in zip(groups, old, strict=True) if o], world.botnet[old])
    known = {d for g in settled.groups for d in g.dialects}
    spoken = np.isin(mail.dialect[~old].astype(str), sorted(known))
    return follow_members(learn_witnesses(mail.take(old), settled), mail.take(~old)), owner, ~old, spoken


def eight(seeds: list[int], scale: float, folder: Path) -> None:
    """Tables over seeds, with the unseen botnet's own engine and with a rented one."""
    text = (resources.files("spamtide.simulate") / "scenarios" / "eight-botnets.toml").read_text("utf-8")
    rents = folder / "rents.toml"
    rents.write_text(text.replace('dialect = "emotet"', 'dialect = "cutwail"').replace('"eight-botnets"', '"rents"'))
    print(
        "| world | seed | messages | groups | adjusted Rand | unseen: engine known | mean membership | unseen: unknown | wrong | known: right | later, likeliest right |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    bins: dict[int, list[float]] = {i: [0.0, 0.0, 0.0] for i in range(len(EDGES) - 1)}
    for name in ("eight-botnets", str(rents)):
        for seed in seeds:
            world = make(name, folder / f"{Path(name).stem}-{seed}", seed, scale)
            _, settled, members = settle(world)
            rand = by_campaign(world, members)
            after, owner, rows, spoken = later(world)
            truth = world.botnet[rows]
            told = np.array([owner.get(g or "", "") for g in after.group], object)
            likely = np.array([owner.get(g or "", "") for g in after.likeliest], object)
            new = truth == "hazel"
            seen = ~new & (truth != "noise")
            wrong = (told != truth) & (told != "")
            print(
                f"| {Path(name).stem} | {seed} | {len(world.botnet):,} | {len(settled.groups)} | {rand:.3f} | {spoken[new].mean():.0%} "
                f"| {after.membership[new].mean():.2f} | {(told[new] == '').mean():.1%} | {wrong.mean():.2%} | {(told[seen] == truth[seen]).mean():.1%} | {(likely[seen] == truth[seen]).mean():.1%} |",
                flush=True,
            )
            for i, (low, high) in enumerate(pairwise(EDGES)):
                k = (after.membership >= low) & (after.membership < high) & (likely != "")
                bins[i][0] += int(k.sum())
                bins[i][1] += float(after.membership[k].sum())
                bins[i][2] += int((likely[k] == truth[k]).sum())
    print("\n| membership | messages | mean | truly of that group |\n|---|---|---|---|")
    for i, (n, total, right) in bins.items():
        if n:
            print(f"| {EDGES[i]:g} to {min(EDGES[i + 1], 1):g} | {n:,.0f} | {total / n:.3f} | {right / n:.3f} |")


def march(seed: int, scale: float, folder: Path) -> None:
    """The worked example on the whole pipeline: campaigns found, a rule names the group, `botnets list` gives its share."""
    place = folder / f"march-{seed}"
    world = make("march-2011", place, seed, scale)

    def ask(*arguments: str) -> Any:
        command = [sys.executable, "-m", "spamtide", "--workspace", str(place / "workspace"), *arguments]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        if "--jsonl" in arguments:
            return [json.loads(line) for line in text.splitlines()]
        return json.loads(text) if "--json" in arguments else text

    found = work_example(ask, place, folder)
    print(
        f"march-2011, seed {seed}: {len(world.botnet):,} messages; precision {found.precision:.4f}, recall {found.recall:.4f}"
    )
    print(ask("botnets", "list"))
    print("| feed | share of Rustock as listed | in truth |\n|---|---|---|")
    for feed, true in found.true.items():
        print(f"| {feed} | {found.said[feed]:.1%} | {true:.1%} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--march", action="store_true", help="March 2011 alone")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spamtide-botnets-") as folder:
        seeds = [int(s) for s in given.seeds.split(",")]
        if given.march:
            for seed in seeds:
                march(seed, given.scale, Path(folder))
        else:
            eight(seeds, given.scale, Path(folder))


if __name__ == "__main__":
    main()
