"""Near-duplicates: a function of the set, equal to its slow twin, right on made campaigns."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_texts import b_cubed, made, word
from hard_texts import one_footer
from slow_group import Print, slow_group
from spamtide.campaign import LISTS, Likeness, group, settle
from spamtide.fingerprint import fingerprint_texts

TEXTS = made(11, campaigns=12, members=8, alone=40)


def prints(texts: list[tuple[str, str]]) -> pa.Table:
    table = fingerprint_texts([t for _, t in texts], [s for s, _ in texts])
    _, first = np.unique(np.asarray(table["exact"].combine_chunks()).astype("S32"), return_index=True)
    return table.take(pa.array(first))


def slow(table: pa.Table) -> dict[str, str]:
    def read(cell: bytes) -> frozenset[int]:
        return frozenset(np.frombuffer(cell, np.int64).tolist())

    rows = table.to_pylist()
    return slow_group([Print(r["exact"], *(read(r[name]) for name in LISTS)) for r in rows])


def fast(table: pa.Table) -> dict[str, str]:
    exact = table["exact"].to_pylist()
    return {e: exact[i] for e, i in zip(exact, settle(table).label.to_pylist(), strict=True)}


def test_made_campaigns_are_found() -> None:
    texts = made(3, campaigns=40, members=20, alone=300)
    found = group([m.text for m in texts], subjects=[m.subject for m in texts]).tolist()
    truth: list[object] = [f"alone {i}" if m.campaign is None else m.campaign for i, m in enumerate(texts)]
    precision, recall, both = b_cubed(truth, found)
    assert precision >= 0.985 and both >= 0.99, (precision, recall, both)


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, len(TEXTS)))
def test_the_kernel_and_its_slow_twin_agree(rng: random.Random, n: int) -> None:
    # Words taken from few, so that evidence, leaders and thresholds are all met.
    chosen = rng.sample(TEXTS, n)
    texts = [(rng.choice([m.subject, "same for all", ""]), m.text[: rng.choice([30, 90, 5_000])]) for m in chosen]
    table = prints(texts)
    assert fast(table) == slow(table)


def generic(seed: int) -> pa.Table:
    """Ten campaigns, each with a name of its own after generic words, above one footer of nearly half the text."""
    rows, rng = one_footer(seed, own=9, footer=8, campaigns=10, members=8), random.Random(seed)
    names: dict[str, str] = {}
    return prints(
        [(f"only today half price for {names.setdefault(c, word(rng) + word(rng))}", text) for _, text, c in rows]
    )


def test_generic_words_above_one_footer_are_no_reason() -> None:
    table = generic(3)
    assert len(set(fast(table).values())) == 10
    assert len(set(settle(table, boilerplate=1000).label.to_pylist())) == 1, "what boilerplate weighs decides here"


@pytest.mark.parametrize("seed", [1, 3])
def test_all_discount_the_same_boilerplate(seed: int) -> None:
    table = generic(seed)
    assert fast(table) == slow(table)
    likeness = Likeness(table.to_batches())
    for edge in settle(table).edges.to_pylist():
        judged = likeness.judge(edge["leader"], edge["member"])
        assert (judged.similarity, judged.needed, judged.by) == (edge["similarity"], edge["needed"], edge["by"])


@settings(deadline=None)
@given(st.permutations(range(40)), st.integers(1, 39))
def test_groups_do_not_depend_on_order(order: list[int], cut: int) -> None:
    table = prints([(m.subject, m.text) for m in TEXTS[:40]])
    shuffled = pa.concat_tables([table.take(pa.array(order[:cut])), table.take(pa.array(order[cut:]))])
    assert fast(table) == fast(shuffled)


def test_every_group_is_held_together_by_its_edges() -> None:
    table = prints([(m.subject, m.text) for m in TEXTS])
    settled = settle(table)
    label = settled.label.to_numpy()
    assert len(settled.edges) == len(label) - len(set(label.tolist())) > 0
    for edge in settled.edges.to_pylist():
        assert label[edge["leader"]] == label[edge["member"]]
        assert edge["similarity"] >= edge["needed"] >= 240


def test_one_exact_group_stands_once() -> None:
    table = prints([("a", "some text that is long enough to have words in it")])
    with pytest.raises(ValueError, match="ascend"):
        settle(pa.concat_tables([table, table]))


def test_no_texts_and_empty_texts_are_grouped_too() -> None:
    assert group([]).tolist() == []
    assert group(["", "words enough to stand alone here", ""]).tolist() == [0, 1, 0]


def test_lone_surrogates_are_read_as_replacement_characters() -> None:
    assert group(["bad \ud800 text with some words"]).tolist() == [0]
