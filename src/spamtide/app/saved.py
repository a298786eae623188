"""Saved searches: names for queries, kept in the journal of the workspace, since nothing could compute them again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spamtide.app.instants import format_instant
from spamtide.errors import WrongUse
from spamtide.measure import parse_query

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace
    from spamtide.archive import Journal

_KIND = "search"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A query by name: its canonical form, and when it was saved (microseconds UTC)."""

    name: str
    query: str
    saved_at: int

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"name": self.name, "query": self.query, "saved_at": format_instant(self.saved_at)}


def saved_searches(workspace: Workspace) -> list[SavedSearch]:
    """What is saved now, by name."""
    held: dict[str, SavedSearch] = {}
    for record in workspace.archive.journal.read(_KIND):
        name, query = record.body["name"], record.body["query"]
        held.pop(name, None)
        if query is not None:
            held[name] = SavedSearch(name, query, record.at)
    return [held[name] for name in sorted(held)]


def saved_query(workspace: Workspace, name: str) -> str:
    """The query of that name. Raises WrongUse ``unknown_search`` naming those that exist."""
    known = {s.name: s.query for s in saved_searches(workspace)}
    if name not in known:
        there = ", ".join(known) or "none yet; 'spamtide search --save NAME QUERY' makes one"
        raise WrongUse("unknown_search", f"There is no saved search {name!r}.", f"Saved: {there}.", name=name)
    return known[name]


def save_search(workspace: Workspace, name: str, query: str, *, now: int, journal: Journal | None = None) -> None:
    """Save a query under a name, in place of one of that name, by the workspace's journal or another of it.

    Raises BadQuery, WrongUse ``bad_search_name``.
    """
    if not _NAME.fullmatch(name):
        raise WrongUse(
            "bad_search_name",
            f"{name!r} cannot be the name of a search.",
            "Use letters, digits, dot, dash and underscore, at most 64, starting with a letter or digit.",
            name=name,
        )
    into = journal or workspace.archive.journal
    into.append(_KIND, {"name": name, "query": str(parse_query(query))}, now)


def forget_search(workspace: Workspace, name: str, *, now: int, journal: Journal | None = None) -> None:
    """Delete a saved search. Raises WrongUse ``unknown_search``."""
    saved_query(workspace, name)
    (journal or workspace.archive.journal).append(_KIND, {"name": name, "query": None}, now)
