"""One engine held open over the newest snapshot, and what it answered of late: a function of the tables alone, so that no entry of the journal ages it."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from spamtide.app.engines import campaign_generations, engine_of
from spamtide.archive import Engine, Generations, Narrowing, file_stamp, narrow_to_campaigns
from spamtide.errors import BrokenWorld

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.app.workspace import Workspace
    from spamtide.archive import Generation

# A campaign of more messages than this is not put into memory: its questions are asked of all tables.
_IN_MEMORY = 200_000
# Answers that are kept of one snapshot: so many bytes together, none above so many.
_KEPT_BYTES, _LARGEST_BYTES = 64 << 20, 4 << 20
# What a row of an answer takes in memory, about.
_ROW_BYTES = 1_000


class Given:
    """Answers that an engine over one snapshot gave, by the statement; the oldest go when there are too many bytes."""

    def __init__(self) -> None:
        self._held: OrderedDict[Any, tuple[int, Any]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Any) -> Any:
        """What was answered to this; None where it was not, or is not kept."""
        with self._lock:
            found = self._held.get(key)
            if found is None:
                return None
            self._held.move_to_end(key)
            return found[1]

    def put(self, key: Any, answer: Any, size_bytes: int) -> None:
        """Keep an answer of that size."""
        if size_bytes > _LARGEST_BYTES:
            return
        with self._lock:
            if key in self._held:
                return
            self._held[key] = (size_bytes, answer)
            self._bytes += size_bytes
            while self._bytes > _KEPT_BYTES:
                _, (gone, _) = self._held.popitem(last=False)
                self._bytes -= gone


class KeepingEngine(Engine):
    """A cursor of an engine that does not ask twice."""

    def __init__(self, cursor: Engine, given: Given) -> None:
        self._raw, self.files, self.narrowed = cursor._raw, cursor.files, None
        self._given = given
        self._changed = False

    def change(self, text: str, parameters: Sequence[Any] = ()) -> None:
        """As an engine does; from then on nothing that it answers is kept, or was kept."""
        self._changed = True
        super().change(text, parameters)

    def _table(self, text: str) -> pa.Table:
        if self._changed:
            return super()._table(text)
        found = self._given.get(text)
        if found is None:
            found = super()._table(text)
            self._given.put(text, found, found.nbytes)
        return found

    def ask(self, text: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of one statement of SQL that measure wrote, its parameters apart."""
        if self._changed:
            return super().ask(text, parameters)
        key = (text, tuple(parameters))
        found = self._given.get(key)
        if found is None:
            found = super().ask(text, parameters)
            self._given.put(key, found, _ROW_BYTES * (len(found) + 1))
        # Whoever asks may write into rows.
        return [dict(row) for row in found]


class HeldEngine:
    """One engine over the newest snapshot, shared by threads; an old one is closed when its last user leaves."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._given = Given()
        self._of: Any = None
        self._users: dict[int, int] = {}
        self._old: dict[int, Engine] = {}
        self._cursors: set[Engine] = set()
        self._closing = False
        self._mine = threading.local()

    @contextlib.contextmanager
    def only(self, to: Narrowing) -> Iterator[None]:
        """In this block and thread the engine holds what is meant, found once; everything where that is much or unknown."""
        self._mine.to, self._mine.engine = to, None
        with contextlib.ExitStack() as stack:
            self._mine.stack = stack
            try:
                yield
            finally:
                self._mine.to = self._mine.engine = self._mine.stack = None

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """In this block, within one of ``only``, the engine holds everything again."""
        held = getattr(self._mine, "to", None)
        self._mine.to = None
        try:
            yield
        finally:
            self._mine.to = held

    @contextlib.contextmanager
    def use(self, generation: Generation | None) -> Iterator[Engine]:
        """A cursor of the engine over the tables as they are named now."""
        to = getattr(self._mine, "to", None)
        if to is None:
            with self._cursor(generation) as (cursor, given):
                yield KeepingEngine(cursor, given)
            return
        if self._mine.engine is None:
            # What it answers is of this campaign alone, and is not kept here.
            self._mine.engine, _ = self._mine.stack.enter_context(self._cursor(generation))
            narrow_to_campaigns(self._mine.engine, to, at_most=_IN_MEMORY)
        yield self._mine.engine

    @contextlib.contextmanager
    def _cursor(self, generation: Generation | None) -> Iterator[tuple[Engine, Given]]:
        if self._closing:
            raise BrokenWorld("busy", "The server is about to end.", "Ask again when it is back.")
        with self._lock:
            engine = self._newest(generation)
            given = self._given
            self._users[id(engine)] = self._users.get(id(engine), 0) + 1
        cursor = engine.cursor()
        self._cursors.add(cursor)
        try:
            yield cursor, given
        finally:
            self._cursors.discard(cursor)
            cursor.close()
            with self._lock:
                self._users[id(engine)] -= 1
                if not self._users[id(engine)]:
                    del self._users[id(engine)]
                    if (left := self._old.pop(id(engine), None)) is not None:
                        left.close()

    def interrupt(self) -> None:
        """Break off every question that is being asked, and take none any more."""
        self._closing = True
        for cursor in list(self._cursors):
            cursor.interrupt()

    def _newest(self, generation: Generation | None) -> Engine:
        held = generation if generation is not None else campaign_generations(self._workspace).current()
        senders = Generations(self._workspace.archive.root, "group").current()
        root = file_stamp(self._workspace.tables.root / "root.json")
        of = (root, *(None if g is None else g.number for g in (held, senders)))
        if self._engine is None or of != self._of:
            before, self._engine, self._given = self._engine, engine_of(self._workspace, held, senders), Given()
            self._of = of
            if before is not None:
                if id(before) in self._users:
                    self._old[id(before)] = before
                else:
                    before.close()
        return self._engine

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            if self._engine is not None:
                self._engine.close()
                self._engine = None
