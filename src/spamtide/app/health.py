"""What a workspace holds and what is wrong with it; ``doctor`` and ``status`` print it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from spamtide.app.instants import format_instant
from spamtide.app.live import digest_note_path, read_note
from spamtide.app.workspace import now_us
from spamtide.archive import is_followed, lock_is_free
from spamtide.errors import BrokenWorld, SpamtideError
from spamtide.fingerprint import FACTS_VERSION
from spamtide.measure import DAY_US

# A death of the digest is a problem for so long.
_LATELY_US = 3600 * 1_000_000

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
    from spamtide.app.quarantine import in_quarantine

    found = []
    archive = workspace.archive
    waiting = undigested(workspace)
    # What a following digest has not settled yet it will: its turn comes when the segment is sealed.
    if waiting and not is_followed(archive.root):
        found.append(
            HealthProblem("not_digested", f"{waiting} messages are stored but not read yet.", "Run 'spamtide digest'.")
        )
    held = in_quarantine(workspace)
    if held:
        named = ", ".join(f"{place} ({why.reason})" for place, why in list(held.items())[:3])
        more = f" and {len(held) - 3} more" if len(held) > 3 else ""
        text = f"{len(held)} messages are in quarantine: {named}{more}."
        found.append(HealthProblem("quarantined", text, "Try 'spamtide digest --retry-quarantine'."))
    found += digest_problems(workspace)
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


def digest_problems(workspace: Workspace) -> list[HealthProblem]:
    """Where a running trap's digest has died of late."""
    archive, found = workspace.archive, []
    for feed in archive.feeds():
        note = read_note(digest_note_path(archive.root, feed))
        if note is None or not trap_runs(workspace, feed):
            continue
        dead, lately = note["state"] == "dead", now_us() - note["at"] < _LATELY_US
        if dead or (note["deaths"] and lately):
            state = "and is not running" if dead else "and runs again"
            text = f"The digest beside the trap of {feed} died {note['deaths']} times {state}."
            found.append(HealthProblem("digest_dies", text, "The trap's log says why; mail is kept all the same."))
    return found


def trap_runs(workspace: Workspace, feed: str) -> bool:
    """Whether a trap writes to the feed now."""
    with lock_is_free(workspace.archive.root, f"segments-{feed}-trap") as free:
        return not free


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


def _giants(workspace: Workspace) -> list[dict[str, Any]]:
    """Warnings of large campaigns; none where the grouping cannot be read, which who asks for campaigns is told."""
    from spamtide.app.engines import campaign_generations
    from spamtide.app.giants import find_giants

    try:
        generation = campaign_generations(workspace).current()
    except BrokenWorld:
        return []
    if generation is None or not all(Path(t.path).exists() for t in generation.tables.values()):
        return []
    return find_giants(workspace, generation)


def describe(workspace: Workspace) -> dict[str, Any]:
    """The status document without its schema: feeds with sizes, spans, trap and lag, the digest, the disk, problems, warnings, ok."""
    from spamtide.app.digesting import pending_ranges
    from spamtide.app.quarantine import in_quarantine
    from spamtide.archive import that_count

    waiting: dict[str, int] = {}
    for segment, start, stop in pending_ranges(workspace):
        waiting[segment.feed] = waiting.get(segment.feed, 0) + stop - start
    named = workspace.tables.provisional.named(FACTS_VERSION)
    provisional: dict[str, int] = {}
    for part in that_count(named, workspace.tables.digested(FACTS_VERSION)):
        if part.table == "message":
            provisional[part.feed] = provisional.get(part.feed, 0) + part.rows
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
                "trap": trap_runs(workspace, feed),
                "not_settled": waiting.get(feed, 0),
                "provisional": provisional.get(feed, 0),
            }
        )
    giants = _giants(workspace)
    disk = os.statvfs(workspace.archive.root)
    problems = [p for p in find_problems(workspace) if p.code != "not_stated"]
    return {
        "ok": not problems,
        "feeds": feeds,
        "digest": {
            "following": is_followed(workspace.archive.root),
            "not_settled": sum(waiting.values()),
            "provisional": sum(provisional.values()),
            "quarantined": len(in_quarantine(workspace)),
        },
        "disk": {"free_bytes": disk.f_bavail * disk.f_frsize, "size_bytes": disk.f_blocks * disk.f_frsize},
        "problems": [{"code": p.code, "text": p.text, "next": p.next_step} for p in problems],
        "warnings": [{"code": g["code"], "text": g["text"], "next": g["next"]} for g in giants],
    }
