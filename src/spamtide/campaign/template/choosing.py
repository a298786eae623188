"""Which parts of a template make the expression: specific enough, present in nearly all, met nowhere else.

Preferred in this order: a short text as a whole; two lines in the order they stand; any two of the best lines (for shuffled
or dropped lines); one line; any one of the best lines. Of each it is estimated what it will miss; those that may miss more
than one in fifty wait behind the others. Then each is tried on the messages learnt from, together with the subject's
expression, and on the texts that must not be met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spamtide.campaign.template.alignment import Line, Run, find_lines
from spamtide.campaign.template.elements import Element, cover, elements, learn_looks, whole
from spamtide.campaign.template.expression import (
    ANYTHING,
    FLAGS,
    GAP,
    MAX_LENGTH,
    MAX_WAYS,
    Phrase,
    Rendered,
    any_of,
    best_phrase,
    complete,
    phrase,
    render,
)
from spamtide.campaign.template.matching import Flags, Others, column, matches
from spamtide.campaign.template.tokens import Tokens

# A part is worth trying if so many messages have it; a choice that so many have is taken at once.
WANTED = 0.985
# So much may be missed for the sake of a more telling expression.
MISSED = 0.02
ENOUGH = 0.998
# A body's expression has at least so many bits where the subject's makes up for the rest.
_LEAST = 16.0
# More than is needed is taken where it costs nothing.
_AMPLE = 1.5
SHORT = 12
_LINES = 6


@dataclass
class Learnt:
    """What one side (subjects or bodies) of the messages learnt from has in common."""

    docs: list[Tokens]
    column: Any
    lines: list[Line]
    places: list[list[Element]]
    short: list[Element]
    rendered: list[list[Rendered]]
    rendered_short: list[Rendered]


@dataclass(frozen=True)
class Choice:
    """Expressions of subject and body, their bits together, and which messages learnt from they match."""

    subject: str
    body: str
    bits: float
    matched: Flags
    others: int = 0

    @property
    def share(self) -> float:
        return float(self.matched.mean())


def learn(docs: Sequence[Tokens]) -> Learnt:
    """Lines and holes of texts in lower case, in an order that belongs to their content."""
    if len(docs) == 1 and docs[0].keys:
        lines = [Line([Run(docs[0].keys, {0: 0})], [0])]
    else:
        lines = [line for line in find_lines(docs) if line.messages]
    covered = cover(lines, docs)
    places = [elements(line, docs, covered) for line in lines]
    short = whole(docs) if len(docs) > 1 and max((len(d.keys) for d in docs), default=0) <= SHORT else []
    alike = learn_looks([*places, short])
    return Learnt(
        list(docs),
        column([d.text for d in docs]),
        lines,
        places,
        short,
        [render(line, alike) for line in places],
        render(short, alike),
    )


def choose(subjects: Learnt, bodies: Learnt, need: float, others: Others | None, owner: str) -> Choice | None:
    """The first choice of ``need`` bits that all messages match and no other text does; else the one most match."""
    best: Choice | None = None
    strong, weak = _subjects(subjects)
    stages = [(need, strong, weak)] + ([(max(need - strong[1], _LEAST), strong)] if strong[1] else [])
    seen: set[tuple[str, str]] = set()
    for wanted, *heads in stages:
        for way in _bodies(bodies, wanted, others, owner):
            body, bits = way.expression, way.bits
            if len(body) > MAX_LENGTH or bits + max(b for _, b in heads) < need:
                continue
            on_body = matches(body, bodies.column)
            for subject, subject_bits in heads:
                matched = on_body & matches(subject, subjects.column)
                if bits + subject_bits < need or (subject, body) in seen or (best and matched.mean() <= best.share):
                    continue
                seen.add((subject, body))
                if others is not None and len(met(subject, body, others, owner)):
                    continue
                best = Choice(subject, body, bits + subject_bits, matched)
                if best.share >= ENOUGH:
                    return best
    return best


def met(subject: str, body: str, others: Others, owner: str) -> NDArray[np.intp]:
    """Places of the other texts that match both expressions."""
    where = others.met(body, owner)
    return where[matches(subject, others.subjects.take(where))]


def near(bodies: Learnt, others: Others, owner: str) -> Others:
    """The other texts that share a phrase of twelve bits with these bodies: those that most need to be tried."""
    parts = [p for n, line in enumerate(bodies.rendered) if (p := best_phrase(line, n, 12.0))]
    found: set[int] = set()
    # Ten at a time: RE2 has a bound on the size of an expression.
    for i in range(0, len(parts), 10):
        found.update(others.met(complete(any_of(parts[i : i + 10])), owner).tolist())
    return others.part(np.array(sorted(found), np.intp))


def _subjects(learnt: Learnt) -> tuple[tuple[str, float], tuple[str, float]]:
    """The most specific expression of the subject that nearly all have, and the one that takes any; with their bits."""
    count = len(learnt.docs)
    anything = (FLAGS + ANYTHING, 0.0)
    found: list[tuple[str, float]] = []
    if learnt.rendered_short:
        part = phrase(learnt.rendered_short, 0, 0, len(learnt.rendered_short) - 1)
        if part.ways <= MAX_WAYS:
            found.append((complete(part.expression, True, True), part.bits))
    for number, line in enumerate(learnt.rendered):
        if len(learnt.lines[number].messages) >= WANTED * count:
            one = best_phrase(line, number, 60.0)
            if one:
                found.append((complete(one.expression), one.bits))
    for text, bits in sorted(found, key=lambda pair: (-pair[1], pair[0])):
        if bits >= 4 and matches(text, learnt.column).mean() >= 0.995:
            return (text, bits), anything
    return anything, anything


@dataclass(frozen=True)
class _Way:
    """An expression of the body, its bits, and the share of messages to come that it may be expected to miss."""

    expression: str
    bits: float
    missed: float


def _bodies(learnt: Learnt, need: float, others: Others | None, owner: str) -> list[_Way]:
    """Expressions of the body: first those that may be expected to miss little, in the order in which they are preferred."""
    ways = []
    if learnt.rendered_short:
        part = phrase(learnt.rendered_short, 0, 0, len(learnt.rendered_short) - 1)
        if part.ways <= MAX_WAYS:
            ways.append(_Way(complete(part.expression, True, True), part.bits, 0.0))
    ways += _two(learnt, _phrases(learnt, _AMPLE * need / 2, others, owner))
    able = [(p, share) for p, share in _phrases(learnt, _AMPLE * need, others, owner) if p.bits >= need]
    ways += [_Way(complete(p.expression), p.bits, 1 - share) for p, share in able[:3]]
    for size in range(2, min(_LINES, len(able)) + 1):
        parts = [p for p, _ in able[:size]]
        missed = _short_of([share for _, share in able[:size]], 1)
        ways.append(_Way(complete(any_of(parts)), min(p.bits for p in parts) - log2(size), missed))
    if not learnt.places:
        ways.append(_Way(FLAGS + (ANYTHING if any(d.keys for d in learnt.docs) else r"^\s{0,200}$"), 0.0, 0.0))
    return sorted(ways, key=lambda way: max(0.0, way.missed - MISSED))


def _two(learnt: Learnt, halves: list[tuple[Phrase, float]]) -> list[_Way]:
    """Two lines in their order; any two of more and more lines."""
    ways = []
    pairs = sorted(
        combinations(range(min(6, len(halves))), 2), key=lambda ij: (-halves[ij[0]][1] * halves[ij[1]][1], ij)
    )
    for i, j in pairs[:2]:
        first, second = sorted((halves[i][0], halves[j][0]), key=lambda p: _rank(learnt, p))
        text = first.expression + GAP + second.expression
        ways.append(_Way(complete(text), first.bits + second.bits, 1 - halves[i][1] * halves[j][1]))
    for size in range(3, min(_LINES, len(halves)) + 1):
        parts = [p for p, _ in halves[:size]]
        bits = sum(sorted(p.bits for p in parts)[:2]) - 2 * log2(size)
        missed = _short_of([share for _, share in halves[:size]], 2)
        ways.append(_Way(complete(any_of(parts) + GAP + any_of(parts)), bits, missed))
    return ways


def _short_of(shares: Sequence[float], wanted: int) -> float:
    """Share of messages that have fewer than ``wanted`` (1 or 2) of lines with these shares, left out independently."""
    none, one = 1.0, 0.0
    for share in shares:
        none, one = none * (1 - share), one * (1 - share) + none * share
    return none + (one if wanted == 2 else 0.0)


def _rank(learnt: Learnt, part: Phrase) -> float:
    """Where a line usually begins, as a share of the text."""
    line = learnt.lines[part.line]
    return float(np.median([line.runs[0].where[d] / len(learnt.docs[d].keys) for d in line.messages]))


def _phrases(learnt: Learnt, wanted: float, others: Others | None, owner: str) -> list[tuple[Phrase, float]]:
    """One phrase a line with the share of messages to come that may be expected to have it, the largest first.

    The share is by the rule of succession: nine of nine is no certainty. None that other texts have.
    """
    parts = [p for n, line in enumerate(learnt.rendered) if (p := best_phrase(line, n, wanted))]
    parts = list({p.expression: p for p in parts if p.bits >= min(_LEAST, wanted)}.values())
    counts = [int(matches(FLAGS + p.expression, learnt.column).sum()) for p in parts]
    found = [(p, (c + 1) / (len(learnt.docs) + 2)) for p, c in zip(parts, counts, strict=True)]
    found.sort(key=lambda pair: (-pair[1], -pair[0].bits, pair[0].expression))
    found = found[: 2 * _LINES]
    if others is not None and found and len(others):
        together = others.met(complete(any_of([p for p, _ in found])), owner)
        if len(together):
            texts = others.bodies.take(together)
            found = [(own, share) for p, share in found if (own := _own(p, learnt, texts, others, owner))]
    return found


def _own(part: Phrase, learnt: Learnt, texts: Any, others: Others, owner: str) -> Phrase | None:
    """The phrase if no other text has it; else the whole line, if none has that."""
    if not matches(FLAGS + part.expression, texts).any():
        return part
    line = learnt.rendered[part.line]
    fixed = [i for i, (element, *_) in enumerate(line) if element.fixed]
    longest = phrase(line, part.line, fixed[0], fixed[-1])
    if longest.ways > MAX_WAYS / 4 or len(longest.expression) > MAX_LENGTH / 4:
        return None
    return None if len(others.met(FLAGS + longest.expression, owner)) else longest
