"""Exposure: the time in which a message to the panel would have been accepted, as intervals, and its share of each bin.

Declared bases (probe, uptime, declared) say what was live; ``import-span`` is inferred from what arrived: it drops
the partial first and last bins.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MINUTE_US = 60_000_000
INFERRED = "import-span"
BASES = ("probe", "uptime", "declared", INFERRED)


@dataclass(frozen=True, slots=True)
class Exposure:
    """One interval in which a feed was live.

    ``refused``: ``(start, no_room, taken)`` of each minute in it in which we put off what anybody would have sent: that share of
    the minute, no_room / (no_room + taken), is no exposure.
    """

    feed: str
    start: int
    end: int
    basis: str
    refused: tuple[tuple[int, int, int], ...] = ()


def weakest_basis(intervals: Sequence[Exposure]) -> str:
    """The basis to state for several intervals: the one that says least."""
    return max((e.basis for e in intervals), key=BASES.index, default=INFERRED)


def exposure_shares(intervals: Sequence[Exposure], starts: NDArray[np.int64], bin_us: int) -> NDArray[np.float64]:
    """Share (0 to 1) of each bin in which at least one interval was live, less our refusals. Overlaps count once.

    Where every interval is inferred, a bin that is not wholly inside the span has share 0: nobody knows the rest of it.
    """
    merged: list[list[int]] = []
    for e in sorted(intervals, key=lambda e: e.start):
        if merged and e.start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], e.end)
        else:
            merged.append([e.start, e.end])
    covered = np.zeros(len(starts), dtype=np.int64)
    for start, end in merged:
        covered += np.clip(np.minimum(starts + bin_us, end) - np.maximum(starts, start), 0, None)
    shares = (covered - _refused(intervals, merged, starts, bin_us)) / bin_us
    if intervals and all(e.basis == INFERRED for e in intervals):
        shares = np.where(shares >= 1.0, 1.0, 0.0)
    return shares


def _refused(
    intervals: Sequence[Exposure], merged: Sequence[Sequence[int]], starts: NDArray[np.int64], bin_us: int
) -> NDArray[np.float64]:
    """Microseconds of each bin that were lost to our own refusals."""
    lost = np.zeros(len(starts))
    minutes: dict[int, list[int]] = {}
    for minute, no_room, taken in (row for e in intervals for row in e.refused):
        counts = minutes.setdefault(minute, [0, 0])
        counts[0] += no_room
        counts[1] += taken
    begins = [m[0] for m in merged]
    for minute, (no_room, taken) in minutes.items():
        if not no_room:
            continue
        # From the live interval that begins last before the end of the minute back to the one that ends before it.
        i = bisect_left(begins, minute + MINUTE_US) - 1
        while i >= 0 and merged[i][1] > minute:
            start, end = max(minute, merged[i][0]), min(minute + MINUTE_US, merged[i][1])
            first, last = np.searchsorted(starts, (start, end - 1), side="right") - 1
            for b in range(max(first, 0), last + 1):
                inside = min(end, int(starts[b]) + bin_us) - max(start, int(starts[b]))
                lost[b] += max(inside, 0) * no_room / (no_room + taken)
            i -= 1
    return lost


def span(intervals: Sequence[Exposure]) -> tuple[int, int] | None:
    """First start and last end; None without intervals."""
    if not intervals:
        return None
    return min(e.start for e in intervals), max(e.end for e in intervals)
