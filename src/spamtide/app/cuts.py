"""The cut that a question means: an event of a registry, or an instant; and what else happened around it."""

from __future__ import annotations

from spamtide.errors import WrongUse
from spamtide.event import Registry
from spamtide.measure import DAY_US, Cut, Note

COMPETING_DAYS = 14


def find_cut(registry: Registry, event: str | None, at: int | None) -> Cut:
    """The cut of ``event``, or at ``at``. Raises WrongUse ``no_cut`` unless exactly one is given, ``unknown_event``."""
    if (event is None) == (at is None):
        raise WrongUse(
            "no_cut",
            "An effect needs an event or an instant, one of them.",
            "Give --event rustock-2011 or --at 2011-03-16T14:45:00Z.",
        )
    if at is not None:
        return Cut.exact(at)
    known = registry.event(event or "")
    cut, basis = known.cut()
    touched = known.cut_span()
    notes = [Note("cut_from_outcome")] if basis == "observed-in-feed" else []
    same = [e for e in registry.events_on(known.target) if e.id != known.id and not e.pseudo]
    near = [
        other
        for other in registry.events
        if other.id != known.id
        and other.target != known.target
        and abs(other.started_at - cut) <= COMPETING_DAYS * DAY_US
    ]
    return Cut(
        cut,
        (touched.start, touched.end),
        known.target,
        known.id,
        max((e.ended_at for e in same if e.ended_at <= cut), default=None),
        min((e.started_at for e in same if e.started_at > cut), default=None),
        (*notes, *(Note("competing_event", {"event": other.id, "target": other.target}) for other in near)),
        bool(near),
    )
