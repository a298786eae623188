"""How far two sets of mail share their hosts, beyond chance, within spans short enough for addresses that change.

Everything is counted over *host days*: an address on a UTC day. A host day of A is shared with B when the same address sent for B
within ``reach`` days. Chance is put at the rate at which mail of different engines shares hosts, since those are not one machine's.
The tail is Hoeffding's bound (1963) on the hypergeometric tail, which holds for any sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

DAY_US = 86_400_000_000
if TYPE_CHECKING:
    from scipy import sparse

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
# Spans over which addresses may be compared, days; the longest at which they still last is taken.
REACHES = (1, 3, 7, 14, 30, 60)
# An address that speaks more engines than this within a span, or sends for more campaigns a day, is a relay or many machines.
LOUD_DIALECTS, LOUD_CAMPAIGNS = 2, 12
# Where there are no two engines to compare, hosts are taken to be this much scarcer than those seen.
UNSEEN = 100.0


@dataclass(frozen=True, slots=True)
class HostDays:
    """Who sent when: one row for each (unit, address, day), sorted, once. ``unit`` numbers sendings, ``engine`` their dialects."""

    unit: Ints
    peer: Ints
    day: Ints
    engine: Ints

    def __len__(self) -> int:
        return len(self.unit)


def host_days(unit: Ints, peer: Ints, at: Ints, engine_of_unit: Ints) -> HostDays:
    """Host days of messages; a row each message, ``peer`` below 0 where the address is not known."""
    known = peer >= 0
    rows = np.unique(np.stack([unit[known], peer[known], at[known] // DAY_US], axis=1), axis=0)
    return HostDays(rows[:, 0], rows[:, 1], rows[:, 2], engine_of_unit[rows[:, 0]])


def loud_peers(days: HostDays) -> Ints:
    """Addresses that say nothing of who belongs together: of many engines, or of very many campaigns on one day."""
    engines = np.unique(np.stack([days.peer, days.engine], axis=1), axis=0)
    peers, n = np.unique(engines[:, 0], return_counts=True)
    many = peers[n > LOUD_DIALECTS]
    by_day, busy = np.unique(np.stack([days.peer, days.day], axis=1), axis=0, return_counts=True)
    return np.union1d(many, by_day[busy > LOUD_CAMPAIGNS, 0]).astype(np.int64)


def without(days: HostDays, peers: Ints) -> HostDays:
    """The same without some addresses."""
    keep = ~np.isin(days.peer, peers)
    return HostDays(days.unit[keep], days.peer[keep], days.day[keep], days.engine[keep])


def _keyed(first: Ints, day: Ints) -> Ints:
    """One number for each pair; days lie within 2^20 of 1970."""
    return (first << 21) + day + (1 << 20)


def lasting_reach(days: HostDays) -> int:
    """The longest of ``REACHES`` at which an address still comes back with the same engine half as often as a day later."""
    if len(days) == 0:
        return REACHES[0]
    who = days.peer * (int(days.engine.max()) + 2) + days.engine + 1
    rows = np.unique(np.stack([who, days.day], axis=1), axis=0)
    there = np.unique(_keyed(rows[:, 0], rows[:, 1]))
    last = rows[:, 1].max()

    def rate(lag: int) -> float:
        able = rows[rows[:, 1] + lag <= last]
        return float(np.isin(_keyed(able[:, 0], able[:, 1] + lag), there).mean()) if len(able) else 0.0

    usual = rate(1)
    return max((r for r in REACHES if usual > 0 and rate(r) >= 0.5 * usual), default=REACHES[0])


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Shared host days of units i (rows) with j: ``shared``, those ``expected`` by chance, and how many of i's were ``compared``."""

    shared: Floats
    expected: Floats
    compared: Floats
    # By how much hosts are scarcer than those seen: chance at the rate of different engines.
    scarcity: float


def _incidence(days: HostDays, units: int, reach: int) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Unit by host day, as it is and within reach."""
    from scipy import sparse

    keys, column = np.unique(_keyed(days.peer, days.day), return_inverse=True)
    shape = (units, len(keys))
    exact = sparse.csr_matrix((np.ones(len(days)), (days.unit, column)), shape=shape)
    rows, columns = [], []
    for lag in range(-reach, reach + 1):
        key = _keyed(days.peer, days.day + lag)
        place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        hit = keys[place] == key
        rows.append(days.unit[hit])
        columns.append(place[hit])
    reached = sparse.csr_matrix(
        (np.ones(sum(map(len, rows))), (np.concatenate(rows), np.concatenate(columns))), shape=shape
    )
    reached.data[:] = 1.0
    return exact, reached


def _within(unit: Ints, peer: Ints, day: Ints, units: int, length: int, reach: int) -> Floats:
    """How many addresses of each unit were seen within reach of each day, from day 0."""
    rows = np.unique(np.stack([unit, peer, day], axis=1), axis=0)
    start, end = rows[:, 2] - reach, rows[:, 2] + reach + 1
    again = np.all(rows[1:, :2] == rows[:-1, :2], axis=1)
    start[1:][again] = np.maximum(start[1:][again], end[:-1][again])
    steps = np.zeros((units, length + 1))
    np.add.at(steps, (rows[:, 0], np.clip(start, 0, length)), 1.0)
    np.add.at(steps, (rows[:, 0], np.clip(end, 0, length)), -1.0)
    return np.asarray(np.cumsum(steps, axis=1)[:, :length], dtype=np.float64)


def overlaps(days: HostDays, units: int, engine_of_unit: Ints, reach: int) -> Overlaps:
    """Overlaps of every two units. Memory: units squared, times three."""
    from scipy import sparse

    shared = np.zeros((units, units))
    if len(days) == 0:
        return Overlaps(shared, shared.copy(), shared.copy(), UNSEEN)
    exact, reached = _incidence(days, units, reach)
    shared = np.asarray((exact @ reached.T).todense(), dtype=np.float64)
    first, last = int(days.day.min()), int(days.day.max())
    length = last - first + 1
    own = np.zeros((units, length))
    np.add.at(own, (days.unit, days.day - first), 1.0)
    # Different addresses of a unit within reach of each day, and of everybody.
    spread = _within(days.unit, days.peer, days.day - first, units, length, reach)
    active = _within(np.zeros(len(days), dtype=np.int64), days.peer, days.day - first, 1, length, reach)[0]
    chance = spread / np.maximum(active, 1.0)
    expected = np.asarray(sparse.csr_matrix(own) @ chance.T, dtype=np.float64)
    compared = np.asarray(sparse.csr_matrix(own) @ (spread > 0).T.astype(np.float64), dtype=np.float64)
    other = engine_of_unit[:, None] != engine_of_unit[None, :]
    seen = float((expected[other].sum() + 1.0) / (shared[other].sum() + 1.0))
    scarcity = max(1.0, seen) if other.any() else UNSEEN
    return Overlaps(shared, expected / scarcity, compared, scarcity)


def log_tail(shared: Floats, expected: Floats, compared: Floats) -> Floats:
    """Bound on the log of the chance of so many shared host days or more; 0 where there are no more than expected.

    ``shared`` of ``compared`` host days, each shared with chance ``expected / compared``.
    """
    n = np.maximum(compared, 1.0)
    p = np.clip(expected / n, 1e-12, 1 - 1e-12)
    q = np.clip(shared / n, 1e-12, 1 - 1e-12)
    bound = -n * (q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p)))
    return np.where(q > p, bound, 0.0)
