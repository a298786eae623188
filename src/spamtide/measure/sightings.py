"""Sightings: who was seen sending, when, as rows. Watches and sizes are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spamtide.measure.expressions import matching, table
from spamtide.measure.query import Tree
from spamtide.measure.values import Window

PLACE = ("feed", "writer", "segment", "ordinal")


def sightings(
    tree: Tree,
    *,
    feeds: Sequence[str],
    origins: Sequence[str],
    window: Window | None = None,
    members: tuple[str, str] | None = None,
) -> Any:
    """``(feed, writer, segment, ordinal, received_at, exact, session, peer_unit, network, helo, dialect_path, recipients)`` in order of time.

    ``members``: a column of the table ``group_member`` and what it must hold: messages of one sender group, or of one dialect.
    """
    rows = _rows(tree, feeds, origins, window, members)
    columns = ("received_at", "exact", "session", "peer_unit", "network", "helo", "dialect_path", "recipients")
    return rows.select(*PLACE, *columns).order_by(["received_at", *PLACE])


def last_sighting(
    tree: Tree, *, feeds: Sequence[str], origins: Sequence[str], members: tuple[str, str] | None = None
) -> Any:
    """``(last)``: when the last of the same sightings was; null without one."""
    rows = _rows(tree, feeds, origins, None, members)
    return rows.aggregate(last=rows.received_at.max())


def _rows(
    tree: Tree,
    feeds: Sequence[str],
    origins: Sequence[str],
    window: Window | None,
    members: tuple[str, str] | None,
) -> Any:
    rows = matching(tree, feeds=feeds, origins=origins, window=window)
    if members is None:
        return rows
    column, wanted = members
    of = table("group_member")
    return rows.semi_join(of.filter(of[column] == wanted).select(*PLACE), list(PLACE))
