"""Several feeds as one series: their counts added, their exposures weighed by what each brought before the cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spamtide.measure.exposure import BASES
from spamtide.measure.values import Series


def pooled(parts: Sequence[Series], cut: int) -> Series:
    """The sum of series in the same bins; a bin's exposure is the share of the rate before ``cut`` that was live in it.

    A feed that was dead for a day lowers that day's exposure by its share, so that its absence is no fall. Raises nothing: with no
    rate before the cut the exposures are averaged.
    """
    rates = []
    for s in parts:
        before = s.live & (s.starts < cut)
        days = float(s.exposures[before].sum())
        rates.append(float(s.counts[before].sum()) / days if days > 0 else 0.0)
    shares = np.array(rates) / sum(rates) if sum(rates) > 0 else np.full(len(parts), 1 / len(parts))
    live = np.array([s.live for s in parts])
    exposures = np.array([np.where(s.live, s.exposures, 0.0) for s in parts])
    counts = np.array([np.where(s.live, s.counts, 0.0) for s in parts])
    first = parts[0]
    return replace(
        first, name=",".join(s.name for s in parts), counts=counts.sum(axis=0), exposures=shares @ exposures,
        missing=np.asarray(~live.any(axis=0), dtype=bool), basis=max((s.basis for s in parts), key=BASES.index),
        warnings=tuple({n.code: n for s in parts for n in s.warnings}.values()),
    )  # fmt: skip
