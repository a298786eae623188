"""Which parts of a template make the expression: specific enough, present in nearly all, met nowhere else.

Tried in this order, and the first that fits is taken: a short text as a whole; two lines in the order they stand; any two
of the best lines (for shuffled or dropped lines); one line; any one of the best lines. Each is tried on the messages learnt
from, together with the subject's expression, and on the texts that must not be met.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
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
        for body, bits in _bodies(bodies, wanted, others, owner):
            if len(body) > MAX_LENGTH:
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
    if not parts:
        return others.part(np.zeros(0, np.intp))
    return others.part(others.met(complete(any_of(parts)), owner))


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


def _bodies(learnt: Learnt, need: float, others: Others | None, owner: str) -> Iterator[tuple[str, float]]:
    """Expressions of the body with their bits, in the order in which they are preferred."""
    if learnt.rendered_short:
        part = phrase(learnt.rendered_short, 0, 0, len(learnt.rendered_short) - 1)
        if part.ways <= MAX_WAYS:
            yield complete(part.expression, True, True), part.bits
    halves = _phrases(learnt, _AMPLE * need / 2, others, owner)
    yield from _pairs(learnt, halves)
    wholes = _phrases(learnt, _AMPLE * need, others, owner)
    able = [(p, on) for p, on in wholes if p.bits >= need]
    for part, on in able[:3]:
        if on.mean() >= WANTED:
            yield complete(part.expression), part.bits
    for size in _sizes(able, 1):
        taken = [p for p, _ in able[:size]]
        yield complete(any_of(taken)), min(p.bits for p in taken) - np.log2(size)
    if able:
        yield complete(able[0][0].expression), able[0][0].bits
    if not learnt.places:
        yield FLAGS + (r"^\s{0,200}$" if not any(d.keys for d in learnt.docs) else ANYTHING), 0.0


def _pairs(learnt: Learnt, halves: list[tuple[Phrase, Flags]]) -> Iterator[tuple[str, float]]:
    """Two lines, in their order where it is always the same; then any two of more and more lines."""
    best = sorted(
        combinations(range(min(8, len(halves))), 2), key=lambda ij: (-(halves[ij[0]][1] & halves[ij[1]][1]).sum(), ij)
    )
    for i, j in best[:2]:
        first, second = sorted((halves[i][0], halves[j][0]), key=lambda p: _rank(learnt, p))
        if (halves[i][1] & halves[j][1]).mean() >= WANTED:
            yield complete(first.expression + GAP + second.expression), first.bits + second.bits
    for size in _sizes(halves, 2):
        taken = [p for p, _ in halves[:size]]
        bits = sum(sorted(p.bits for p in taken)[:2]) - np.log2(size * size)
        yield complete(any_of(taken) + GAP + any_of(taken)), bits


def _sizes(parts: list[tuple[Phrase, Flags]], wanted: int) -> range:
    """How many lines are worth trying for ``wanted`` of them: from where a message without is rarer than 1 in 200.

    As if lines were left out independently; a sample in which none is without may be luck.
    """
    most = min(_LINES, len(parts))
    without, with_one = 1.0, 0.0
    for size in range(1, most + 1):
        share = float(parts[size - 1][1].mean())
        without, with_one = without * (1 - share), with_one * (1 - share) + without * share
        if size > wanted and without + (with_one if wanted == 2 else 0) <= 0.005:
            return range(size, most + 1)
    return range(max(wanted + 1, most), most + 1)


def _rank(learnt: Learnt, part: Phrase) -> float:
    """Where a line usually begins, as a share of the text."""
    line = learnt.lines[part.line]
    return float(np.median([line.runs[0].where[d] / len(learnt.docs[d].keys) for d in line.messages]))


def _phrases(learnt: Learnt, wanted: float, others: Others | None, owner: str) -> list[tuple[Phrase, Flags]]:
    """One phrase a line with the messages it matches, those in most messages first; none that other texts have."""
    parts = [
        p
        for n, line in enumerate(learnt.rendered)
        if (p := best_phrase(line, n, wanted)) and p.bits >= min(16.0, wanted)
    ]
    found = [(p, matches(FLAGS + p.expression, learnt.column)) for p in parts]
    found.sort(key=lambda pair: (-pair[1].sum(), -pair[0].bits, pair[0].expression))
    found = found[: 2 * _LINES]
    if others is not None and found and len(others):
        together = others.met(complete(any_of([p for p, _ in found])), owner)
        if len(together):
            texts = others.bodies.take(together)
            found = [pair for pair in found if not matches(FLAGS + pair[0].expression, texts).any()]
    return found
