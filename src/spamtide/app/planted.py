"""Planted values: what is true of a simulated window, from the truth's expected (not realised) counts.

Only the demo and proofs read the truth; the pipeline never does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spamtide.measure import DAY_US, HOUR_US, Window

Floats = NDArray[np.float64]


class Truth:
    """The truth of one world, read from its folder."""

    def __init__(self, folder: Path) -> None:
        import pyarrow.parquet as pq

        self.world = json.loads((folder / "world.json").read_text("utf-8"))
        table = pq.read_table(folder / "rates.parquet")
        self._feed = np.array(table["feed"].to_pylist())
        self._group = np.array(table["group"].to_pylist())
        self._botnet = dict(zip(table["group"].to_pylist(), table["botnet"].to_pylist(), strict=True))
        bots = pq.read_table(folder / "bots.parquet")
        self._bots: dict[str, NDArray[Any]] = {
            n: bots[n].to_numpy(zero_copy_only=False) for n in ("botnet", "activity", "infected_at", "cleaned_at")
        }
        self._hour = table["hour_start"].to_numpy()
        self._with = table["expected"].to_numpy()
        self._without = table["expected_without"].to_numpy()

    def _in_window(self, window: Window, rate: Floats, *, with_event: bool, group: str) -> Floats:
        """Share of each hour's expected count that lies in the window: an event inside an hour moves its mail."""
        begin, end = self._hour, self._hour + HOUR_US
        stop = self.world["groups"][group]["stop"]
        live_end = np.where((begin < stop) & (stop < end), stop, end) if with_event and stop is not None else end
        inside = np.clip(np.minimum(live_end, window.end) - np.maximum(begin, window.start), 0, None)
        return np.asarray(inside / np.maximum(live_end - begin, 1) * rate)

    def expected(self, feed: str, measure: str, window: Window, *, with_event: bool = True) -> float:
        """Expected number of unsolicited messages of a measure in a window: ``volume`` or the two subject words."""
        total = 0.0
        for name, facts in self.world["groups"].items():
            if not facts["unsolicited"]:
                continue
            share = facts["words"] if measure.startswith("subject:") else 1.0
            mask = (self._feed == feed) & (self._group == name)
            rates = np.where(mask, self._with if with_event else self._without, 0.0)
            total += share * float(self._in_window(window, rates, with_event=with_event, group=name).sum())
        return total

    def ratio(self, feed: str, measure: str, after: Window) -> float:
        """Planted effect: expected with the event over expected without it, over the after window."""
        return self.expected(feed, measure, after) / self.expected(feed, measure, after, with_event=False)

    def effective_hosts(self, feed: str, measure: str, window: Window) -> float:
        """Hosts that send a measure to a feed, as if equally active: (Σa)²/Σa² over those live, days weighted by what they bring."""
        whole = squares = 0.0
        for start in range(window.start, window.end, DAY_US):
            day = Window(start, min(start + DAY_US, window.end))
            middle = (day.start + day.end) // 2
            total = square = 0.0
            for name, facts in self.world["groups"].items():
                if not facts["unsolicited"]:
                    continue
                share = facts["words"] if measure.startswith("subject:") else 1.0
                mask = (self._feed == feed) & (self._group == name)
                rates = np.where(mask, self._with, 0.0)
                sent = share * float(self._in_window(day, rates, with_event=True, group=name).sum())
                live = (self._bots["infected_at"] <= middle) & (middle < self._bots["cleaned_at"])
                activity = self._bots["activity"][live & (self._bots["botnet"] == self._botnet[name])].astype(
                    np.float64
                )
                if sent and len(activity):
                    total += sent
                    square += sent**2 * float((activity**2).sum()) / float(activity.sum()) ** 2
            whole, squares = whole + total**2, squares + square
        return whole / squares if squares else 0.0

    def in_group_share(self, feed: str, window: Window, thinned_to: float | None = None) -> float:
        """Expected in-group share by the rule ``exact``; counts of a variant are Poisson, ``thinned_to`` messages."""
        total = self.expected(feed, "volume", window)
        keep = 1.0 if thinned_to is None else min(1.0, thinned_to / total)
        grouped = 0.0
        for name, facts in self.world["groups"].items():
            if not facts["unsolicited"]:
                continue
            mask = (self._feed == feed) & (self._group == name)
            inside = self._in_window(window, np.where(mask, self._with, 0.0), with_event=True, group=name)
            campaign = (self._hour - self.world["start"]) // (facts["campaign_days"] * 24 * HOUR_US)
            weights = np.array(facts["variant_weights"])
            for number in np.unique(campaign[inside > 0]):
                rate = keep * float(inside[campaign == number].sum()) * (1 - facts["unique"])
                for form in _forms(facts):
                    mean = rate * weights * form
                    grouped += float((mean * -np.expm1(-mean)).sum())
        return grouped / (keep * total)


def _forms(facts: dict[str, float]) -> list[float]:
    """A pharma variant comes in up to three spellings, each a copy only of its own kind."""
    found, missed = facts["words"], facts.get("missed", 0.0)
    return [p for p in (found, missed, 1 - found - missed) if p > 0]
