"""Quarantine: messages that no worker survives, by place, in the journal, each with its reason; and their release.

A message in quarantine is left out of the digest of its segment, so that it kills no worker again, until somebody asks
for it (``digest --retry-quarantine``) or the facts version, and so perhaps the parser, is another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spamtide.archive import Place

if TYPE_CHECKING:
    from spamtide.app.pool import Poison, Task
    from spamtide.app.workspace import Workspace

Entry = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Held:
    """Why and since when (microseconds UTC) a message is in quarantine, and the facts version that could not be made of it."""

    reason: str
    at: int
    facts_version: int | None


def _place(task: Task) -> dict[str, Any]:
    segment = task.segment
    return {
        "feed": segment["feed"],
        "writer": segment["writer"],
        "segment": segment["number"],
        "ordinal": task.start,
    }


def quarantine_entry(poison: Poison, facts_version: int) -> Entry:
    """The journal's entry of a message that no worker survives."""
    return "quarantine", _place(poison.task) | {"reason": poison.reason, "facts_version": facts_version}


def release_entry(task: Task) -> Entry:
    """The journal's entry of a message that was read after all."""
    return "release", _place(task)


def in_quarantine(workspace: Workspace, facts_version: int | None = None) -> dict[Place, Held]:
    """Messages in quarantine now; with ``facts_version`` those held for that one alone."""
    held: dict[Place, Held] = {}
    for record in workspace.archive.journal.read("quarantine", "release"):
        body = record.body
        place = Place(body["feed"], body["writer"], body["segment"], body["ordinal"])
        held.pop(place, None)
        if record.kind == "quarantine":
            held[place] = Held(body["reason"], record.at, body.get("facts_version"))
    return {p: h for p, h in held.items() if facts_version in (None, h.facts_version)}


def split_around(
    held: Collection[Place], key: tuple[str, str, int], start: int, stop: int
) -> Iterator[tuple[int, int]]:
    """Ranges that cover ``start`` to ``stop`` of a segment (feed, writer, number) but for what is held."""
    for gap in sorted(p.ordinal for p in held if (p.feed, p.writer, p.segment) == key and start <= p.ordinal < stop):
        if start < gap:
            yield start, gap
        start = gap + 1
    if start < stop:
        yield start, stop
