"""Rule 7 of the instrument: whoever sent the mail, with a full log of what he sent, learns from a report no more than a hundredth of the traps."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

DAY = 86_400_000_000
OTHERS = 250  # addresses that are no traps, for each trap in the log


def published_instants(folder: Path) -> set[int]:
    """Every instant finer than an hour that a report prints, microseconds."""
    found = set()
    for path in folder.rglob("*"):
        if path.suffix in (".json", ".csv", ".html", ".svg"):
            for text in re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", path.read_text("utf-8")):
                at = datetime.fromisoformat(text)
                if at.minute or at.second or at.microsecond:
                    found.add(int(at.timestamp()) * 1_000_000 + at.microsecond)
    return found


def send_log(received: np.ndarray, traps: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    """The spammer's log of instants and addresses: what the traps received, and ``OTHERS`` times as many addresses sent to alike."""
    rng = np.random.default_rng(seed)
    n = int(traps.max()) + 1
    each = np.bincount(traps, minlength=n)
    others = rng.choice(each, n * OTHERS)
    at = rng.choice(received, int(others.sum())) + rng.integers(-1800, 1800, int(others.sum())) * 1_000_000
    who = np.repeat(np.arange(n, n + n * OTHERS), others)
    return np.concatenate([received, at]), np.concatenate([traps, who]), n


def hits(scores: np.ndarray, n: int) -> float:
    """The share of the ``n`` traps (the first addresses) among the ``n`` addresses that score highest; ties by chance."""
    order = np.lexsort((np.random.default_rng(1).random(len(scores)), -scores))
    return float((order[:n] < n).mean())


@pytest.mark.parametrize("feed", ["trap", "second"])
def test_a_spammer_with_his_log_finds_no_trap_by_a_report(demo, feed: str) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(demo.folder / "truth" / "messages.parquet")
    mine = np.array(table["feed"].to_pylist()) == feed
    received = table["received_at"].to_numpy()[mine]
    # Which trap a message reached: the world draws one of its addresses for each.
    card = next(c for c in _document(demo.report)["instruments"] if c["feed"] == feed)["instrument"]
    addresses = sum(n or 0 for n in card["addresses_by_vantage"].values())
    traps = np.random.default_rng(4).integers(0, addresses, len(received))
    at, who, n = send_log(received, traps, 5)

    # One: a printed instant that is the second of a message names its address.
    event = {_micros(_document(demo.report)["at"])}
    printed = np.array(sorted(published_instants(demo.report) - event))
    seconds = set((printed // 1_000_000).tolist())
    named = {int(w) for t, w in zip(at.tolist(), who.tolist(), strict=True) if t // 1_000_000 in seconds}
    assert len({w for w in named if w < n}) / n <= 0.01, sorted(seconds)

    # Two: counts by day. An address that was sent to on a day of no mail is none; those whose days agree best are named.
    scores = np.zeros(n + n * OTHERS)
    for path in (demo.report / "tables").glob(f"*{feed}-*.csv"):
        with path.open(encoding="utf-8") as file:
            rows = [r for r in csv.DictReader(file) if "exposure" in r and r.get("count")]
        if not rows:
            continue
        starts = np.array([_micros(r["time"]) for r in rows])
        counts = np.array([float(r["count"]) for r in rows])
        bins = np.searchsorted(starts, at, side="right") - 1
        inside = (bins >= 0) & (at < starts[np.maximum(bins, 0)] + DAY)
        surplus = counts - np.convolve(counts, np.ones(7) / 7, "same")
        np.add.at(scores, who[inside], surplus[bins[inside]])
        empty = inside & (counts[np.maximum(bins, 0)] == 0)
        scores[np.unique(who[empty])] -= 1e6
    chance = 1 / (1 + OTHERS)
    assert hits(scores, n) <= 0.01, f"by chance {chance:.4f}"


def test_the_attack_works_where_times_are_told() -> None:
    rng = np.random.default_rng(2)
    received, traps = np.sort(rng.integers(0, 60 * DAY, 4000)), rng.integers(0, 200, 4000)
    at, who, n = send_log(received, traps, 3)
    told = set((received // 1_000_000).tolist())
    named = {int(w) for t, w in zip(at.tolist(), who.tolist(), strict=True) if t // 1_000_000 in told}
    assert len({w for w in named if w < n}) / n > 0.9


def _document(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text("utf-8"))


def _micros(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1e6)
