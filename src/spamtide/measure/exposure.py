"""Exposure: the time in which a message to the panel would have been accepted, as intervals, and its share of each bin.

Declared bases (probe, uptime, declared) say what was live; ``import-span`` is inferred from what arrived: it drops
the partial first and last bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

INFERRED = "import-span"
BASES = ("probe", "uptime", "declared", INFERRED)


@dataclass(frozen=True, slots=True)
class Exposure:
    """One interval in which a feed was live."""

    feed: str
    start: int
    end: int
    basis: str


def weakest_basis(intervals: Sequence[Exposure]) -> str:
    """The basis to state for several intervals: the one that says least."""
    return max((e.basis for e in intervals), key=BASES.index, default=INFERRED)


def exposure_shares(intervals: Sequence[Exposure], starts: NDArray[np.int64], bin_us: int) -> NDArray[np.float64]:
    """Share (0 to 1) of each bin in which at least one interval was live. Overlaps count once.

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
    shares = covered / bin_us
    if intervals and all(e.basis == INFERRED for e in intervals):
        shares = np.where(shares >= 1.0, 1.0, 0.0)
    return shares


def span(intervals: Sequence[Exposure]) -> tuple[int, int] | None:
    """First start and last end; None without intervals."""
    if not intervals:
        return None
    return min(e.start for e in intervals), max(e.end for e in intervals)
