"""The settled grouping of a workspace: every message of every feed, whenever messages came or went since the last one.

Run by ``import`` and ``digest`` when they are done, by a following digest, and by each command that needs it fresh. Old
ids are followed: what became of them goes into the journal before the generation is named, so that a link never dies.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from spamtide.app.engines import campaign_generations, engine_options
from spamtide.archive import Basis, Draft, ExactGroups, Generation, Journal, JournalRecord, Snapshot, segment_name
from spamtide.campaign import GROUP_TABLES, METHOD, Alias, Change, changes, follow, group_schema
from spamtide.fingerprint import FACTS_VERSION, TABLES

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.app.workspace import Workspace

# Grouping sorts and joins every exact group once: more room than a query gets.
_MEMORY_MIB = 1024
_ENTRIES = 2_000
_BATCH = 100_000
# What the generation keeps for messages that come after it (``app/newcampaigns.py``).
NEAR_INDEX = "near.index"
# Columns of messages by campaign whose values seldom come again.
_SELDOM_AGAIN = ("exact", "session", "ordinal", "received_at")
_SKETCH = [c.name for c in TABLES["sketch"] if c.kind == "binary"]
STEPS = 4
Progress = Callable[[float, float | None, str], None]


@dataclass(frozen=True, slots=True)
class Settling:
    """What one run did. ``generation`` 0: there is nothing to group yet; ``new``: whether this run made it.

    ``changed``: how many older ids were merged, renamed, split or are gone.
    """

    generation: int
    new: bool
    messages: int
    exact_groups: int
    campaigns: int
    changed: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """The document of ``campaigns settle``."""
        return {
            "schema": "spamtide.settle/1", "generation": self.generation, "new": self.new, "messages": self.messages,
            "exact_groups": self.exact_groups, "campaigns": self.campaigns, "changed": self.changed, "method": METHOD,
            "seconds": self.seconds,
        }  # fmt: skip


def is_settled(workspace: Workspace) -> bool:
    """Whether the generation that counts holds the messages that the tables hold; also where there is nothing to group."""
    current = campaign_generations(workspace).current()
    changed = workspace.tables.changed()
    return changed == 0 if current is None else _holds(current, changed)


def _holds(generation: Generation, changed: int) -> bool:
    """Whether a generation is of the messages as of then, and has every table that this program writes."""
    return generation.is_of(FACTS_VERSION, changed, METHOD) and generation.tables.keys() >= GROUP_TABLES.keys()


def settle_campaigns(
    workspace: Workspace,
    *,
    now: int,
    waiting: Callable[[], None] | None = None,
    progress: Progress | None = None,
) -> Settling:
    """Group everything that is digested, unless that is done already. Killed at any moment, nothing has changed.

    While another process groups: wait after ``waiting``, or BrokenWorld ``locked``.
    """
    started = time.monotonic()
    generations = campaign_generations(workspace)
    tell = progress or (lambda done, total, note: None)
    if is_settled(workspace) and (held := generations.current()) is not None:
        return _of(held, new=False)
    with generations.writing_lock(waiting):
        snapshot = workspace.tables.snapshot(FACTS_VERSION)
        before = generations.current()
        if before is not None and _holds(before, snapshot.changed):
            return _of(before, new=False)
        if before is None and not snapshot.files.get("sketch"):
            return Settling(0, False, 0, 0, 0)
        with generations.draft() as draft:
            messages, moved, lost = _group(workspace, snapshot, draft, before, now, tell)
            ends = {segment_name(*key): n for key, n in snapshot.ends.items()}
            generation = draft.name(Basis(FACTS_VERSION, snapshot.changed, METHOD, messages, ends))
        if before is not None:
            _carry(before, generation, moved, lost)
    tell(STEPS, STEPS, "")
    seconds = float(f"{time.monotonic() - started:.6g}")
    return replace(_of(generation, new=True), changed=dict(Counter(c.why for c in moved)), seconds=seconds)


def _carry(before: Generation, generation: Generation, moved: list[Change], lost: frozenset[str]) -> None:
    """What was inferred of campaigns that live on goes with them. Killed before, it is inferred again when somebody asks."""
    from spamtide.app.templates import carry_templates

    carry_templates(before, generation, moved, lost)


def _of(generation: Generation, *, new: bool) -> Settling:
    tables = generation.tables
    groups, campaigns = tables["campaign_member"].rows, tables["campaign"].rows
    return Settling(generation.number, new, generation.basis.messages, groups, campaigns)


def _group(
    workspace: Workspace, snapshot: Snapshot, draft: Draft, before: Generation | None, now: int, tell: Progress
) -> tuple[int, list[Change], frozenset[str]]:
    """Write every table; how many messages there are, what became of older ids, and which of these have exact groups that are gone."""
    import pyarrow as pa

    from spamtide.campaign import settle_sorted

    options = engine_options(workspace)
    options = replace(options, memory_mib=max(options.memory_mib, _MEMORY_MIB))
    with ExactGroups(snapshot, options) as groups:
        tell(0, STEPS, "reading sketches")
        exacts: list[pa.Array] = []

        def rows() -> Iterator[pa.RecordBatch]:
            for batch in groups.in_order(_SKETCH):
                exacts.append(batch.column("exact"))
                yield batch
            tell(1, STEPS, f"{sum(map(len, exacts)):,} exact groups")

        settled = settle_sorted(rows(), index=str(draft.folder / NEAR_INDEX))
        exact = pa.chunked_array(exacts, pa.string())
        tell(2, STEPS, "naming campaigns")
        groups.label(exact, settled.label)
        draft.write("campaign_edge", group_schema("campaign_edge"), _edge_rows(exact, settled.edges))
        members = draft.write("campaign_member", group_schema("campaign_member"), groups.members())
        moved: list[Change] = []
        lost: frozenset[str] = frozenset()
        if before is not None:
            older = before.basis.facts_version
            tables = workspace.tables.snapshot(older) if older != FACTS_VERSION else None
            pairs = groups.moves(before, members.path, tables)
            moved, lost = changes(pairs), frozenset(old for old, new, _ in pairs if new is None)
            _note(workspace, before, moved, now)
        followed = _followed(workspace, groups)
        draft.write("campaign_alias", group_schema("campaign_alias"), _alias_rows(followed))
        tell(3, STEPS, "what is known of each")
        write_known(groups, draft, members.path)
        return groups.messages, moved, lost


def write_known(groups: ExactGroups, draft: Draft, members: str) -> None:
    """Write what is known of each campaign; ``members``: the file of who is in which."""
    draft.write("campaign", group_schema("campaign"), groups.campaigns(members))
    draft.write("campaign_feed", group_schema("campaign_feed"), groups.feeds(members))
    draft.write("campaign_subject", group_schema("campaign_subject"), groups.subjects(members))
    draft.write("campaign_day", group_schema("campaign_day"), groups.days(members), plain=("first_seen", "last_seen"))
    for name, rows in (("campaign_message", groups.rows(members)), ("message_time", groups.times(members))):
        draft.write(name, group_schema(name), rows, plain=_SELDOM_AGAIN)


def _note(workspace: Workspace, before: Generation, moved: list[Change], now: int) -> None:
    """Put what became of the ids of a generation into the journal. Tried again after a crash, it counts once."""
    since = f"{before.number}:{before.tables['campaign_member'].sha256[:16]}"
    again = any(r.body["since"] == since for r in workspace.archive.journal.read("campaign_alias"))
    entries = [
        ("campaign_alias", {"since": since, "changes": [c.document() for c in moved[i : i + _ENTRIES]]})
        for i in range(0, len(moved) or int(again), _ENTRIES)
    ]
    Journal(workspace.archive.root, "campaigns").append_all(entries, now)


def _followed(workspace: Workspace, groups: ExactGroups) -> list[Alias]:
    """Where every id that the journal speaks of leads now."""
    attempts: dict[str, list[JournalRecord]] = {}
    for record in workspace.archive.journal.read("campaign_alias"):
        made = attempts.setdefault(record.body["since"], [])
        if made and made[0].at != record.at:
            made.clear()  # that generation was never named
        made.append(record)
    changed = [
        (record.at, Change(c["old"], tuple(c["new"]), c["why"]))
        for record in sorted((r for made in attempts.values() for r in made), key=lambda r: r.at)
        for c in record.body["changes"]
    ]
    mentioned = sorted({name for _, c in changed for name in (c.old, *c.new)})
    return follow(changed, groups.alive(mentioned))


def _edge_rows(exact: pa.ChunkedArray, edges: pa.Table) -> Iterator[pa.RecordBatch]:
    """What joined the groups, by exact digest in place of the row of the fingerprints."""
    import pyarrow as pa

    exact = exact.combine_chunks()
    schema = group_schema("campaign_edge")
    for batch in edges.to_batches(max_chunksize=_BATCH):
        ends = [exact.take(batch[name]) for name in ("leader", "member")]
        rest = [batch[name].cast(schema.field(name).type) for name in schema.names[2:]]
        yield pa.RecordBatch.from_arrays([*ends, *rest], schema=schema)


def _alias_rows(aliases: list[Alias]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    rows = [{"alias": a.id, "campaign": now, "why": a.why, "at": a.at} for a in aliases for now in (a.now or (None,))]
    if rows:
        yield pa.RecordBatch.from_pylist(rows, group_schema("campaign_alias"))
