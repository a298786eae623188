"""The digest: stored records become tables, in worker processes, for live and imported mail alike.

A range of records is one task; its parts are staged and named by the manifest only when the whole segment is done, so
that what no manifest names does not exist. A message no worker survives goes to quarantine, in the journal.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spamtide.app.pool import Done, Poison, Task, WorkerPool
from spamtide.app.quarantine import in_quarantine, quarantine_entry, release_entry, split_around
from spamtide.archive import MANY_PARTS, Compacted, Part, compact, durable_part, segment_base
from spamtide.errors import BrokenWorld
from spamtide.fingerprint import FACTS_VERSION

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace
    from spamtide.archive import SegmentInfo

# Raw bytes of one task: large enough that a part is worth a file, small enough that two workers share a mailbox.
TASK_BYTES = 16 * 1024 * 1024
# Records of one task: a row of facts costs a worker a kilobyte or two, however short the message.
TASK_RECORDS = 40_000


@dataclass(slots=True)
class DigestOutcome:
    """What one run of the digest did. ``seconds`` is for people; nothing is computed from it."""

    segments: int = 0
    messages: int = 0
    quarantined: int = 0
    facts_version: int = FACTS_VERSION
    seconds: float = 0.0
    defects: dict[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The contract's document of ``digest``."""
        return {"schema": "spamtide.digest/1", **asdict(self)}


def pending_ranges(workspace: Workspace) -> Iterator[tuple[SegmentInfo, int, int]]:
    """Segments, or their tails, that the tables of the current facts version do not hold yet; what is durable of them."""
    digested = workspace.tables.digested(FACTS_VERSION)
    for segment in workspace.archive.segments():
        done = digested.get((segment.feed, segment.writer, segment.number), 0)
        stop = segment.records
        if segment.state == "open" and done < stop:
            place = (segment.feed, segment.writer, segment.number, Path(segment.base))
            stop = min(stop, durable_part(workspace.archive.root, *place).records)
        if done < stop:
            yield segment, done, stop


def worker_count(setting: int) -> int:
    """Workers to start: what the settings say, or one a core that this process may use."""
    return setting if setting > 0 else len(os.sched_getaffinity(0))


def split_tasks(size_bytes: int, records: int, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Ranges of about ``TASK_BYTES`` that cover ``start`` to ``stop`` of a segment that has so many bytes and records."""
    mean = max(1, size_bytes // max(1, records))
    step = min(TASK_RECORDS, max(1, TASK_BYTES // mean))
    for first in range(start, stop, step):
        yield first, min(stop, first + step)


def split_evenly(start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Ranges of at most ``TASK_RECORDS``, about equal, that cover ``start`` to ``stop``."""
    pieces = -(-(stop - start) // TASK_RECORDS)
    bounds = [start + (stop - start) * i // max(1, pieces) for i in range(pieces + 1)]
    yield from itertools.pairwise(bounds)


class Digester:
    """Digests ranges of records as they are submitted; ``finish`` names what was made. Holds the lock of the tables.

    Messages in quarantine are left out; ``again`` is for those alone, one a task.
    """

    def __init__(self, workspace: Workspace, *, now: int, again: bool = False) -> None:
        settings = workspace.settings.digest
        self._workspace = workspace
        self._now = now
        self._again = again
        self._started = time.monotonic()
        self._tables = workspace.tables
        self._lock = self._tables.lock()
        self._lock.__enter__()
        self._tables.sweep()
        self._held = in_quarantine(workspace, FACTS_VERSION) if not again else {}
        stage = self._tables.stage(FACTS_VERSION)
        self._pool = WorkerPool(
            worker_count(settings.workers),
            stage=str(stage),
            address_space_mib=settings.address_space_mib,
            task_seconds=settings.task_seconds,
        )
        self._parts: list[Part] = []
        self._done: dict[tuple[str, str, int], int] = {}
        self._poison: list[Poison] = []
        self._released: list[Task] = []
        self.outcome = DigestOutcome()

    def __enter__(self) -> Digester:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.__exit__()
        self._lock.__exit__(None, None, None)

    def submit(self, feed: str, writer: str, number: int, base: str, start: int, stop: int) -> None:
        """Queue records ``start`` to ``stop`` of a segment; they must be readable already."""
        segment = {"feed": feed, "writer": writer, "number": number, "base": base}
        key = (feed, writer, number)
        for first, last in split_around(self._held, key, start, stop):
            self._pool.submit(Task(segment, first, last))
        if not self._again:
            self._done[key] = max(stop, self._done.get(key, 0))
        for result in self._pool.ready():
            self._take(result)

    def finish(self, progress: Callable[[float, float | None], None] | None = None) -> DigestOutcome:
        """Wait for every task, put poison messages into quarantine, name the parts; what was done."""
        for result in self._pool.results():
            self._take(result)
            if progress is not None:
                progress(self.outcome.messages, None)
        # In this order: a crash in between repeats work, and leaves no message in neither place.
        journal = self._workspace.archive.journal
        poison = [quarantine_entry(p, FACTS_VERSION) for p in self._poison if not self._again]
        journal.append_all(poison, self._now)
        if self._done or self._released:
            self._tables.commit(FACTS_VERSION, self._settled_parts(), self._done)
        journal.append_all([release_entry(task) for task in self._released], self._now)
        compact(self._tables, FACTS_VERSION, now=self._now, at_least=MANY_PARTS)
        self.outcome.segments = len(self._done) or len({p.segment["base"] for p in self._released})
        self.outcome.quarantined = len(self._poison)
        self.outcome.seconds = float(f"{time.monotonic() - self._started:.6g}")
        return self.outcome

    def _settled_parts(self) -> list[Part]:
        """The parts to name. One of a message whose segment is not settled that far comes with the rest of the segment."""
        if not self._again:
            return self._parts
        digested = self._tables.digested(FACTS_VERSION)
        return [p for p in self._parts if p.start < digested.get((p.feed, p.writer, p.segment), 0)]

    def _take(self, result: Done | Poison) -> None:
        if isinstance(result, Poison):
            self._poison.append(result)
            return
        if self._again:
            self._released.append(result.task)
        self._parts += [Part(**part) for part in result.answer["parts"]]
        self.outcome.messages += result.answer["messages"]
        for kind, n in result.answer["defects"].items():
            self.outcome.defects[kind] = self.outcome.defects.get(kind, 0) + n


def bring_up_to_date(
    workspace: Workspace,
    *,
    now: int,
    waiting: Callable[[], None],
    progress: Callable[[float, float | None], None] | None = None,
) -> None:
    """Digest what is stored but not in the tables; while another process does so, call ``waiting`` once and wait for it."""
    # What arrives meanwhile is the next command's: at a busy trap something is always waiting.
    wanted = {_key(segment): stop for segment, _, stop in pending_ranges(workspace)}
    while any(
        _key(segment) in wanted and done < wanted[_key(segment)] for segment, done, _ in pending_ranges(workspace)
    ):
        try:
            digest_workspace(workspace, now=now, progress=progress)
        except BrokenWorld as error:
            if error.code != "locked":
                raise
            with workspace.tables.lock(waiting):
                pass


def _key(segment: SegmentInfo) -> tuple[str, str, int]:
    return segment.feed, segment.writer, segment.number


def compact_workspace(
    workspace: Workspace, *, now: int, progress: Callable[[float, float | None], None] | None = None
) -> Compacted:
    """Gather the parts of closed days into one sorted part a table, feed and day."""
    with workspace.tables.lock():
        workspace.tables.sweep()
        return compact(workspace.tables, FACTS_VERSION, now=now, progress=progress)


def retry_quarantine(
    workspace: Workspace, *, now: int, progress: Callable[[float, float | None], None] | None = None
) -> DigestOutcome:
    """Digest each message in quarantine again, alone; those that are read now are released, in the journal."""
    held = in_quarantine(workspace)
    if not held:
        return DigestOutcome()
    root = workspace.archive.root
    with Digester(workspace, now=now, again=True) as digester:
        for place in held:
            base = segment_base(root, place.feed, place.writer, place.segment)
            digester.submit(place.feed, place.writer, place.segment, str(base), place.ordinal, place.ordinal + 1)
        return digester.finish(progress)


def digest_workspace(
    workspace: Workspace, *, now: int, progress: Callable[[float, float | None], None] | None = None
) -> DigestOutcome:
    """Digest everything that is stored but not in the tables yet."""
    ranges = list(pending_ranges(workspace))
    if not ranges:
        return DigestOutcome()
    with Digester(workspace, now=now) as digester:
        for segment, start, stop in ranges:
            for first, last in split_tasks(segment.raw_bytes, segment.records, start, stop):
                digester.submit(segment.feed, segment.writer, segment.number, segment.base, first, last)
        return digester.finish(progress)
