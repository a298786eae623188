"""A world drawn from a scenario: rates, captures, truth. The same seed and scale give the same bytes on any machine.

Rates first (per hour, feed and group, with and without the event), then counts, then messages. The truth holds
the rates, so that planted values are expected, not realised, counts; no other room reads it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spamtide.simulate.kernel import CaptureBatch
from spamtide.simulate.scenario import FeedPlan, GroupPlan, Scenario, microseconds
from spamtide.simulate.writer import Truth, Writer, stream

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
# Monday to Sunday, and the hours of a UTC day: spam sleeps less than people do.
WEEKDAY = np.array([1.06, 1.08, 1.07, 1.05, 1.02, 0.84, 0.88])
HOURS = 1.0 + 0.25 * np.sin((np.arange(24) - 6) / 24 * 2 * np.pi)


@dataclass(frozen=True, slots=True)
class SimulatedFeed:
    """A feed of the world as its card states it."""

    name: str
    vantage: str
    addresses: int
    persona: str
    domains: list[str]


class World:
    """A drawn world. ``messages`` is the number it holds; ``batches`` yields them in order of time."""

    def __init__(self, scenario: Scenario, seed: int, scale: float) -> None:
        self.scenario, self.seed, self.scale = scenario, seed, scale
        self.start, self.end = microseconds(scenario.start), microseconds(scenario.end)
        self.hours = (self.end - self.start) // HOUR_US
        self._truth: dict[str, list[Truth]] = {}
        self.feeds = [SimulatedFeed(f.name, f.vantage, f.addresses, f.persona, [f.domain]) for f in scenario.feeds]

    def _plan(self, feed: str) -> FeedPlan:
        return next(f for f in self.scenario.feeds if f.name == feed)

    def exposure(self, feed: str) -> list[tuple[int, int]]:
        """Intervals in which the feed was up."""
        intervals, at = [], self.start
        for outage in sorted((o for o in self.scenario.outages if o.feed == feed), key=lambda o: o.start):
            intervals.append((at, microseconds(outage.start)))
            at = microseconds(outage.end)
        intervals.append((at, self.end))
        return intervals

    @cached_property
    def _up(self) -> dict[str, NDArray[np.float64]]:
        starts = self.start + np.arange(self.hours) * HOUR_US
        shares = {}
        for feed in self.scenario.feeds:
            covered = np.zeros(self.hours)
            for a, b in self.exposure(feed.name):
                covered += np.clip(np.minimum(starts + HOUR_US, b) - np.maximum(starts, a), 0, None)
            shares[feed.name] = covered / HOUR_US
        return shares

    def _levels(self, group: GroupPlan, *, with_event: bool) -> NDArray[np.float64]:
        """Output by hour, 1 being ordinary, before weekday, hour and chance."""
        starts = self.start + np.arange(self.hours) * HOUR_US
        level = np.ones(self.hours)
        for step in sorted(group.levels, key=lambda s: s.at):
            at = microseconds(step.at)
            later = starts >= at
            level[later] = step.level
            if step.ramp_to is not None:
                done = np.clip((starts - at) / (step.ramp_days * DAY_US), 0, 1)
                level = np.where(later, step.level + (step.ramp_to - step.level) * done, level)
        if with_event and group.stop is not None:
            at = microseconds(group.stop.at)
            level = level * np.clip((at - starts) / HOUR_US, 0, 1)
        return level

    @cached_property
    def _shape(self) -> dict[str, NDArray[np.float64]]:
        """Weekday, hour of day, bursts and day-to-day chance of each group, the same in all feeds but for chance."""
        days = -(-self.hours // 24)
        hour = np.arange(self.hours)
        first_day = self.start // DAY_US
        weekday = WEEKDAY[(first_day + hour // 24 + 3) % 7]
        shapes = {}
        for group in self.scenario.groups:
            rng = stream("days", self.seed, group.name)
            walk = np.zeros(days)
            for i in range(days):
                kick = rng.standard_normal() * group.day_sd * np.sqrt(1 - group.day_ar**2)
                walk[i] = (group.day_ar * walk[i - 1] if i else 0.0) + kick
            burst = np.ones(days)
            if group.burst_days:
                # Two days on, two days off: the rhythm that fools every mean-based test.
                phase = (np.arange(days) // group.burst_days) % 2
                burst = np.where(phase == 0, group.burst, 2 - group.burst)
            factor = np.exp(walk - group.day_sd**2 / 2) * burst
            shapes[group.name] = weekday * HOURS[hour % 24] * factor[hour // 24]
        return shapes

    def rates(self, feed: str, group: GroupPlan, *, with_event: bool) -> NDArray[np.float64]:
        """Expected messages an hour at the feed while it is up."""
        base = self._plan(feed).messages_per_day / 24 * self.scale * group.share.get(feed, 0.0)
        rate: NDArray[np.float64] = base * self._levels(group, with_event=with_event) * self._shape[group.name]
        return rate * self._up[feed]

    @cached_property
    def _drawn(self) -> dict[tuple[str, str], NDArray[np.int64]]:
        drawn = {}
        for feed in self.scenario.feeds:
            for group in self.scenario.groups:
                rng = stream("counts", self.seed, feed.name, group.name)
                drawn[(feed.name, group.name)] = rng.poisson(self.rates(feed.name, group, with_event=True))
        return drawn

    @property
    def messages(self) -> int:
        """Messages in all feeds."""
        return int(sum(int(counts.sum()) for counts in self._drawn.values()))

    def variant_weights(self, group: GroupPlan) -> NDArray[np.float64]:
        """Chance of each variant of a campaign: Zipf, so that few are seen often and many once."""
        weights = 1.0 / np.arange(1, group.variants + 1, dtype=np.float64) ** 1.05
        return np.asarray(weights / weights.sum(), dtype=np.float64)

    def batches(self, feed: str, size: int = 1_000) -> Iterator[tuple[CaptureBatch, bytes]]:
        """Captures of one feed in order of time, with the salts of their leaves (drawn from the seed)."""
        plan = self._plan(feed)
        arrivals = self._arrivals(feed)
        salts = stream("salts", self.seed, feed)
        writers, truth = self._writers(plan), self._begin_truth(feed)
        for first in range(0, len(arrivals), size):
            batch = CaptureBatch()
            for at, name in arrivals[first : first + size]:
                meta, raw, true = writers[name].message(at)
                batch.push(at, meta, raw)
                truth.append(true)
            yield batch, salts.bytes(16 * len(batch))

    def _writers(self, feed: FeedPlan) -> dict[str, Writer]:
        return {
            g.name: Writer(self.scenario.name, self.seed, self.start, feed, g, self.variant_weights(g))
            for g in self.scenario.groups
        }

    def _begin_truth(self, feed: str) -> list[Truth]:
        self._truth[feed] = []
        return self._truth[feed]

    def _arrivals(self, feed: str) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        down = [(microseconds(o.start), microseconds(o.end)) for o in self.scenario.outages if o.feed == feed]
        for group in self.scenario.groups:
            counts = self._drawn[(feed, group.name)]
            rng = stream("instants", self.seed, feed, group.name)
            stop = microseconds(group.stop.at) if group.stop else None
            hours = np.repeat(np.arange(self.hours), counts)
            offsets = rng.integers(0, HOUR_US, len(hours))
            for hour, offset in zip(hours.tolist(), offsets.tolist(), strict=True):
                begin = self.start + hour * HOUR_US
                length = HOUR_US
                if stop is not None and begin < stop < begin + HOUR_US:
                    length = stop - begin
                at = begin + offset % length
                for a, b in down:
                    if a <= at < b:
                        at = a - 1 - offset % 1_000_000 if a > begin else b + offset % 1_000_000
                found.append((at, group.name))
        found.sort()
        return found

    def write_mbox(self, out: Path) -> int:
        """One ``FEED.mbox`` (mboxrd) a feed; the number of messages."""
        out.mkdir(parents=True, exist_ok=True)
        n = 0
        for feed in self.scenario.feeds:
            arrivals = self._arrivals(feed.name)
            writers, truth = self._writers(feed), self._begin_truth(feed.name)
            with (out / f"{feed.name}.mbox").open("wb") as file:
                for at, name in arrivals:
                    _, raw, true = writers[name].message(at)
                    truth.append(true)
                    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
                    file.write(f"From simulated@example.org {moment:%a %b %d %H:%M:%S %Y}\n".encode())
                    for line in raw.replace(b"\r\n", b"\n").splitlines(keepends=True):
                        file.write(b">" + line if line.lstrip(b">").startswith(b"From ") else line)
                    file.write(b"\n")
                    n += 1
        return n

    def write_counts(self, out: Path) -> int:
        """One ``FEED.csv`` of daily counts a feed (``time,series,count,exposure``); the number of messages."""
        out.mkdir(parents=True, exist_ok=True)
        n = 0
        for feed in self.scenario.feeds:
            total = np.sum([self._drawn[(feed.name, g.name)] for g in self.scenario.groups], axis=0)
            up = self._up[feed.name]
            with (out / f"{feed.name}.csv").open("w", newline="", encoding="utf-8") as file:
                rows = csv.writer(file)
                rows.writerow(["time", "series", "count", "exposure"])
                for day in range(self.hours // 24):
                    part = slice(day * 24, day * 24 + 24)
                    moment = self.scenario.start + timedelta(days=day)
                    rows.writerow([f"{moment:%Y-%m-%d}", "volume", int(total[part].sum()), f"{up[part].mean():.6g}"])
            n += int(total.sum())
        return n

    def write_truth(self, out: Path) -> None:
        """``truth/world.json``; ``truth/rates.parquet``: expected messages by hour, feed and group, both ways; and, of the
        messages written so far, ``truth/messages.parquet``: by feed and place who sent it and its groups by each rule.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        out.mkdir(parents=True, exist_ok=True)
        hours = self.start + np.arange(self.hours) * HOUR_US
        tables = []
        for feed in self.scenario.feeds:
            for group in self.scenario.groups:
                columns = {
                    "hour_start": pa.array(hours, pa.int64()),
                    "feed": pa.array([feed.name] * self.hours),
                    "group": pa.array([group.name] * self.hours),
                    "expected": self.rates(feed.name, group, with_event=True),
                    "expected_without": self.rates(feed.name, group, with_event=False),
                }
                tables.append(pa.table(columns))
        pq.write_table(pa.concat_tables(tables), out / "rates.parquet")
        if self._truth:
            names = ("feed", "place", *(f.name for f in fields(Truth)))
            rows = [(feed, i, *astuple(t)) for feed, some in self._truth.items() for i, t in enumerate(some)]
            table = pa.table({name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)})
            pq.write_table(table, out / "messages.parquet", compression="zstd")
        document = {
            "scenario": self.scenario.name,
            "seed": self.seed,
            "scale": self.scale,
            "start": self.start,
            "end": self.end,
            "messages": self.messages,
            "groups": {
                g.name: {
                    "words": g.words, "missed": g.missed, "unique": g.unique, "variants": g.variants, "campaign_days": g.campaign_days,
                    "unsolicited": g.topic != "noise", "variant_weights": [float(w) for w in self.variant_weights(g)],
                    "stop": microseconds(g.stop.at) if g.stop else None,
                }
                for g in self.scenario.groups
            },
        }  # fmt: skip
        (out / "world.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def generate(scenario: Scenario, *, seed: int, scale: float = 1.0) -> World:
    """The world of a scenario. ``scale`` multiplies volume without changing shape."""
    return World(scenario, seed, scale)
