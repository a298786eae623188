"""Shapes of an effect: how it unfolds over the after window, on the log scale.

A shape is a family of curves; each member is a few columns g(t) whose coefficients are estimated, and a wobble: an
Ornstein-Uhlenbeck path with time constant half the window, for what the curve does not catch. ``averaged`` is the default:
a step, or one that wobbles by .6 or 2. ``auto`` weighs the five named shapes by their marginal likelihoods, whose Occam factor is
the penalty; the interval is that of the mixture, so that choosing is paid for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Wobbles of the default, as (sd, weight).
WOBBLE = ((0.0, 0.85), (0.6, 0.1), (2.0, 0.05))
# A declared shape is rarely exact: this weight goes to the wobble of its members that fit best, so many of them.
NAMED_WOBBLE, NAMED_WOBBLE_WEIGHT, WOBBLING = 0.25, 0.4, 4
SHAPES = ("averaged", "auto", "step", "ramp", "pulse", "decay", "pause")
NAMED = ("step", "ramp", "pulse", "decay", "pause")
# Ends of ramps, lengths of pulses, and time constants of decays and recoveries, as shares of the window.
_ENDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0)
# What is over within days is so however long one watches: further ends, and lengths held, in days.
_SHORT = (1.0, 2.0, 3.0, 5.0)
_LENGTHS = (0.0, 0.07, 0.15, 0.23, 0.31, 0.4, 0.5, 0.65)
_TIMES = (0.08, 0.2, 0.45)
# What recovers may take longer than was watched.
_RECOVERIES = (*_TIMES, 1.0)
# A pause ends from one day to the next: up to so many ends, a day each where the window has no more.
_PAUSES = 30


@dataclass(frozen=True, slots=True)
class Curve:
    """One member: its shape's name, prior weight, columns (m rows, a live day after the cut each) and wobble sd."""

    name: str
    weight: float
    columns: Floats
    wobble: float


def _members(name: str, age: Floats, length: float) -> list[Floats]:
    """Columns of each member of a named shape; ``age`` in days since the cut, at the middle of each day."""
    if name == "step":
        return [np.ones((len(age), 1))]
    if name == "ramp":
        grown_by = sorted({*(share * length for share in _ENDS), *(days for days in _SHORT if days < length)})
        grown = [np.minimum(1.0, age / end) for end in grown_by]
        return [curve[:, None] for g in grown for curve in (g, _bent(g))]
    if name == "decay":
        # At once to one level, then slowly to another.
        return [np.column_stack([np.ones(len(age)), np.exp(-age / (share * length))]) for share in _TIMES]
    if name == "pause":
        ends = np.unique(np.linspace(1, max(1.0, length - 1), min(_PAUSES, max(1, int(length) - 1))).round())
        return [(age < end).astype(np.float64)[:, None] for end in ends]
    held = [share * length for share in _LENGTHS]
    falls = [np.where(age <= h, 1.0, np.exp(-(age - h) / (share * length))) for h in held for share in _RECOVERIES]
    # Off for some days, and back from another depth than that: two levels.
    short = [age < days for days in _SHORT if days < length]
    back = [_bent(np.exp(-age / (share * length))) for share in _RECOVERIES]
    return [_bent(fall)[:, None] for fall in falls] + [np.column_stack([s, ~s * b]) for s in short for b in back]


def _bent(part: Floats) -> Floats:
    """A path that is even on the scale of rates, on the log scale: exact for a fall to a fifth, near for others."""
    return np.asarray(np.log1p(-0.8 * part) / np.log(0.2))


def curves(shape: str, age: Floats, length: float) -> list[Curve]:
    """The members of ``shape`` over m days, of a named one without wobble. Members that are equal on these days are one."""
    if shape == "averaged":
        return [Curve("averaged", weight, np.ones((len(age), 1)), sd) for sd, weight in WOBBLE]
    names = NAMED if shape == "auto" else (shape,)
    found = []
    for name in names:
        distinct = {c.round(9).tobytes(): c for c in _members(name, age, length) if c.any()}
        weight = (1 - NAMED_WOBBLE_WEIGHT) / len(names) / len(distinct)
        found += [Curve(name, weight, columns, 0.0) for columns in distinct.values()]
    return found


def wobbling(members: list[Curve], weights: Floats) -> list[Curve]:
    """The members of each named shape that fit best, with a wobble; ``weights``: how well each does without one."""
    names = list(dict.fromkeys(c.name for c in members))
    found = []
    for name in names:
        own = [i for i, c in enumerate(members) if c.name == name]
        best = sorted(own, key=lambda i: (-weights[i], i))[:WOBBLING]
        weight = NAMED_WOBBLE_WEIGHT / len(names) / len(best)
        found += [Curve(name, weight, members[i].columns, NAMED_WOBBLE) for i in best]
    return found
