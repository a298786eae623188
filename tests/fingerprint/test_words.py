"""The words behind shingles."""

from __future__ import annotations

import numpy as np

from campaign_texts import made
from spamtide.fingerprint import fingerprint_texts, shingle_words

TEXT = "Dear friend, order V1agra for 1250 dollars today at http://pills.example/x and save a lot of it"


def shingles(subject: str, text: str) -> list[int]:
    cell = fingerprint_texts([text], [subject])["shingles"][0].as_py()
    found: list[int] = np.frombuffer(cell, np.int64).tolist()
    return found


def test_every_shingle_of_a_message_has_its_words() -> None:
    words = shingle_words("Best offer now", TEXT, shingles("Best offer now", TEXT))
    assert set(words) == set(shingles("Best offer now", TEXT))
    said = set(words.values())
    # As they are written, but for numbers, which count for nothing, and what masking hides.
    assert {"dear friend order", "order v1agra for", "for # dollars", "subject: best offer"} <= said
    assert "at <url> and" in said and not any("pills.example" in s for s in said)


def test_only_what_is_wanted_and_there_is_named() -> None:
    one = shingles("", TEXT)[:2]
    assert set(shingle_words("", TEXT, [*one, 5])) == set(one)
    assert shingle_words("", "", [1, 2]) == {} == shingle_words("hello", TEXT, [])
    assert shingle_words("", "too short to be read", shingles("", "too short to be read")) == {}


def test_words_are_found_for_nearly_all_made_mail() -> None:
    texts = made(2, campaigns=5, members=5, alone=10)
    wanted = [(m, shingles(m.subject, m.text)) for m in texts]
    found = [len(shingle_words(m.subject, m.text, w)) for m, w in wanted]
    assert sum(found) >= 0.99 * sum(len(w) for _, w in wanted)
