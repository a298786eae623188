"""Who answers for the pages: one workspace, one engine held open, and the answers given since the tables last changed."""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spamtide.app.cuts import find_cut
from spamtide.app.engines import campaign_generations
from spamtide.app.observatory import Observatory
from spamtide.app.registry import workspace_registry
from spamtide.app.serving.holding import HeldEngine
from spamtide.app.serving.reading import ReadingBook
from spamtide.app.watching import WatchBook
from spamtide.archive import Generations, Journal, JournalKinds, file_stamp, note_kinds, noting_kinds
from spamtide.errors import Unanswerable
from spamtide.fingerprint import FACTS_VERSION
from spamtide.measure import DAY_US, HOUR_US, arrival_times, span
from spamtide.message import PublicNetwork, PublicText

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.app.workspace import Workspace
    from spamtide.archive import Engine, Generation, Narrowing, Standing
    from spamtide.measure import Effect, Series, Statement

# How long an answer holds that depends on the clock.
HOLDS_SECONDS = 30.0
_ANSWERS = 256
_EFFECTS = 64
# Files by whose change anything could be answered anew.
_WATCHED = ("tables/root.json", "tables/generations/campaign.json", "tables/generations/group.json")

# The origin of mail from a person to a person.
PERSONAL = "personal"


class ReadingObservatory(Observatory):
    """An observatory that writes nothing: campaigns are those of the grouping that counts, made or not. The last effects are kept by what they were estimated from."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self._effects: OrderedDict[bytes, Effect] = OrderedDict()
        self._lock = threading.Lock()

    def estimated(self, series: Series, at: int, **how: Any) -> Effect:
        """``estimate_effect``, once for equal arguments: a minute more of exposure behind the windows changes none of them."""
        key = hashlib.sha256(pickle.dumps((series, at, sorted(how.items())))).digest()
        with self._lock:
            known = self._effects.get(key)
        if known is None:
            known = super().estimated(series, at, **how)
            with self._lock:
                self._effects[key] = known
                while len(self._effects) > _EFFECTS:
                    self._effects.popitem(last=False)
        return known

    def peers_by_bin(
        self, engine: Engine, feeds: Sequence[str], bin_us: int, anchor: int, first: int, last: int
    ) -> tuple[pa.Table, pa.Table]:
        """The rows of these bins, out of those of all bins that there are: the engine keeps these, and a bin is the same in every window."""
        import pyarrow.compute as pc

        known = engine.answer(arrival_times, feeds=sorted(feeds)).to_pylist()[0]
        if known["n"]:
            begin, end = (known["first"] - anchor) // bin_us, (known["last"] - anchor) // bin_us + 1
            found = super().peers_by_bin(engine, sorted(feeds), bin_us, anchor, begin, end)
            inside = (pc.field("bin") >= first) & (pc.field("bin") < last)
            return found[0].filter(inside), found[1].filter(inside)
        return super().peers_by_bin(engine, feeds, bin_us, anchor, first, last)

    def settled(self) -> Generation | None:
        """The grouping that counts now; None where there is none."""
        return campaign_generations(self.workspace).current()

    def settled_senders(self) -> Generation:
        """The sender groups that count now. Raises Unanswerable ``no_groups``."""
        found = Generations(self.workspace.archive.root, "group").current()
        if found is None:
            raise Unanswerable("no_groups", "No sender group is settled yet.", "'spamtide botnets list' settles them.")
        return found


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer: the ``kinds`` of the journal that it was computed from, how they and the tables stood, when it was found."""

    stamp: tuple[Any, ...]
    kinds: frozenset[str]
    at: float
    value: Any

    def holds(self, stamp: tuple[Any, ...], standing: Standing) -> bool:
        """Whether all that it was computed from is as it was."""
        return self.stamp == (stamp, standing.of(self.kinds))


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
        self._journal = JournalKinds(workspace.archive.root)
        workspace.engine_keeper = self._held
        self._answers: OrderedDict[Any, Kept] = OrderedDict()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def engine(self) -> Iterator[Engine]:
        """The engine over the newest snapshot; do not close it."""
        with self._held.use(None) as engine:
            yield engine

    def interrupt(self) -> None:
        """Break off every question that is being asked, and take none any more."""
        self._held.interrupt()

    def only(self, to: Narrowing) -> contextlib.AbstractContextManager[None]:
        """A block in which questions are about these messages and nothing else."""
        return self._held.only(to)

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
        return tuple(file_stamp(self.workspace.archive.root / name) for name in _WATCHED)

    def live_stamp(self) -> tuple[Any, ...]:
        """Equal as long as no message was read, provisionally or not."""
        return (self.tables_stamp()[0], file_stamp(self.workspace.archive.root / "tables" / "provisional.json"))

    def stamp(self) -> tuple[Any, ...]:
        """Equal as long as no table, no grouping and nothing that is kept beside one came or went."""
        root = self.workspace.archive.root
        # What is kept beside a generation, such as templates that somebody asked for, has a folder of its own.
        beside = sorted((str(p), *file_stamp(p)) for p in (root / "tables" / "generations").glob("*/*/*") if p.is_dir())
        return (*self.tables_stamp(), *beside)

    def kept(self, key: Any, find: Callable[[], Any], *, seconds: float | None = None) -> Any:
        """What ``find`` gives, computed once until what it read changes; at most so many ``seconds`` old where that is said.

        What it read: the tables and groupings, always; of the journal the kinds that it asked for, and no others.
        """
        # As they stood before it is found: what comes meanwhile makes it old at once.
        stamp, standing, now = self.stamp(), self._journal.standing(), time.monotonic()
        entry = self._answers.get(key)
        if entry is not None and entry.holds(stamp, standing) and (seconds is None or now - entry.at < seconds):
            with self._lock:
                if key in self._answers:
                    self._answers.move_to_end(key)
            # Whatever is computed from this was computed from the same.
            note_kinds(entry.kinds)
            return entry.value
        with noting_kinds() as kinds:
            value = find()
        with self._lock:
            self._answers[key] = Kept((stamp, standing.of(kinds)), frozenset(kinds), now, value)
            self._answers.move_to_end(key)
            while len(self._answers) > _ANSWERS:
                self._answers.popitem(last=False)
        return value

    def knows(self, key: Any) -> bool:
        """Whether the answer of that key is kept and holds still."""
        entry = self._answers.get(key)
        return entry is not None and entry.holds(self.stamp(), self._journal.standing())

    def events_seen(self) -> list[str]:
        """Ids of the events of the registry that lie within what the feeds saw."""
        feeds = self.workspace.archive.feeds()
        covered = span(self.observatory.exposures(feeds)) if feeds else None
        if covered is None:
            return []
        events = workspace_registry(self.workspace).events
        return [e.id for e in events if not e.pseudo and covered[0] < e.started_at < covered[1]]

    def prepare(self) -> Iterator[None]:
        """Ask, step by step, what takes seconds and many pages need: who the peers of each day are, whose networks can then be counted.

        Of every feed and of all together by UTC day, of every feed in days anchored at each event that the feeds saw, and of those of each
        watch by the hour.
        """
        feeds = self.workspace.archive.feeds()
        wanted = [(names, 0) for names in [feeds, *([f] for f in feeds if len(feeds) > 1)]]
        registry = workspace_registry(self.workspace)
        for event in self.events_seen():
            wanted += [([feed], find_cut(registry, event, None).at) for feed in feeds]
        watched = sorted({tuple(sorted(watch.feeds)) for watch in WatchBook(self.workspace).watches()})
        hourly = [(list(names), HOUR_US, 0) for names in watched if set(names) <= set(feeds)]
        for names, bin_us, anchor in [*((names, DAY_US, anchor) for names, anchor in wanted), *hourly]:
            with self.engine() as engine:
                self.observatory.peers_by_bin(engine, names, bin_us, anchor, 0, 0)
            yield

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
