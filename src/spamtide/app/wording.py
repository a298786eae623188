"""The text of a message as it was compared, and the words of its shingles. Thinned messages are read from the tables."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from spamtide.archive import format_id
from spamtide.fingerprint import shingle_words
from spamtide.message import message_texts

if TYPE_CHECKING:
    from spamtide.archive import Archive


def text_of(archive: Archive, row: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and visible text of a row of ``first_of_each``: as they came, or masked where the body was dropped."""
    message = archive.read(format_id(row["feed"], row["writer"], row["segment"], row["ordinal"]))
    if message.erased or message.thinned:
        return row["subject"] or "", row["text"] or ""
    subject, text, _, _ = message_texts(message.raw, json.dumps(message.meta).encode())
    return subject, text


def words_behind(archive: Archive, row: Mapping[str, Any], wanted: Collection[int]) -> dict[int, str]:
    """The words of these shingles, where the message of that row has them (``shingle_words``)."""
    return shingle_words(*text_of(archive, row), wanted)
