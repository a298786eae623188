"""Expected messages by hour, feed and stream, with the event and without: what a world is before chance draws it.

A *stream* is a botnet that sends for a group. Counts are Poisson with these rates, so planted values are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spamtide.simulate.botnets import all_botnets, hour_shape
from spamtide.simulate.chance import stream
from spamtide.simulate.scenario import GroupPlan, Scenario, microseconds

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
# Monday to Sunday.
WEEKDAY = np.array([1.06, 1.08, 1.07, 1.05, 1.02, 0.84, 0.88])
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stream:
    """Indices of a group and of a botnet that sends for it."""

    group: int
    botnet: int


class Rates:
    """The rates of one world."""

    def __init__(self, scenario: Scenario, seed: int, scale: float) -> None:
        self.scenario, self.seed, self.scale = scenario, seed, scale
        self.start, self.end = microseconds(scenario.start), microseconds(scenario.end)
        self.hours = (self.end - self.start) // HOUR_US
        self.starts = self.start + np.arange(self.hours) * HOUR_US
        self.botnets = all_botnets(scenario)
        names = [b.name for b in self.botnets]
        self.streams = [Stream(i, names.index(g.botnet or g.name)) for i, g in enumerate(scenario.groups)]

    def exposure(self, feed: str) -> list[tuple[int, int]]:
        """Intervals in which the feed was up."""
        intervals, at = [], self.start
        for start, end in self.down(feed):
            if start > at:
                intervals.append((at, start))
            at = max(at, end)
        return [*intervals, (at, self.end)] if at < self.end else intervals

    def down(self, feed: str) -> list[tuple[int, int]]:
        """Intervals in which it was not, in order."""
        return sorted((microseconds(o.start), microseconds(o.end)) for o in self.scenario.outages if o.feed == feed)

    @cached_property
    def up(self) -> dict[str, Floats]:
        """Share of each hour in which a feed was up."""
        shares = {}
        for feed in self.scenario.feeds:
            covered = np.zeros(self.hours)
            for a, b in self.exposure(feed.name):
                covered += np.clip(np.minimum(self.starts + HOUR_US, b) - np.maximum(self.starts, a), 0, None)
            shares[feed.name] = covered / HOUR_US
        return shares

    def level(self, group: GroupPlan, *, with_event: bool) -> Floats:
        """Output by hour, 1 being ordinary, before weekday, hour and chance."""
        level = np.ones(self.hours)
        for step in sorted(group.levels, key=lambda s: s.at):
            at = microseconds(step.at)
            later = self.starts >= at
            level[later] = step.level
            if step.ramp_to is not None:
                done = np.clip((self.starts - at) / (step.ramp_days * DAY_US), 0, 1)
                level = np.where(later, step.level + (step.ramp_to - step.level) * done, level)
        if with_event and group.stop is not None:
            level = level * np.clip((microseconds(group.stop.at) - self.starts) / HOUR_US, 0, 1)
        return level

    @cached_property
    def _shape(self) -> list[Floats]:
        """Weekday, hour of day, bursts and day-to-day chance of each group, the same in all feeds but for chance."""
        days = -(-self.hours // 24)
        hour = np.arange(self.hours)
        weekday = WEEKDAY[(self.start // DAY_US + hour // 24 + 3) % 7]
        of_day = (self.start // HOUR_US + hour) % 24
        shapes = []
        for group, sent in zip(self.scenario.groups, self.streams, strict=False):
            rng = stream("days", self.seed, group.name)
            kicks = rng.standard_normal(days) * group.day_sd * np.sqrt(1 - group.day_ar**2)
            walk = np.zeros(days)
            for i in range(days):
                walk[i] = (group.day_ar * walk[i - 1] if i else 0.0) + kicks[i]
            burst = np.ones(days)
            if group.burst_days:
                # Two days on, two days off: the rhythm that fools every mean-based test.
                phase = (np.arange(days) // group.burst_days) % 2
                burst = np.where(phase == 0, group.burst, 2 - group.burst)
            factor = np.exp(walk - group.day_sd**2 / 2) * burst
            shapes.append(weekday * hour_shape(self.botnets[sent.botnet])[of_day] * factor[hour // 24])
        return shapes

    def rates(self, feed: int, number: int, *, with_event: bool) -> Floats:
        """Expected messages an hour of a stream at a feed, with its outages."""
        plan, group = self.scenario.feeds[feed], self.scenario.groups[self.streams[number].group]
        base = plan.messages_per_day / 24 * self.scale * group.share.get(plan.name, 0.0)
        rate: Floats = base * self.level(group, with_event=with_event) * self._shape[self.streams[number].group]
        return rate * self.up[plan.name]

    def quiet(self, group: GroupPlan) -> list[tuple[int, int]]:
        """Spans in which a group sends nothing at all, to the microsecond."""
        return [(microseconds(group.stop.at), self.end)] if group.stop is not None else []

    def stopped_at(self, group: GroupPlan) -> int | None:
        """Instant from which a group sends nothing more, in the world with the event."""
        return next((a for a, b in self.quiet(group) if b >= self.end), None)

    @cached_property
    def counts(self) -> list[NDArray[np.int64]]:
        """Messages drawn, of each feed, by hour and stream."""
        drawn = []
        for i, feed in enumerate(self.scenario.feeds):
            columns = []
            for k, sent in enumerate(self.streams):
                group, botnet = self.scenario.groups[sent.group], self.botnets[sent.botnet]
                names = (group.name,) if botnet.name in (group.name, group.botnet) else (group.name, botnet.name)
                rng = stream("counts", self.seed, feed.name, *names)
                columns.append(rng.poisson(self.rates(i, k, with_event=True)))
            drawn.append(np.ascontiguousarray(np.stack(columns, axis=1), dtype=np.int64))
        return drawn
