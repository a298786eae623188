"""What stands between anchors: the kind of a macro, and the expression that takes its values and those to come.

Kinds as in Judo (Pitsillidis et al., NDSS 2010): *dictionary* where the values saturate (at most one in twenty of the last
third was not seen in the first two thirds), *micro-anchored* where the signs between the words repeat, else *noise*; links,
addresses, numbers and single words are told apart, since their shape says more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from math import log2

from spamtide.campaign.template.disguise import escape
from spamtide.campaign.template.specificity import word_bits
from spamtide.campaign.template.values import Slot, SlotKind

SHOWN = 16
_DICTIONARY = 40
_URL = re.compile(r"(?:https?://|ftp://|www\.)\S+", re.I)
_ADDRESS = re.compile(r"\S+@\S+\.\S+")
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_WORDS = re.compile(r"\w+")
_CLASSES = (
    ("[0-9]", re.compile(r"[0-9]*")),
    ("[0-9a-f]", re.compile(r"[0-9a-f]*", re.I)),
    ("[a-z]", re.compile(r"[a-z]*", re.I)),
    ("[a-z0-9]", re.compile(r"[a-z0-9]*", re.I)),
    (r"\S", re.compile(r"\S*")),
)
ANY = "."


def describe(values: Sequence[str], name: str = "") -> Slot:
    """The macro whose values, in an order that belongs to the messages' content, were these."""
    counts = Counter(values)
    shown = tuple(v for v, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN])
    lengths = [len(v) for v in values] or [0]
    kind = _kind(values, counts)
    return Slot(name or kind, kind, shown, len(counts), _characters(values), min(lengths), max(lengths))


def _characters(values: Sequence[str]) -> str:
    return next((name for name, fits in _CLASSES if all(fits.fullmatch(v) for v in values)), ANY)


def _kind(values: Sequence[str], counts: Counter[str]) -> SlotKind:
    filled = [v for v in values if v]
    if filled and len(filled) == len(values):
        plain: tuple[tuple[SlotKind, re.Pattern[str]], ...] = (
            ("url", _URL),
            ("address", _ADDRESS),
            ("number", _NUMBER),
        )
        for kind, shape in plain:
            if all(shape.fullmatch(v) for v in values):
                return kind
    early = set(values[: len(values) * 2 // 3])
    late = values[len(values) * 2 // 3 :]
    if len(counts) <= _DICTIONARY and sum(v not in early for v in late) <= 0.05 * len(late):
        return "dictionary"
    signs = {_WORDS.sub("w", v) for v in values}
    if len(signs) == 1 and signs != {"w"} and len(signs.pop()) > 1:
        return "micro-anchored"
    return "token" if all(len(v.split()) <= 1 for v in values) else "noise"


def expression(slot: Slot, values: Sequence[str]) -> tuple[str, float, float]:
    """An expression of the slot; in how many places it may end (what going back costs); its bits, none where values vary.

    The values are listed only where those to come are known: thirty messages or more, each value in three of them.
    """
    counts = Counter(values)
    if slot.kind == "url":
        return _url(values)
    if slot.kind == "address":
        return r"[^\s@]{1,64}@[^\s@]{3,80}", 1, 0.0
    if slot.kind == "number":
        same = len(counts) == 1 and len(values) >= 8
        return (escape(values[0]), 1, word_bits(values[0])) if same else (r"[0-9][0-9.,:/-]{0,24}", 1, 0.0)
    if len(values) >= 30 and len(counts) <= 12 and min(counts.values()) >= 3 and sum(map(len, counts)) <= 240:
        ordered = sorted(counts, key=lambda v: (-len(v), v))
        least = min(sum(map(word_bits, v.split())) for v in counts)
        text = "|".join(r"\s{1,8}".join(map(escape, v.split())) for v in ordered)
        return f"(?:{text})", 1, max(0.0, least - log2(len(counts)))
    high = min(240, slot.high * 2 + 12)
    low = 0 if slot.low == 0 else 1
    if slot.characters == ANY or slot.kind == "noise":
        return f"{ANY}{{0,{high}}}", high, 0.0
    # A longer word than any seen is likely; a character of another class is too.
    return rf"\S{{{low},{high}}}", high, 0.0


def _url(values: Sequence[str]) -> tuple[str, float, float]:
    """A link: what all have in common up to the last sign, then anything without a space."""
    least, most = min(values), max(values)
    same = next((i for i, (a, b) in enumerate(zip(least, most, strict=False)) if a != b), len(least))
    common = least[:same]
    if len(values) < 8:
        common = ""
    elif least != most:
        common = common[: max(common.rfind(c) for c in "/?=&") + 1]
    host = re.match(r"(?:https?://|www\.)([^/]+)", common)
    if not host:
        return r"(?:https?://|ftp://|www\.)\S{2,240}", 1, 0.0
    bits = sum(map(word_bits, re.findall(r"\w+", host[1])))
    return escape(common) + ("" if least == most else r"\S{0,240}"), 1, bits
