"""What the messages of one campaign have in common: runs of words, joined to lines across small gaps.

1. Pairs of neighbouring words are counted over the messages. A pair that few messages have is noise.
2. The message with most frequent pairs not yet explained is read; its unbroken stretches of frequent pairs are *runs*. A
   stretch is cut where a pair is clearly rarer than those around it: there a macro stands, or another line may slip in.
3. Each run is looked for in every message. What it covers is explained; then the next message is read.
4. Two runs that follow each other in the message read, and in nearly all others, at most twelve tokens apart, belong to
   one *line*; what stands between them is a gap, the values of a macro.

Order among lines is not used, so shuffled, dropped and interleaved lines are found all the same. Cost is linear in tokens,
times at most ten readings. Method: Judo's anchors and macros (Pitsillidis et al., NDSS 2010), with counted pairs in place
of longest common substrings, which need every message to have the anchor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from statistics import median

from spamtide.campaign.template.tokens import Tokens

READINGS = 10
_SEED = 3
_NEAR = 12
_TOGETHER = 0.92
_WEAK = 0.93


@dataclass(slots=True)
class Run:
    """Words that stand side by side: their keys, and for each message that has them the token they begin at."""

    keys: tuple[str, ...]
    where: dict[int, int]


@dataclass(slots=True)
class Line:
    """Runs in their order, and the messages in which they all stand so."""

    runs: list[Run]
    messages: list[int] = field(default_factory=list)


class _Index:
    """The messages as numbers, with the places of each pair."""

    def __init__(self, docs: Sequence[Tokens], floor: int) -> None:
        self.docs = docs
        names: dict[str, int] = {}
        self.ids = [[names.setdefault(k, len(names)) for k in d.keys] for d in docs]
        size = len(names) + 1
        self.pairs = [[a * size + b for a, b in pairwise(row)] for row in self.ids]
        self.places: list[dict[int, list[int]]] = []
        for row in self.pairs:
            at: dict[int, list[int]] = {}
            for i, pair in enumerate(row):
                at.setdefault(pair, []).append(i)
            self.places.append(at)
        self.frequency: Counter[int] = Counter()
        for at in self.places:
            self.frequency.update(at.keys())
        self.floor = floor
        self.explained = [bytearray(len(row) + 1) for row in self.ids]
        self._gains: dict[int, int] = {}

    def unexplained(self, doc: int) -> int:
        """How much an account of this message would explain, in messages times pairs."""
        if doc not in self._gains:
            free, frequency, floor = self.explained[doc], self.frequency, self.floor
            counted = (frequency[p] for i, p in enumerate(self.pairs[doc]) if not free[i])
            self._gains[doc] = sum(f for f in counted if f >= floor)
        return self._gains[doc]

    def stretches(self, doc: int) -> list[tuple[int, int]]:
        """Begin and end of each run of this message: at least three tokens, joined by frequent pairs."""
        counts = [
            0 if self.explained[doc][i] or self.explained[doc][i + 1] else self.frequency[p]
            for i, p in enumerate(self.pairs[doc])
        ]
        counts = [c if c >= self.floor else 0 for c in counts]
        found, start = [], 0
        for i in range(len(counts) + 1):
            if i < len(counts) and counts[i]:
                around = [c for c in counts[max(0, i - 3) : i + 4] if c]
                if counts[i] >= _WEAK * median(around):
                    continue
            if i + 1 - start >= _SEED:
                found.append((start, i + 1))
            start = i + 1
        return found

    def locate(self, doc: int, start: int, end: int) -> Run:
        """The run that stands at ``start`` to ``end`` of ``doc``, looked for in all messages."""
        wanted = self.ids[doc][start:end]
        pairs = self.pairs[doc][start : end - 1]
        offset = min(range(len(pairs)), key=lambda i: (self.frequency[pairs[i]], i))
        where: dict[int, int] = {}
        for other, at in enumerate(self.places):
            row, free = self.ids[other], self.explained[other]
            for place in at.get(pairs[offset], ()):
                begin = place - offset
                if begin >= 0 and not free[begin] and row[begin : begin + len(wanted)] == wanted:
                    where[other] = begin
                    break
        return Run(self.docs[doc].keys[start:end], where)

    def explain(self, run: Run) -> None:
        """Mark the places of ``run`` as accounted for."""
        for doc, begin in run.where.items():
            self._gains.pop(doc, None)
            self.explained[doc][begin : begin + len(run.keys)] = b"\1" * len(run.keys)


def least_frequency(messages: int) -> int:
    """In how many of so many messages a pair must stand to be no noise."""
    return max(2 if messages < 8 else 3, ceil(0.15 * messages))


def find_lines(docs: Sequence[Tokens], thorough: bool = False) -> list[Line]:
    """Lines of the messages, those of the first reading first; each is in at least 15 % of them (``thorough``: in five).

    ``docs`` must be in an order that belongs to their content: ties are broken by it.
    """
    index = _Index(docs, min(5, least_frequency(len(docs))) if thorough else least_frequency(len(docs)))
    lines: list[Line] = []
    read: set[int] = set()
    for _ in range(READINGS * (4 if thorough else 1)):
        gain, doc = max(((index.unexplained(d), -d) for d in range(len(docs)) if d not in read), default=(0, 0))
        if gain < _SEED * index.floor:
            break
        doc = -doc
        read.add(doc)
        runs = []
        for start, end in index.stretches(doc):
            for run in _kept(index, doc, start, end):
                index.explain(run)
                runs.append(run)
        lines += _joined(runs, doc)
    return lines


def _kept(index: _Index, doc: int, start: int, end: int) -> list[Run]:
    """The run, or its halves where as a whole it stands in too few messages."""
    if end - start < _SEED:
        return []
    run = index.locate(doc, start, end)
    pairs = [index.frequency[p] for p in index.pairs[doc][start : end - 1]]
    if len(run.where) >= index.floor and len(run.where) >= 0.9 * median(pairs):
        return [run]
    middle = (end - start) / 2
    cut = min(range(1, len(pairs)), key=lambda i: (pairs[i], abs(i - middle), i), default=0)
    if not cut:
        return [run] if len(run.where) >= index.floor else []
    return _kept(index, doc, start, start + cut + 1) + _kept(index, doc, start + cut + 1, end)


def _joined(runs: list[Run], doc: int) -> list[Line]:
    """Runs that follow each other closely in this message and nearly always elsewhere, as lines."""
    runs = sorted((r for r in runs if doc in r.where), key=lambda r: r.where[doc])
    lines: list[Line] = []
    for run in runs:
        if lines:
            line = lines[-1]
            near = neighbours(line.runs[-1], run)
            if len(near) >= _TOGETHER * max(len(line.runs[-1].where), len(run.where)):
                line.runs.append(run)
                kept = set(near)
                line.messages = [d for d in line.messages if d in kept]
                continue
        lines.append(Line([run], sorted(run.where)))
    return lines


def neighbours(first: Run, second: Run) -> list[int]:
    """The messages in which ``second`` follows ``first`` within twelve tokens."""
    size = len(first.keys)
    return [
        d for d, at in sorted(first.where.items()) if d in second.where and 0 <= second.where[d] - at - size <= _NEAR
    ]


def common_tokens(rows: Sequence[Sequence[str]]) -> list[tuple[int, ...]]:
    """Places of the tokens that stand once in every row and in the same order everywhere: micro-anchors within a gap."""
    if not rows or not all(rows):
        return []
    least = min(rows, key=len)
    once = [k for k in least if all(row.count(k) == 1 for row in rows)]
    found: list[tuple[int, ...]] = []
    for key in once:
        place = tuple(row.index(key) for row in rows)
        if not found or all(a < b for a, b in zip(found[-1], place, strict=True)):
            found.append(place)
    return found
