"""Sightings: who was seen sending, when, as rows. Watches and sizes are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spamtide.measure.expressions import matching
from spamtide.measure.query import Tree
from spamtide.measure.values import Window

PLACE = ("feed", "writer", "segment", "ordinal")


def sightings(tree: Tree, *, feeds: Sequence[str], origins: Sequence[str], window: Window | None = None) -> Any:
    """``(feed, writer, segment, ordinal, received_at, exact, session, peer_unit, network, helo, dialect_path, recipients)`` in order of time."""
    rows = matching(tree, feeds=feeds, origins=origins, window=window)
    columns = ("received_at", "exact", "session", "peer_unit", "network", "helo", "dialect_path", "recipients")
    return rows.select(*PLACE, *columns).order_by(["received_at", *PLACE])
