"""The cut that a question is about, and what is known around it."""

from __future__ import annotations

from dataclasses import dataclass

from spamtide.measure.values import Note


@dataclass(frozen=True, slots=True)
class Cut:
    """Instant of the cut with what bounds its windows.

    ``touched``: the instants that an uncertain one may stand for; bins that they touch are in neither window. ``earlier_end`` and ``next_start``:
    of the events on the same target before and after it. ``notes``: what the answer has to warn of; ``competing``: whether another event is near.
    """

    at: int
    touched: tuple[int, int]
    target: str | None = None
    event: str | None = None
    earlier_end: int | None = None
    next_start: int | None = None
    notes: tuple[Note, ...] = ()
    competing: bool = False

    @classmethod
    def exact(cls, at: int) -> Cut:
        """An instant of which nothing else is known."""
        return cls(at, (at, at))
