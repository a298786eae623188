"""The storyboard of a campaign: one row a wording, time to the right, thickness by volume, its first message in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from spamtide.report.live.hostile import pieces
from spamtide.report.svg import Canvas
from spamtide.report.words import thousands

if TYPE_CHECKING:
    from markupsafe import Markup

WIDE, NARROW = 1150, 340
# Where a row's words end and its time begins; row heights; bars at most.
_WORDS, _ROW, _ROW_NARROW, _BARS = 400, 46, 66, 140
_THIN, _THICK = 2.5, 22.0


def storyboard_svg(board: Mapping[str, Any], name: str, *, narrow: bool = False) -> Markup:
    """The SVG of ``board``: ``start`` and ``end`` (days, the last included), ``rows`` with ``subject``, ``excerpt``, ``messages`` and ``days``."""
    from markupsafe import Markup

    rows: Sequence[Mapping[str, Any]] = board["rows"]
    width, left = (NARROW, 0.0) if narrow else (WIDE, float(_WORDS))
    height = _ROW_NARROW if narrow else _ROW
    first, last = _day(board["start"]), _day(board["end"])
    canvas = Canvas(name, width, board["title"], board["alt"])
    # Bars of whole days, each as many as one of at most so many bars holds.
    step = max(1, math.ceil((last - first + 1) / (_BARS // (3 if narrow else 1))))
    wide = (width - left) / math.ceil((last - first + 1) / step)
    most = max((n for row in rows for n in _bars(row["days"], first, step).values()), default=1)
    top = 18.0
    for tick in range(first, last + 1, max(1, (last - first) // (3 if narrow else 6) or 1)):
        x = left + (tick - first) / step * wide
        canvas.line([(x, top), (x, top + height * len(rows))], "line")
        if x < width - 60:
            canvas.text(x + 3, 12, date.fromordinal(tick).isoformat())
    for number, row in enumerate(rows):
        y = top + height * number
        canvas.line([(0, y), (width, y)], "line")
        axis = y + (height - 17 if narrow else height / 2)
        limit = 44 if narrow else 52
        canvas.text(0, y + 17, _shown(row["subject"] or "(no subject)", limit), "ink", size=13)
        canvas.text(
            0,
            y + 33,
            _shown(row["excerpt"], limit + 6) if not narrow else f"{thousands(row['messages'])} messages",
            size=12,
        )
        if not narrow:
            canvas.text(left - 12, y + 17, thousands(row["messages"]), "ink", anchor="end", size=13)
        for bar, n in _bars(row["days"], first, step).items():
            thick = _THIN + (_THICK - _THIN) * math.sqrt(n / most)
            canvas.box(
                left + bar * wide, axis - thick / 2, max(wide - 0.5, 1.2), thick, "quiet" if row["rest"] else "observed"
            )
    # Our own SVG: every text in it went through escaping.
    return Markup(canvas.render(top + height * len(rows) + 2))


def _bars(days: Sequence[Mapping[str, Any]], first: int, step: int) -> dict[int, int]:
    found: dict[int, int] = {}
    for day in days:
        bar = (_day(day["day"]) - first) // step
        found[bar] = found.get(bar, 0) + day["messages"]
    return found


def _day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def _shown(text: str, limit: int) -> str:
    whole = "".join(f"⟨{p}⟩" if named else p for p, named in pieces(" ".join(text.split()), lines=False))
    return whole if len(whole) <= limit else whole[: limit - 1] + "…"
