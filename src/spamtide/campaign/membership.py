"""How surely one message belongs to a sender group: 0 to 1, and no group at all where that is not enough.

Three witnesses, each as a ratio of likelihoods: the campaign (its sending is in the group, or hosts say that it was sent by two), the dialect (another one is excluded) and
the host (it sent for the group within reach, in another sending, or it did not). How often hosts speak truly is counted in the
settled grouping itself, each message judged without its own sending; how often a new campaign is of a group not yet seen, by Good
and Turing's estimate from groups of one sending. An engine alone never makes a member, whatever the membership: it may be rented by
somebody unseen. Small campaigns are judged as wholes, and then each of their messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spamtide.campaign.hosts import DAY_US
from spamtide.campaign.senders import Mail, SenderGroups

# One campaign in one dialect; days since 1970, each with the sendings of that day.
Sending = tuple[str, str]
Days = dict[int, set[Sending]]
# Days before and after that a host is looked for.
Span = tuple[int, int]
Floats = NDArray[np.float64]

# Below this a message is of no group.
ENOUGH = 0.9
# A campaign's messages bear witness together, but not each independently: so much of each is believed.
TEMPER = 0.5
# Pseudo-counts of the rates at which hosts are seen.
HITS, TRIES = 1.0, 20.0
# Messages by which those rates are counted: every so manieth of all, in order of their values.
SAMPLE = 20_000
# While mail is followed, a campaign joins a group when so many of a day's hosts are known; messages this sure then teach.
JOINS, SURELY = 5, 0.99
# A sending whose hosts are to a larger share those of other groups than this is mixed: its hosts bear witness for nobody.
MIXED = 0.1


@dataclass(frozen=True, slots=True)
class Members:
    """Group of each message (None: unknown), the likeliest one whether it is enough or not, and its membership."""

    group: tuple[str | None, ...]
    likeliest: tuple[str | None, ...]
    membership: Floats


@dataclass(frozen=True, slots=True)
class Rates:
    """Of each group, how often its messages come from a host that sent for it in another sending; how often those of others do."""

    own: dict[str, float]
    other: dict[str, float]


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What the settled grouping teaches: who sent for which group on which days, and how much that tells."""

    settled: SenderGroups
    # (group, address) to the days on which it sent for it; group to the days on which anybody did, and the last of them.
    days: dict[tuple[str, str], Days]
    active: dict[str, Days]
    last: dict[str, int]
    # Looking both ways, and looking back only, as for mail later than all that was settled.
    both: Rates
    back: Rates
    share: dict[str, float]
    sizes: dict[Sending, int]
    groups_of_dialect: dict[str, tuple[str, ...]]
    # Chance that a campaign not settled, in a dialect of known groups, is of one of them.
    known: dict[str, float]


def _seen(days: Days, span: Span, day: int, sending: Sending) -> bool:
    """Whether one of these days lies within the span, with another sending."""
    return any(span[0] <= d - day <= span[1] and bool(there - {sending}) for d, there in days.items())


def _rates(
    rows: list[tuple[str, Sending, str, int]], days: dict[tuple[str, str], Days], active: dict[str, Days], span: Span
) -> Rates:
    own, other = ({g: [0, 0] for g in active} for _ in range(2))
    for group, sending, peer, day in rows:
        for g, there in active.items():
            if _seen(there, span, day, sending):
                tally = own[g] if g == group else other[g]
                tally[1] += 1
                tally[0] += _seen(days.get((g, peer), {}), span, day, sending)
    return Rates(
        {g: (n + HITS) / (of + TRIES) for g, (n, of) in own.items()},
        {g: (n + HITS) / (of + TRIES * max(1, len(active))) for g, (n, of) in other.items()},
    )


def _spans(reach: int) -> tuple[Span, Span]:
    return (-reach, reach), (-reach, -1)


def _hosts(
    rows: list[tuple[str, Sending, str, int]], groups: Iterable[str]
) -> tuple[dict[tuple[str, str], Days], dict[str, Days]]:
    """Days of each (group, address), and of each group."""
    days: dict[tuple[str, str], Days] = {}
    active: dict[str, Days] = {g: {} for g in groups}
    for group, sending, peer, day in rows:
        days.setdefault((group, peer), {}).setdefault(day, set()).add(sending)
        active[group].setdefault(day, set()).add(sending)
    return days, active


def _mixed(rows: list[tuple[str, Sending, str, int]], settled: SenderGroups) -> set[Sending]:
    """Sendings whose hosts are those of several groups of their dialect."""
    days, active = _hosts(rows, (g.id for g in settled.groups))
    both = _spans(settled.reach)[0]
    rivals: dict[str, list[str]] = {}
    for g in settled.groups:
        for d in g.dialects:
            rivals.setdefault(d, []).append(g.id)
    votes: dict[Sending, list[int]] = {}
    for group, sending, peer, day in rows:
        # On days on which the group sent nothing else its hosts cannot be known, and chance would speak for the others.
        if not _seen(active[group], both, day, sending):
            continue
        there = [g for g in rivals[sending[1]] if _seen(days.get((g, peer), {}), both, day, sending)]
        if len(there) == 1:
            tally = votes.setdefault(sending, [0, 0])
            tally[there[0] != group] += 1
    return {s for s, (own, others) in votes.items() if others > MIXED * (own + others)}


def learn_witnesses(mail: Mail, settled: SenderGroups) -> Witnesses:
    """What the messages that were settled teach. A function of the set of messages."""
    rows: list[tuple[str, Sending, str, int]] = []
    sizes: dict[Sending, int] = {}
    for c, d, p, at in zip(mail.campaign, mail.dialect, mail.peer, mail.received_at.tolist(), strict=True):
        sizes[c, d] = sizes.get((c, d), 0) + 1
        group = settled.group_of.get((c, d))
        if group is not None and p and p not in settled.loud:
            rows.append((group, (c, d), p, at // DAY_US))
    mixed = _mixed(rows, settled)
    rows = [row for row in rows if row[1] not in mixed]
    days, active = _hosts(rows, (g.id for g in settled.groups))
    rows = sorted(rows)[:: max(1, len(rows) // SAMPLE)]
    both, back = (_rates(rows, days, active, span) for span in _spans(settled.reach))
    whole = sum(g.messages for g in settled.groups)
    named: dict[str, list[str]] = {}
    novel: dict[str, list[int]] = {}
    for g in settled.groups:
        for d in g.dialects:
            named.setdefault(d, []).append(g.id)
            tally = novel.setdefault(d, [0, 0])
            tally[0] += len(g.sendings) == 1
            tally[1] += len(g.sendings)
    return Witnesses(
        settled=settled, days=days, active=active, last={g: max(there, default=0) for g, there in active.items()},
        both=both, back=back, sizes=sizes,
        share={g.id: g.messages / max(whole, 1) for g in settled.groups},
        groups_of_dialect={d: tuple(sorted(ids)) for d, ids in named.items()},
        known={d: 1 - (alone + 1) / (n + 2) for d, (alone, n) in novel.items()},
    )  # fmt: skip


def _host(w: Witnesses, group: str, peer: str, day: int, sending: Sending) -> float:
    """Log of the ratio that the host bears witness of; 0 where it could not have been seen."""
    both, back = _spans(w.settled.reach)
    span, rates = (both, w.both) if day <= w.last[group] else (back, w.back)
    if not peer or peer in w.settled.loud or not _seen(w.active[group], span, day, sending):
        return 0.0
    r, b = rates.own[group], rates.other[group]
    return float(
        np.log(r / b) if _seen(w.days.get((group, peer), {}), span, day, sending) else np.log((1 - r) / (1 - b))
    )


def _chances(w: Witnesses, sending: Sending, witness: Floats, peers: list[str], days: list[int]) -> Floats:
    """Chance of each group of the dialect, and in the last column of none, for each message of one sending (rows of ``witness``)."""
    groups = w.groups_of_dialect[sending[1]]
    group = w.settled.group_of.get(sending)
    # A host is one witness, however much it sends.
    hosts, of = np.unique(np.array(peers, dtype=str), return_inverse=True)
    if group is not None:
        # A campaign may have been sent by several: how much by each is what its hosts say, the group being one vote. Only on days
        # on which the group sent something else: on others its hosts cannot be known, and chance would speak for the others.
        both = _spans(w.settled.reach)[0]
        heard = {day: _seen(w.active[group], both, day, sending) for day in set(days)}
        seen = (witness > 0) & np.array([heard[day] for day in days])[:, None]
        once = np.zeros((len(hosts), len(groups)), dtype=bool)
        np.logical_or.at(once, of, seen)
        votes = (once & (once.sum(axis=1, keepdims=True) == 1)).sum(axis=0).astype(np.float64)
        votes[groups.index(group)] += 1.0
        unsure = 1.0 / (w.sizes.get(sending, 0) + 2.0)
        prior = np.log(np.append((1 - unsure) * votes / votes.sum() + unsure / (2 * len(groups)), unsure / 2))
        evidence = witness
    else:
        share = np.array([w.share[g] for g in groups])
        known = w.known[sending[1]]
        prior = np.log(np.append(known * share / share.sum(), 1 - known))
        each = np.full((len(hosts), len(groups)), -np.inf)
        np.maximum.at(each, of, witness)
        evidence = witness + TEMPER * (each.sum(axis=0) - each[of])
    posterior = prior + np.column_stack([evidence, np.zeros(len(witness))])
    chance = np.exp(posterior - posterior.max(axis=1, keepdims=True))
    return np.asarray(chance / chance.sum(axis=1, keepdims=True), dtype=np.float64)


def tell_members(w: Witnesses, mail: Mail, *, enough: float = ENOUGH) -> Members:
    """Group and membership of each message: those that were settled, or later ones. Order changes nothing."""
    by_sending: dict[Sending, list[int]] = {}
    for i, (c, d) in enumerate(zip(mail.campaign, mail.dialect, strict=True)):
        by_sending.setdefault((c, d), []).append(i)
    group: list[str | None] = [None] * len(mail)
    likeliest: list[str | None] = [None] * len(mail)
    membership = np.zeros(len(mail))
    days = (mail.received_at // DAY_US).tolist()
    for sending, rows in sorted(by_sending.items()):
        groups = w.groups_of_dialect.get(sending[1], ())
        if not groups:
            continue
        witness = np.array([[_host(w, g, mail.peer[i], days[i], sending) for g in groups] for i in rows])
        chance = _chances(w, sending, witness, [mail.peer[i] for i in rows], [days[i] for i in rows])
        best = chance[:, :-1].argmax(axis=1)
        settled = sending in w.settled.group_of
        for k, i in enumerate(rows):
            membership[i], likeliest[i] = chance[k, best[k]], groups[best[k]]
            vouched = settled or bool((witness[:, best[k]] > 0).any())
            if membership[i] >= enough and vouched:
                group[i] = groups[best[k]]
    return Members(tuple(group), tuple(likeliest), membership)


def _joined(w: Witnesses, mail: Mail, found: Members) -> Witnesses:
    """The same, taught by a day's messages that are surely of a group. A new campaign joins only as a whole: when so many of its hosts
    are known as there would be of the group's own; before that it teaches nothing, or a few hosts that chance lent to somebody
    unseen would bring all the others after them.
    """
    days = dict(w.days)
    active = {g: dict(there) for g, there in w.active.items()}
    sizes, group_of = dict(w.sizes), dict(w.settled.group_of)
    rows_of: dict[Sending, list[int]] = {}
    for i in range(len(mail)):
        rows_of.setdefault((mail.campaign[i], mail.dialect[i]), []).append(i)
    for sending, rows in sorted(rows_of.items()):
        sizes[sending] = sizes.get(sending, 0) + len(rows)
        sure = [i for i in rows if found.group[i] is not None and found.membership[i] >= SURELY]
        for group in sorted({g for i in sure if (g := found.group[i]) is not None}):
            if sending not in w.settled.group_of:
                known = sum(
                    _host(w, group, mail.peer[i], int(mail.received_at[i]) // DAY_US, sending) > 0 for i in rows
                )
                if known < JOINS or known < 0.5 * w.back.own[group] * len(rows):
                    continue
                group_of.setdefault(sending, group)
            for i in sure:
                if found.group[i] != group:
                    continue
                day, peer = int(mail.received_at[i]) // DAY_US, mail.peer[i]
                active[group][day] = active[group].get(day, set()) | {sending}
                if peer and peer not in w.settled.loud:
                    there = dict(days.get((group, peer), {}))
                    there[day] = there.get(day, set()) | {sending}
                    days[group, peer] = there
    return replace(
        w, days=days, active=active, last={g: max(there, default=0) for g, there in active.items()}, sizes=sizes,
        settled=replace(w.settled, group_of=group_of),
    )  # fmt: skip


def follow_members(w: Witnesses, mail: Mail) -> Members:
    """The same for mail later than all that was settled, a day after another: what is sure of one day is known on the next.

    Provisional, like every live assignment: the next settled grouping replaces it.
    """
    days = mail.received_at // DAY_US
    group: list[str | None] = [None] * len(mail)
    likeliest: list[str | None] = [None] * len(mail)
    membership = np.zeros(len(mail))
    for day in np.unique(days):
        rows = np.flatnonzero(days == day)
        part = mail.take(rows)
        found = tell_members(w, part)
        for k, i in enumerate(rows.tolist()):
            group[i], likeliest[i], membership[i] = found.group[k], found.likeliest[k], found.membership[k]
        w = _joined(w, part, found)
    return Members(tuple(group), tuple(likeliest), membership)
