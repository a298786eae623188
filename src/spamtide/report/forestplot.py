"""The forest plot: every answer to one question on one ratio axis, headline first, the claims of others as hollow diamonds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from spamtide.event import Claim
from spamtide.measure import DAY_US, Effect, Interval
from spamtide.message import PublicText
from spamtide.report.claims import short_witness
from spamtide.report.sentences import effect_title
from spamtide.report.svg import Canvas, number_width
from spamtide.report.words import change_span, change_words, days_words, short_day

WIDE, NARROW = 900, 340
TICKS = (
    (0.001, "−99.9 %"), (0.01, "−99 %"), (0.1, "−90 %"), (0.25, "−75 %"), (0.5, "−50 %"), (0.75, "−25 %"), (1.0, "0"),
    (1.5, "+50 %"), (2.0, "+100 %"), (4.0, "+300 %"), (10.0, "+900 %"), (100.0, "+9 900 %"),
)  # fmt: skip
METHODS = {
    "placebo": "placebo in time",
    "gls_ar1": "GLS, AR(1) errors",
    "donut": "without the last 21 days",
    "structural": "structural time series",
    "negative_binomial_hac": "negative binomial, HAC",
    "latent_ar1": "the default method",
    "with_controls": "with control series",
    "naive_poisson": "naive: a plain count",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One row. ``kind``: headline, opinion, date, window, feed, planted or claim; no ratio: refused."""

    label: str
    ratio: Interval | None
    kind: str


HEADINGS = {
    "headline": "", "opinion": "Second opinions", "date": "Other cuts", "window": "Other windows",
    "feed": "The other feeds", "planted": "Known of this simulated world", "claim": "Claims of others, of other mail",
}  # fmt: skip


def method_words(method: str) -> str:
    """The name of a second opinion."""
    return METHODS.get(method, method.replace("_", " "))


def forest_marks(
    effect: Effect,
    planted: float | None,
    others: Sequence[Effect],
    claims: Sequence[Claim],
    witnesses: Mapping[str, str],
) -> list[Mark]:
    """The rows for one effect. ``others``: the same measure at other feeds."""
    marks = [Mark("this report", effect.ratio, "headline")]
    if planted is not None:
        marks.append(Mark("planted truth", Interval(planted, planted, planted), "planted"))
    marks += [Mark(method_words(o.method), o.ratio, "opinion") for o in effect.second_opinions]
    for at, ratio in effect.also_at:
        shown = ratio if isinstance(ratio, Interval) else None
        marks.append(Mark(f"as reported: {short_day(at)}", shown, "date"))
    windows = []
    for n in effect.neighbours:
        if n.kind == "date":
            shift = (n.cut - effect.cut) // DAY_US
            marks.append(Mark(f"{days_words(abs(shift))} {'earlier' if shift < 0 else 'later'}", n.ratio, "date"))
        elif n.before != effect.before:
            windows.append(Mark(f"{days_words(n.before.days)} before", n.ratio, "window"))
        else:
            windows.append(Mark(f"the first {days_words(n.after.days)} after", n.ratio, "window"))
    marks += windows
    marks += [Mark(f"feed {PublicText.stated(o.feed or '', 24).text}", o.ratio, "feed") for o in others]
    for claim in sorted(claims, key=lambda c: (c.window.end if c.window else 0, c.id)):
        claimed = claimed_ratio(claim)
        if claimed is not None:
            # A change is told of the last day it compares.
            day = "" if claim.window is None else f", {short_day(claim.window.end - DAY_US)}"
            marks.append(Mark(short_witness(claim, witnesses) + day, claimed, "claim"))
    return marks


def claimed_ratio(claim: Claim) -> Interval | None:
    """A claim of a relative change as a ratio with the range its rounding leaves open; None for other kinds."""
    if not claim.metric.endswith("-change"):
        return None
    half = (claim.rounding or 0.0) / 2
    if claim.value is not None and claim.value > -1:
        return Interval(1 + claim.value, max(1e-6, 1 + claim.value - half), 1 + claim.value + half)
    if claim.low is not None and claim.high is not None and claim.low > -1:
        return Interval(math.sqrt((1 + claim.low) * (1 + claim.high)), 1 + claim.low, 1 + claim.high)
    return None


def forest_title(effect: Effect, marks: Sequence[Mark]) -> str:
    """What the other methods, dates and windows say, counted."""
    tried = [m.ratio for m in marks if m.kind in ("opinion", "date", "window") and m.ratio is not None]
    if effect.ratio is None or not tried:
        return "No other method, date or window gave a figure"
    n = len(tried)
    if effect.ratio.low <= 1 <= effect.ratio.high:
        same = sum(i.low <= 1 <= i.high for i in tried)
        return f"{same} of {n} other methods, dates and windows also show no change that can be told from chance"
    down = effect.ratio.value < 1
    same = sum(i.high < 1 if down else i.low > 1 for i in tried)
    which = f"All {n}" if same == n else f"{same} of {n}"
    return f"{which} other methods, dates and windows tried also show a {'fall' if down else 'rise'}"


def forest_alt(effect: Effect, marks: Sequence[Mark]) -> str:
    """Every row in words."""
    rows = []
    for m in marks:
        span = (
            f" ({change_span(m.ratio)})" if m.ratio is not None and m.kind != "claim" and change_span(m.ratio) else ""
        )
        rows.append(f"{m.label} {'no figure' if m.ratio is None else change_words(_point(m)) + span}")
    return f"{effect_title(effect)}. {forest_title(effect, marks)}: {'; '.join(rows)}."


def _point(mark: Mark) -> Interval | None:
    """A claim is printed as it was made, without an interval of ours."""
    if mark.ratio is None or mark.kind != "claim":
        return mark.ratio
    tenth = round((mark.ratio.value - 1) * 100, 1)
    exact = 0.0 if tenth == round(tenth) else 0.001
    return Interval(mark.ratio.value, mark.ratio.value - exact / 2, mark.ratio.value + exact / 2)


LOOK = {
    "headline": ("observed", "dot", 5.0, 3.0), "opinion": ("quiet", "square", 4.0, 1.4), "date": ("quiet", "dot", 3.6, 1.4),
    "window": ("quiet", "dot", 3.6, 1.4), "feed": ("observed", "dot", 4.0, 1.6), "planted": ("controls", "star", 4.5, 1.4),
    "claim": ("ink", "diamond", 3.6, 1.2),
}  # fmt: skip


def forest_plot(effect: Effect, marks: Sequence[Mark], name: str, *, narrow: bool = False, alone: bool = False) -> str:
    """The plot as SVG, for a wide page or a phone."""
    width = NARROW if narrow else WIDE
    c = Canvas(
        f"{name}-forest-{'narrow' if narrow else 'wide'}", width, forest_title(effect, marks), forest_alt(effect, marks)
    )
    left, right = (10.0, width - 10.0) if narrow else (214.0, width - 192.0)
    bounds = [x for m in marks if m.ratio is not None for x in (m.ratio.value,)]
    low = min([0.088, *(b * 0.9 for b in bounds)])
    high = max([2.15, *(b * 1.1 for b in bounds)])
    low, high = max(low, 0.0008), min(high, 120.0)

    def x(ratio: float) -> float:
        return left + (right - left) * (math.log(ratio) - math.log(low)) / (math.log(high) - math.log(low))

    step, top = (36.0, 30.0) if narrow else (22.0, 22.0)
    y = top
    rows: list[tuple[float, str | Mark]] = []
    for kind, group in groupby(marks, key=lambda m: m.kind):
        if HEADINGS[kind]:
            y += 24
            rows.append((y - (9 if narrow else 6), HEADINGS[kind]))
        for mark in group:
            rows.append((y, mark))
            y += step
    base = y + (6 if narrow else -2)
    end = -1e9
    for tick, text in TICKS:
        if not low <= tick <= high:
            continue
        c.line([(x(tick), top - 4), (x(tick), base)], "quiet" if tick == 1 else "line")
        text = text.removesuffix(" %") if narrow and end > 0 else text
        wide = number_width(text, 12)
        # A label that would touch the one before it moves aside a little, or is left out.
        begin = max(min(x(tick) - wide / 2, width - wide), end + 2)
        if begin - (x(tick) - wide / 2) < 18 and begin + wide <= width:
            c.text(begin + wide / 2, base + 16, text, anchor="middle")
            end = begin + wide
    planted = next((m.ratio for m in marks if m.kind == "planted"), None)
    if planted is not None and low <= planted.value <= high:
        c.line([(x(planted.value), top - 4), (x(planted.value), base)], "controls", 1.2, "2 3")
    if not narrow:
        c.text(width - 122, 12, "change", anchor="end")
        c.text(width, 12, "95 % interval", anchor="end")
    for at, row in rows:
        if narrow:
            # The lines of the axis stop where there is text.
            c.box(0, at - (13 if isinstance(row, str) else 5), width, 17, "ground")
        if isinstance(row, str):
            c.text(0 if narrow else left - 14, at, row, anchor="start" if narrow else "end")
        else:
            _row(c, row, at, x, (low, high), (left, right), width, narrow)
    return c.render(base + 24, alone=alone)


def _row(
    c: Canvas, mark: Mark, y: float, x: object, limits: tuple[float, float], edges: tuple[float, float], width: float,
    narrow: bool,
) -> None:  # fmt: skip
    assert callable(x)
    colour, shape, size, thick = LOOK[mark.kind]
    bold, ink = mark.kind == "headline", "ink"
    middle = y + 18 if narrow else y + 6
    words = change_words(_point(mark)) if mark.ratio is not None else "no figure"
    span = "" if mark.kind == "claim" else change_span(mark.ratio)
    if narrow:
        c.text(0, y + 8, mark.label, ink, bold=bold)
        c.text(width, y + 8, f"{words} ({span})" if span else words, ink, anchor="end", bold=bold)
    else:
        c.text(edges[0] - 14, y + 10, mark.label, ink, anchor="end", bold=bold, size=14)
        c.text(width - 122, y + 10, words, ink, anchor="end", bold=bold, size=14)
        c.text(width, y + 10, span, ink, anchor="end", bold=bold, size=14)
    if mark.ratio is None:
        return
    low, high = max(mark.ratio.low, limits[0]), min(mark.ratio.high, limits[1])
    if high > low and mark.ratio.high > mark.ratio.low:
        c.line([(x(low), middle), (x(high), middle)], colour, thick)
        if mark.ratio.low < limits[0]:
            c.mark(edges[0], middle, "left", colour)
        if mark.ratio.high > limits[1]:
            c.mark(edges[1], middle, "right", colour)
    c.mark(x(mark.ratio.value), middle, shape, colour, size, hollow=mark.kind == "claim")
