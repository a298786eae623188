"""Retention: thins what the written policy of a feed says, unless it is on hold. Run by the following digest, or by hand.

Policy is ``[feeds.F.retention]`` in spamtide.toml; without it everything is kept. A hold is a query in the journal, with its
reason: no message that matches it, now or later, is thinned or erased until it is lifted.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from spamtide.app.instants import format_instant
from spamtide.app.searching import search_messages
from spamtide.archive import (
    ThinningPolicy,
    due_messages,
    parse_id,
    rewriting_lock,
    segment_base,
    settle_rewritten,
    thin_segment,
    thinned_already,
)
from spamtide.errors import WrongUse
from spamtide.fingerprint import FACTS_VERSION
from spamtide.measure import parse_query

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Hold:
    """A query whose messages nobody may thin or erase; ``id`` is that of its entry in the journal."""

    id: str
    query: str
    reason: str
    who: str
    at: int

    def document(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "at": format_instant(self.at)}


@dataclass(slots=True)
class ThinningOutcome:
    """What was thinned, or would be: messages, segments, bytes dropped (0 when only asked); messages that are on hold."""

    messages: int = 0
    segments: int = 0
    bytes: int = 0
    held: int = 0


def active_holds(workspace: Workspace) -> list[Hold]:
    """Holds that are not lifted, in order of time."""
    found: dict[str, Hold] = {}
    for record in workspace.archive.journal.read("hold", "hold_lifted"):
        body = record.body
        if record.kind == "hold":
            found[record.id] = Hold(record.id, body["query"], body["reason"], body["who"], record.at)
        else:
            found.pop(body["hold"], None)
    return list(found.values())


def add_hold(workspace: Workspace, query: str, *, reason: str, who: str, at: int) -> Hold:
    """Hold what matches ``query``. Raises BadQuery."""
    parse_query(query)
    workspace.archive.journal.append("hold", {"query": query, "reason": reason, "who": who}, at)
    return active_holds(workspace)[-1]


def lift_hold(workspace: Workspace, hold_id: str, *, reason: str, who: str, at: int) -> Hold:
    """Lift a hold. Raises WrongUse ``unknown_hold``."""
    for hold in active_holds(workspace):
        if hold.id == hold_id:
            workspace.archive.journal.append("hold_lifted", {"hold": hold_id, "reason": reason, "who": who}, at)
            return hold
    raise WrongUse("unknown_hold", f"There is no hold {hold_id!r}.", "'spamtide archive hold --list' lists them.")


def held_places(workspace: Workspace, feed: str | None = None) -> set[tuple[str, str, int, int]]:
    """Places (feed, writer, segment, ordinal) of the messages that are on hold now."""
    held = set()
    for hold in active_holds(workspace):
        for row in search_messages(workspace, hold.query, [feed] if feed is not None else []):
            place = parse_id(row["id"])
            held.add((place.feed, place.writer, place.segment, place.ordinal))
    return held


def apply_retention(workspace: Workspace, *, now: int, dry: bool = False) -> ThinningOutcome:
    """Thin what the policies say, segment by segment. Takes the locks of the tables and of rewriting; a kill midway loses nothing.

    Only sealed segments whose facts are in the tables are thinned. Raises BrokenWorld ``locked``, OSError.
    """
    outcome = ThinningOutcome()
    archive, tables = workspace.archive, workspace.tables
    policies = {f: s.retention for f, s in workspace.settings.feeds.items() if s.retention != type(s.retention)()}
    with rewriting_lock(archive.root):
        settle_rewritten(archive.root)
    if not policies:
        return outcome
    known = set(archive.feeds())
    for feed, stated in policies.items():
        if feed not in known:
            continue
        policy = ThinningPolicy(stated.raw_days, stated.keep_per_group_day)
        with tables.lock(), rewriting_lock(archive.root):
            due = due_messages(tables.snapshot(FACTS_VERSION), feed, policy, now=now)
            held = held_places(workspace, feed) if due else set()
            finished = thinned_already(archive.journal, done=True)
            for key, messages in due.items():
                mine = {o: t for o, t in messages.items() if (*key, o) not in held}
                outcome.held += len(messages) - len(mine)
                left = {o: t for o, t in mine.items() if o not in finished.get(key, ())}
                if not left or not segment_base(archive.root, *key).with_suffix(".seal").exists():
                    continue
                outcome.messages += len(left)
                outcome.segments += 1
                if not dry:
                    outcome.bytes += thin_segment(
                        archive, tables, key, left, asdict(policy), facts_version=FACTS_VERSION, at=now
                    )
    return outcome


def refuse_held(workspace: Workspace, ids: list[str]) -> None:
    """Raise WrongUse ``on_hold`` where one of these messages is on hold."""
    places = {(p.feed, p.writer, p.segment, p.ordinal) for p in map(parse_id, ids)}
    held = places & held_places(workspace)
    if held:
        raise WrongUse(
            "on_hold",
            f"{len(held)} of these messages are on hold; nothing was erased.",
            "'spamtide archive hold --list' says why.",
        )
