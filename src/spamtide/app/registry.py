"""The registry that a workspace sees: the shipped events and those its journal holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace
    from spamtide.event import Event, Registry


def workspace_registry(workspace: Workspace | None) -> Registry:
    """Shipped events plus the workspace's own (kind ``event`` in the journal; the latest of one id counts)."""
    from spamtide.event import load_registry, parse_event_toml

    registry = load_registry()
    if workspace is None:
        return registry
    own: dict[str, Event] = {}
    for record in workspace.archive.journal.read("event"):
        event = parse_event_toml(record.body["toml"])
        own[event.id] = event
    return registry.with_events(tuple(own.values()))


def add_event(workspace: Workspace, text: str, at: int) -> Event:
    """Check an event's TOML and put it into the journal. Raises what ``parse_event_toml`` raises."""
    from spamtide.event import parse_event_toml

    event = parse_event_toml(text)
    workspace.archive.journal.append("event", {"id": event.id, "toml": text}, at=at)
    return event
