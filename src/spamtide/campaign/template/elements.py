"""A line of a campaign as words and holes, with all that was seen at each: from these both template and expression come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from spamtide.campaign.template import slots
from spamtide.campaign.template.alignment import Line, common_tokens
from spamtide.campaign.template.disguise import Alike, Looks, escape, plainest
from spamtide.campaign.template.specificity import word_bits
from spamtide.campaign.template.tokens import KINDS, Tokens

SPACE = r"\s{1,8}"
# Words at the edge of a line that are no anchors, at most.
_EDGE = 6
MAYBE_SPACE = r"\s{0,8}"


@dataclass
class Element:
    """A place of a line: what stood there, message by message, and the blank before it.

    ``before``: the expression of the blank. ``fixed``: a word of the template, in disguise or not; otherwise a hole.
    """

    values: list[str]
    before: str
    fixed: bool

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(self.values)

    @cached_property
    def plain(self) -> str:
        return plainest(self.counts)

    def expression(self, alike: Alike | None) -> tuple[str, float, float]:
        """The expression, its bits, and in how many places it may end."""
        if not self.fixed:
            text, ways, bits = slots.expression(slots.describe(self.values), self.values)
            return text, bits, ways
        if alike is None:
            ordered = sorted(self.counts, key=lambda v: (-len(v), v))[:8]
            text = escape(ordered[0]) if len(ordered) == 1 else "(?:" + "|".join(map(escape, ordered)) + ")"
            return text, word_bits(self.plain), 1
        return alike.expression(self.plain), 0.8 * word_bits(self.plain), 1


def elements(line: Line, docs: Sequence[Tokens], covered: Sequence[bytearray]) -> list[Element]:
    """The places of ``line``, in order, over the messages that have all of it.

    ``covered`` marks the tokens of each message that belong to lines: see ``cover``.
    """
    found: list[Element] = []
    ends: list[int] = []
    having = [docs[d] for d in line.messages]
    for run in line.runs:
        begins = [run.where[d] for d in line.messages]
        gap = _gap(having, ends, begins) if ends else _edge(line, having, covered, begins, -1)
        for i, key in enumerate(run.keys):
            places = [(t, b + i) for t, b in zip(having, begins, strict=True) if b + i]
            blank = _blank(places) if places and (i or gap or ends) else ""
            element = Element([docs[d].literal(run.where[d] + i) for d in line.messages], blank, key not in KINDS)
            found += [*gap, element] if not i else [element]
        ends = [b + len(run.keys) for b in begins]
    return found + _edge(line, having, covered, ends, 1)


def cover(lines: Sequence[Line], docs: Sequence[Tokens]) -> list[bytearray]:
    """For each message a byte a token: whether it belongs to a line."""
    covered = [bytearray(len(d.keys)) for d in docs]
    for line in lines:
        for run in line.runs:
            for d, begin in run.where.items():
                covered[d][begin : begin + len(run.keys)] = b"\1" * len(run.keys)
    return covered


def _edge(line: Line, having: list[Tokens], covered: Sequence[bytearray], at: list[int], step: int) -> list[Element]:
    """The few words between a line and the end of its row of text or its neighbour, where nearly all messages have one.

    They count as covered from then on, so that the neighbour does not take them too.
    """
    docs, begins, ends = [], [], []
    taken: list[tuple[int, int, int]] = []
    for d, tokens, place in zip(line.messages, having, at, strict=True):
        p, last = place, len(tokens.keys)
        while (p > 0 if step < 0 else p < last) and abs(p - place) <= _EDGE:
            new = p - 1 if step < 0 else p
            if covered[d][new]:
                break
            between = max(new, p)
            if 0 < between < last and "\n" in tokens.text[tokens.ends[between - 1] : tokens.starts[between]]:
                break
            p += step
        if abs(p - place) <= _EDGE:
            docs.append(tokens)
            begins.append(min(p, place))
            ends.append(max(p, place))
            taken.append((d, min(p, place), max(p, place)))
    if len(docs) < 0.95 * len(having):
        return []
    for d, begin, end in taken:
        covered[d][begin:end] = b"\1" * (end - begin)
    return _gap(docs, begins, ends)


def whole(docs: Sequence[Tokens]) -> list[Element]:
    """Short texts as one line from their first token to their last."""
    ends = [len(d.keys) for d in docs]
    return _gap(list(docs), [0] * len(docs), ends, whole=True)


def _blank(places: list[tuple[Tokens, int]]) -> str:
    """The blank before a token, over the messages."""
    empty = {t.starts[p] == t.ends[p - 1] for t, p in places}
    return MAYBE_SPACE if len(empty) == 2 else ("" if True in empty else SPACE)


def _gap(docs: list[Tokens], begins: list[int], ends: list[int], whole: bool = False) -> list[Element]:
    """What stands between two runs: holes, with the words that all have between them."""
    rows = [d.keys[b:e] for d, b, e in zip(docs, begins, ends, strict=True)]
    if not any(rows):
        return []
    found: list[Element] = []
    at = list(begins)
    for places in [*common_tokens(rows), None]:
        stops = [b + p for b, p in zip(begins, places, strict=True)] if places else ends
        if any(s > a for s, a in zip(stops, at, strict=True)):
            found.append(_hole(docs, at, stops))
        if places:
            key = docs[0].keys[stops[0]]
            spots = list(zip(docs, stops, strict=True))
            first = any(s == 0 for s in stops)
            blank = "" if first else _blank(spots)
            if found and not found[-1].fixed:
                blank = "" if first else blank.replace("1,8", "0,8") if "" in found[-1].counts else blank
            found.append(Element([t.literal(p) for t, p in spots], blank, key not in KINDS))
            at = [s + 1 for s in stops]
    return found


def _hole(docs: list[Tokens], at: list[int], stops: list[int]) -> Element:
    values = [d.text[d.starts[a] : d.ends[s - 1]] if s > a else "" for d, a, s in zip(docs, at, stops, strict=True)]
    filled = [(d, a) for d, a, s in zip(docs, at, stops, strict=True) if s > a and a > 0]
    blank = _blank(filled) if filled else ""
    # A word that stands twice in the gap is no place to align by, and yet may be all there is.
    fixed = (
        len(docs) > 1 and len(set(values)) == 1 and not any(d.keys[a] in KINDS for d, a in zip(docs, at, strict=True))
    )
    return Element(values, MAYBE_SPACE if "" in values and blank else blank, fixed)


def learn_looks(lines: Sequence[Sequence[Element]]) -> Alike | None:
    """The campaign's way of disguising letters, or nothing where fewer than one word in five hundred is disguised."""
    looks = Looks()
    for line in lines:
        for element in line:
            if element.fixed:
                looks.learn(element.counts)
    return looks.freeze() if looks.share > 0.002 else None
