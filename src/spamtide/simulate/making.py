"""Messages made by the kernel in threads, a few thousand at a time, handed on in order. Which thread made them leaves no trace."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from spamtide.fingerprint import arrow_array
from spamtide.simulate.botnets import COUNTRIES, DIURNAL, placed
from spamtide.simulate.kernel import CaptureBatch, WorldMaker
from spamtide.simulate.rates import DAY_US, HOUR_US, Rates
from spamtide.simulate.scenario import BotnetPlan, FeedPlan, GroupPlan, microseconds

# Hours after which a message whose reply was lost no longer comes again.
LOOKBACK = 6
# The mark of feeds that were fetched from a mailbox: no session of ours brought them, so none is written down.
WITHOUT_SESSION = "line_ends_not_evidence"
# Messages made in one call.
TOGETHER = 2_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Attempts ``start`` to ``stop`` of some hours of one feed; the counts begin ``lead`` hours earlier."""

    feed: int
    first: int
    lead: int
    counts: bytes
    start: int
    stop: int


def variant_sums(group: GroupPlan) -> list[float]:
    """Running weights of a campaign's variants: Zipf, so that few are seen often and many once."""
    weights = 1.0 / np.arange(1, group.variants + 1, dtype=np.float64) ** 1.05
    return [float(w) for w in np.cumsum(weights / weights.sum())]


def _running(weights: Mapping[Any, float]) -> list[tuple[str, float]]:
    return list(zip(weights, (float(x) for x in np.cumsum(list(weights.values()))), strict=True))


def _us(days: float) -> int:
    return int(days * DAY_US)


def personas(rates: Rates, feed: FeedPlan) -> list[tuple[int, str]]:
    """Personas of a feed with the instant from which each holds."""
    changes = [e for e in rates.scenario.events if e.kind == "persona" and feed.name in e.feeds and e.value]
    found = [(rates.start, feed.persona)]
    for event in sorted(changes, key=lambda e: e.at):
        found.append((microseconds(event.at), event.value or ""))
        if event.until is not None:
            found.append((microseconds(event.until), feed.persona))
    return found


def decay(rates: Rates, botnet: BotnetPlan) -> tuple[int, int] | None:
    """From when on a botnet's hosts are cleaned and not replaced, and their half-life."""
    for event in rates.scenario.events:
        if event.kind == "decay" and botnet.name in event.botnets and event.half_life_days:
            return microseconds(event.at), _us(event.half_life_days)
    return None


def kernel_spec(rates: Rates) -> bytes:
    """What the kernel needs of a scenario, as JSON."""
    scenario = rates.scenario
    document = {
        "scenario": scenario.name,
        "seed": rates.seed,
        "start": rates.start,
        "end": rates.end,
        "feeds": [
            {
                "name": f.name, "domain": f.domain, "addresses": f.addresses,
                "personas": personas(rates, f), "down": rates.down(f.name), "balancer": f.balancer, "marks": f.marks,
                "transcripts": WITHOUT_SESSION not in f.marks,
            }
            for f in scenario.feeds
        ],
        "groups": [
            {
                "name": g.name, "topic": g.topic, "words": g.words, "missed": g.missed, "unique": g.unique,
                "variants": variant_sums(g), "campaign": g.campaign_days * DAY_US,
                "languages": _running(g.languages), "forms": _running(g.forms),
                "hidden": g.hidden, "misspelt": g.misspelt, "homoglyph": g.homoglyph, "drift": _us(g.drift_days),
                "family": g.family, "domains": g.domains, "recipients": g.recipients, "retry": g.retry,
                "unfinished": g.unfinished, "address_sd": g.address_sd, "washes": rates.washes(g),
            }
            for g in scenario.groups
        ],
        "botnets": [
            {
                "name": b.plan.name, "dialect": b.plan.dialect, "hosts": b.plan.hosts, "life": _us(b.plan.life_days), "decay": decay(rates, b.plan),
                "countries": [(c, COUNTRIES[c], s) for c, s in (b.plan.countries or {"xx": 1.0}).items()],
                "diurnal": DIURNAL.tolist() if b.plan.countries else [1.0] * 24,
                "networks": b.networks, "first_network": b.first_network, "space": b.plan.space,
                "churn": [int(h * HOUR_US) for h in b.plan.churn_hours], "periodic": b.plan.periodic, "nat": b.plan.nat,
                "tail": b.plan.tail, "duty": b.plan.duty, "overlap": b.plan.overlap, "helo": b.plan.helo,
            }
            for b in placed(scenario)
        ],
        "streams": [{"group": s.group, "botnet": s.botnet, "quiet": rates.quiet(k)} for k, s in enumerate(rates.streams)],
    }  # fmt: skip
    return msgspec.json.encode(document)


def pieces(rates: Rates, maker: WorldMaker, feed: int, together: int = TOGETHER) -> Iterator[Piece]:
    """The work of one feed, cut so that no call makes many more than ``together`` messages."""
    counts = rates.counts[feed]
    by_hour = counts.sum(axis=1)
    again = any(g.retry > 0 for g in rates.scenario.groups)
    first = 0
    while first < rates.hours:
        last, n = first + 1, int(by_hour[first])
        while last < rates.hours and n + int(by_hour[last]) <= together:
            n += int(by_hour[last])
            last += 1
        lead = min(LOOKBACK, first) if again else 0
        block = counts[first - lead : last].tobytes()
        attempts = maker.attempts(feed, first, lead, block) if again else n
        for start in range(0, attempts, together):
            yield Piece(feed, first, lead, block, start, min(start + together, attempts))
        first = last


def make(maker: WorldMaker, piece: Piece) -> tuple[CaptureBatch, bytes, pa.Table]:
    """The messages of a piece, the salts of their leaves, and the truth, a row a message."""
    batch, salts, columns = maker.make(piece.feed, piece.first, piece.lead, piece.counts, piece.start, piece.stop)
    truth = columns["truth"]
    return batch, salts, pa.table({name: arrow_array(column) for name, column in truth.items()})


def made(
    rates: Rates, maker: WorldMaker, feed: int, threads: int, together: int = TOGETHER
) -> Iterator[tuple[CaptureBatch, bytes, pa.Table]]:
    """Everything of one feed in order of time; at most two pieces a thread wait to be taken."""
    waiting: deque[Future[tuple[CaptureBatch, bytes, pa.Table]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for piece in pieces(rates, maker, feed, together):
            waiting.append(pool.submit(make, maker, piece))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
