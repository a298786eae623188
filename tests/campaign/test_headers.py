"""The header's template: planted patterns are found, and what receivers add is not taken for the sender's."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import template_planted as planted
from spamtide.campaign.template import HeaderTemplate, Refusal, infer_headers


def message(rng, mailer: bool = True) -> bytes:
    """A message of one engine; every second one has been through a filter."""
    added = b"X-Spam-Status: No\n" if rng.random() < 0.5 else b""
    lines = [
        f"From: {planted.word(rng, 5, 9, 'abcdef')}@{planted.word(rng, 8, 8, 'mnopqr')}.example",
        f"To: {planted.word(rng)}@trap.example",
        f"Message-ID: <{planted.word(rng, 12, 12, '0123456789abcdef')}${planted.word(rng, 8, 8, '0123456789abcdef')}@quince>",
        f"Subject: {planted.busters(rng, 1, 6)}",
        f"Date: {planted.pick(rng, ('Mon', 'Tue'))}, {int(rng.integers(10, 28))} Mar 2011 {int(rng.integers(10, 23))}:21:44 +0300",
        f"X-Mailer: Orchard Post {planted.pick(rng, ('2.1', '2.2'))}" if mailer else "X-Other: 1",
        f'Content-Type: multipart/mixed;\n\tboundary="----=_Part_{int(rng.integers(1000, 9999))}_{planted.word(rng, 10, 10, "0123456789ABCDEF")}"',
    ]
    return added + b"Received: from x\n" + "\n".join(lines).encode() + b"\n\nFrom: not a header\n"


def engine(count: int = 60, name: str = "engine") -> list[bytes]:
    rng = planted.random(name)
    return [message(rng, mailer=i % 3 > 0) for i in range(count)]


@pytest.fixture(scope="module")
def learnt() -> HeaderTemplate:
    found = infer_headers(engine())
    assert isinstance(found, HeaderTemplate)
    return found


def test_the_patterns_planted_are_read(learnt) -> None:
    text = learnt.text.splitlines()
    assert "Message-ID: <{hex 12}${hex 8}@quince>" in text
    assert "boundary: ----=_Part_{digits 4}_{HEX 10}" in text
    assert "Date: {weekday}, {digits 2} {month} {year} {digits 2}:21:44 +0300" in text
    assert "X-Mailer: Orchard Post 2.{1|2}" in text


def test_the_order_is_the_senders(learnt) -> None:
    assert learnt.order == ("From", "To", "Message-ID", "Subject", "Date", "X-Mailer", "Content-Type")
    assert learnt.order_share == 1


def test_a_changed_order_or_spelling_is_another_order() -> None:
    odd = [m.replace(b"Message-ID", b"Message-Id") for m in engine(20, "odd")]
    found = infer_headers(engine(60) + odd)
    assert isinstance(found, HeaderTemplate)
    assert found.order_share == pytest.approx(0.75)


def test_messages_to_come_match_and_others_do_not(learnt) -> None:
    for one in learnt.fields:
        assert one.held_back.share == 1, one
    pattern = re.compile(next(f.regex for f in learnt.fields if f.name == "Message-ID"))
    assert pattern.search("<0123456789ab$01234567@quince>")
    assert not pattern.search("<0123456789ab$01234567@quince.example>")
    assert not pattern.search("<20110316.0123@mail.example>")


def test_the_day_is_not_the_programs_choice(learnt) -> None:
    pattern = re.compile(next(f.regex for f in learnt.fields if f.name == "Date"))
    assert pattern.search("Fri, 11 Nov 2012 10:21:44 +0300")
    assert not pattern.search("Fri, 11 Nov 2012 10:21:44 +0100")


def test_it_is_a_function_of_the_set(learnt) -> None:
    assert infer_headers(engine()[::-1] * 2) == learnt


def test_line_ends_and_bodies_change_nothing(learnt) -> None:
    assert infer_headers([m.replace(b"\n", b"\r\n") + b"more" for m in engine()]) == learnt


def test_four_are_too_few() -> None:
    found = infer_headers(engine(4))
    assert isinstance(found, Refusal) and found.reason == "too_few"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(max_size=200), min_size=5, max_size=10))
def test_any_bytes_give_a_value(rows) -> None:
    found = infer_headers(rows)
    assert isinstance(found, HeaderTemplate | Refusal)
    for one in found.fields if isinstance(found, HeaderTemplate) else ():
        re.compile(one.regex)
