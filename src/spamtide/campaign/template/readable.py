"""A template as pieces, and as a text that a person reads: anchors as they stand, slots in braces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from spamtide.campaign.template import slots
from spamtide.campaign.template.alignment import Line as Aligned
from spamtide.campaign.template.elements import Element
from spamtide.campaign.template.tokens import Tokens
from spamtide.campaign.template.values import Anchor, Line, Order, Piece, Slot


class Names:
    """Slot names that are unique within a template: the kind, then the kind with a number."""

    def __init__(self) -> None:
        self._used: Counter[str] = Counter()

    def __call__(self, kind: str) -> str:
        self._used[kind] += 1
        return kind if self._used[kind] == 1 else f"{kind}-{self._used[kind]}"


def pieces(line: Sequence[Element], names: Names) -> tuple[Piece, ...]:
    """Neighbouring words as one anchor; each hole as a slot."""
    found: list[Piece] = []
    for element in line:
        blank = " " if element.before and found else ""
        varied = not element.fixed and len(element.counts) > 1
        if varied:
            slot = slots.describe(element.values)
            slot = Slot(names(slot.kind), slot.kind, slot.values, slot.distinct, slot.characters, slot.low, slot.high)
            if blank and found and isinstance(found[-1], Anchor):
                found[-1] = Anchor(found[-1].text + blank, found[-1].disguised)
            found.append(slot)
            continue
        text = blank + element.plain
        if found and isinstance(found[-1], Anchor):
            found[-1] = Anchor(found[-1].text + text, found[-1].disguised or len(element.counts) > 1)
        else:
            found.append(Anchor(text, len(element.counts) > 1))
    return tuple(found)


def ordered(lines: Sequence[Aligned], docs: Sequence[Tokens]) -> tuple[list[int], Order]:
    """The lines by where they usually stand, and whether all messages agree (49 in 50 pairs of lines)."""
    usual = [float(np.median([line.runs[0].where[d] for d in line.messages])) for line in lines]
    order = sorted(range(len(lines)), key=lambda i: (usual[i], i))
    kept = total = 0
    starts = [dict(zip(line.messages, (line.runs[0].where[d] for d in line.messages), strict=True)) for line in lines]
    for n, i in enumerate(order):
        for j in order[n + 1 :]:
            both = starts[i].keys() & starts[j].keys()
            total += len(both)
            kept += sum(starts[i][d] < starts[j][d] for d in both)
    return order, "fixed" if kept >= 0.98 * total else "any"


def as_lines(
    aligned: Sequence[Aligned], places: Sequence[Sequence[Element]], docs: Sequence[Tokens], names: Names
) -> tuple[tuple[Line, ...], Order]:
    """Lines of a template with their shares."""
    order, kind = ordered(aligned, docs)
    lines = tuple(Line(pieces(places[i], names), len(aligned[i].messages) / len(docs)) for i in order)
    return lines, kind


def as_text(lines: Sequence[Line], order: Order) -> str:
    """The template to read: a line of the campaign a line, a line that some messages lack with its share."""
    shown = []
    for line in lines:
        text = "".join(p.text if isinstance(p, Anchor) else "{" + p.name + "}" for p in line.pieces)
        shown.append(text if line.share >= 0.98 else f"[{100 * line.share:.0f} %] {text}")
    head = ["(in any order)"] if order == "any" and len(lines) > 1 else []
    return "\n".join(head + shown)
