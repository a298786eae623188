"""What a picture looks like: alike where spam varied one picture, unlike where there are two; never a panic."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pictures import disguised, letter, mail, png
from spamtide.fingerprint import digest
from spamtide.fingerprint.kernel import RecordBatch


def facts(raw: bytes) -> tuple[list[int], set[str]]:
    """Picture marks and defects of one message."""
    batch = RecordBatch()
    batch.push(0, 0, b"{}", raw)
    tables = digest(1, batch)
    marks = np.frombuffer(tables["sketch"]["picture_marks"][0].as_py() or b"", np.int64).tolist()
    return marks, set(tables["message"]["defects"][0].as_py().split())


def look(grey: np.ndarray) -> int:
    (mark,), found = facts(mail([png(grey)], subject="x"))
    assert not found & {"picture_unread"}
    return mark


def test_what_spam_does_to_a_picture_changes_few_bits() -> None:
    rng = np.random.default_rng(7)
    marks = []
    for _ in range(25):
        one = letter(rng)
        marks.append([look(one), *(look(disguised(one, rng)) for _ in range(4))])
    within = [(a ^ b).bit_count() for own in marks for a, b in itertools.combinations(own, 2)]
    between = [(a ^ b).bit_count() for one, two in itertools.combinations(marks, 2) for a in one for b in two]
    assert min(between) > 12, "no two pictures are taken for one"
    assert np.mean([bits <= 12 for bits in within]) >= 0.6
    # Each has another of its own that it is like, so that a campaign hangs together.
    alone = [all((a ^ b).bit_count() > 12 for b in own if b is not a) for own in marks for a in own]
    assert np.mean(alone) <= 0.1


@pytest.mark.parametrize("shape", [(1, 1), (5, 400), (400, 5)])
def test_spacers_and_pixels_that_count_readers_have_no_mark(shape: tuple[int, int]) -> None:
    assert facts(mail([png(np.full(shape, 9, np.uint8))], subject="x")) == ([], set())


def test_a_blank_picture_has_no_mark() -> None:
    assert facts(mail([png(np.full((90, 120), 240, np.uint8))], subject="x")) == ([], set())


def test_a_picture_in_tiles_has_a_mark_for_each_and_no_more_than_eight() -> None:
    one = letter(np.random.default_rng(1), 480, 400)
    tiles = [png(one[:, x : x + 40]) for x in range(0, 480, 40)]
    assert 4 <= len(facts(mail(tiles, subject="x"))[0]) <= 8
    whole = [png(letter(np.random.default_rng(i))) for i in range(9)]
    assert len(facts(mail(whole, subject="x"))[0]) == 8


def test_the_marks_ascend_and_are_63_bits() -> None:
    marks, _ = facts(mail([png(letter(np.random.default_rng(i))) for i in range(5)], subject="x"))
    assert marks == sorted(marks) and len(marks) == 5 and all(0 <= m < 1 << 63 for m in marks)


@pytest.mark.parametrize("kind", ["png", "gif", "jpeg", "bmp"])
@given(junk=st.binary(max_size=300), at=st.integers(0, 400), there=st.binary(min_size=1, max_size=4))
def test_broken_pictures_are_named_and_do_not_end_the_digest(kind: str, junk: bytes, at: int, there: bytes) -> None:
    head = {"png": b"\x89PNG\r\n\x1a\n", "gif": b"GIF89a", "jpeg": b"\xff\xd8\xff", "bmp": b"BM"}[kind]
    whole = bytearray(png(letter(np.random.default_rng(0), 60, 40)))
    whole[at : at + len(there)] = there
    for data in (head + junk, bytes(whole), bytes(whole[:at])):
        marks, found = facts(mail([data], subject="x", kind=kind))
        assert len(marks) <= 1 and "parser_panic" not in found
    assert "picture_unread" in facts(mail([head + junk], subject="x"))[1]


def test_a_picture_that_unpacks_to_gigabytes_is_not_unpacked() -> None:
    bomb = bytearray(png(np.full((20, 20), 200, np.uint8)))
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    assert facts(mail([bytes(bomb)], subject="x")) == ([], {"picture_unread"})
