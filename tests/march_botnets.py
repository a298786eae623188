"""The worked example: Rustock in the March 2011 world, by the pipeline's own campaigns, and the truth beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

# Somebody who knows the engine's path and the words in its subjects. Two botnets of the world write so; one of them speaks so.
RULE = """
id = "rustock-2011"
botnet = "Rustock"
by = "A. Analyst"
evidence = "path and words of our captive bot, 9 March 2011"
dialects = ["{path}"]
query = "subject:(viagra OR cialis)"
share = 0.5
messages = 500
"""


@dataclass(frozen=True)
class Example:
    """What was said of Rustock, by feed, and what is true."""

    precision: float
    recall: float
    said: dict[str, float]
    true: dict[str, float]
    line: str


def engine_path(ask: Callable[..., Any], world: Path) -> str:
    """The path that a captive bot would show: of the dialect in which most messages of the botnet came."""
    sent = _truth(world)
    spoken: dict[str, int] = {}
    for member, row in zip(ask("botnets", "members", "--jsonl"), sent, strict=True):
        if row["botnet"] == "rustock" and member["dialect"]:
            spoken[member["dialect"]] = spoken.get(member["dialect"], 0) + 1
    dialect = max(sorted(spoken), key=lambda d: spoken[d])
    return str(ask("dialects", "show", dialect, "--json")["paths"][0])[:12]


def _truth(world: Path) -> list[dict[str, Any]]:
    rows = pq.read_table(world / "truth" / "messages.parquet").sort_by([("feed", "ascending"), ("place", "ascending")])
    return [r for r in rows.to_pylist() if r["origin"] == "unsolicited"]


def work_example(ask: Callable[..., Any], world: Path, folder: Path) -> Example:
    """Name the botnet by a rule, list it, and hold the list against the truth.

    ``ask`` runs a command on the world's workspace: its document for ``--json``, rows for ``--jsonl``, text for neither.
    """
    (folder / "rule.toml").write_text(RULE.format(path=engine_path(ask, world)))
    ask("botnets", "rules", "add", str(folder / "rule.toml"), "--json")
    listed = ask("botnets", "list", "--json")["items"]
    row = next(r for r in listed if r["botnet"] == "Rustock")
    truth = _truth(world)
    members = list(ask("botnets", "members", "--jsonl"))
    pairs = [(m["group"] == row["group"], t["botnet"] == "rustock") for m, t in zip(members, truth, strict=True)]
    both = sum(a and b for a, b in pairs)
    feeds = {t["feed"] for t in truth}
    share = {f: [t["botnet"] == "rustock" for t in truth if t["feed"] == f] for f in sorted(feeds)}
    line = next(text for text in ask("botnets", "list").splitlines() if "Rustock" in text)
    return Example(
        both / max(1, sum(a for a, _ in pairs)),
        both / sum(b for _, b in pairs),
        {f["feed"]: f["share"] for f in row["feeds"]},
        {f: sum(s) / len(s) for f, s in share.items()},
        line,
    )
