"""``digest --follow``: reads messages while they arrive, settles what is sealed, gathers the days that are over.

Five things go on at once, three of them on one small pool of workers. The *tails* of open segments become provisional parts within seconds, as far
as they are durable (``spamtide.archive.durable``); only who asks for them sees them. *Sealed* segments are settled: their parts are named by
the root, under the lock of the tables. *Days* that the clock has left are gathered by a thread, *campaigns* are grouped by another, and *watches* stepped by a third. Tails come first.

Nothing here is the only copy of anything: a kill at any moment loses work, and the next start does it again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spamtide.app.backgroundgrouping import BackgroundGrouping
from spamtide.app.backgroundwatching import BackgroundWatching
from spamtide.app.digesting import TASK_RECORDS, DigestOutcome, compact_workspace, split_tasks
from spamtide.app.pool import Done, Poison, Task, WorkerPool
from spamtide.app.quarantine import in_quarantine, quarantine_entry, split_around
from spamtide.app.retention import apply_retention
from spamtide.app.trapevents import make_event
from spamtide.archive import (
    Durable,
    Journal,
    Part,
    SegmentInfo,
    durable_part,
    format_id,
    gathered,
    hold_follow_lock,
    mark_path,
    read_mark,
    sealed_segment,
    segment_base,
    segment_bases,
    that_count,
)
from spamtide.errors import BrokenWorld
from spamtide.fingerprint import FACTS_VERSION
from spamtide.measure import DAY_US

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

LOOK_SECONDS = 1.0
PAUSE_SECONDS = 10.0
# So many tasks are settled under one lock and named by one root.
_SETTLED_AT_ONCE = 16
_GATHER_EVERY_SECONDS = 3600.0

Key = tuple[str, str, int]
Event = dict[str, Any]


@dataclass
class _Work:
    """What is under way for one tail, or for the segments that are being settled. ``waiting``: records not answered yet."""

    waiting: int = 0
    parts: list[Part] = field(default_factory=list)
    messages: int = 0
    ends: dict[Key, int] = field(default_factory=dict)

    def take(self, result: Done | Poison) -> None:
        """Count an answer. A task that is halved is answered in more pieces, but of as many records."""
        self.waiting -= result.task.stop - result.task.start
        if isinstance(result, Done):
            self.parts += [Part(**part) for part in result.answer["parts"]]
            self.messages += result.answer["messages"]


class Follower:
    """Follows one archive; ``look`` does what can be done now. Use it in a ``with`` block, under the lock ``follow``."""

    def __init__(self, workspace: Workspace, *, clock: Callable[[], int], tell: Callable[[Event], None]) -> None:
        self._workspace = workspace
        self._tables = workspace.tables
        self._clock = clock
        self._tell = tell
        self._journal = Journal(workspace.archive.root, "digest")
        self._held = in_quarantine(workspace, FACTS_VERSION)
        self._seen: dict[Path, tuple[int, int, int, Durable | None]] = {}
        self._settled: set[Key] = set()
        self._gathering: threading.Thread | None = None
        self._gathered: tuple[int, float] | None = None
        self._grouping = BackgroundGrouping(workspace, clock=clock, tell=tell)
        self._watching = BackgroundWatching(workspace, clock=clock, tell=tell)
        self.outcome = DigestOutcome()
        self._begin()

    def _begin(self) -> None:
        settings = self._workspace.settings.digest
        self._tails: dict[Key, _Work] = {}
        self._settling: _Work | None = None
        self._lock = ExitStack()
        self._pool = WorkerPool(
            settings.follow_workers,
            stage=str(self._tables.stage(FACTS_VERSION)),
            address_space_mib=settings.address_space_mib,
            task_seconds=settings.task_seconds,
        )

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.__exit__()
        self._lock.close()

    def start_again(self) -> None:
        """Leave what is under way, and begin anew."""
        self.__exit__()
        self._seen.clear()
        self._begin()

    def look(self, wait: float) -> None:
        """Take what workers answered within ``wait`` seconds, and give them what has come. Raises OSError, BrokenWorld."""
        for result in self._pool.ready(wait):
            self._take(result)
        for key in [k for k, work in self._tails.items() if not work.waiting]:
            self._name_tail(key, self._tails.pop(key))
        if self._settling is not None and not self._settling.waiting:
            self._name_settled(self._settling)
        digested = self._tables.digested(FACTS_VERSION)
        for feed, folder in self._folders():
            for writer, number, base in segment_bases(folder):
                if base.with_suffix(".open").exists():
                    self._read_tail((feed, writer, number), base, digested)
        if self._settling is None:
            self._settle(digested)
        self._grouping.look()
        if not self._grouping.busy:
            # A watch of a sender group or campaign counts by the grouping.
            self._watching.look()
        self._gather()

    def _folders(self) -> list[tuple[str, Path]]:
        root = self._workspace.archive.root / "segments"
        return [(p.name, p) for p in sorted(root.iterdir()) if p.is_dir()]

    def _take(self, result: Done | Poison) -> None:
        task = result.task
        if isinstance(result, Poison):
            self._set_apart(result)
        work = self._settling if task.provisional is None else self._tails[_key(task.segment)]
        assert work is not None
        work.take(result)

    def _set_apart(self, poison: Poison) -> None:
        # Into the journal before anything is named: no message is in neither place.
        self._journal.append_all([quarantine_entry(poison, FACTS_VERSION)], self._clock())
        self._held = in_quarantine(self._workspace, FACTS_VERSION)
        self.outcome.quarantined += 1
        place = format_id(*_key(poison.task.segment), poison.task.start)
        self._tell(make_event("digest.quarantined", self._clock(), id=place, reason=poison.reason))

    def _submit(self, work: _Work, key: Key, base: Path, start: int, stop: int, provisional: str | None) -> None:
        feed, writer, number = key
        segment = {"feed": feed, "writer": writer, "number": number, "base": str(base)}
        for first, last in split_around(self._held, key, start, stop):
            work.waiting += last - first
            self._pool.submit(Task(segment, first, last, provisional), first=provisional is not None)

    def _read_tail(self, key: Key, base: Path, digested: dict[Key, int]) -> None:
        """Give workers what is durable of an open segment and in no part yet."""
        if key in self._tails:
            return
        try:
            stat = base.with_suffix(".open").stat()
        except FileNotFoundError:
            return
        covered = max([p.stop for p in that_count(self._provisional(key), digested)], default=digested.get(key, 0))
        root = self._workspace.archive.root
        mark = read_mark(mark_path(root, key[0], key[1]))
        state = (stat.st_size, stat.st_mtime_ns, covered, mark)
        if self._seen.get(base) == state:
            return
        durable = durable_part(root, *key, base)
        work = _Work(ends={key: durable.records})
        stage = str(self._tables.provisional.stage(FACTS_VERSION))
        for first, last in split_tasks(durable.size_bytes, durable.records, covered, durable.records):
            self._submit(work, key, base, first, last, stage)
        if work.waiting:
            self._tails[key] = work
        else:
            self._seen[base] = state

    def _provisional(self, key: Key | None = None) -> list[Part]:
        parts = self._tables.provisional.named(FACTS_VERSION)
        return [p for p in parts if key in (None, (p.feed, p.writer, p.segment))]

    def _name_tail(self, key: Key, work: _Work) -> None:
        base = segment_base(self._workspace.archive.root, *key)
        if not base.with_suffix(".open").exists():
            return  # it was sealed meanwhile, perhaps to erase from it: settling reads it as it is now
        digested = self._tables.digested(FACTS_VERSION)
        named = that_count(self._provisional(), digested)
        others = [p for p in named if (p.feed, p.writer, p.segment) != key]
        mine = that_count([*(p for p in named if p not in others), *work.parts], digested)
        stage = self._tables.provisional.stage(FACTS_VERSION)
        self._tables.provisional.replace(FACTS_VERSION, [*others, *gathered(stage, mine)])
        first = min((p.first for p in work.parts if p.first is not None), default=self._clock())
        feed, writer, number = key
        self._tell(
            make_event(
                "digest.read", self._clock(), feed=feed, segment=f"{writer}-{number:06d}", messages=work.messages,
                oldest_seconds=round((self._clock() - first) / 1e6, 3),
            )
        )  # fmt: skip

    def _settle(self, digested: dict[Key, int]) -> None:
        """Give workers what is sealed and not in the tables, a few segments at a time. Elsewhere under way: later."""
        ready: list[tuple[Key, SegmentInfo]] = []
        for feed, folder in self._folders():
            for writer, number, base in segment_bases(folder):
                key = (feed, writer, number)
                if key in self._settled or len(ready) >= _SETTLED_AT_ONCE or not base.with_suffix(".seal").exists():
                    continue
                segment = sealed_segment(base)
                if digested.get(key, 0) >= segment.records:
                    self._settled.add(key)
                else:
                    ready.append((key, segment))
        if not ready or not self._lock_tables():
            return
        digested = self._tables.digested(FACTS_VERSION)
        self._tables.sweep()
        self._held = in_quarantine(self._workspace, FACTS_VERSION)
        self._settling = work = _Work()
        for key, segment in ready:
            start = digested.get(key, 0)
            work.ends[key] = segment.records
            for first, last in split_tasks(segment.raw_bytes, segment.records, start, segment.records):
                self._submit(work, key, Path(segment.base), first, last, None)
            if work.waiting >= _SETTLED_AT_ONCE * TASK_RECORDS:
                break

    def _lock_tables(self) -> bool:
        try:
            self._lock.enter_context(self._tables.lock())
        except BrokenWorld as error:
            if error.code != "locked":
                raise
            return False
        return True

    def _name_settled(self, work: _Work) -> None:
        self._tables.commit(FACTS_VERSION, work.parts, work.ends)
        self._settling = None
        self._lock.close()
        self._grouping.wanted = self._watching.wanted = True
        self._drop_provisional()
        self.outcome.segments += len(work.ends)
        self.outcome.messages += work.messages
        self._tell(make_event("digest.settled", self._clock(), segments=len(work.ends), messages=work.messages))

    def _drop_provisional(self) -> None:
        """Name no longer what is settled by now."""
        named = self._provisional()
        left = that_count(named, self._tables.digested(FACTS_VERSION))
        if len(left) < len(named):
            self._tables.provisional.replace(FACTS_VERSION, left)

    def _gather(self) -> None:
        """Gather the days that are over, once at the start of each day and each hour, in a thread of its own."""
        if self._gathering is not None:
            if not self._gathering.is_alive():
                self._gathering = None
            return
        now, passed = self._clock(), time.monotonic()
        if self._gathered is not None:
            day, at = self._gathered
            if day == now // DAY_US and passed - at < _GATHER_EVERY_SECONDS:
                return
        if self._settling is not None:
            return
        self._gathered = (now // DAY_US, passed)
        # A kill midway changes nothing, so the thread need not be waited for.
        self._gathering = threading.Thread(target=self._gather_days, args=(now,), daemon=True)
        self._gathering.start()

    def _gather_days(self, now: int) -> None:
        try:
            done = compact_workspace(self._workspace, now=now)
        except BrokenWorld as error:
            if error.code == "locked":
                self._gathered = None
                return
            self._tell(make_event("digest.failed", now, error=str(error)))
        except OSError as error:
            self._tell(make_event("digest.failed", now, error=str(error)))
        else:
            if done.days:
                self._tell(make_event("digest.gathered", self._clock(), days=done.days, parts=done.parts))
            self._thin(now)

    def _thin(self, now: int) -> None:
        """Drop what the written policies say, in the same thread; a kill midway leaves each segment as it was or thinned."""
        try:
            thinned = apply_retention(self._workspace, now=now)
        except (OSError, BrokenWorld) as error:
            self._tell(make_event("digest.failed", now, error=str(error)))
            return
        if thinned.messages:
            facts = {"messages": thinned.messages, "bytes": thinned.bytes, "held": thinned.held}
            self._tell(make_event("digest.thinned", self._clock(), **facts))


def _key(segment: dict[str, Any]) -> Key:
    return segment["feed"], segment["writer"], segment["number"]


def follow(
    workspace: Workspace,
    *,
    clock: Callable[[], int],
    tell: Callable[[Event], None],
    stopping: Callable[[], bool],
) -> DigestOutcome:
    """Follow until ``stopping``; what was settled. While another process follows, wait for its end.

    What fails in the world is told, and tried again after a pause. Raises BrokenWorld ``worker_failed``.
    """
    told = False
    while not stopping():
        try:
            lock = hold_follow_lock(workspace.archive.root)
            lock.__enter__()
        except BrokenWorld as error:
            if error.code != "locked":
                raise
            if not told:
                tell(make_event("digest.waiting", clock()))
            told = True
            _pause(LOOK_SECONDS, stopping)
            continue
        try:
            return _follow(workspace, clock=clock, tell=tell, stopping=stopping)
        finally:
            lock.__exit__(None, None, None)
    return DigestOutcome()


def _follow(
    workspace: Workspace, *, clock: Callable[[], int], tell: Callable[[Event], None], stopping: Callable[[], bool]
) -> DigestOutcome:
    started = time.monotonic()
    with Follower(workspace, clock=clock, tell=tell) as follower:
        tell(make_event("digest.ready", clock(), facts_version=FACTS_VERSION))
        while not stopping():
            try:
                follower.look(LOOK_SECONDS)
            except (OSError, BrokenWorld) as error:
                if isinstance(error, BrokenWorld) and error.code == "worker_failed":
                    raise
                tell(make_event("digest.failed", clock(), error=str(error)))
                follower.start_again()
                _pause(PAUSE_SECONDS, stopping)
        outcome = follower.outcome
    outcome.seconds = float(f"{time.monotonic() - started:.6g}")
    tell(make_event("digest.stopped", clock(), segments=outcome.segments, messages=outcome.messages))
    return outcome


def _pause(seconds: float, stopping: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not stopping():
        time.sleep(0.1)
