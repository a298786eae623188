"""A world drawn from a scenario: rates, captures, truth. The same seed and scale give the same bytes on any machine.

Rates first (per hour, feed and group, with and without the event), then counts, then messages. The truth holds
the rates, so that planted values are expected, not realised, counts; no other room reads it.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spamtide.simulate.kernel import CaptureBatch
from spamtide.simulate.scenario import FeedPlan, GroupPlan, Scenario, microseconds
from spamtide.simulate.texts import FOUND, MISSED, encode_subject, noise_text, variant_text

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
# Monday to Sunday, and the hours of a UTC day: spam sleeps less than people do.
WEEKDAY = np.array([1.06, 1.08, 1.07, 1.05, 1.02, 0.84, 0.88])
HOURS = 1.0 + 0.25 * np.sin((np.arange(24) - 6) / 24 * 2 * np.pi)
_TOPICS = {"rustock": "pharma", "harbour": "pharma", "meadow": "replica", "lantern": "casino", "noise": "loan"}


def stream(purpose: str, *keys: object) -> np.random.Generator:
    """A Philox generator keyed by a stable hash of purpose and keys."""
    digest = hashlib.sha256("\0".join([purpose, *map(str, keys)]).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


@dataclass(frozen=True, slots=True)
class SimulatedFeed:
    """A feed of the world as its card states it."""

    name: str
    vantage: str
    addresses: int
    persona: str
    domains: list[str]


@dataclass(frozen=True, slots=True)
class _Variant:
    subject: str
    body: str


class World:
    """A drawn world. ``messages`` is the number it holds; ``batches`` yields them in order of time."""

    def __init__(self, scenario: Scenario, seed: int, scale: float) -> None:
        self.scenario, self.seed, self.scale = scenario, seed, scale
        self.start, self.end = microseconds(scenario.start), microseconds(scenario.end)
        self.hours = (self.end - self.start) // HOUR_US
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

    def _variants(self, group: GroupPlan, campaign: int) -> list[_Variant]:
        rng = stream("campaign", self.seed, group.name, campaign)
        return [_Variant(*variant_text(rng, _TOPICS.get(group.name, "loan"))) for _ in range(group.variants)]

    def variant_weights(self, group: GroupPlan) -> NDArray[np.float64]:
        """Chance of each variant of a campaign: Zipf, so that few are seen often and many once."""
        weights = 1.0 / np.arange(1, group.variants + 1, dtype=np.float64) ** 1.05
        return np.asarray(weights / weights.sum(), dtype=np.float64)

    def batches(self, feed: str, size: int = 1_000) -> Iterator[tuple[CaptureBatch, bytes]]:
        """Captures of one feed in order of time, with the salts of their leaves (drawn from the seed)."""
        plan = self._plan(feed)
        arrivals = self._arrivals(feed)
        salts = stream("salts", self.seed, feed)
        writers = {g.name: _Writer(self, plan, g) for g in self.scenario.groups}
        for first in range(0, len(arrivals), size):
            batch = CaptureBatch()
            for at, name in arrivals[first : first + size]:
                meta, raw = writers[name].message(at)
                batch.push(at, meta, raw)
            yield batch, salts.bytes(16 * len(batch))

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
            writers = {g.name: _Writer(self, feed, g) for g in self.scenario.groups}
            with (out / f"{feed.name}.mbox").open("wb") as file:
                for at, name in arrivals:
                    _, raw = writers[name].message(at)
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
        """``truth/world.json`` and ``truth/rates.parquet``: expected messages by hour, feed and group, both ways."""
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
                    "unsolicited": g.name != "noise", "variant_weights": [float(w) for w in self.variant_weights(g)],
                    "stop": microseconds(g.stop.at) if g.stop else None,
                }
                for g in self.scenario.groups
            },
        }  # fmt: skip
        (out / "world.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


class _Writer:
    """Writes the messages of one group at one feed, in order of time."""

    def __init__(self, world: World, feed: FeedPlan, group: GroupPlan) -> None:
        self.world, self.feed, self.group = world, feed, group
        self.rng = stream("messages", world.seed, feed.name, group.name)
        self.weights = np.cumsum(world.variant_weights(group))
        self.campaign = -1
        self.variants: list[_Variant] = []

    def message(self, at: int) -> tuple[bytes, bytes]:
        """(meta, raw) of one message received at ``at``."""
        rng, group = self.rng, self.group
        u = rng.random(6)
        k = rng.integers(0, 2**31, 8)
        campaign = (at - self.world.start) // (group.campaign_days * DAY_US)
        if campaign != self.campaign:
            self.campaign, self.variants = int(campaign), self.world._variants(group, int(campaign))
        variant = self.variants[min(int(np.searchsorted(self.weights, u[0])), len(self.variants) - 1)]
        who = f"decoy{int(k[0]) % self.feed.addresses}"
        bot = int(k[1]) % group.bots
        peer = f"198.{18 + bot % 2}.{(bot // 2) % 256}.{(bot // 512 * 37 + bot) % 254 + 1}"
        subject, found = variant.subject, u[1] < group.words
        spelling = int(np.searchsorted(self.weights, u[0]))
        if "{w}" in subject:
            # A variant keeps its spelling, so that copies of a variant are copies.
            if found:
                subject = subject.format(w=FOUND[(spelling + self.campaign) % len(FOUND)])
            elif u[1] < group.words + group.missed:
                subject = subject.format(w=MISSED[(spelling + self.campaign) % len(MISSED)])
            else:
                subject = subject.format(w="Pills")
        url = f"http://{_name(k[2])}.example/{_name(k[3])}?id={int(k[4])}"
        body = variant.body.format(who=who, url=url, n=int(k[5]) % 90 + 10)
        if u[2] < group.unique:
            body += noise_text(rng, 12) + "\n"
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
        date = moment.strftime("%a, %d %b %Y %H:%M:%S +0000")
        sender = f"{_name(k[6])}@{_name(k[7])}.example"
        reverse = sender
        kind = 'Content-Type: text/plain; charset="utf-8"\r\n'
        extra = ""
        if group.name == "noise":
            if u[3] < 0.6:
                reverse, sender, subject = (
                    "",
                    f"MAILER-DAEMON@{_name(k[7])}.example",
                    "Undelivered Mail Returned to Sender",
                )
                extra = "Auto-Submitted: auto-replied\r\n"
            else:
                extra = "List-Id: <gardeners.lists.example>\r\n"
        if u[4] < 0.35:
            paragraphs = "".join(f"<p>{line}</p>" for line in body.splitlines() if line)
            body = f"<html><body>{paragraphs}</body></html>\n".replace(url, f'<a href="{url}">{url}</a>')
            kind = 'Content-Type: text/html; charset="utf-8"\r\n'
        raw = (
            f"Received: from {_name(k[6])} ([{peer}])\r\n\tby mx.{self.feed.domain} with SMTP; {date}\r\n"
            f"From: {sender}\r\nTo: {who}@{self.feed.domain}\r\nSubject: {encode_subject(subject, int(k[0]))}\r\n"
            f"Date: {date}\r\nMessage-ID: <{int(k[4]):08x}.{int(k[5]):08x}@{_name(k[7])}.example>\r\n{extra}"
            f"X-Simulated: spamtide {self.world.scenario.name}\r\nMIME-Version: 1.0\r\n{kind}\r\n"
            + body.replace("\n", "\r\n")
        )
        meta = {
            "v": 1, "from": reverse, "to": [f"{who}@{self.feed.domain}"], "peer": peer, "helo": _name(k[6]),
            "time_origin": "simulated", "persona": self.feed.persona, "marks": ["simulated"],
        }  # fmt: skip
        return json.dumps(meta).encode(), raw.encode()


_SYLLABLES = [
    "ba",
    "be",
    "bo",
    "da",
    "de",
    "di",
    "do",
    "fa",
    "fi",
    "ga",
    "go",
    "ha",
    "ka",
    "ko",
    "la",
    "le",
    "li",
    "lo",
    "ma",
    "mi",
    "mo",
    "na",
    "ne",
    "no",
    "pa",
    "pe",
    "ra",
    "re",
    "ri",
    "ro",
    "sa",
    "se",
    "ta",
    "te",
    "to",
    "va",
    "vi",
]


def _name(value: int) -> str:
    n, out = int(value), ""
    for _ in range(4):
        n, i = divmod(n, len(_SYLLABLES))
        out += _SYLLABLES[i]
    return out


def generate(scenario: Scenario, *, seed: int, scale: float = 1.0) -> World:
    """The world of a scenario. ``scale`` multiplies volume without changing shape."""
    return World(scenario, seed, scale)
