"""Sender groups: which campaigns came from the same machines by the same engine.

The unit is a *sending*: one campaign in one dialect. A customer who changes botnets has two sendings of one campaign; a botnet
that is rented to rivals has sendings of many. Two groups of sendings are one when they speak one dialect and share hosts far beyond
chance (``hosts``), unless it is one mixed sending that shares with both. What is too small to tell, or speaks no known dialect, is in no group; ``membership`` says of each message how sure its
group is.

Method: Zhuang et al., "Characterizing Botnets from Email Spam Records", LEET 2008; docs/explanation/senders.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spamtide.campaign.hosts import (
    HostDays,
    Ints,
    Overlaps,
    host_days,
    lasting_reach,
    log_tail,
    loud_peers,
    overlaps,
    without,
)

# A sending is weighed when so many messages of so many quiet addresses bear witness.
MESSAGES, PEERS = 15, 8
# Groups merge when the tail is below exp(this), hosts are shared so many times as often as by chance, and so often at all.
TAIL, LIFT, SHARED = -16.0, 10.0, 5.0
# Of pairs of sendings that had the chance to share so many host days, so large a share may not fall short of that part of it.
CHANCES, SHORT, CONTRARY = 10.0, 0.05, 0.5
# Sendings of one dialect that are weighed against each other; beyond them the largest.
MOST = 2_000


@dataclass(frozen=True, slots=True)
class Mail:
    """Messages as this room sees them, a row each: texts, ``""`` where unknown, and the receive time in microseconds."""

    campaign: NDArray[np.object_]
    dialect: NDArray[np.object_]
    peer: NDArray[np.object_]
    received_at: Ints

    def __len__(self) -> int:
        return len(self.received_at)

    def take(self, rows: NDArray[np.bool_] | Ints) -> Mail:
        """Some rows."""
        return Mail(self.campaign[rows], self.dialect[rows], self.peer[rows], self.received_at[rows])


@dataclass(frozen=True, slots=True)
class Merge:
    """Why two parts of a group are one: ids of the earliest campaign of each, and how they share hosts."""

    one: str
    other: str
    shared: int
    expected: float
    compared: int
    log_tail: float
    share_of_smaller: float


@dataclass(frozen=True, slots=True)
class SenderGroup:
    """One group. ``sendings`` are (campaign, dialect), the earliest first; ``evidence`` its merges, the surest first."""

    id: str
    sendings: tuple[tuple[str, str], ...]
    messages: int
    peers: int
    first_seen: int
    last_seen: int
    evidence: tuple[Merge, ...]

    @property
    def campaigns(self) -> tuple[str, ...]:
        """Its campaigns, the earliest first."""
        return tuple(dict.fromkeys(c for c, _ in self.sendings))

    @property
    def dialects(self) -> tuple[str, ...]:
        """Its dialects."""
        return tuple(sorted({d for _, d in self.sendings}))


def group_id(sending: tuple[str, str]) -> str:
    """The id of the group of which this sending is the earliest; each other sending's id is an alias of it."""
    return "group-" + hashlib.sha256("\0".join(("spamtide group", *sending)).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Coded:
    """Mail as numbers: sendings in order of their names, addresses likewise (-1: unknown)."""

    sendings: tuple[tuple[str, str], ...]
    sending: Ints
    peers: tuple[str, ...]
    peer: Ints
    dialects: tuple[str, ...]
    engine: Ints


def coded(mail: Mail) -> Coded:
    """Numbers that depend on the set of messages alone."""
    campaigns, c = np.unique(mail.campaign.astype(str), return_inverse=True)
    dialects, d = np.unique(mail.dialect.astype(str), return_inverse=True)
    pairs, sending = np.unique(c * len(dialects) + d, return_inverse=True)
    peers, p = np.unique(mail.peer.astype(str), return_inverse=True)
    p = p.astype(np.int64)
    if len(peers) and peers[0] == "":
        p[p == 0] = -1
    return Coded(
        sendings=tuple((str(campaigns[k // len(dialects)]), str(dialects[k % len(dialects)])) for k in pairs),
        sending=sending.astype(np.int64),
        peers=tuple(map(str, peers)),
        peer=p,
        dialects=tuple(map(str, dialects)),
        engine=(pairs % max(len(dialects), 1)).astype(np.int64),
    )


@dataclass
class _Cluster:
    members: list[int]
    evidence: list[Merge]


def _contradicted(found: Overlaps, one: list[int], other: list[int]) -> bool:
    """Whether most pairs of sendings share far less than the two wholes do: then one mixed sending speaks for all of them."""
    pairs = np.ix_(one, other)
    back = np.ix_(other, one)
    shared = found.shared[pairs] + found.shared[back].T
    expected = found.expected[pairs] + found.expected[back].T
    due = expected * (shared.sum() / max(float(expected.sum()), 1e-12))
    able = due >= CHANCES
    return bool(able.any()) and float(due[able & (shared < SHORT * due)].sum()) > CONTRARY * float(due[able].sum())


def _merged(units: Sequence[int], found: Overlaps, label: Sequence[str], size: Ints) -> list[_Cluster]:
    """Clusters of units of one dialect: again and again the two that share most surely, weighed as wholes, so that no single
    sending chains two groups.
    """
    index = np.asarray(units)
    shared, expected, compared = (
        m[np.ix_(index, index)] + m[np.ix_(index, index)].T for m in (found.shared, found.expected, found.compared)
    )
    clusters: list[_Cluster | None] = [_Cluster([u], []) for u in units]
    able = ~np.eye(len(units), dtype=bool)
    while True:
        tail = log_tail(shared, expected, compared)
        fit = able & (shared >= LIFT * expected) & (shared >= 2 * SHARED) & (tail < TAIL)
        if not fit.any():
            return [c for c in clusters if c is not None]
        # Ties go to the lower names: units are in their order.
        i, j = sorted(divmod(int(np.argmin(np.where(fit, tail, np.inf))), len(units)))
        one, other = clusters[i], clusters[j]
        assert one is not None and other is not None
        if _contradicted(found, one.members, other.members):
            able[i, j] = able[j, i] = False
            continue
        smaller = max(1, min(int(size[one.members].sum()), int(size[other.members].sum())))
        merge = Merge(
            min(label[u] for u in one.members), min(label[u] for u in other.members),
            int(shared[i, j] / 2), _told_float(expected[i, j] / 2), int(compared[i, j] / 2),
            _told_float(tail[i, j]), _told_float(min(1.0, shared[i, j] / 2 / smaller)),
        )  # fmt: skip
        clusters[i] = _Cluster(one.members + other.members, [*one.evidence, *other.evidence, merge])
        clusters[j] = None
        for matrix in (shared, expected, compared):
            matrix[i, :] += matrix[j, :]
            matrix[:, i] += matrix[:, j]
        # What was refused of the parts is asked anew of the whole.
        alive = np.array([c is not None for c in clusters])
        able[i, :] = able[:, i] = alive
        able[j, :] = able[:, j] = False
        able[i, i] = False


def _told_float(value: float) -> float:
    return float(f"{value:.6g}")


@dataclass(frozen=True, slots=True)
class SenderGroups:
    """A settled grouping: groups in order of their ids, the group of each sending in them, and what membership is told by."""

    groups: tuple[SenderGroup, ...]
    group_of: dict[tuple[str, str], str]
    reach: int
    scarcity: float
    loud: frozenset[str]


def _weighed(names: Coded, days: HostDays, many: Ints) -> list[int]:
    """The sendings that are large enough, of a known dialect; of each dialect the ``MOST`` largest."""
    quiet = np.bincount(np.unique(np.stack([days.unit, days.peer], axis=1), axis=0)[:, 0], minlength=len(many))
    able = [i for i, (_, dialect) in enumerate(names.sendings) if dialect and many[i] >= MESSAGES and quiet[i] >= PEERS]
    kept: list[int] = []
    for engine in sorted({int(names.engine[i]) for i in able}):
        same = [i for i in able if names.engine[i] == engine]
        kept += sorted(same, key=lambda i: (-int(many[i]), names.sendings[i]))[:MOST]
    return sorted(kept)


def group_senders(mail: Mail) -> SenderGroups:
    """The sender groups of a set of messages, whatever their order.

    Rows without a campaign (``""``) must be left out before. Cost: host days times ``reach``, and weighed sendings squared.
    """
    names = coded(mail)
    days = host_days(names.sending, names.peer, mail.received_at, names.engine)
    loud = loud_peers(days)
    days = without(days, loud)
    many = np.bincount(names.sending, minlength=len(names.sendings)).astype(np.int64)
    units = _weighed(names, days, many)
    kept = np.isin(days.unit, np.asarray(units, dtype=np.int64))
    place = {u: i for i, u in enumerate(units)}
    mapped = np.array([place[u] for u in days.unit[kept].tolist()], dtype=np.int64)
    weighed = HostDays(mapped, days.peer[kept], days.day[kept], days.engine[kept])
    engine = names.engine[units] if units else np.zeros(0, dtype=np.int64)
    reach = lasting_reach(days)
    found = overlaps(weighed, len(units), engine, reach)
    size = np.bincount(weighed.unit, minlength=len(units)).astype(np.int64)
    label = [names.sendings[u][0] for u in units]
    clusters = [
        cluster
        for e in sorted(set(engine.tolist()))
        for cluster in _merged([i for i in range(len(units)) if engine[i] == e], found, label, size)
    ]
    groups = sorted(
        (_told(mail, names, [units[i] for i in c.members], c.evidence) for c in clusters), key=lambda g: g.id
    )
    return SenderGroups(
        tuple(groups), {s: g.id for g in groups for s in g.sendings}, reach, _told_float(found.scarcity),
        frozenset(names.peers[i] for i in loud),
    )  # fmt: skip


def _told(mail: Mail, names: Coded, members: list[int], evidence: list[Merge]) -> SenderGroup:
    rows = np.isin(names.sending, members)
    at, sending = mail.received_at[rows], names.sending[rows]
    first = {int(u): int(at[sending == u].min()) for u in np.unique(sending)}
    ordered = tuple(names.sendings[u] for u in sorted(members, key=lambda u: (first[u], names.sendings[u])))
    peers = np.unique(names.peer[rows])
    return SenderGroup(
        group_id(ordered[0]), ordered, int(rows.sum()), int((peers >= 0).sum()), int(at.min()), int(at.max()),
        tuple(sorted(evidence, key=lambda m: (m.log_tail, m.one, m.other))),
    )  # fmt: skip
