"""event: what happened in the world. Turns reviewed TOML into events, claims and sources.

The registry that ships with the package is data (``registry/*.toml``, one file an event, checked by a JSON Schema); a
user's own events have the same form. Numbers of other people are claims: each says who counted what, where and when.
"""

from spamtide.event.registry import EVENT_SCHEMA, Registry, load_registry
from spamtide.event.toml import BadEvent, UnknownEvent, event_document, parse_event_toml
from spamtide.event.values import (
    COMPARATORS,
    FATES,
    GRADES,
    KINDS,
    Actor,
    Afterwards,
    Claim,
    Court,
    Cut,
    Event,
    Membership,
    Place,
    PublishedSeries,
    Source,
    Span,
    TimeFact,
    Times,
)

__all__ = [
    "COMPARATORS",
    "EVENT_SCHEMA",
    "FATES",
    "GRADES",
    "KINDS",
    "Actor",
    "Afterwards",
    "BadEvent",
    "Claim",
    "Court",
    "Cut",
    "Event",
    "Membership",
    "Place",
    "PublishedSeries",
    "Registry",
    "Source",
    "Span",
    "TimeFact",
    "Times",
    "UnknownEvent",
    "event_document",
    "load_registry",
    "parse_event_toml",
]
