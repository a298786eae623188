"""What a workspace holds and what is wrong with it; ``doctor`` and ``status`` print it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from spamtide.app.instants import format_instant

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
