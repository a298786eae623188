"""The effect chart: observed rate, what was expected without the event, the event, exposure and windows on one time axis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from spamtide.measure import DAY_US, Effect, Path
from spamtide.message import PublicText
from spamtide.report.sentences import effect_title
from spamtide.report.svg import Canvas, Point, text_width, wrap
from spamtide.report.words import change_span, change_words, day_words, days_words, moment, thousands

WIDE, NARROW = 900, 340
DAYS_SHOWN, DAYS_ON_A_PHONE = 120, 42
SPARSE = 160  # points are drawn on lines of at most so many days
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Days:
    """What is drawn, a row a bin: its edges cut to the windows, rates per live day (NaN where nobody could see)."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    exposure: Floats
    observed: Floats
    expected: Floats
    low: Floats
    high: Floats
    post: NDArray[np.bool_]


def days_shown(effect: Effect, path: Path, before: int = DAYS_SHOWN) -> Days:
    """The path's last days, at most ``before`` of them before the cut."""
    show = path.starts >= effect.cut - before * DAY_US
    starts, e, missing = path.starts[show], path.exposures[show], path.missing[show]
    right = np.minimum(starts + DAY_US, max(effect.after.end, effect.cut))
    right = np.where(starts < effect.cut, starts + DAY_US, right)
    # The last bin may reach past the end of the data: what lies beyond is not an outage.
    length = np.maximum((right - starts) / DAY_US, 1e-9)
    live = (e > 0) & ~missing
    per = np.where(live, e, np.nan)
    return Days(
        starts, right, np.where(live, np.minimum(1.0, e / length), 0.0), path.observed[show] / per,
        path.expected[show] / per, path.expected_low[show] / per, path.expected_high[show] / per, path.post[show],
    )  # fmt: skip


def rate(count: float, live_days: float) -> str:
    """Messages per live day, with as many digits as counts of this size deserve."""
    value = count / max(live_days, 1e-9)
    return thousands(value) if value >= 10 else f"{value:.1f}"


def effect_alt(effect: Effect) -> str:
    """The chart's numbers in words."""
    b, a = effect.counted_before, effect.counted_after
    text = (
        f"{effect_title(effect)}. Counted per live day: {rate(b.count, b.live_days)} in the {days_words(effect.before.days)} "
        f"before {day_words(effect.cut)}, {rate(a.count, a.live_days)} in the {days_words(effect.after.days)} after."
    )
    if effect.path is not None and effect.ratio is not None:
        text += (
            f" Expected without the event: {about(expected_rate(effect)).removeprefix('≈ ')} per live day. Change "
            f"{change_words(effect.ratio)}, 95 % interval {change_span(effect.ratio)}."
        )
    dead = dead_days(effect)
    return text + (f" {dead:.1f} days without exposure are hatched." if dead >= 0.05 else "")


def dead_days(effect: Effect) -> float:
    """Days of both windows in which nobody could have seen a message."""
    if effect.path is None:
        return 0.0
    days = days_shown(effect, effect.path)
    return float(((1 - days.exposure) * (days.right - days.left) / DAY_US).sum())


def _ticks(top: float) -> list[float]:
    """Round values from zero, four or five of them."""
    step = 10 ** math.floor(math.log10(top / 4)) if top > 0 else 1.0
    while top / step > 5:
        step *= 2.5 if str(step).lstrip("0.")[:1] == "2" else 2
    return [i * step for i in range(int(top / step) + 1)]


def _dates(first: int, last: int, narrow: bool) -> list[tuple[int, str]]:
    """The firsts of months, and the fifteenths where there is room; the year where it is new."""
    begin = datetime.fromtimestamp(first / 1e6, UTC)
    year, month = begin.year, begin.month
    ticks: list[tuple[int, str]] = []
    named: int | None = None
    while True:
        for day in (1, 15):
            at = datetime(year, month, day, tzinfo=UTC)
            instant = int(at.timestamp() * 1e6)
            if instant > last:
                return ticks
            if instant >= first and (day == 1 or last - first < (60 if narrow else 130) * DAY_US):
                ticks.append((instant, f"{day} {at:%b}" + (f" {year}" if year != named else "")))
                named = year
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def effect_chart(effect: Effect, label: str, name: str, *, narrow: bool = False, alone: bool = False) -> str:
    """The chart as SVG, for a wide page or a phone; ``label`` names the event."""
    assert effect.path is not None
    days = days_shown(effect, effect.path, DAYS_ON_A_PHONE if narrow else DAYS_SHOWN)
    width = NARROW if narrow else WIDE
    left, right = (36.0, width - 92.0) if narrow else (48.0, width - 128.0)
    c = Canvas(f"{name}-{'narrow' if narrow else 'wide'}", width, effect_title(effect), effect_alt(effect))
    first, last = int(days.left[0]), int(days.right[-1])

    def x(instant: float) -> float:
        return left + (right - left) * (instant - first) / (last - first)

    cut = x(effect.cut)
    on_left = cut > width / 2
    # The plain text of the event's name: an operator's own event may say anything.
    lines = [(day_words(effect.cut), False), (PublicText.stated(label, 80).text, True)]
    room = (cut - 14) if on_left else (width - cut - 8)
    lines = [(part, bold) for line, bold in lines for part in wrap(line, 12, room)]
    c.text(0, 12, f"{effect.unit}s per live day")
    for i, (line, bold) in enumerate(lines):
        at = cut - 7 if on_left else cut + 7
        c.text(at, 34 + 16 * i, line, "event", anchor="end" if on_left else "start", bold=bold, halo=True)
    top = 34 + 16 * len(lines)
    base = top + (190 if narrow else 250)
    seen = np.concatenate([days.observed, days.high[days.post]])
    ceiling = float(np.nanmax(seen)) * 1.05 if np.isfinite(seen).any() else 1.0
    ceiling = ceiling or 1.0

    def y(value: float) -> float:
        return base - (base - top) * min(value, ceiling) / ceiling

    for tick in _ticks(ceiling):
        c.line([(left, y(tick)), (right, y(tick))], "line")
        c.text(left - 6, y(tick) + 4, thousands(tick) if tick == int(tick) else f"{tick:g}", anchor="end")
    for i in np.flatnonzero(days.exposure < 0.005).tolist():
        c.box(x(int(days.left[i])), top, x(int(days.right[i])) - x(int(days.left[i])), base - top, None)
    middle = (days.left + days.right) / 2
    after = np.flatnonzero(days.post & np.isfinite(days.expected))
    if len(after):
        band = [(x(middle[i]), y(days.low[i])) for i in after]
        c.area([*band, *[(x(middle[i]), y(days.high[i])) for i in after[::-1]]], "counterfactual")
        c.line([(x(middle[i]), y(days.expected[i])) for i in after], "counterfactual", 2, "6 3")
    run: list[Point] = []
    for i in [*range(len(middle)), -1]:
        if i >= 0 and np.isfinite(days.observed[i]):
            run.append((x(middle[i]), y(days.observed[i])))
        elif run:
            c.line(run, "observed", 1.6)
            run = []
    if len(middle) <= SPARSE:
        for i in np.flatnonzero(np.isfinite(days.observed)).tolist():
            c.mark(x(middle[i]), y(days.observed[i]), "dot", "observed", 1.8 if narrow else 2.2)
    c.line([(cut, 24), (cut, base)], "event", 1.5)
    _end_labels(c, effect, days, x(last) + 8, base, y, after)
    c.line([(left, base), (right, base)], "quiet")
    end = -1e9
    for instant, text in _dates(first, last, narrow):
        if x(instant) - text_width(text, 12) / 2 > end:
            c.line([(x(instant), base), (x(instant), base + 5)], "quiet")
            c.text(x(instant), base + 19, text, anchor="middle")
            end = x(instant) + text_width(text, 12) / 2 + 6
    _exposure(c, days, x, base + 28, right)
    _windows(c, effect, x, first, base + 50, left, right)
    return c.render(base + 78, alone=alone)


def expected_rate(effect: Effect) -> float:
    """What was expected after the cut without the event, messages per live day."""
    p = effect.path
    assert p is not None
    use = p.post & (p.exposures > 0) & ~p.missing
    return float(p.expected[use].sum()) / max(float(p.exposures[use].sum()), 1e-9)


def about(value: float) -> str:
    """A forecast in two digits, which is what its band bears: ``≈ 13``."""
    shown = float(f"{value:.2g}")
    return f"≈ {thousands(shown) if shown >= 10 else f'{shown:g}'}"


def _end_labels(
    c: Canvas, effect: Effect, days: Days, at: float, base: float, y: object, after: NDArray[np.int64]
) -> None:
    """The lines' names at their ends with what they come to in a day, moved apart where they would touch."""
    assert callable(y)
    seen = np.flatnonzero(np.isfinite(days.observed))
    if not len(seen):
        return
    a = effect.counted_after
    a_day = "/day" if c.width == NARROW else " a day"
    observed = ["observed", f"{rate(a.count, a.live_days)}{a_day}"]
    low = y(days.observed[seen[-1]]) + 4
    if not len(after):
        c.text(at, low, observed[0], "observed", bold=True)
        return
    expected = ["expected", "without", "the event", f"{about(expected_rate(effect))}{a_day}"]
    high = y(days.expected[after[-1]]) + 4
    upper, lower = (expected, observed) if high <= low else (observed, expected)
    # Blocks of lines around their points, then apart, then above the axis.
    one = min(high, low) - 7.5 * (len(upper) - 1)
    other = max(high, low) - 7.5 * (len(lower) - 1)
    gap = 15 * len(upper) + 6 - (other - one)
    if gap > 0:
        one, other = one - gap / 2, other + gap / 2
    over = max(0.0, other + 15 * (len(lower) - 1) + 4 - base)
    one, other = one - over, other - over
    for top, lines in ((one, upper), (other, lower)):
        for i, line in enumerate(lines):
            c.text(at, top + 15 * i, line, "counterfactual" if lines is expected else "observed", bold=True)


def _exposure(c: Canvas, days: Days, x: object, top: float, right: float) -> None:
    """The strip: as high as the share of the bin that was live, the rest hatched."""
    assert callable(x)
    changes = np.flatnonzero(np.diff(days.exposure)) + 1
    edges = [0, *changes.tolist(), len(days.left)]
    for first, last in pairwise(edges):
        begin, end = x(int(days.left[first])), x(int(days.right[last - 1]))
        full = 9 * float(days.exposure[first])
        if full < 8.95:
            c.box(begin, top, end - begin, 9 - full, None)
        if full > 0.05:
            c.box(begin, top + 9 - full, end - begin, full, "controls")
    c.text(right + 8, top + 9, "exposure")


def _windows(c: Canvas, effect: Effect, x: object, first: int, y: float, left: float, right: float) -> None:
    """Both windows as brackets; one that begins before the chart stays open on that side."""
    assert callable(x)
    b, a = effect.before, effect.after
    begin, end = max(x(max(b.start, first)), left), x(b.end)
    start = [(begin, y - 5), (begin, y)] if b.start >= first else [(begin, y)]
    c.line([*start, (end - 1.5, y), (end - 1.5, y - 5)], "quiet", 1.2)
    since = "" if b.start >= first else f", from {moment(b.start).day} {moment(b.start):%b}"
    text = f"before: {days_words(b.days)}{since}"
    c.text(min((begin + end) / 2, end - text_width(text, 12) / 2 - 4), y + 15, text, anchor="middle")
    begin, end = x(a.start), min(x(a.end), right)
    c.line([(begin + 1.5, y - 5), (begin + 1.5, y), (end, y), (end, y - 5)], "quiet", 1.2)
    text = f"after: {days_words(a.days)}"
    fits = end - begin > text_width(text, 12)
    c.text((begin + end) / 2 if fits else begin, y + 15, text, anchor="middle" if fits else "start")
