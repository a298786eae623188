"""A world drawn from a scenario: rates, captures, truth. The same seed and scale give the same bytes on any machine.

Rates first (per hour, feed and stream, with and without the event), then counts, then messages, which the kernel makes. The
truth holds the rates, so that planted values are expected, not realised, counts; no other room reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from spamtide.simulate.counts import Bin, write_counts
from spamtide.simulate.kernel import CaptureBatch, WorldMaker
from spamtide.simulate.making import TOGETHER, kernel_spec, made, pieces
from spamtide.simulate.rates import Rates
from spamtide.simulate.scenario import Scenario
from spamtide.simulate.truthfiles import TruthFiles, message_rows, write_truth


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

    def __init__(self, scenario: Scenario, seed: int, scale: float, threads: int) -> None:
        self.scenario, self.seed, self.scale, self._threads = scenario, seed, scale, threads
        self.rates = Rates(scenario, seed, scale, lambda *what: self.maker.washed_share(*what))
        self.start, self.end = self.rates.start, self.rates.end
        self.feeds = [SimulatedFeed(f.name, f.vantage, f.addresses, f.persona, [f.domain]) for f in scenario.feeds]
        self._truth: Callable[[pa.Table], None] | None = None

    @cached_property
    def maker(self) -> WorldMaker:
        """The kernel's part of the world: hosts and texts."""
        return WorldMaker(kernel_spec(self.rates))

    def _index(self, feed: str) -> int:
        return next(i for i, f in enumerate(self.scenario.feeds) if f.name == feed)

    def exposure(self, feed: str) -> list[tuple[int, int]]:
        """Intervals in which the feed was up."""
        return self.rates.exposure(feed)

    @cached_property
    def messages(self) -> int:
        """Messages in all feeds, those that come again among them."""
        if all(g.retry == 0 for g in self.scenario.groups):
            return int(sum(int(counts.sum()) for counts in self.rates.counts))
        every = (p for i in range(len(self.feeds)) for p in pieces(self.rates, self.maker, i))
        return sum(p.stop - p.start for p in every)

    def truth_into(self, folder: Path) -> TruthFiles:
        """Write the truth into a folder while messages are made: use it in a ``with`` block around ``batches``."""
        files = TruthFiles(folder, self)
        self._truth = files.add
        return files

    def batches(self, feed: str, size: int = TOGETHER) -> Iterator[tuple[CaptureBatch, bytes]]:
        """Captures of one feed in order of time, with the salts of their leaves (drawn from the seed)."""
        for batch, salts, _ in self._made(feed, size):
            yield batch, salts

    def sent_batches(self, feed: str, size: int = TOGETHER) -> Iterator[tuple[CaptureBatch, list[tuple[int, int]]]]:
        """The same captures, each with its botnet (place in ``rates.botnets``) and the number of its bot there."""
        for batch, _, truth in self._made(feed, size):
            yield batch, list(zip(truth["botnet"].to_pylist(), truth["bot"].to_pylist(), strict=True))

    def _made(self, feed: str, size: int) -> Iterator[tuple[CaptureBatch, bytes, pa.Table]]:
        place = 0
        for batch, salts, truth in made(self.rates, self.maker, self._index(feed), self._threads, size):
            if self._truth is not None:
                self._truth(message_rows(self, feed, place, truth))
            place += len(batch)
            yield batch, salts, truth

    def write_mbox(self, out: Path) -> int:
        """One ``FEED.mbox`` (mboxrd) a feed; the number of messages."""
        out.mkdir(parents=True, exist_ok=True)
        n = 0
        for feed in self.scenario.feeds:
            with (out / f"{feed.name}.mbox").open("wb") as file:
                for batch, _ in self.batches(feed.name):
                    file.write(batch.mbox())
                    n += len(batch)
        return n

    def write_counts(self, out: Path, by: Bin = "day") -> int:
        """One ``FEED.csv`` of counts a feed (``time,series,count,exposure``); the number of messages."""
        return write_counts(self.rates, out, by)

    def write_truth(self, out: Path) -> None:
        """The truth that is known without making a message."""
        write_truth(out, self)


def generate(scenario: Scenario, *, seed: int, scale: float = 1.0, threads: int = 2) -> World:
    """The world of a scenario. ``scale`` multiplies volume without changing shape; ``threads`` changes nothing but the time."""
    return World(scenario, seed, scale, threads)
