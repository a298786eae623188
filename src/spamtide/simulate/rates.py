"""Expected messages by hour, feed and stream, with the event and without: what a world is before chance draws it.

A *stream* is a botnet that sends for a group. Counts are Poisson with these rates, so planted values are exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spamtide.simulate.botnets import all_botnets, hour_shape
from spamtide.simulate.chance import stream
from spamtide.simulate.events import factor, moved, silent_spans
from spamtide.simulate.rhythms import day_factors
from spamtide.simulate.scenario import EventPlan, GroupPlan, Scenario, microseconds

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
# Monday to Sunday.
WEEKDAY = np.array([1.06, 1.08, 1.07, 1.05, 1.02, 0.84, 0.88])
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stream:
    """Indices of a group and of a botnet that sends for it."""

    group: int
    botnet: int


# Share of a group's mail at a feed that its first so many washes took away; from the kernel, which knows the decoys.
Washed = Callable[[int, int, int], float]


class Rates:
    """The rates of one world."""

    def __init__(self, scenario: Scenario, seed: int, scale: float, washed: Washed) -> None:
        self.scenario, self.seed, self.scale, self._washed_share = scenario, seed, scale, washed
        self.start, self.end = microseconds(scenario.start), microseconds(scenario.end)
        self.hours = (self.end - self.start) // HOUR_US
        self.starts = self.start + np.arange(self.hours) * HOUR_US
        self.botnets = all_botnets(scenario)
        names = [b.name for b in self.botnets]
        self.streams = [Stream(i, names.index(g.botnet or g.name)) for i, g in enumerate(scenario.groups)]
        # Who takes customers over sends for them too.
        groups = [g.name for g in scenario.groups]
        for event in scenario.events:
            for name in event.groups if event.kind == "migration" and event.into else ():
                taken = Stream(groups.index(name), names.index(event.into or ""))
                if taken not in self.streams:
                    self.streams.append(taken)

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
            burst = np.ones(days)
            if group.burst_days:
                # Two days on, two days off: the rhythm that fools every mean-based test.
                phase = (np.arange(days) // group.burst_days) % 2
                burst = np.where(phase == 0, group.burst, 2 - group.burst)
            factor = day_factors(group, self.seed, days) * burst
            shapes.append(weekday * hour_shape(self.botnets[sent.botnet])[of_day] * factor[hour // 24])
        return shapes

    @cached_property
    def _factors(self) -> list[Floats]:
        """What each event does by hour to the streams and feeds that it strikes."""
        return [factor(e, f"{i}", self.seed, self.starts, self.end) for i, e in enumerate(self.scenario.events)]

    def strikes(self, event: EventPlan, sent: Stream) -> bool:
        """Whether an event speaks of a stream: by its group or botnet, or of every one."""
        group, botnet = self.scenario.groups[sent.group].name, self.botnets[sent.botnet].name
        named = event.groups or event.botnets
        return not named or group in event.groups or botnet in event.botnets

    def washes(self, group: GroupPlan) -> list[tuple[int, int, float]]:
        """(feed, instant, share of decoys) of each wash of a group's lists, in order of time."""
        found = [
            (feed, microseconds(e.at), e.part)
            for e in self.scenario.events
            if e.kind == "washing" and self.strikes(e, self.streams[self.scenario.groups.index(group)])
            for feed, plan in enumerate(self.scenario.feeds)
            if not e.feeds or plan.name in e.feeds
        ]
        return sorted(found, key=lambda w: w[1])

    def _share(self, number: int, *, with_event: bool) -> Floats:
        """Share of its group's mail that a stream sends: migrations move it from the first stream of a group."""
        sent = self.streams[number]
        share = np.full(self.hours, 1.0 if number == sent.group else 0.0)
        name, botnet = self.scenario.groups[sent.group].name, self.botnets[sent.botnet].name
        for event in self.scenario.events:
            if event.kind != "migration" or name not in event.groups or (event.planted and not with_event):
                continue
            part = moved(event, self.starts)
            share = share * (1 - part) + (part if event.into == botnet else 0.0)
        return share

    def _happens(self, feed: int, number: int, *, with_event: bool) -> Floats:
        """The factors of all events on one stream at one feed, washes among them."""
        sent, plan = self.streams[number], self.scenario.feeds[feed]
        whole = np.ones(self.hours)
        for event, by_hour in zip(self.scenario.events, self._factors, strict=True):
            if event.planted and not with_event:
                continue
            if (not event.feeds or plan.name in event.feeds) and self.strikes(event, sent):
                whole = whole * by_hour
        if with_event:
            for n, (where, at, _) in enumerate(self.washes(self.scenario.groups[sent.group])):
                if where == feed:
                    left = 1 - self._washed_share(feed, sent.group, n + 1)
                    before = 1 - self._washed_share(feed, sent.group, n)
                    after = np.clip((self.starts + HOUR_US - at) / HOUR_US, 0, 1)
                    whole = whole * (1 + (left / before - 1 if before else 0.0) * after)
        return whole

    def rates(self, feed: int, number: int, *, with_event: bool) -> Floats:
        """Expected messages an hour of a stream at a feed, with its outages."""
        sent = self.streams[number]
        plan, group = self.scenario.feeds[feed], self.scenario.groups[sent.group]
        base = plan.messages_per_day / 24 * self.scale * group.share.get(plan.name, 0.0)
        rate: Floats = base * self.level(group, with_event=with_event) * self._shape[sent.group]
        rate = rate * self._share(number, with_event=with_event) * self._happens(feed, number, with_event=with_event)
        return rate * self.up[plan.name]

    def quiet(self, number: int) -> list[tuple[int, int]]:
        """Spans in which a stream sends nothing at all, to the microsecond."""
        sent = self.streams[number]
        group = self.scenario.groups[sent.group]
        spans = [(microseconds(group.stop.at), self.end)] if group.stop is not None else []
        for event in self.scenario.events:
            if self.strikes(event, sent):
                spans += silent_spans(event, self.end)
        return spans

    def stopped_at(self, group: GroupPlan) -> int | None:
        """Instant from which a group sends nothing more, in the world with the event."""
        number = self.scenario.groups.index(group)
        mine = [self.quiet(k) for k, sent in enumerate(self.streams) if sent.group == number]
        ends = [min((a for a, b in spans if b >= self.end), default=None) for spans in mine]
        return None if None in ends else max(e for e in ends if e is not None)

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
