"""Who sent, over time: stacked areas by week, with what is of no group at the bottom in quiet ink."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from spamtide.report.svg import Canvas
from spamtide.report.words import thousands

if TYPE_CHECKING:
    from markupsafe import Markup

WIDE, NARROW, HEIGHT = 1150, 340, 260
_COLOURS = ("quiet", "observed", "controls", "counterfactual", "event")
_OPACITY = (0.35, 0.75, 0.7, 0.7, 0.6)


def areas_svg(stack: Mapping[str, Any], name: str, *, narrow: bool = False) -> Markup:
    """The SVG of ``stack``: ``times`` (days, n of them), ``layers`` from the bottom, each ``label`` and ``values`` (n), ``title`` and ``alt``."""
    from markupsafe import Markup

    layers: Sequence[Mapping[str, Any]] = stack["layers"][:5]
    times: Sequence[str] = stack["times"]
    width = NARROW if narrow else WIDE
    left, right, top, bottom = 44.0, 0.0 if narrow else 210.0, 10.0, HEIGHT - 22.0
    canvas = Canvas(name, width, stack["title"], stack["alt"])
    tops = [list(accumulate(column)) for column in zip(*(layer["values"] for layer in layers), strict=True)]
    most = _round_up(max((column[-1] for column in tops), default=1))

    def x(i: int) -> float:
        return left + (width - left - right) * i / max(len(times) - 1, 1)

    def y(value: float) -> float:
        return bottom - (bottom - top) * value / most

    for part in (0.0, 0.5, 1.0):
        canvas.line([(left, y(most * part)), (width - right, y(most * part))], "line")
        canvas.text(left - 6, y(most * part) + 4, thousands(most * part), anchor="end")
    below = [0.0] * len(times)
    placed: list[float] = []
    for number, layer in enumerate(layers):
        above = [column[number] for column in tops]
        edge = [(x(i), y(v)) for i, v in enumerate(above)]
        canvas.area(
            [*edge, *((x(i), y(v)) for i, v in reversed(list(enumerate(below))))], _COLOURS[number], _OPACITY[number]
        )
        canvas.line(edge, _COLOURS[number], 1)
        if not narrow:
            at = y((above[-1] + below[-1]) / 2)
            at = min([at, *(p - 16 for p in placed)])
            placed.append(at)
            canvas.text(
                width - right + 8, max(at, 12) + 4, layer["label"][:30], _COLOURS[number] if number else "quiet"
            )
        below = above
    for i in range(0, len(times), max(1, len(times) // (2 if narrow else 7))):
        canvas.text(x(i), HEIGHT - 5, times[i], anchor="start" if i == 0 else "middle")
    # Our own SVG: every text in it went through escaping.
    return Markup(canvas.render(HEIGHT))


def _round_up(value: float) -> float:
    size = 10 ** math.floor(math.log10(max(value, 1)))
    return float(next(size * step for step in (1, 2, 4, 5, 10) if size * step >= value))
