"""What comes after a settled grouping is told at once where it belongs, by an index on disk."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from campaign_texts import Made, b_cubed, made
from spamtide._kernel import CorruptSegment
from spamtide.campaign import Newcomers, lowest_of_each, settle, settle_sorted
from spamtide.fingerprint import fingerprint_texts


def prints(texts: list[Made]) -> pa.Table:
    return fingerprint_texts([m.text for m in texts], [m.subject for m in texts])


def indexed(table: pa.Table, path: Path) -> dict[str, str]:
    """Settle ``table`` with an index; the group of each exact digest."""
    rows = lowest_of_each(table)
    settled = settle_sorted(rows.to_batches(max_chunksize=1_000), index=str(path))
    exact = rows["exact"].to_pylist()
    return {e: exact[i] for e, i in zip(exact, settled.label.to_pylist(), strict=True)}


def test_later_messages_go_where_grouping_all_of_them_puts_them(tmp_path: Path) -> None:
    # Ten campaigns begin after the grouping.
    texts = sorted(made(21, campaigns=60, members=25, alone=400), key=lambda m: (m.campaign or 0) >= 50)
    table = prints(texts)
    exact = table["exact"].to_pylist()
    cut = len(texts) * 3 // 5
    found: dict[str, str] = indexed(table.slice(0, cut), tmp_path / "i")
    later = Newcomers(str(tmp_path / "i"))
    for start in range(cut, len(texts), 50):
        told = later.take(table.slice(start, 50))
        found.update({e: label for e, label in told.items() if label is not None})
    together = later.together()
    found.update({e: f"new {of}" for e, of in together.items()})
    truth: list[object] = [f"alone {i}" if m.campaign is None else m.campaign for i, m in enumerate(texts)]
    precision, recall, both = b_cubed(truth, [found[e] for e in exact])
    assert precision >= 0.985 and both >= 0.985, (precision, recall, both)
    # Some of the later ones belong to settled groups, some come with others, some alone.
    assert len(together) > len(set(together.values())) > 50 and any(later.take(table.slice(cut)).values())
    whole = lowest_of_each(table)
    label = settle(whole).label.to_numpy()
    of = dict(zip(whole["exact"].to_pylist(), label.tolist(), strict=True))
    settled = [e for e in exact[cut:] if not found[e].startswith("new ")]
    assert sum(of[e] == of[found[e]] for e in settled) >= 0.99 * len(settled) > 100


def test_the_index_is_a_function_of_the_set(tmp_path: Path) -> None:
    table = prints(made(22, campaigns=5, members=6, alone=20))
    indexed(table, tmp_path / "a")
    shuffled = list(range(len(table)))
    random.Random(1).shuffle(shuffled)
    indexed(table.take(pa.array(shuffled)), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_copy_belongs_to_the_group_of_what_it_copies(tmp_path: Path) -> None:
    table = prints(made(23, campaigns=5, members=6, alone=20))
    groups = indexed(table, tmp_path / "i")
    assert Newcomers(str(tmp_path / "i")).take(table) == groups


def test_the_second_of_a_kind_finds_the_first(tmp_path: Path) -> None:
    """Its shingles recur nowhere in the settled grouping: they are keys all the same."""
    alone = made(24, campaigns=0, members=0, alone=50)
    groups = indexed(prints(alone), tmp_path / "i")
    again = [Made(m.subject, m.text + "\nsome more", None) for m in alone]
    told = Newcomers(str(tmp_path / "i")).take(prints(again))
    assert set(told.values()) <= set(groups.values()) and None not in told.values()


def test_nothing_settled_means_everything_is_new(tmp_path: Path) -> None:
    table = prints(made(25, campaigns=3, members=6, alone=5))
    indexed(table.slice(0, 0), tmp_path / "i")
    later = Newcomers(str(tmp_path / "i"))
    assert set(later.take(table).values()) == {None}
    rows = lowest_of_each(table)
    label = settle(rows).label.to_pylist()
    exact = rows["exact"].to_pylist()
    assert later.together() == {e: exact[of] for e, of in zip(exact, label, strict=True)}


def test_what_is_kept_of_the_new_is_bounded_the_oldest_go_first(tmp_path: Path) -> None:
    table = prints(made(26, campaigns=0, members=0, alone=30))
    indexed(table.slice(0, 0), tmp_path / "i")
    later = Newcomers(str(tmp_path / "i"), bound=10)
    for i in range(30):
        later.take(table.slice(i, 1))
    assert set(later.together()) == set(table["exact"].to_pylist()[20:])


def test_an_index_that_is_not_whole_is_said_to_be(tmp_path: Path) -> None:
    table = prints(made(27, campaigns=5, members=6, alone=20))
    path = tmp_path / "i"
    indexed(table, path)
    whole = path.read_bytes()
    for bad in (b"", whole[:40], whole[:-1], whole + b"x", b"x" + whole[1:], whole[:16] + b"\xff" * 32 + whole[48:]):
        path.write_bytes(bad)
        with pytest.raises(CorruptSegment, match="index of groups"):
            Newcomers(str(path))
    with pytest.raises(FileNotFoundError):
        Newcomers(str(tmp_path / "none"))
    rng = np.random.default_rng(1)
    for _ in range(40):
        bad_bytes = bytearray(whole)
        for at in rng.integers(48, len(whole), 30):
            bad_bytes[at] ^= int(rng.integers(1, 256))
        path.write_bytes(bytes(bad_bytes))
        try:
            Newcomers(str(path)).take(table)
        except (CorruptSegment, OSError):
            continue
