"""Runs the trap: starts the kernel's threads, tells what happens, keeps the journal, drains and ends.

Mail goes from the kernel straight into segments. What Python does is nobody's acknowledgement: when it is slow, only the
log is late.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import platform
import resource
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spamtide.app.kernel import Trap
from spamtide.app.lives import read_lives
from spamtide.app.stopping import stop_signals
from spamtide.app.trapevents import make_event, read_event
from spamtide.archive import SESSION_WRITER, Journal
from spamtide.errors import BrokenWorld, WrongUse

if TYPE_CHECKING:
    from spamtide.app.companion import Companion
    from spamtide.app.workspace import Workspace
    from spamtide.archive import Archive

WRITER = "trap"
_SLICE_MS = 100
# Descriptors beside those of connections: segments, the journal, standard streams, the runtime.
_SPARE_FILES = 64
_KEPT = 100_000
_JOURNAL_SECONDS = 10.0
_TOLD = 500

Event = dict[str, Any]


def parse_address(text: str) -> str:
    """``HOST:PORT`` as the kernel takes it; HOST is an address of this machine or ``localhost``. Raises WrongUse ``bad_listen``."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        number = int(port)
    except ValueError:
        number = -1
    if not colon or not port.isascii() or not 0 <= number <= 65535:
        raise WrongUse(
            "bad_listen",
            f"{text!r} is no place to listen at.",
            "Write ADDRESS:PORT, as 127.0.0.1:2525 or [::]:25; port 0 takes a free one.",
            given=text,
        )
    return f"[{address}]:{number}" if address.version == 6 else f"{address}:{number}"


@dataclass
class Notes:
    """What the trap's journal is to hold: sessions without a message, and uptime. Kept until they are written."""

    journal: Journal
    sessions: Journal
    feed: str
    addresses: int | None
    entries: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    without_message: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    lost: int = 0
    up_since: int | None = None
    put_off: int = 0

    def session(self, event: Event) -> None:
        """Keep a session that left no message; the others stand in their messages' records."""
        if event["messages"] or event["unfinished"]:
            return
        if len(self.without_message) >= _KEPT:
            self.lost += 1
            return
        facts = {k: v for k, v in event.items() if k not in ("event", "at")}
        self.without_message.append(("session", {"feed": self.feed, **facts}))

    def up(self, now: int) -> None:
        """Mail is taken from now on."""
        if self.up_since is None:
            self.up_since = now

    def down(self, now: int) -> None:
        """Mail was taken until now."""
        if self.up_since is not None and now > self.up_since:
            body = {
                "feed": self.feed,
                "start": self.up_since,
                "end": now,
                "addresses": self.addresses,
                "basis": "uptime",
                "refused_by_us": self.put_off,
            }
            self.entries.append(("exposure", body))
            self.put_off = 0
        self.up_since = None

    def write(self, now: int) -> str | None:
        """Put what is kept into the journal; what the system said where that failed."""
        if self.lost:
            self.without_message.append(("sessions_lost", {"feed": self.feed, "sessions": self.lost}))
            self.lost = 0
        try:
            self.journal.append_all(self.entries, now)
            self.entries = []
            self.sessions.append_all(self.without_message, now)
            self.without_message = []
        except (OSError, BrokenWorld) as error:
            return str(error)
        return None

    @property
    def waiting(self) -> int:
        """Entries that are not written yet."""
        return len(self.entries) + len(self.without_message)


def _raise_descriptors(wanted: int) -> int:
    """Let this process open as many files as it may; the connections that then fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return wanted if hard == resource.RLIM_INFINITY else max(1, min(wanted, hard - _SPARE_FILES))


def run_trap(
    workspace: Workspace,
    feed: str,
    *,
    smtp: str | None,
    lmtp: str | None,
    vantage: str | None,
    log_messages: bool,
    clock: Callable[[], int],
    tell: Callable[[Event], None],
    companion: Companion | None = None,
) -> dict[str, int]:
    """Trap mail for ``feed`` until SIGTERM or Ctrl-C, then drain; the counts. ``tell`` gets every event.

    ``companion``: the digest that follows, started when the trap is ready and stopped after it.

    Raises BrokenWorld ``locked`` where another trap writes to the feed, ``cannot_listen``; KeyboardInterrupt after a drain
    that Ctrl-C asked for.
    """
    settings, archive = workspace.settings.trap, workspace.archive
    lives = read_lives(workspace, feed)
    listed = [life.address for life in lives.values() if life.state not in ("bouncing", "retired")]
    connections = _raise_descriptors(settings.connections)
    # Two traps on two feeds never wait for each other: each has names of its own in the journal.
    mine = hashlib.sha256(feed.encode()).hexdigest()[:8]
    journal, sessions = Journal(archive.root, WRITER + mine), Journal(archive.root, SESSION_WRITER + mine)
    limits = {
        "connections": connections,
        "connections_per_address": settings.connections_per_address,
        "command_seconds": settings.command_seconds,
        "data_seconds": settings.data_seconds,
        "message_seconds": settings.message_seconds,
        "slow_seconds": settings.slow_seconds,
        "bytes_per_second": settings.bytes_per_second,
        "drain_seconds": settings.drain_seconds,
        "memory_bytes": settings.memory_mib << 20,
    }
    if any(r.body["feed"] == feed for r in archive.journal.read("counts")):
        raise WrongUse("mixed_feed", f"The feed {feed} holds counts.", "Give messages a feed of their own.", feed=feed)
    with archive.writer(feed, WRITER) as writer, stop_signals() as asked:
        killed = list(_uptime_of_killed_runs(archive, feed, len(listed) or None))
        store = writer.hand_over() | {
            "segment_bytes": settings.segment_mib << 20,
            "segment_seconds": settings.segment_seconds,
            "low_water_bytes": settings.low_water_mib << 20,
        }
        config = {
            "smtp": smtp,
            "lmtp": lmtp,
            "host": settings.name or platform.node() or "localhost",
            "persona": settings.persona,
            "addresses": listed if lives else None,
            "log_messages": log_messages,
            "limits": limits,
            "store": store,
        }
        try:
            trap = Trap.start(json.dumps(config), hmac.digest(archive.key, b"smtp users", "sha256"))
        except OSError as error:
            raise BrokenWorld(
                "cannot_listen", f"The trap cannot start: {error}.", "Is the port free, and may you use it?"
            ) from None
        try:
            _state_feed(journal, archive.journal, feed, vantage, settings.persona, len(listed) or None, clock())
            started = clock()
            ready = {"smtp": trap.smtp, "lmtp": trap.lmtp, "feed": feed, "writer": WRITER, "persona": settings.persona}
            tell(make_event("trap.ready", started, **ready, addresses=len(listed) or None, connections=connections))
            if connections < settings.connections:
                tell(make_event("trap.few_descriptors", started, connections=connections))
            cut, rot = max(trap.recovered[0], writer.cut_bytes), trap.recovered[1] or writer.rot
            if cut or rot:
                tell(make_event("segment.recovered", started, cut_bytes=cut, rot=rot))
            notes = Notes(journal, sessions, feed, len(listed) or None, killed)
            notes.up(started)
            if companion is not None:
                companion.start(clock())
            look = companion.look if companion is not None else lambda _: None
            _watch(trap, notes, asked, settings.counts_seconds, settings.exposure_seconds, clock, tell, look)
        finally:
            # Whatever happened here: what the kernel has acknowledged or is about to is let come to its end.
            trap.stop()
            while not trap.stopped:
                trap.wait(_SLICE_MS)
            trap.join()
            if companion is not None:
                companion.stop(clock())
        counts: dict[str, int] = json.loads(trap.counts())
        tell(make_event("trap.stopped", clock(), counts=counts))
    if signal.SIGINT in asked:
        raise KeyboardInterrupt
    return counts


def _uptime_of_killed_runs(archive: Archive, feed: str, addresses: int | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Uptime that no journal has, since its trap was killed: from that trap's start to the last message it kept.

    The key of a session begins with the instant at which its trap started.
    """
    noted = max((r.body["end"] for r in archive.journal.read("exposure") if r.body["feed"] == feed), default=0)
    runs: dict[int, int] = {}
    for segment in archive.segments(feed):
        if segment.writer != WRITER or segment.last_received_at < noted:
            continue
        batch = archive.records(segment)
        for _, at, meta, _, erased in (batch.get(i) for i in range(len(batch))):
            if at >= noted and not erased:
                run = int(json.loads(meta)["session"].partition(".")[0], 16)
                runs[run] = max(at, runs.get(run, 0))
    for run, last in sorted(runs.items()):
        body = {"feed": feed, "start": max(run, noted), "end": last + 1, "addresses": addresses, "basis": "uptime"}
        yield "exposure", body | {"refused_by_us": 0}


def _state_feed(
    journal: Journal, read: Journal, feed: str, vantage: str | None, persona: str, addresses: int | None, now: int
) -> None:
    """Put on the feed's card what is not there yet."""
    stated: dict[str, Any] = {}
    for record in read.read("feed"):
        if record.body.get("feed") == feed:
            stated.update(record.body)
    card = {"feed": feed, "simulated": False, "clock": "system clock", "persona": persona, "addresses": addresses}
    if vantage is not None or "vantage" not in stated:
        card["vantage"] = vantage or "unknown"
    if any(stated.get(key) != value for key, value in card.items()):
        journal.append("feed", card, now)


def _watch(
    trap: Trap,
    notes: Notes,
    asked: list[int],
    counts_seconds: float,
    exposure_seconds: float,
    clock: Callable[[], int],
    tell: Callable[[Event], None],
    look: Callable[[int], None],
) -> None:
    """Tell events and keep the journal until no session is left."""
    stopping = False
    failing = False
    counted = noted = exposed = time.monotonic()
    while True:
        if stopped := trap.stopped:
            trap.join()
        lines = trap.wait(0 if stopped else _SLICE_MS)
        for line in lines:
            event = read_event(line)
            name, at = event["event"], json.loads(line)["at"]
            if name == "session.ended":
                notes.session(event)
            elif name == "message.put_off":
                notes.put_off += 1
            elif name == "store.full":
                notes.down(at)
            elif name == "store.recovered" and not stopping:
                notes.up(at)
            tell(event)
        now, passed = clock(), time.monotonic()
        look(now)
        if asked and not stopping:
            stopping = True
            notes.down(now)
            trap.stop()
            tell(make_event("trap.draining", now, signal=signal.Signals(asked[0]).name))
        if passed - counted >= counts_seconds:
            counted = passed
            tell(make_event("trap.counts", now, counts=json.loads(trap.counts())))
        if passed - exposed >= exposure_seconds and notes.up_since is not None:
            exposed = passed
            notes.down(now)
            notes.up(now)
        done = stopped and not lines
        if done:
            notes.down(now)
        if done or passed - noted >= _JOURNAL_SECONDS or notes.waiting >= _TOLD:
            noted = passed
            error = notes.write(now)
            if error is not None and (not failing or done):
                tell(make_event("journal.failed", now, error=error, waiting=notes.waiting))
            failing = error is not None
        if done:
            return
