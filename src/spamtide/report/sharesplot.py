"""Duplicate shares: two windows as dots with intervals, raw hollow, equal-n filled, joined by a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spamtide.event import Claim
from spamtide.measure import Duplicates, Interval
from spamtide.report.claims import SIGNS, claim_figure, short_witness
from spamtide.report.sentences import duplicates_title, share_phrase
from spamtide.report.svg import Canvas, number_width
from spamtide.report.words import share_span, share_words, thousands

WIDE, NARROW = 900, 340


@dataclass(frozen=True, slots=True)
class Pair:
    """Two windows of one rule, as counted (``hollow``) or at equal n; ``planted`` where the world is simulated."""

    rule: str
    label: str
    shares: tuple[Interval, ...]
    hollow: bool
    planted: tuple[float, ...] = ()


def share_pairs(duplicates: Sequence[Duplicates], documents: Sequence[Mapping[str, Any]]) -> list[Pair]:
    """The rows: each rule as counted and, with two windows, at equal n."""
    pairs = []
    for value, document in zip(duplicates, documents, strict=True):
        planted = document.get("planted", {})
        raw = tuple(w.in_group for w in value.windows if w.in_group is not None)
        pairs.append(Pair(value.rule, "as counted", raw, True, tuple(planted.get("in_group", ()))))
        if value.equal_n is not None:
            n = f"at equal n ({thousands(value.equal_n.n)})"
            pairs.append(Pair(value.rule, n, value.equal_n.in_group, False, tuple(planted.get("equal_n", ()))))
    return pairs


def shares_alt(duplicates: Sequence[Duplicates], pairs: Sequence[Pair]) -> str:
    """Every dot in words."""
    rows = []
    for p in pairs:
        dots = [share_phrase(s) for s in p.shares]
        known = f", planted {' and '.join(f'{v * 100:.0f} %' for v in p.planted)}" if p.planted else ""
        rows.append(f"rule {p.rule}, {p.label}: {' before and '.join(dots)}{' after' if len(dots) > 1 else ''}{known}")
    return f"{duplicates_title(duplicates[0])}. In-group shares. {'; '.join(rows)}."


def shares_plot(
    duplicates: Sequence[Duplicates], pairs: Sequence[Pair], claims: Sequence[Claim], witnesses: Mapping[str, str],
    name: str, *, narrow: bool = False, alone: bool = False,
) -> str:  # fmt: skip
    """The plot as SVG. ``claims``: shares that others published, drawn as hollow diamonds on the same axis."""
    width = NARROW if narrow else WIDE
    c = Canvas(
        f"{name}-{'narrow' if narrow else 'wide'}",
        width,
        duplicates_title(duplicates[0]),
        shares_alt(duplicates, pairs),
    )
    left, right = (10.0, width - 10.0) if narrow else (214.0, width - 192.0)
    claimed = [c for c in claims if c.value is not None]
    top_share = max([0.6, *(s.high for p in pairs for s in p.shares), *(c.value or 0 for c in claimed)])
    top_share = min(1.0, -(-top_share * 10 // 1) / 10)

    def x(share: float) -> float:
        return left + (right - left) * min(share, top_share) / top_share

    dot_row = 42.0 if narrow else 22.0
    y, rule = 22.0, ""
    marks: list[tuple[float, str | Pair | Claim]] = []
    for p in pairs:
        if p.rule != rule:
            y += 24 if marks else 0
            marks.append((y, f"Rule “{p.rule}”"))
            rule, y = p.rule, y + 20
        marks.append((y, p))
        y += len(p.shares) * dot_row + (18 if narrow else 10)
    if claimed:
        marks.append((y + 18, "Claims of others; their rule is not published"))
        y += 38
        for claim in claimed:
            marks.append((y, claim))
            y += dot_row
    base = y + 6
    for tenth in range(0, round(top_share * 10) + 1, 2 if narrow else 1):
        c.line([(x(tenth / 10), 10), (x(tenth / 10), base)], "quiet" if tenth == 0 else "line")
        label = f"{tenth * 10} %" if tenth else "0"
        c.text(min(x(tenth / 10), width - number_width(label, 12) / 2), base + 16, label, anchor="middle")
    for at, item in marks:
        if isinstance(item, str):
            c.box(0, at - 13, width, 17, "ground")
            c.text(0, at, item, "ink", bold=True, size=12 if narrow else 14)
        elif isinstance(item, Pair):
            _pair(c, item, at, x, left, width, narrow, dot_row)
        else:
            who = short_witness(item, witnesses)
            when = "before" if item.comparator in (">", ">=") else "after"
            said = f"{SIGNS[item.comparator]} {claim_figure(item)}".removeprefix("= ")
            if narrow:
                c.box(0, at - 4, width, 15, "ground")
                c.text(0, at + 8, f"{who}, {when}", "ink")
                c.text(width, at + 8, said, "ink", anchor="end")
            else:
                c.text(left - 14, at + 4, f"{who}, {when}", "ink", anchor="end", size=14)
                c.text(width, at + 4, said, "ink", anchor="end", size=14)
            here = at + (20 if narrow else 0)
            c.mark(x(item.value or 0), here, "diamond", "ink", 3.6, hollow=True)
            if item.comparator in (">", ">="):
                c.line([(x(item.value or 0) + 6, here), (x(item.value or 0) + 26, here)], "ink", 1.2)
                c.mark(x(item.value or 0) + 28, here, "right", "ink", 3)
    return c.render(base + 24, alone=alone)


def _pair(c: Canvas, pair: Pair, y: float, x: object, left: float, width: float, narrow: bool, row: float) -> None:
    assert callable(x)
    places = [(x(s.value), y + i * row + (18 if narrow else 0)) for i, s in enumerate(pair.shares)]
    if len(places) > 1:
        c.line(places, "observed", 1, "3 2" if pair.hollow else "")
    for i, (share, (at, here)) in enumerate(zip(pair.shares, places, strict=True)):
        label = f"{pair.label}, {('before', 'after')[i]}" if len(places) > 1 else pair.label
        if narrow:
            c.box(0, here - 22, width, 15, "ground")
            c.text(0, here - 10, label, "ink")
            c.text(width, here - 10, share_phrase(share), "ink", anchor="end")
        else:
            c.text(left - 14, here + 5, label, "ink", anchor="end", size=14)
            c.text(width - 122, here + 5, share_words(share), "ink", anchor="end", size=14)
            c.text(width, here + 5, share_span(share), "ink", anchor="end", size=14)
        c.line([(x(share.low), here), (x(share.high), here)], "observed", 1.6)
        if i < len(pair.planted):
            c.mark(x(pair.planted[i]), here, "star", "controls", 4)
        c.mark(at, here, "dot", "observed", 4.5, hollow=pair.hollow)
