"""The series of one feed or of several: ``a,b`` are pooled, each with its own exposure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from spamtide.measure import Series, Window, pooled

if TYPE_CHECKING:
    from spamtide.app.observatory import Observatory


def measured(
    observatory: Observatory, measure: str, feed: str, *, cut: int, window: Window, origins: Sequence[str]
) -> Series:
    """Days anchored at ``cut`` of a measure at ``feed``, or at the feeds that ``a,b`` names."""
    parts = [
        observatory.series(measure, [name], anchor=cut, window=window, origins=origins) for name in feed.split(",")
    ]
    return parts[0] if len(parts) == 1 else pooled(parts, cut)
