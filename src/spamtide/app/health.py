"""What a workspace holds and what is wrong with it; ``doctor`` and ``status`` print it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from spamtide.app.instants import format_instant
from spamtide.errors import SpamtideError
from spamtide.measure import DAY_US

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace


@dataclass(frozen=True, slots=True)
class HealthProblem:
    """Something to mend: a stable code, a sentence, the next step."""

    code: str
    text: str
    next_step: str


def undigested(workspace: Workspace) -> int:
    """Messages stored but not yet digested with the current facts version."""
    from spamtide.app.digesting import pending_ranges

    return sum(stop - start for _, start, stop in pending_ranges(workspace))


def find_problems(workspace: Workspace) -> list[HealthProblem]:
    """What a careful operator would mend, most urgent first."""
    from spamtide.app.digesting import in_quarantine

    found = []
    waiting = undigested(workspace)
    if waiting:
        found.append(
            HealthProblem("not_digested", f"{waiting} messages are stored but not read yet.", "Run 'spamtide digest'.")
        )
    quarantined = len(in_quarantine(workspace))
    if quarantined:
        found.append(
            HealthProblem(
                "quarantined", f"{quarantined} messages are in quarantine.", "Try 'spamtide digest --retry-quarantine'."
            )
        )
    found += network_problems(workspace)
    for key, value in msgspec.structs.asdict(workspace.settings.people).items():
        if not value:
            found.append(
                HealthProblem(
                    "not_stated",
                    f"people.{key} is not stated.",
                    f"Fill it in {workspace.root / 'spamtide.toml'}; reports print it.",
                )
            )
    return found


def network_problems(workspace: Workspace) -> list[HealthProblem]:
    """What is wrong with the table of networks: not named, not readable, or of another time than the mail."""
    try:
        table = workspace.networks.table
    except SpamtideError as error:
        return [HealthProblem("networks_unusable", error.message, error.next_step)]
    if table is None:
        text = "networks.table is not stated: a peer's network is its /24 or /48."
        return [HealthProblem("not_stated", text, "docs/howto/networks.md shows how to name one.")]
    segments = [s for feed in workspace.archive.feeds() for s in workspace.archive.segments(feed) if s.records]
    if not segments:
        return []
    day = (table.as_of - date(1970, 1, 1)).days
    first, last = (
        min(s.first_received_at for s in segments) // DAY_US,
        max(s.last_received_at for s in segments) // DAY_US,
    )
    apart = max(day - first, last - day)
    if apart <= workspace.settings.networks.stale_days:
        return []
    text = f"The table of networks is of {table.as_of}; there is mail {apart} days from that day, and addresses change hands."
    return [
        HealthProblem(
            "networks_of_another_time", text, "Name a table of the mail's time, or raise networks.stale_days."
        )
    ]


def networks_in_use(workspace: Workspace) -> dict[str, Any] | None:
    """The table of networks by kind, date and digest; None where there is none that can be used."""
    try:
        return workspace.networks.document()
    except SpamtideError:
        return None


def describe(workspace: Workspace) -> dict[str, Any]:
    """The status document without its schema: feeds with their sizes and spans, problems, ok."""
    feeds = []
    for feed in workspace.archive.feeds():
        segments = workspace.archive.segments(feed)
        filled = [s for s in segments if s.records]
        feeds.append(
            {
                "feed": feed,
                "messages": sum(s.records for s in filled),
                "bytes": sum(s.raw_bytes for s in filled),
                "segments": len(segments),
                "first_received_at": format_instant(min(s.first_received_at for s in filled)) if filled else None,
                "last_received_at": format_instant(max(s.last_received_at for s in filled)) if filled else None,
            }
        )
    problems = [p for p in find_problems(workspace) if p.code != "not_stated"]
    return {
        "ok": not problems,
        "feeds": feeds,
        "problems": [{"code": p.code, "text": p.text, "next": p.next_step} for p in problems],
    }
