"""How big the botnet is that was seen at these traps: the effective number of live hosts by pair decay, and what else may be said.

Methods: docs/explanation/size.md. Addresses, networks and marks are numbers; nothing of this needs to know which they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spamtide.measure.marks import STABLE, MarkedHosts, marked_hosts, stability
from spamtide.measure.pairdecay import POOL, Decay, Pairs, first_gap, fit_decay, pairs_of, without_each
from spamtide.measure.values import DAY_US, HOUR_US, Interval, Note, Refusal, Window

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
METHOD = "pair-decay/1"
# Fewer pairs of one address than this say nothing.
MIN_PAIRS = 30
# Parts of the networks that are left out in turn.
PARTS = 20
# From this share of sightings with a mark on, hosts are counted by marks.
MARKED_SHARE = 0.3
# Where short gaps hold too many pairs up to so many hours, nobody can tell sessions from addresses that change as fast.
LONG_SESSIONS = 12
# In the day after the first gap used, so many times as many pairs as leases give by chance: fewer say nothing of hosts.
ABOVE_CHANCE = 2.0
# Where fewer addresses than this are still held at the first gap used, too much is carried back to say "at least".
HELD = 0.8
# A host is seen in so small a share of hours: then an hour in which it was seen counts once, however much it sent.
SELDOM = 0.08
# Sightings at addresses with three marks or more in an hour, from this share on: many hosts behind one address.
SHARED_SHARE = 0.1
# A mark that is met in more networks than this is a word that many machines say.
MARK_NETWORKS = 3
# Longer gaps than this bring nothing but work.
LONGEST_DAYS = 60


@dataclass(frozen=True, slots=True)
class Sightings:
    """Who was seen sending, n rows in order of time: ``at`` microseconds, ``address``, ``network``, ``mark`` (-1: none) and ``feed`` as numbers."""

    at: Ints
    address: Ints
    network: Ints
    mark: Ints
    feed: Ints
    family: str = "IPv4"

    def __len__(self) -> int:
        return len(self.at)

    def taken(self, rows: NDArray[np.bool_]) -> Sightings:
        """Some of the rows."""
        return Sightings(
            self.at[rows], self.address[rows], self.network[rows], self.mark[rows], self.feed[rows], self.family
        )


@dataclass(frozen=True, slots=True)
class Estimate:
    """One quantity with its interval, unit, what population it is of, and on what it rests; ``warning``: a code where it is not to be trusted."""

    quantity: str
    interval: Interval
    unit: str
    population: str
    method: str
    assumptions: tuple[str, ...]
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Population:
    """What was estimated of one family of addresses in a window. ``refused``: why there is no effective size. ``at_least``: whether it may be called a lower bound."""

    window: Window
    family: str
    sightings: int
    estimates: tuple[Estimate, ...]
    refused: Refusal | None
    decay: Decay | None
    marks: MarkedHosts | None
    at_least: bool
    warnings: tuple[Note, ...]

    def estimate(self, quantity: str) -> Estimate | None:
        """The one of that quantity."""
        return next((e for e in self.estimates if e.quantity == quantity), None)


@dataclass(frozen=True, slots=True)
class _Fit:
    """The decay with what it was fitted to: sightings as they were counted, their hours, pairs; ``link_hours``: how far apart two of one session are."""

    rows: Sightings
    hours: Ints
    pairs: Pairs
    decay: Decay
    link_hours: float


def estimate_population(seen: Sightings, window: Window, exposures: Floats | None = None) -> Population:
    """The size of what was seen in ``window``, of one family of addresses.

    ``exposures``: share of each 24 hours from its start in which the traps were live (all of it by default). Too few pairs are a
    refusal in the value. Cost: one or two seconds for a hundred thousand sightings in a week.
    """
    seen = seen.taken((seen.at >= window.start) & (seen.at < window.end))
    days = max(int(window.days), 1)
    live = np.ones(days) if exposures is None else exposures[:days]
    estimates = _counted(seen, window, live)
    fit = _fit(seen, window)
    refused: Refusal | None = None
    marks: MarkedHosts | None = None
    notes: list[Note] = []
    spreads = (0.0, 0.0, 0.0)
    if isinstance(fit, Refusal):
        refused = fit
    else:
        marks, notes = _marked(seen, window, fit.link_hours)
        spreads = _spreads(fit, _own_marks(seen), window, marks)
        if not all(map(np.isfinite, spreads if marks is not None else spreads[:1])):
            refused = _few_addresses(len(np.unique(seen.address)))
    if refused is not None or isinstance(fit, Refusal):
        return Population(window, seen.family, len(seen), tuple(estimates), refused, None, None, False, ())
    spread, live_spread, ever_spread = spreads
    estimates.append(_effective(fit.decay, spread))
    if marks is not None:
        estimates += _hosts(fit.decay, marks, live_spread, ever_spread)
    output = next((e for e in estimates if e.quantity == "output_per_day"), None)
    if output is not None:
        estimates.append(_per_host(output.interval, fit.decay, spread))
    estimates += textbook(seen, window)
    held = fit.decay.survival[max(fit.decay.first_gap, 1)] >= HELD
    at_least = bool(seen.family == "IPv4" and not notes and held)
    return Population(
        window, seen.family, len(seen), tuple(estimates), None, fit.decay, marks, at_least, tuple(notes)
    )  # fmt: skip


def _counted(seen: Sightings, window: Window, live: Floats) -> list[Estimate]:
    """What is merely counted: addresses ever, by day and by hour, and output by day."""
    ever = float(len(np.unique(seen.address)))
    found = [_count("addresses_ever", Interval(ever, ever, ever), "address")]
    day, hour = (seen.at - window.start) // DAY_US, (seen.at - window.start) // HOUR_US
    whole = live > 0
    per_day = _distinct(seen.address, day, len(live))[whole]
    per_hour = _distinct(seen.address, hour, len(live) * 24)[np.repeat(whole, 24)]
    output = np.bincount(day[day < len(live)], minlength=len(live))[whole] / live[whole]
    for quantity, values, unit in (
        ("addresses_per_day", per_day, "address"), ("addresses_per_hour", per_hour, "address"), ("output_per_day", output, "message"),
    ):  # fmt: skip
        interval = _mean(values.astype(np.float64), 24 if quantity == "addresses_per_hour" else 1)
        if interval is not None:
            found.append(_count(quantity, interval, unit))
    return found


def _count(quantity: str, interval: Interval, unit: str) -> Estimate:
    return Estimate(quantity, interval, unit, "seen at these traps", "count", ())


def _distinct(keys: Ints, bins: Ints, number: int) -> Floats:
    pairs = np.unique(np.stack([bins, keys], axis=1), axis=0)[:, 0]
    return np.bincount(pairs[pairs < number], minlength=number).astype(np.float64)


def _mean(values: Floats, together: int) -> Interval | None:
    """Mean with a t interval over blocks of so many values; None with fewer than two blocks."""
    from scipy.special import stdtrit

    blocks = values[: len(values) // together * together].reshape(-1, together).mean(axis=1)
    if len(blocks) < 2:
        return None
    mean = float(blocks.mean())
    half = float(stdtrit(len(blocks) - 1, 0.975) * blocks.std(ddof=1) / np.sqrt(len(blocks)))
    return Interval(mean, max(mean - half, 0.0), mean + half)


def _fit(seen: Sightings, window: Window) -> _Fit | Refusal:
    longest = int(min(window.days, LONGEST_DAYS) * 24) - 1
    pool = POOL if seen.family == "IPv4" else np.inf
    if len(seen) < 2 or longest < 2:
        return Refusal("too_few_pairs", {"pairs": MIN_PAIRS}, {"pairs": 0})
    hours = (seen.at - window.start) // HOUR_US
    pairs = pairs_of(seen.address, seen.network, hours, longest, pool)
    gap = first_gap(pairs)
    rows = seen
    if gap > 0:
        once = _each_hour_once(seen, hours)
        by_hour = pairs_of(once.address, once.network, once.at, longest, pool)
        band = by_hour.same[gap : gap + 12]
        if len(band) and band.mean() / max(len(once), 1) <= SELDOM:
            rows, hours, pairs = once, once.at, by_hour
            gap = first_gap(pairs, 1)
    decay = fit_decay(pairs, gap)
    have = float(pairs.same[max(gap, 1) :].sum())
    if decay is None or have < MIN_PAIRS:
        return Refusal("too_few_pairs", {"pairs": MIN_PAIRS}, {"pairs": int(have)})
    if len(np.unique(rows.address)) == 1:
        return _few_addresses(1)
    if gap >= LONG_SESSIONS or _by_chance(pairs, max(gap, 1)):
        return Refusal("addresses_change_too_fast", {"hours_at_one_address": 6}, {"first_gap_hours": gap})
    return _Fit(rows, hours, pairs, decay, 0.0 if gap == 0 else max(gap - 1.0, 0.5))


def _few_addresses(addresses: int) -> Refusal:
    """What is left out in turn are networks, or addresses: of one, or of few that are seldom seen twice, there is no interval."""
    return Refusal("too_few_addresses", {"addresses": max(addresses + 1, 2)}, {"addresses": addresses})


def _by_chance(pairs: Pairs, gap: int) -> bool:
    """Whether the pairs of a day's gaps from ``gap`` on are hardly more than hosts of a network get by taking each other's addresses."""
    day = slice(gap, gap + 24)
    return bool(pairs.same[day].sum() < ABOVE_CHANCE * pairs.network[day].sum() / pairs.pool)


def _each_hour_once(seen: Sightings, hours: Ints) -> Sightings:
    """One row for each hour in which an address was seen; ``at`` is then the hour's number."""
    kept = np.unique(np.stack([hours, seen.address, seen.network], axis=1), axis=0)
    none = np.full(len(kept), -1)
    return Sightings(kept[:, 0], kept[:, 1], kept[:, 2], none, none, seen.family)


def _parts(rows: Sightings) -> Ints:
    """The part of each row: networks dealt out by size, or addresses where there are too few networks."""
    keys = rows.network if len(np.unique(rows.network)) >= PARTS else rows.address
    found, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    dealt = np.empty(len(found), dtype=np.int64)
    dealt[np.argsort(-counts, kind="stable")] = np.arange(len(found)) % PARTS
    return dealt[place]


def _marked(seen: Sightings, window: Window, link_hours: float) -> tuple[MarkedHosts | None, list[Note]]:
    """Hosts by marks, where enough sightings have one that stays with its host; a mark counts within its network."""
    seen = _own_marks(seen)
    known = seen.mark >= 0
    seconds = (seen.at - window.start) / 1e6
    if known.mean() < MARKED_SHARE:
        return None, []
    notes = [Note("shared_addresses")] if _shared_share(seen) >= SHARED_SHARE else []
    if stability(seen.address, seen.mark, seconds) < STABLE:
        return None, notes
    return marked_hosts(_local_marks(seen)[known], seconds[known], window.days, link_hours * 3600), notes


def _own_marks(seen: Sightings) -> Sightings:
    """The same, with no mark where it is one of many networks."""
    rows = np.unique(np.stack([seen.mark, seen.network], axis=1), axis=0)[:, 0]
    marks, n = np.unique(rows, return_counts=True)
    common = np.isin(seen.mark, marks[n > MARK_NETWORKS])
    return Sightings(seen.at, seen.address, seen.network, np.where(common, -1, seen.mark), seen.feed, seen.family)


def _local_marks(seen: Sightings) -> Ints:
    return seen.mark * (int(seen.network.max()) + 1) + seen.network


def _shared_share(seen: Sightings) -> float:
    """Share of sightings at addresses that show three marks or more in one hour; of marks that are met in several hours, no others tell anything."""
    hour = seen.at // HOUR_US
    met = np.unique(np.stack([seen.mark, hour], axis=1), axis=0)[:, 0]
    marks, n = np.unique(met, return_counts=True)
    kept = (seen.mark >= 0) & np.isin(seen.mark, marks[n >= 2])
    rows = np.unique(np.stack([seen.address[kept], hour[kept], seen.mark[kept]], axis=1), axis=0)
    places, together = np.unique(rows[:, :2], axis=0, return_counts=True)
    return float(np.isin(seen.address, places[together >= 3, 0]).mean())


def _spreads(fit: _Fit, seen: Sightings, window: Window, marks: MarkedHosts | None) -> tuple[float, float, float]:
    """Standard deviations of the logs of N, of live hosts and of hosts ever: the delete-group jackknife over parts, each scaled to the whole."""
    part = _parts(fit.rows)
    effective, live, ever = [], [], []
    networks = dict(zip(fit.rows.network.tolist(), part.tolist(), strict=True)) if marks is not None else {}
    own = np.array([networks.get(n, -1) for n in seen.network.tolist()]) if marks is not None else part
    seconds, local = (seen.at - window.start) / 1e6, _local_marks(seen)
    for number, (left, pairs) in enumerate(
        without_each(fit.pairs, fit.rows.address, fit.rows.network, fit.hours, part)
    ):
        decay = fit_decay(pairs, fit.decay.first_gap, (fit.decay.night,))
        if decay is None:
            continue
        effective.append(np.log(decay.effective / left))
        if marks is not None:
            kept = (own != number) & (seen.mark >= 0)
            again = marked_hosts(local[kept], seconds[kept], window.days, fit.link_hours * 3600)
            if again is not None:
                live.append(effective[-1] + np.log1p(1.0 / again.shape))
                ever.append(np.log(again.ever / left))
    return _jackknife(effective), _jackknife(live), _jackknife(ever)


def _jackknife(logs: Sequence[float]) -> float:
    """The standard deviation of a log; of fewer parts than ``PARTS`` so much larger that Student's t of ``PARTS`` suits it."""
    from scipy.special import stdtrit

    n = len(logs)
    if n < 2:
        return np.inf
    deviation = float(np.sqrt((n - 1) / n * ((np.array(logs) - np.mean(logs)) ** 2).sum()))
    return deviation * float(stdtrit(n - 1, 0.975) / stdtrit(PARTS - 1, 0.975))


def _around(value: float, spread: float) -> Interval:
    from scipy.special import stdtrit

    half = float(stdtrit(PARTS - 1, 0.975)) * spread
    return Interval(value, float(value * np.exp(-half)), float(value * np.exp(half)))


def _effective(decay: Decay, spread: float) -> Estimate:
    return Estimate(
        "hosts_lower_bound", _around(decay.effective, spread), "host", "live at a time, as if equally active", METHOD,
        ("a host holds one address at a time", "addresses change within their network"),
    )  # fmt: skip


def _hosts(decay: Decay, marks: MarkedHosts, spread: float, ever_spread: float) -> list[Estimate]:
    live = decay.effective * (1.0 + 1.0 / marks.shape)
    gamma = ("activity is gamma over hosts", "a mark stays with its host, within one network")
    return [
        Estimate("hosts", _around(live, spread), "host", "live at a time", f"{METHOD} and marks", gamma),
        Estimate(
            "hosts_ever",
            _around(marks.ever, ever_spread),
            "host",
            "in the window",
            "zero-truncated negative binomial on marks",
            gamma,
        ),
    ]


def _per_host(output: Interval, decay: Decay, spread: float) -> Estimate:
    own = np.log(output.high / output.low) / 3.92 if output.low > 0 else np.inf
    value = output.value / decay.effective
    return Estimate(
        "output_per_host_per_day", _around(value, float(np.hypot(own, spread))), "message", "an effective host, at these traps", METHOD,
        ("as hosts_lower_bound",),
    )  # fmt: skip


def textbook(seen: Sightings, window: Window) -> list[Estimate]:
    """What the textbook says of addresses: Chapman on the two largest feeds, and Chao1, on the middle one of single days. Not to be trusted here."""
    days = (seen.at - window.start) // DAY_US
    feeds, counts = np.unique(seen.feed, return_counts=True)
    two = feeds[np.argsort(-counts)[:2]]
    chapman, chao = [], []
    for day in range(max(int(window.days), 1)):
        rows = seen.taken(days == day)
        times = np.unique(rows.address, return_counts=True)[1]
        if len(times):
            chao.append(_chao1(times))
        if len(two) == 2:
            first, second = (np.unique(rows.address[rows.feed == f]) for f in two)
            chapman.append(_chapman(len(first), len(second), len(np.intersect1d(first, second))))
    found = []
    for quantity, values, method in (("textbook_chapman", chapman, "Chapman"), ("textbook_chao1", chao, "Chao1")):
        if values:
            middle = sorted(values, key=lambda i: i.value)[len(values) // 2]
            found.append(
                Estimate(quantity, middle, "address", "of one day", method, ("no address changes hands", "every host is seen alike"), "textbook")
            )  # fmt: skip
    return found


def _chapman(first: int, second: int, both: int) -> Interval:
    n = (first + 1) * (second + 1) / (both + 1) - 1
    variance = (first + 1) * (second + 1) * (first - both) * (second - both) / ((both + 1) ** 2 * (both + 2))
    half = 1.96 * float(np.sqrt(variance))
    return Interval(n, max(n - half, float(first + second - both)), n + half)


def _chao1(times: Ints) -> Interval:
    seen, once, twice = len(times), int((times == 1).sum()), int((times == 2).sum())
    unseen = once * (once - 1) / (2 * (twice + 1))
    if unseen <= 0:
        return Interval(seen, seen, seen)
    ratio = once / max(twice, 1)
    variance = max(twice, 1) * (ratio**4 / 4 + ratio**3 + ratio**2 / 2)
    factor = float(np.exp(1.96 * np.sqrt(np.log1p(variance / unseen**2))))
    return Interval(seen + unseen, seen + unseen / factor, seen + unseen * factor)
