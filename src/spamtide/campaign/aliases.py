"""What becomes of an id: campaigns merge, split, and get an earlier first message. A link to one never dies.

An id is that of the earliest exact group, so it changes only when evidence does. Each change is written down with its
reason; following the changes in order, every id ever given leads to where its messages are now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

Why = Literal["merged", "renamed", "split", "gone"]


@dataclass(frozen=True, slots=True)
class Change:
    """An id whose messages are elsewhere, at least in part: where, most messages first, and why."""

    old: str
    new: tuple[str, ...]
    why: Why

    def document(self) -> dict[str, Any]:
        """As the journal keeps it."""
        return {"old": self.old, "new": list(self.new), "why": self.why}


@dataclass(frozen=True, slots=True)
class Alias:
    """An id of an earlier generation: where its messages are now (nowhere: erased), what befell it first, and when."""

    id: str
    now: tuple[str, ...]
    why: Why
    at: int


def changes(moves: Iterable[tuple[str, str | None, int]]) -> list[Change]:
    """What became of old ids. ``moves``: (old, new, groups) of each pair that shares exact groups; new is None where
    they are gone. Every pair of an old id that shared its new one must be there. In order of the old ids.
    """
    went: dict[str, dict[str, int]] = defaultdict(dict)
    came: dict[str, set[str]] = defaultdict(set)
    for old, new, groups in moves:
        place = went[old]
        if new is not None:
            place[new] = place.get(new, 0) + groups
            came[new].add(old)
    found = []
    for old, targets in sorted(went.items()):
        ordered = tuple(sorted(targets, key=lambda new: (-targets[new], new)))
        if len(ordered) > 1:
            found.append(Change(old, ordered, "split"))
        elif not ordered:
            found.append(Change(old, (), "gone"))
        elif ordered != (old,):
            found.append(Change(old, ordered, "merged" if len(came[ordered[0]]) > 1 else "renamed"))
    return found


def follow(changed: Iterable[tuple[int, Change]], alive: Collection[str]) -> list[Alias]:
    """Where every old id leads. ``changed``: (when, what) in order of time; ``alive``: ids of now, for a ``Collection``
    that answers ``in`` quickly. An id that lives again is its own again; after a split it also leads to the others.
    """
    now: dict[str, set[str]] = {}
    first: dict[str, tuple[Why, int]] = {}
    leading_to: dict[str, set[str]] = defaultdict(set)
    for at, change in changed:
        old, new = change.old, set(change.new)
        for alias in leading_to.pop(old, set()) - {old}:
            now[alias] = (now[alias] - {old}) | new
            for target in new:
                leading_to[target].add(alias)
        now[old] = (now.get(old, set()) - {old}) | new
        for target in new:
            leading_to[target].add(old)
        first.setdefault(old, (change.why, at))
        if change.why == "split":
            first[old] = ("split", at)
    found = []
    for alias, targets in sorted(now.items()):
        lead = tuple(sorted(t for t in targets if t != alias and t in alive))
        if alias in alive and not lead:
            continue  # what it had become was undone
        why, at = first[alias]
        found.append(Alias(alias, lead, why if lead or alias in alive else "gone", at))
    return found
