"""Expressions that cannot run away, from the lines of a template.

Syntax that RE2, Rust's regex and Python's re read alike: literals, classes of characters, alternatives, ``{low,high}``. No
look-around, no reference back, no star or plus, no quantifier over a group that has one. Everything is bounded, and where an
engine goes back (Python's, PCRE) the number of ways to match from one place is kept below ``MAX_WAYS``: at most one gap over
many words, other holes end at a blank or at the word after them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spamtide.campaign.template.disguise import Alike
from spamtide.campaign.template.elements import Element

MAX_LENGTH = 12_000
MAX_WAYS = 2_000.0
# RE2 counts to a thousand.
GAP = ".{0,900}"
FLAGS = "(?is)"
ANYTHING = "^"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Part of a line as an expression: ``bits`` of specificity, ``ways`` in which it can match from one place."""

    expression: str
    bits: float
    ways: float
    line: int
    first: int
    last: int


# An element of a line, its expression, bits and ways to end.
Rendered = tuple[Element, str, float, float]


def render(line: Sequence[Element], alike: Alike | None) -> list[Rendered]:
    """Each element of a line with its expression."""
    found = []
    for element in line:
        text, bits, ways = element.expression(alike)
        found.append((element, (alike.unseen if alike else "") + text, bits, ways))
    return found


def phrase(line: Sequence[Rendered], number: int, first: int, last: int) -> Phrase:
    """Elements ``first`` to ``last`` (included) of a line."""
    parts, bits, ways = [], 0.0, 1.0
    for i in range(first, last + 1):
        element, text, b, w = line[i]
        parts.append((element.before if i > first else "") + text)
        bits += b
        if i < last:
            ways *= max(1.0, w / max(1.0, len(line[i + 1][0].plain)))
    return Phrase("".join(parts), bits, ways, number, first, last)


def best_phrase(line: Sequence[Rendered], number: int, wanted: float) -> Phrase | None:
    """The part of a line that reaches ``wanted`` bits with fewest holes and characters; else the most specific part.

    It begins and ends with a word. Nothing, where a line has no part without too many ways to match.
    """
    best: tuple[tuple[float, ...], int, int] | None = None
    for first, (element, _, own, _) in enumerate(line):
        if not element.fixed or own < 1:
            continue
        bits = risk = 0.0
        ways = 1.0
        length = 0
        for last in range(first, len(line)):
            element, text, b, w = line[last]
            bits += b
            length += len(text)
            if length > MAX_LENGTH / 4:
                break
            if element.fixed:
                rank = (-min(bits, wanted), risk + length / 100, first)
                if best is None or rank < best[0]:
                    best = rank, first, last
                if bits >= wanted:
                    break
            else:
                risk += 12.0 if w > 1 else 4.0
            if w > 1 and last + 1 < len(line):
                ways *= max(1.0, w / max(1, len(line[last + 1][0].plain)))
                if ways > MAX_WAYS / 4:
                    break
    return phrase(line, number, best[1], best[2]) if best else None


def any_of(phrases: Sequence[Phrase]) -> str:
    """One of the phrases."""
    return phrases[0].expression if len(phrases) == 1 else "(?:" + "|".join(p.expression for p in phrases) + ")"


def complete(expression: str, start: bool = False, end: bool = False) -> str:
    """With its flag, held to the start or the end of the text."""
    return FLAGS + (r"^\s{0,200}" if start else "") + expression + (r"\s{0,200}$" if end else "")
