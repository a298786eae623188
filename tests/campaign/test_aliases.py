"""An id of a campaign leads to where its messages are, whatever happened since."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from spamtide.campaign import Change, changes, follow


def test_an_id_that_stays_has_no_change() -> None:
    assert changes([("a", "a", 3), ("b", "b", 1)]) == []


def test_two_that_become_one_are_merged() -> None:
    assert changes([("a", "a", 3), ("b", "a", 1)]) == [Change("b", ("a",), "merged")]


def test_an_earlier_first_message_renames() -> None:
    assert changes([("b", "a", 2)]) == [Change("b", ("a",), "renamed")]


def test_a_split_is_recorded_with_the_larger_part_first() -> None:
    assert changes([("a", "a", 1), ("a", "b", 4)]) == [Change("a", ("b", "a"), "split")]


def test_what_was_erased_is_gone() -> None:
    assert changes([("a", None, 2)]) == [Change("a", (), "gone")]
    assert changes([("a", None, 2), ("a", "a", 1)]) == []


def leads(*changed: Change, alive: str = "abcdefgh") -> dict[str, tuple[str, ...]]:
    return {a.id: a.now for a in follow(enumerate(changed), set(alive))}


def test_a_chain_of_merges_ends_where_the_messages_are() -> None:
    assert leads(Change("c", ("b",), "merged"), Change("b", ("a",), "merged"), alive="a") == {"b": ("a",), "c": ("a",)}


def test_after_a_split_the_id_leads_to_itself_and_also_to_the_others() -> None:
    found = follow([(7, Change("a", ("a", "b"), "split"))], {"a", "b"})
    assert [(a.id, a.now, a.why, a.at) for a in found] == [("a", ("b",), "split", 7)]


def test_who_led_to_a_split_campaign_leads_to_all_of_it() -> None:
    assert leads(Change("c", ("a",), "merged"), Change("a", ("a", "b"), "split"), alive="ab")["c"] == ("a", "b")


def test_an_id_that_lives_again_is_its_own() -> None:
    assert leads(Change("b", ("a",), "merged"), Change("a", ("b",), "renamed"), alive="b") == {"a": ("b",)}


def test_what_is_gone_leads_nowhere_and_says_so() -> None:
    found = follow([(1, Change("b", ("a",), "merged")), (2, Change("a", (), "gone"))], set())
    assert [(a.id, a.now, a.why) for a in found] == [("a", (), "gone"), ("b", (), "gone")]


def test_a_change_that_is_written_twice_is_one() -> None:
    once = [Change("b", ("a",), "merged"), Change("a", ("a", "c"), "split")]
    assert leads(*once, *once, alive="ac") == leads(*once, alive="ac")


@given(st.lists(st.dictionaries(st.integers(0, 7), st.integers(0, 7), min_size=8, max_size=8), min_size=2, max_size=6))
def test_every_id_leads_to_all_places_of_its_messages(steps: list[dict[int, int]]) -> None:
    """Eight exact groups, grouped anew in each step; the id of a campaign is its smallest group."""

    def ids(labels: dict[int, int]) -> dict[int, str]:
        return {g: f"c{min(o for o in labels if labels[o] == labels[g])}" for g in labels}

    written = []
    for at, (before, after) in enumerate(itertools.pairwise(steps)):
        old, new = ids(before), ids(after)
        written += [(at, c) for c in changes((old[g], new[g], 1) for g in range(8))]
    last = ids(steps[-1])
    alive = set(last.values())
    aliases = {a.id: a.now for a in follow(written, alive)}
    for labels in steps:
        for group, name in ids(labels).items():
            assert last[group] in {name, *aliases.get(name, ())}
    assert all(set(now) <= alive for now in aliases.values())
