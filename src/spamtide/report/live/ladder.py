"""How many hosts: the estimators as a ladder of intervals on one axis, the headline bold, the textbook ones quiet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spamtide.report.svg import Canvas
from spamtide.report.words import thousands

if TYPE_CHECKING:
    from markupsafe import Markup

WIDE, NARROW, _ROW = 760, 340, 26
HEADLINE = "hosts_lower_bound"


def ladder_svg(estimates: Sequence[Mapping[str, Any]], name: str, *, narrow: bool = False) -> Markup:
    """The SVG of estimates of hosts and addresses (``quantity``, ``value``, ``low``, ``high``, ``warning``), a row each, on a logarithmic axis."""
    from markupsafe import Markup

    rows = [e for e in estimates if e["unit"] in ("host", "address") and e["value"] > 0]
    if not rows:
        return Markup("")
    width = NARROW if narrow else WIDE
    left, right, top = (8.0, 8.0, 16.0) if narrow else (190.0, 20.0, 4.0)
    step = _ROW + (14 if narrow else 0)
    bottom = top + step * len(rows)
    low = math.floor(math.log10(min(max(e["low"], e["value"] / 100) for e in rows)))
    high = max(math.ceil(math.log10(max(e["high"] for e in rows))), low + 1)
    said = [f"{e['quantity'].replace('_', ' ')} {e['value']:.3g} ({e['low']:.3g} to {e['high']:.3g})" for e in rows]
    canvas = Canvas(name, width, "Estimators side by side, 95 % intervals", "; ".join(said))

    def x(value: float) -> float:
        return left + (width - left - right) * (math.log10(max(value, 10.0**low)) - low) / (high - low)

    for power in range(low, high + 1):
        canvas.line([(x(10.0**power), top), (x(10.0**power), bottom)], "line")
        canvas.text(
            x(10.0**power), bottom + 16, thousands(10**power) if power >= 0 else f"{10.0**power:g}", anchor="middle"
        )
    for number, e in enumerate(rows):
        y = top + step * number + step / 2 + (7 if narrow else 0)
        main = e["quantity"] == HEADLINE
        colour = "observed" if main else "quiet"
        label = e["quantity"].replace("_", " ") + (" (textbook)" if e["warning"] else "")
        canvas.text(
            0 if narrow else left - 12,
            y - 10 if narrow else y + 4,
            label,
            "ink" if main else "quiet",
            anchor="start" if narrow else "end",
            bold=main,
        )
        canvas.line([(x(e["low"]), y), (x(e["high"]), y)], colour, 3 if main else 1.5)
        canvas.mark(x(e["value"]), y, "dot", colour, 5 if main else 3.5, hollow=bool(e["warning"]))
    # Our own SVG: every text in it went through escaping.
    return Markup(canvas.render(bottom + 22))
