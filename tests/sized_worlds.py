"""Sightings of a botnet with planted truth: churn, unequal activity, turnover, NAT, marks, sessions, day and night. For tests and bench/size.py."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spamtide.measure import HOUR_US, Sightings

HOUR, DAY = 1.0, 24.0
POOL = 254


@dataclass(frozen=True)
class Kind:
    """A world. ``hits`` a host and day. ``churn``: hours an address lasts, by network (log-uniform between the two); 0: for ever.

    ``shape``: of the gamma distribution of activity. ``life``: days a host lives. ``session``: messages a session has on average,
    spread over ``spread`` hours. ``nat``: share of hosts that stand behind an address with others. ``marked``: share of hits with a
    mark; ``shared``: share of hosts whose mark others have too. ``night``: how much less is sent at night, by the country of the network.
    """

    name: str
    hosts: int = 3000
    days: float = 7
    hits: float = 1.5
    churn: tuple[float, float] = (0.0, 0.0)
    periodic: bool = False
    shape: float = 1.0
    life: float = 0.0
    session: float = 1.0
    spread: float = 1.0
    nat: float = 0.0
    marked: float = 0.0
    shared: float = 0.0
    night: float = 0.0
    crowd: int = 24


KINDS = (
    Kind("plain"),
    Kind("alike", shape=20.0),
    Kind("churn of a day", churn=(24.0, 24.0)),
    Kind("churn of 12 hours to a month", churn=(12.0, 720.0)),
    Kind("reset each day", churn=(24.0, 24.0), periodic=True),
    Kind("turnover in 20 days", life=20.0),
    Kind("day and night", night=0.8, churn=(24.0, 240.0)),
    Kind("all but sessions", churn=(12.0, 720.0), life=30.0, night=0.5),
    Kind("few sightings", hits=0.3, churn=(48.0, 480.0)),
)
SESSIONS = (
    Kind("sessions", session=5.0),
    Kind("sessions, churn of a day", session=5.0, churn=(24.0, 24.0)),
    Kind("sessions of 3 hours, churn", session=8.0, spread=3.0, churn=(12.0, 720.0)),
    Kind("everything", session=5.0, churn=(12.0, 720.0), life=30.0, night=0.5),
)
# What bends the answer; the bias is in docs/explanation/size.md.
BENT = (
    Kind("a tenth behind NAT", nat=0.1),
    Kind("half behind NAT", nat=0.5),
    Kind("churn of 3 hours", churn=(3.0, 3.0)),
    Kind("10,000 hosts, a week", hosts=10_000, churn=(12.0, 720.0), life=30.0),
    Kind("very unequal", shape=0.3, churn=(24.0, 240.0)),
    Kind("crowded networks", crowd=120, churn=(24.0, 24.0)),
)
MARKED = (
    *(
        replace(k, name=f"{k.name}, marks", marked=0.8, shared=0.02)
        for k in (KINDS[0], KINDS[3], KINDS[5], SESSIONS[0], SESSIONS[3])
    ),
    Kind("a third marked, a tenth shared", marked=0.35, shared=0.1),
    Kind("turnover in 5 days, marks", life=5.0, marked=0.8),
)


@dataclass(frozen=True)
class World:
    """Sightings (n rows in order of time): hours, address, network, mark (-1: none), host; and the truth."""

    at: np.ndarray
    address: np.ndarray
    network: np.ndarray
    mark: np.ndarray
    host: np.ndarray
    effective: float
    live: int
    ever: int


def make(kind: Kind, seed: int) -> World:
    """One world."""
    rng = np.random.Generator(np.random.Philox(seed))
    end = kind.days * DAY
    networks = max(1, kind.hosts // kind.crowd)
    # A slot is a line with one host after another; each host of it has an activity of its own.
    slot, born, gone = _hosts(kind, rng, end)
    activity = rng.gamma(kind.shape, 1 / kind.shape, len(slot))
    net = rng.integers(0, networks, kind.hosts)[slot]
    zone = rng.integers(0, 24, networks)
    mean = activity * kind.hits / kind.session * (gone - born) / DAY
    starts, who = _times(rng, mean, born, gone)
    if kind.night:
        local = (starts + zone[net[who]]) % 24
        keep = rng.random(len(starts)) < (1 + kind.night * np.cos((local - 20) / 24 * 2 * np.pi)) / (1 + kind.night)
        starts, who = starts[keep], who[keep]
    if kind.session > 1:
        n = rng.geometric(1 / kind.session, len(starts))
        who = np.repeat(who, n)
        starts = np.repeat(starts, n) + np.where(np.arange(len(who)) > 0, rng.random(len(who)) * kind.spread, 0)
    inside = (starts < np.minimum(gone[who], end)) & (starts >= 0)
    at, who = starts[inside], who[inside]
    order = np.argsort(at, kind="stable")
    at, who = at[order], who[order]
    address = _addresses(kind, rng, at, who, slot, net)
    mark = np.where(rng.random(len(at)) < kind.marked, who, -1)
    common = rng.random(len(slot)) < kind.shared
    mark = np.where((mark >= 0) & common[np.maximum(mark, 0)], -2 - net[who] % 7, mark)
    # Time-averages of the squares over the window; every slot is always occupied.
    lived = np.clip(np.minimum(gone, end) - np.maximum(born, 0), 0, None)
    total, squares = (activity * lived).sum() / end, (activity**2 * lived).sum() / end
    return World(at, address, net[who], mark, who, total**2 / squares, kind.hosts, len(slot))


def _hosts(kind: Kind, rng: np.random.Generator, end: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not kind.life:
        return np.arange(kind.hosts), np.zeros(kind.hosts), np.full(kind.hosts, end)
    slots, born, gone = [], [], []
    for s in range(kind.hosts):
        at = 0.0
        while at < end:
            lasts = rng.exponential(kind.life * DAY)
            slots.append(s)
            born.append(at)
            gone.append(min(at + lasts, end))
            at += lasts
    return np.array(slots), np.array(born), np.array(gone)


def _times(
    rng: np.random.Generator, mean: np.ndarray, born: np.ndarray, gone: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    who = np.repeat(np.arange(len(mean)), rng.poisson(mean))
    return born[who] + rng.random(len(who)) * (gone - born)[who], who


def _addresses(
    kind: Kind, rng: np.random.Generator, at: np.ndarray, who: np.ndarray, slot: np.ndarray, net: np.ndarray
) -> np.ndarray:
    """The address of each sighting: leases of a line in its network, each a free address, none held by two at once."""
    line, lines = slot[who], int(slot.max()) + 1
    home = np.zeros(lines, dtype=np.int64)
    home[slot] = net
    end = kind.days * DAY
    starts, of = [np.zeros(lines)], [np.arange(lines)]
    if kind.churn[1]:
        lasts = np.exp(rng.uniform(np.log(kind.churn[0]), np.log(kind.churn[1]), int(net.max()) + 1))[home]
        n = rng.poisson(end / lasts) if not kind.periodic else np.ceil(end / lasts).astype(int)
        owner = np.repeat(np.arange(lines), n)
        if kind.periodic:
            number = np.arange(len(owner)) - np.repeat(np.cumsum(n) - n, n)
            times = (number + rng.random(lines)[owner]) * lasts[owner]
        else:
            times = rng.random(len(owner)) * end
        starts.append(times)
        of.append(owner)
    begin, owner = np.concatenate(starts), np.concatenate(of)
    order = np.argsort(begin, kind="stable")
    begin, owner = begin[order], owner[order]
    given = np.empty(len(begin), dtype=np.int64)
    free: dict[int, list[int]] = {}
    held = np.full(lines, -1)
    draws = rng.random(len(begin))
    for i, ln in enumerate(owner.tolist()):
        pool = free.setdefault(int(home[ln]), list(range(POOL)))
        place = int(draws[i] * len(pool))
        given[i], pool[place] = pool[place], pool[-1]
        pool.pop()
        if held[ln] >= 0:
            pool.append(int(held[ln]))
        held[ln] = given[i]
    by_line = np.lexsort((begin, owner))
    keys = owner[by_line] * 1e6 + begin[by_line]
    address = given[by_line][np.searchsorted(keys, line * 1e6 + at, side="right") - 1]
    if kind.nat:
        behind, gateway = rng.random(lines) < kind.nat, rng.integers(0, 3, lines)
        address = np.where(behind[line], POOL + gateway[line], address)
    return home[line] * 1000 + address


def sightings_of(world: World) -> Sightings:
    """The world as the estimator takes it, at two feeds."""
    mark = np.where(world.mark == -1, -1, np.where(world.mark >= 0, world.mark, 10_000_000 - world.mark))
    feed = np.arange(len(world.at)) % 2
    return Sightings((world.at * HOUR_US).astype(np.int64), world.address, world.network, mark, feed)
