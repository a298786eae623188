"""The words behind shingles: what two sketches have in common, as a person can read it.

Shingles are keyed hashes of words; the way back is to make those of a text again, one by one, and to see which of the wanted come out.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from spamtide.fingerprint.kernel import fingerprint_tokens
from spamtide.fingerprint.texts import fingerprint_texts

# Words from which on words are shingled, as in rust/src/pure/fingerprint.rs; below, each run gets company of words that no mail has.
_WORDS = 8
_PADDING = "kovubazi demofusa gelonipo rahetulo wamuyobi"
# Runs of one text that are tried, and written words that are looked at to find how a compared word is written.
_RUNS, _WRITTEN = 4_000, 2_000
# What masking writes, folded; shown as masking writes it.
_MASKED = {"#": "#", "uri": "<url>", "adr": "<addr>", "biob": "<blob>", "rcpt": "<rcpt>"}
_EDGES = ".,;:!?()[]{}<>\"'«»“”*_-"


def shingle_words(subject: str, text: str, wanted: Collection[int]) -> dict[int, str]:
    """The words of those ``wanted`` shingles that a message has: three of its visible text, or ``subject: `` and two of its subject.

    Words are as the message writes them (in lower case) where that can be found, else as they are compared: folded, masked, digits as
    ``#``. A text of fewer than eight words is shingled by characters, and has no words here; neither have pieces of attachments, nor
    runs with a recipient's name in them. About 1 ms for a page.
    """
    found: dict[int, str] = {}
    among = frozenset(wanted)
    words = fingerprint_tokens(text)
    if len(words) >= _WORDS:
        runs = list(dict.fromkeys(" ".join(words[i : i + 3]) for i in range(len(words) - 2)))[:_RUNS]
        # A number is compared as #; a digit that stands for no letter is read so again.
        padded = [f"{run.replace('#', '2')} {_PADDING}" for run in runs]
        _name(found, among, runs, fingerprint_texts(padded)["shingles"].to_pylist())
    found = _written(found, text)
    title = fingerprint_tokens(subject)
    pairs = list(dict.fromkeys(" ".join(title[i : i + 2]) for i in range(max(1, len(title) - 1)))) if title else []
    of_subject: dict[int, str] = {}
    marks = fingerprint_texts([""] * len(pairs), [p.replace("#", "2") for p in pairs])["subject_marks"].to_pylist()
    _name(of_subject, among, pairs, marks)
    return found | {value: f"subject: {words}" for value, words in _written(of_subject, subject).items()}


def _written(found: dict[int, str], text: str) -> dict[int, str]:
    """Compared words as the text writes them, where one written word is one compared word."""
    wanted = {token for run in found.values() for token in run.split(" ")}
    written = {token: _MASKED[token] for token in wanted if token in _MASKED}
    for word in dict.fromkeys(text.split()[:_WRITTEN]):
        if len(written) == len(wanted):
            break
        tokens = fingerprint_tokens(word)
        if len(tokens) == 1 and tokens[0] in wanted and len(word) <= 40:
            written.setdefault(tokens[0], word.strip(_EDGES).lower() or tokens[0])
    return {value: " ".join(written.get(t, t) for t in run.split(" ")) for value, run in found.items()}


def _name(found: dict[int, str], among: frozenset[int], names: list[str], cells: list[bytes]) -> None:
    for name, cell in zip(names, cells, strict=True):
        for value in among & set(np.frombuffer(cell, np.int64).tolist()):
            found.setdefault(value, name)
