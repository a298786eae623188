"""Sender groups: machines tell who belongs together; what cannot be told stays unknown."""

from __future__ import annotations

import random
from collections.abc import Iterable
from math import comb, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spamtide.campaign import Mail, SenderGroups, follow_members, group_id, group_senders, learn_witnesses, tell_members
from spamtide.campaign.hosts import log_tail

DAY = 86_400_000_000
START = 19_000 * DAY
Row = tuple[str, str, str, int]


def sent(campaign: str, dialect: str, hosts: range, days: Iterable[int], n: int = 40, seed: int = 0) -> list[Row]:
    """So many messages a day by random hosts of a range."""
    dice = random.Random(f"{campaign} {dialect} {seed}")
    return [
        (campaign, dialect, f"host{dice.choice(hosts)}", START + day * DAY + dice.randrange(DAY))
        for day in days
        for _ in range(n)
    ]


def mail(rows: Iterable[Row]) -> Mail:
    columns = list(zip(*rows, strict=True))
    return Mail(*(np.array(c, dtype=object) for c in columns[:3]), np.array(columns[3], dtype=np.int64))


def campaigns(settled: SenderGroups) -> list[set[str]]:
    return sorted(({c for c, _ in g.sendings} for g in settled.groups), key=min)


# Of engine e two botnets, of engine f one; b1 is rented to rivals, and r1 and r2 send at the same time.
WORLD = [
    *sent("p1", "e", range(100), range(6)), *sent("p2", "e", range(100), range(6, 12)),
    *sent("q1", "e", range(200, 300), range(6)), *sent("q2", "e", range(200, 300), range(5, 12)),
    *sent("r1", "f", range(400, 500), range(12)), *sent("r2", "f", range(400, 500), range(12)),
]  # fmt: skip


def test_botnets_of_one_engine_are_told_apart_by_their_hosts() -> None:
    settled = group_senders(mail(WORLD))
    assert campaigns(settled) == [{"p1", "p2"}, {"q1", "q2"}, {"r1", "r2"}]
    for group in settled.groups:
        assert group.id == group_id(group.sendings[0]) and len(group.evidence) == 1
        merge = group.evidence[0]
        assert merge.shared > 10 * merge.expected and merge.log_tail < -16 and 0 < merge.share_of_smaller <= 1


def test_a_campaign_sent_by_two_engines_is_two_sendings() -> None:
    rented = sent("p2", "f", range(400, 500), range(6, 12))
    settled = group_senders(mail([*WORLD, *rented]))
    assert campaigns(settled) == [{"p1", "p2"}, {"p2", "r1", "r2"}, {"q1", "q2"}]


def test_a_relay_through_which_everybody_goes_joins_nobody() -> None:
    relays = [
        sent(c, d, range(900, 912), range(12), n=15)
        for c, d in (("p1", "e"), ("q1", "e"), ("r1", "f"), ("x", "g"), ("y", "h"))
    ]
    settled = group_senders(mail([*WORLD, *(row for rows in relays for row in rows)]))
    assert {f"host{n}" for n in range(900, 912)} <= settled.loud
    assert campaigns(settled)[:3] == [{"p1", "p2"}, {"q1", "q2"}, {"r1", "r2"}]


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 1_000))
def test_the_order_of_messages_changes_nothing(seed: int) -> None:
    rows = list(WORLD)
    random.Random(seed).shuffle(rows)
    one, other = mail(WORLD), mail(rows)
    settled = group_senders(one)
    assert group_senders(other) == settled
    told = tell_members(learn_witnesses(one, settled), one)
    again = tell_members(learn_witnesses(other, settled), other)
    assert sorted(zip(WORLD, told.group, told.membership.tolist(), strict=True)) == sorted(
        zip(rows, again.group, again.membership.tolist(), strict=True)
    )


def told(train: list[Row], later: list[Row], *, follow: bool = False) -> list[str | None]:
    settled = group_senders(mail(train))
    witnesses = learn_witnesses(mail(train), settled)
    found = (follow_members if follow else tell_members)(witnesses, mail(later))
    names = {g.id: g.sendings[0][0] for g in settled.groups}
    return [None if g is None else names[g] for g in found.group]


def test_an_engine_nobody_knows_is_of_no_group() -> None:
    assert set(told(WORLD, sent("new", "", range(100), [11]))) == {None}
    assert set(told(WORLD, sent("new", "z", range(100), [11]))) == {None}


def test_an_engine_alone_makes_no_member() -> None:
    assert set(told(WORLD, sent("new", "f", range(5_000, 5_100), [12], n=200), follow=True)) == {None}


@pytest.mark.parametrize("follow", [False, True])
def test_hosts_make_members_of_a_small_campaign(follow: bool) -> None:
    small = sent("small", "e", range(100), [12], n=6)
    found = told(WORLD, small, follow=follow)
    assert set(found) <= {"p1", None} and found.count("p1") >= 3


def test_a_new_campaign_is_followed_from_day_to_day() -> None:
    """Its hosts of one day are known on the next, so that it stays known after every host of the training is gone."""
    later = [row for k in range(6) for row in sent(f"n{k}", "e", range(100), [12 + 2 * k, 13 + 2 * k, 14 + 2 * k])]
    alone, followed = told(WORLD, later), told(WORLD, later, follow=True)
    assert followed.count("p1") > 0.9 * len(later) > alone.count("p1")
    assert set(followed) <= {"p1", None}


def test_too_few_messages_to_tell_are_no_group() -> None:
    settled = group_senders(mail(sent("tiny", "e", range(100), [0], n=9)))
    assert settled.groups == () and settled.group_of == {}
    assert group_senders(mail([("a", "", "", START)])).groups == ()


@settings(deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 200), st.integers(200, 2_000))
def test_the_tail_is_never_below_the_hypergeometric_one(a: int, b: int, m: int, n: int) -> None:
    """The bound errs on the side of chance."""
    m, top = min(m, a, b), min(a, b)
    ways = sum(comb(b, k) * comb(n - b, a - k) for k in range(m, top + 1) if a - k <= n - b)
    bound = log_tail(np.array([[m]], float), np.array([[a * b / n]]), np.array([[a]], float))[0, 0]
    assert bound >= (log(ways) - log(comb(n, a)) if ways else -np.inf) - 1e-6


def test_a_campaign_sent_by_two_botnets_of_one_engine_does_not_chain_them() -> None:
    both = [
        *sent("mixed", "e", range(100), range(3, 9), n=20),
        *sent("mixed", "e", range(200, 300), range(3, 9), n=60, seed=1),
    ]
    more = [*sent("p3", "e", range(100), range(4, 10)), *sent("q3", "e", range(200, 300), range(4, 10))]
    rows = [*WORLD, *more, *both]
    settled = group_senders(mail(rows))
    assert campaigns(settled) == [{"mixed", "q1", "q2", "q3"}, {"p1", "p2", "p3"}, {"r1", "r2"}]
    found = tell_members(learn_witnesses(mail(rows), settled), mail(rows))
    owner = {g.id: "p" if "p1" in g.campaigns else "q" for g in settled.groups}
    told_of = [
        (owner[g], int(row[2][4:]) < 100) for g, row in zip(found.group, rows, strict=True) if g and row[0] == "mixed"
    ]
    assert len(told_of) > 300 and sum((o == "p") != low for o, low in told_of) < 0.02 * len(told_of)


def test_one_busy_host_that_chance_lent_to_somebody_unseen_brings_nobody_after_it() -> None:
    unseen = [*sent("new", "f", range(5_000, 5_100), [12, 13], n=70), *sent("new", "f", range(400, 401), [12], n=9)]
    found = told(WORLD, unseen, follow=True)
    assert {g for g, row in zip(found, unseen, strict=True) if row[2] != "host400"} == {None}
