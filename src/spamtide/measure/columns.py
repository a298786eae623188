"""The columns of a regression on counts in time: a level, the step at the cut, a trend, and what comes round again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Where the step's coefficient stands.
STEP = 1


def segmented(post: NDArray[np.bool_], seasons: Floats, *, trend: Floats | None = None) -> Floats:
    """A level, the step (1 after the cut), the trend where one is given, the seasons: n rows, the step in column ``STEP``."""
    known = [np.ones(len(post)), post.astype(np.float64), *([] if trend is None else [trend])]
    return np.column_stack([*known, seasons])


def weekdays(weekday: NDArray[np.int64]) -> Floats:
    """One column a weekday that occurs, but the first, against which the others are told."""
    used = np.unique(weekday)[1:]
    return np.asarray((weekday[:, None] == used[None, :]).astype(np.float64))


def waves(t: Floats, period: float, harmonics: int) -> Floats:
    """Pairs of sine and cosine of ``period``, of its half, its third, ...: two columns a harmonic, none for 0."""
    turn = 2 * np.pi * t[:, None] * np.arange(1, harmonics + 1)[None, :] / period
    return np.asarray(np.stack([np.sin(turn), np.cos(turn)], axis=2).reshape(len(t), 2 * harmonics))
