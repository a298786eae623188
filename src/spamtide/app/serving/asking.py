"""Who answers for the pages: one workspace, one engine held open, and the answers given since the tables last changed."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from spamtide.app.engines import campaign_generations, engine_of
from spamtide.app.observatory import Observatory
from spamtide.app.serving.reading import WRITER, ReadingBook
from spamtide.archive import Journal, narrow_to_campaign
from spamtide.errors import BrokenWorld
from spamtide.fingerprint import FACTS_VERSION
from spamtide.message import PublicNetwork, PublicText

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace
    from spamtide.archive import Engine, Generation
    from spamtide.measure import Statement

# How long an answer holds that depends on the clock.
HOLDS_SECONDS = 30.0
# A campaign of more messages than this is not put into memory: its questions are asked of all tables.
_IN_MEMORY = 200_000
_ANSWERS = 256
# Files by whose change anything could be answered anew.
_WATCHED = ("tables/root.json", "tables/generations/campaign.json", "tables/generations/group.json")

# The origin of mail from a person to a person.
PERSONAL = "personal"
# Entries of the journal that no answer depends on.
_UNWATCHED = ("sessions", WRITER)


class ReadingObservatory(Observatory):
    """An observatory that writes nothing: campaigns are those of the grouping that counts, made or not."""

    def _settled(self) -> Generation | None:
        return campaign_generations(self.workspace).current()


class HeldEngine:
    """One engine over the newest snapshot, shared by threads; an old one is closed when its last user leaves."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._of: Any = None
        self._users: dict[int, int] = {}
        self._old: dict[int, Engine] = {}
        self._cursors: set[Engine] = set()
        self._closing = False
        self._mine = threading.local()

    @contextlib.contextmanager
    def only(self, campaign: str) -> Iterator[None]:
        """In this block and thread the engine holds the messages of one campaign, found once; all of them where it is large or unknown."""
        self._mine.campaign, self._mine.engine = campaign, None
        with contextlib.ExitStack() as stack:
            self._mine.stack = stack
            try:
                yield
            finally:
                self._mine.campaign = self._mine.engine = self._mine.stack = None

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """In this block, within one of ``only``, the engine holds everything again."""
        held = getattr(self._mine, "campaign", None)
        self._mine.campaign = None
        try:
            yield
        finally:
            self._mine.campaign = held

    @contextlib.contextmanager
    def use(self, generation: Generation | None) -> Iterator[Engine]:
        """A cursor of the engine over the tables as they are named now."""
        campaign = getattr(self._mine, "campaign", None)
        if campaign is None:
            with self._cursor(generation) as cursor:
                yield cursor
            return
        if self._mine.engine is None:
            self._mine.engine = self._mine.stack.enter_context(self._cursor(generation))
            narrow_to_campaign(self._mine.engine, campaign, at_most=_IN_MEMORY)
        yield self._mine.engine

    @contextlib.contextmanager
    def _cursor(self, generation: Generation | None) -> Iterator[Engine]:
        if self._closing:
            raise BrokenWorld("busy", "The server is about to end.", "Ask again when it is back.")
        with self._lock:
            engine = self._newest(generation)
            self._users[id(engine)] = self._users.get(id(engine), 0) + 1
        cursor = engine.cursor()
        self._cursors.add(cursor)
        try:
            yield cursor
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
        root = _stat(self._workspace.tables.root / "root.json")
        of = (root, None if held is None else held.number)
        if self._engine is None or of != self._of:
            before, self._engine = self._engine, engine_of(self._workspace, held)
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


class Asker:
    """Answers for pages. ``local``: whether it is shown on loopback only, where more than ``Public`` values may stand.

    ``clock``: microseconds since 1970.
    """

    def __init__(self, workspace: Workspace, *, local: bool, clock: Callable[[], int]) -> None:
        self.workspace = workspace
        self.local = local
        self.now = clock
        self.observatory = ReadingObservatory(workspace)
        # What it writes has a writer of its own: nobody waits for it, and it for nobody.
        self.journal = Journal(workspace.archive.root, "serve")
        self.readings = ReadingBook(workspace, clock)
        self._held = HeldEngine(workspace)
        workspace.engine_keeper = self._held
        self._answers: OrderedDict[Any, tuple[Any, float, Any]] = OrderedDict()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def engine(self) -> Iterator[Engine]:
        """The engine over the newest snapshot; do not close it."""
        with self._held.use(None) as engine:
            yield engine

    def interrupt(self) -> None:
        """Break off every question that is being asked, and take none any more."""
        self._held.interrupt()

    def only(self, campaign: str) -> contextlib.AbstractContextManager[None]:
        """A block in which questions are about one campaign and nothing else."""
        return self._held.only(campaign)

    def whole(self) -> contextlib.AbstractContextManager[None]:
        """A block in which questions are about everything, wherever it stands."""
        return self._held.whole()

    def rows(self, expression: Any) -> list[dict[str, Any]]:
        """The rows of an unbound expression of ``measure``."""
        with self.engine() as engine:
            found: list[dict[str, Any]] = engine.run(expression).to_pylist()
        return found

    def ask(self, statement: Statement) -> list[dict[str, Any]]:
        """The rows of a statement of ``measure``."""
        with self.engine() as engine:
            return engine.ask(statement.text, statement.parameters)

    def generation(self) -> Generation | None:
        """The settled grouping that counts now, None where there is none yet."""
        return campaign_generations(self.workspace).current()

    @property
    def facts_version(self) -> int:
        """What the pages read from messages."""
        return FACTS_VERSION

    def tables_stamp(self) -> tuple[Any, ...]:
        """Equal as long as the settled tables and groupings are the same."""
        return tuple(_stat(self.workspace.archive.root / name) for name in _WATCHED)

    def live_stamp(self) -> tuple[Any, ...]:
        """Equal as long as no message was read, provisionally or not."""
        return (self.tables_stamp()[0], _stat(self.workspace.archive.root / "tables" / "provisional.json"))

    def stamp(self) -> tuple[Any, ...]:
        """Equal as long as nothing changed that a page could show, but for the clock and for what is not settled yet."""
        root = self.workspace.archive.root
        # What is kept beside a generation, such as templates that somebody asked for, has a folder of its own.
        beside = sorted((str(p), *_stat(p)) for p in (root / "tables" / "generations").glob("*/*/*") if p.is_dir())
        journal = sorted((p.name, *_stat(p)) for p in (root / "journal").glob("*") if not p.name.startswith(_UNWATCHED))
        return (*self.tables_stamp(), *beside, *journal)

    def kept(self, key: Any, find: Callable[[], Any], *, seconds: float | None = None) -> Any:
        """What ``find`` gives, computed once until the tables change; at most so many ``seconds`` old where that is said."""
        stamp, now = self.stamp(), time.monotonic()
        with self._lock:
            entry = self._answers.get(key)
            if entry is not None and entry[0] == stamp and (seconds is None or now - entry[1] < seconds):
                self._answers.move_to_end(key)
                return entry[2]
        value = find()
        with self._lock:
            self._answers[key] = (stamp, now, value)
            self._answers.move_to_end(key)
            while len(self._answers) > _ANSWERS:
                self._answers.popitem(last=False)
        return value

    def text(self, local: str | None, limit: int = 400) -> str | None:
        """A sender's text as it may be shown here: as it is on loopback, masked beyond."""
        if local is None:
            return None
        return local[:limit] if self.local else PublicText.of(local, limit).text

    def subject(self, row: Mapping[str, Any], limit: int = 400) -> str | None:
        """The subject of a message in a list; a person's is not told before a reason is given."""
        return "(a person's mail)" if row["origin"] == PERSONAL else self.text(row["subject"], limit)

    def peer(self, address: str | None) -> str | None:
        """A peer as it may be shown here: its address on loopback, its network beyond."""
        if address is None or self.local:
            return address
        network = PublicNetwork.of(address)
        return None if network is None else network.network

    def address(self, mail: str | None) -> str | None:
        """A mail address as it may be shown here: never beyond loopback."""
        return mail if self.local or mail is None else "(not shown beyond this machine)"

    def close(self) -> None:
        """Let go of the engine."""
        self._held.close()
        self.workspace.engine_keeper = None


def _stat(path: Any) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
