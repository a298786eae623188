"""Values that a program writes by one pattern: signs that stay, words of so many characters of one kind between them.

Message-IDs, boundaries and dates are such. A value is cut into words (letters and digits) and signs; values whose signs are
the same in the same order have one shape, and each word of a shape is a literal, one of few values, or a class of
characters with a length.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from spamtide.campaign.template.disguise import escape

MAX_VALUE = 500
_SHAPES = 4
_PART = re.compile(r"[^\W_]+|\s+|.", re.S)
_CLASSES = (
    ("digits", "[0-9]", re.compile(r"[0-9]+")),
    ("hex", "[0-9a-f]", re.compile(r"[0-9a-f]+")),
    ("HEX", "[0-9A-F]", re.compile(r"[0-9A-F]+")),
    ("letters", "[a-z]", re.compile(r"[a-z]+")),
    ("LETTERS", "[A-Z]", re.compile(r"[A-Z]+")),
    ("Letters", "[A-Za-z]", re.compile(r"[A-Za-z]+")),
    ("word", "[0-9A-Za-z]", re.compile(r"[0-9A-Za-z]+")),
)
# What the day decides, not the program.
_CALENDAR = (
    ("{weekday}", re.compile("Mon|Tue|Wed|Thu|Fri|Sat|Sun"), "[A-Z][a-z]{2}"),
    ("{month}", re.compile("Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"), "[A-Z][a-z]{2}"),
    ("{year}", re.compile("19[7-9][0-9]|20[0-9]{2}"), "[0-9]{4}"),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """One pattern: to read, as an expression of the whole value, and the share of the values that it was learnt from."""

    text: str
    expression: str
    share: float


def shapes(values: Sequence[str]) -> tuple[Shape, ...]:
    """At most four patterns, the most frequent first, each of one value in twenty or more."""
    groups: dict[tuple[str, ...], list[list[str]]] = defaultdict(list)
    for value in values:
        parts = _PART.findall(value[:MAX_VALUE].strip())
        signs = tuple("w" if p[0].isalnum() else " " if p[0].isspace() else p for p in parts)
        groups[signs].append(parts)
    ordered = sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    kept = [(signs, rows) for signs, rows in ordered if len(rows) >= 0.05 * len(values)]
    return tuple(_shape(signs, rows, len(values)) for signs, rows in kept[:_SHAPES])


def _shape(signs: tuple[str, ...], rows: list[list[str]], count: int) -> Shape:
    texts, expressions = [], []
    for i, sign in enumerate(signs):
        if sign == "w":
            text, expression = _word([row[i] for row in rows])
        elif sign == " ":
            text, expression = " ", r"\s{1,8}"
        else:
            text, expression = sign, escape(sign)
        texts.append(text)
        expressions.append(expression)
    return Shape("".join(texts), "".join(expressions), len(rows) / count)


def _word(values: Sequence[str]) -> tuple[str, str]:
    """A word of a shape, to read and as an expression."""
    counts = Counter(values)
    for name, fits, expression in _CALENDAR:
        if all(map(fits.fullmatch, counts)):
            return name, expression
    if len(counts) == 1:
        return values[0], escape(values[0])
    if len(counts) <= 12 and min(counts.values()) >= 3:
        listed = "|".join(sorted(counts))
        return "{" + listed + "}", "(?:" + "|".join(map(escape, sorted(counts))) + ")"
    low, high = min(map(len, values)), max(map(len, values))
    name, characters = next(((n, c) for n, c, fits in _CLASSES if all(map(fits.fullmatch, values))), ("text", r"\S"))
    if low == high and len(values) >= 8:
        return f"{{{name} {low}}}", f"{characters}{{{low}}}"
    return f"{{{name} {low}-{high}}}", f"{characters}{{{max(1, low // 2)},{min(500, high * 2)}}}"
