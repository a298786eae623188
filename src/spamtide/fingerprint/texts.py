"""Fingerprints of texts that no message carried, by the same rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from spamtide.fingerprint.columns import arrow_array
from spamtide.fingerprint.kernel import fingerprint_texts as _fingerprints

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = ("exact", "shingles", "subject_marks", "link_marks", "piece_marks", "picture_marks", "form_marks")


def fingerprint_texts(texts: Sequence[str], subjects: Sequence[str] | None = None) -> pa.Table:
    """One row a text: ``exact`` and the lists of hashes, as in the table ``sketch`` (docs/reference/facts.md).

    ``texts`` are visible text, ``subjects`` (as many, '' where none) what stood above it. Raises ValueError where the numbers
    differ. Lone surrogates are read as U+FFFD.
    """
    above = [""] * len(texts) if subjects is None else subjects
    if len(above) != len(texts):
        raise ValueError(f"{len(texts)} texts and {len(above)} subjects")
    try:
        columns = _fingerprints(list(above), list(texts))["sketch"]
    except UnicodeEncodeError:
        columns = _fingerprints([_clean(s) for s in above], [_clean(t) for t in texts])["sketch"]
    return pa.table({name: arrow_array(columns[name]) for name in COLUMNS})


def _clean(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
