"""The path between two exact groups of a campaign."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest

from spamtide.campaign import explain, group_schema

EDGES = [("a", "b"), ("c", "b"), ("a", "d"), ("x", "y")]


def edges() -> pa.Table:
    rows = [{"leader": a, "member": b, "similarity": 600, "needed": 550, "by": "text", "shingle": 7} for a, b in EDGES]
    return pa.Table.from_pylist(rows, group_schema("campaign_edge"))


@pytest.mark.parametrize(("one", "other", "path"), [("c", "d", "cbad"), ("d", "c", "dabc"), ("a", "b", "ab")])
def test_the_path_follows_what_joined_them(one: str, other: str, path: str) -> None:
    found = explain(one, other, edges)
    assert found.path == tuple(path)
    assert [(r["from"], r["to"]) for r in found.reasons] == list(itertools.pairwise(path))
    assert found.reasons[0]["similarity"] == 0.6


def test_between_two_campaigns_there_is_none() -> None:
    assert explain("a", "x", edges).path is None


def test_a_group_is_itself_and_nothing_is_read() -> None:
    assert explain("a", "a", lambda: 1 / 0).path == ("a",)
