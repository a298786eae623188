"""What a message says at the slots of a template."""

from __future__ import annotations

import random

from spamtide.campaign import Split, Template, Text, fill_slots, infer_template
from template_planted import LINES


def letters(n: int) -> list[tuple[str, str]]:
    """Texts of one template and the number that each was given."""
    rng = random.Random(9)
    rows = []
    for _ in range(n):
        number, name = (
            str(rng.randrange(10**6, 10**7)),
            "".join(rng.choice("bcdfg") + rng.choice("aeiou") for _ in range(4)),
        )
        rows.append(
            (f"{LINES[0]}\nhello {name}, your number is {number} and it waits for you here\n{LINES[1]}", number)
        )
    return rows


def test_each_message_fills_the_slot_with_its_own_value() -> None:
    rows = letters(60)
    found = infer_template([Text("a fine offer", text) for text, _ in rows])
    assert isinstance(found, Template)
    for text, number in rows:
        values = fill_slots(found.body, text)
        assert number in values.values() and len(values) >= 2
        assert all(v == "" or v in text for v in values.values())


def test_lines_that_are_missing_fill_nothing() -> None:
    rows = letters(60)
    found = infer_template([Text("a fine offer", text) for text, _ in rows])
    assert not isinstance(found, Split)
    assert isinstance(found, Template)
    assert fill_slots(found.body, "") == {} == fill_slots(found.body, "nothing that the template knows stands here")
    cut = rows[0][0].split(" and it waits")[0]
    assert rows[0][1] not in fill_slots(found.body, cut).values(), "half a line is no line"
