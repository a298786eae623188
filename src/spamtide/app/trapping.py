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
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spamtide.app.certificate import tls_files
from spamtide.app.config import FeedSettings
from spamtide.app.gauges import Gauges
from spamtide.app.heap import Heap
from spamtide.app.kernel import Trap
from spamtide.app.live import trap_note_path
from spamtide.app.manners import BAIT, BAIT_WORDS, panel_kind, trap_manner
from spamtide.app.metricserver import MetricServer
from spamtide.app.presence import Presence
from spamtide.app.relays import read_relays
from spamtide.app.stopping import stop_signals
from spamtide.app.trapevents import make_event, read_event
from spamtide.app.trapnotes import Event, Notes, families
from spamtide.archive import SESSION_WRITER, Journal
from spamtide.errors import BrokenWorld, SpamtideError, WrongUse

if TYPE_CHECKING:
    from spamtide.app.companion import Companion
    from spamtide.app.workspace import Workspace
    from spamtide.archive import Archive

WRITER = "trap"
_SLICE_MS = 100
# Descriptors beside those of connections: segments, the journal, standard streams, the runtime.
_SPARE_FILES = 64
_JOURNAL_SECONDS = 10.0
_TOLD = 500
# Of the open segment a few dozen bytes a session stay in memory.
_SESSIONS_BYTES = 8 << 20


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


def smtp_key(key: bytes) -> bytes:
    """The key of the hashes that the trap makes, and of the operator's probes: from the archive's, 32 bytes."""
    return hmac.digest(key, b"smtp users", "sha256")


@contextmanager
def _reload_signals() -> Iterator[list[int]]:
    """Signals that asked for a reload, as they come."""
    seen: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _: seen.append(number))
    try:
        yield seen
    finally:
        signal.signal(signal.SIGHUP, before)


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
    smtps: str | None = None,
    trusted: Sequence[str] = (),
    proxy: Sequence[str] = (),
    inherited: Sequence[str] = (),
    metrics: str | None = None,
    vantage: str | None,
    log_messages: bool,
    clock: Callable[[], int],
    tell: Callable[[Event], None],
    show: Callable[[dict[str, int]], None] | None = None,
    companion: Companion | None = None,
) -> dict[str, int]:
    """Trap mail for ``feed`` until SIGTERM or Ctrl-C, then drain; the counts. ``tell`` gets every event, ``show`` the counts each second.

    ``companion``: the digest that follows, started when the trap is ready and stopped after it. ``inherited``: what is spoken at each
    listening socket that was handed over. ``metrics``: where on loopback they can be fetched. ``trusted`` and ``proxy`` stand in
    place of the settings': networks of relays whose word on the client is taken, and listeners at which they must begin with a PROXY header.

    Raises BrokenWorld ``locked`` where another trap writes to the feed, ``cannot_listen``, WrongUse ``metrics_not_loopback``, ``bad_certificate``, ``bad_relays``;
    KeyboardInterrupt after a drain that Ctrl-C asked for.
    """
    settings, archive = workspace.settings.trap, workspace.archive
    relays = read_relays(settings, trusted, proxy)
    manner = trap_manner(workspace, feed, relays)
    vantage = _vantage_of(manner, feed, vantage)
    connections = _raise_descriptors(settings.connections)
    # Two traps on two feeds never wait for each other: each has names of its own in the journal.
    mine = hashlib.sha256(feed.encode()).hexdigest()[:8]
    journal = Journal(archive.root, WRITER + mine, keep=True)
    sessions = Journal(archive.root, SESSION_WRITER + mine, keep=True, segment_bytes=_SESSIONS_BYTES)
    limits = {
        "connections": connections,
        "connections_per_address": settings.connections_per_address,
        "command_seconds": settings.command_seconds,
        "data_seconds": settings.data_seconds,
        "message_seconds": settings.message_seconds,
        "slow_seconds": settings.slow_seconds,
        "bytes_per_second": settings.bytes_per_second,
        "handshake_seconds": settings.handshake_seconds,
        "proxy_seconds": settings.proxy_seconds,
        "drain_seconds": settings.drain_seconds,
        "memory_bytes": settings.memory_mib << 20,
    }
    if any(r.body["feed"] == feed for r in archive.journal.read("counts")):
        raise WrongUse("mixed_feed", f"The feed {feed} holds counts.", "Give messages a feed of their own.", feed=feed)
    with archive.writer(feed, WRITER) as writer, stop_signals() as asked, _reload_signals() as reloads:
        killed = list(_uptime_of_killed_runs(archive, feed, taking(manner)))
        store = writer.hand_over() | {
            "segment_bytes": settings.segment_mib << 20,
            "segment_seconds": settings.segment_seconds,
            "low_water_bytes": settings.low_water_mib << 20,
        }
        host = settings.name or platform.node() or "localhost"
        config = {
            "smtp": smtp,
            "lmtp": lmtp,
            "smtps": smtps,
            "proxy": relays.proxy,
            "inherited": list(inherited),
            "starttls": settings.starttls,
            "tls": tls_files(workspace, host, clock()) if settings.starttls or smtps else None,
            "host": host,
            "manner": manner,
            "log_messages": log_messages,
            "limits": limits,
            "store": store,
        }
        try:
            trap = Trap.start(json.dumps(config), smtp_key(archive.key))
        except OSError as error:
            raise BrokenWorld(
                "cannot_listen", f"The trap cannot start: {error}.", "Is the port free, and may you use it?"
            ) from None
        serving: MetricServer | None = None
        try:
            _state_feed(workspace, journal, feed, vantage, manner, clock())
            started = clock()
            taken = list(relays.families) or families([trap.smtp, trap.lmtp, trap.smtps])
            notes = Notes(journal, sessions, feed, taking(manner), settings.persona, taken, killed)
            notes.up(started)
            if metrics is not None:
                low = settings.low_water_mib << 20
                gauges = Gauges(trap, notes, asked, archive.root, low_water_bytes=low, started=started)
                serving = MetricServer(metrics, gauges.page)
            places = {"smtp": trap.smtp, "lmtp": trap.lmtp, "smtps": trap.smtps}
            presence = Presence(
                trap_note_path(archive.root, feed),
                {
                    **places,
                    "host": host,
                    "inherited": list(inherited),
                    "trusted": relays.trusted,
                    "proxy": relays.proxy,
                },
            )
            presence.ready(started)
            ready = {
                **places,
                "metrics": serving and serving.place,
                "feed": feed,
                "writer": WRITER,
                "persona": settings.persona,
                "trusted": relays.trusted,
                "proxy": relays.proxy,
            }
            tell(make_event("trap.ready", started, **ready, addresses=taking(manner), connections=connections))
            if connections < settings.connections:
                tell(make_event("trap.few_descriptors", started, connections=connections))
            cut, rot = max(trap.recovered[0], writer.cut_bytes), trap.recovered[1] or writer.rot
            if cut or rot:
                tell(make_event("segment.recovered", started, cut_bytes=cut, rot=rot))
            if companion is not None:
                companion.start(clock())
            reload = Reload(workspace.root, feed, journal, trap, notes, vantage, trusted, proxy)

            shown = 0.0
            heap = Heap()

            def look(now: int) -> None:
                nonlocal shown
                heap.look()
                if show is not None and time.monotonic() - shown >= 1:
                    shown = time.monotonic()
                    show(json.loads(trap.counts()))
                if asked:
                    presence.stopping()
                if companion is not None:
                    companion.look(now)
                while reloads:
                    reloads.pop()
                    tell(reload(now))

            _watch(trap, notes, asked, settings.counts_seconds, settings.exposure_seconds, clock, tell, look)
        finally:
            # Whatever happened here: what the kernel has acknowledged or is about to is let come to its end.
            trap.stop()
            while not trap.stopped:
                trap.wait(_SLICE_MS)
            trap.join()
            if serving is not None:
                serving.close()
            if companion is not None:
                companion.stop(clock())
        counts: dict[str, int] = json.loads(trap.counts())
        presence.stopped(clock())
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


def taking(manner: dict[str, Any]) -> int | None:
    """How many addresses a trap takes mail for; None: for anybody."""
    listed = manner["addresses"]
    return None if listed is None else sum(a["state"] not in ("bouncing", "retired") for a in listed)


def _vantage_of(manner: dict[str, Any], feed: str, vantage: str | None) -> str | None:
    """The vantage to state. Raises WrongUse ``bait_unacknowledged``: a relay bait and no other feed has that vantage."""
    if manner["relay_bait"] and vantage in (None, BAIT):
        return BAIT
    if manner["relay_bait"] or vantage == BAIT:
        raise WrongUse(
            "bait_unacknowledged",
            f"The vantage {BAIT} belongs to a feed that is acknowledged as a relay bait, and no other to such a feed.",
            f'Write in [feeds.{feed}]: relay_bait = "{BAIT_WORDS}"; or leave out --vantage.',
            feed=feed,
        )
    return vantage


def _state_feed(
    workspace: Workspace, journal: Journal, feed: str, vantage: str | None, manner: dict[str, Any], now: int
) -> None:
    """Put on the feed's card what is not there yet."""
    stated: dict[str, Any] = {}
    for record in workspace.archive.journal.read("feed"):
        if record.body.get("feed") == feed:
            stated.update(record.body)
    settings = workspace.settings.feeds.get(feed) or FeedSettings()
    card = {
        "feed": feed,
        "simulated": False,
        "clock": "system clock",
        "persona": manner["persona"],
        "addresses": taking(manner),
        "panel": panel_kind(settings, feed),
        "treatment": manner["treatment"],
        "starttls": workspace.settings.trap.starttls,
    }
    card |= {key: text for key in ("upstream_filter", "mx_position") if (text := getattr(settings, key))}
    if vantage is not None or "vantage" not in stated:
        card["vantage"] = vantage or "unknown"
    if manner["trusted"] or stated.get("behind_relays"):
        card["behind_relays"] = bool(manner["trusted"])
    if any(stated.get(key) != value for key, value in card.items()):
        journal.append("feed", card, now)


@dataclass
class Reload:
    """Reads settings and journal again and gives the running trap its new manner."""

    root: Path
    feed: str
    journal: Journal
    trap: Trap
    notes: Notes
    vantage: str | None
    trusted: Sequence[str]
    proxy: Sequence[str]

    def __call__(self, now: int) -> Event:
        """The event that tells what came of it. A changed persona or list of addresses is an exposure boundary."""
        from spamtide.app.workspace import Workspace

        try:
            workspace = Workspace(self.root)
            relays = read_relays(workspace.settings.trap, self.trusted, self.proxy)
            manner = trap_manner(workspace, self.feed, relays)
            vantage = _vantage_of(manner, self.feed, self.vantage)
            _state_feed(workspace, self.journal, self.feed, vantage, manner, now)
            self.trap.reload(json.dumps(manner))
        except (SpamtideError, OSError) as error:
            return make_event("trap.reload_failed", now, error=str(error))
        up = self.notes.up_since is not None
        self.notes.refused(json.loads(self.trap.minutes()))
        self.notes.down(now)
        self.notes.addresses, self.notes.persona = taking(manner), manner["persona"]
        if up:
            self.notes.up(now)
        states = None if manner["addresses"] is None else dict(Counter(a["state"] for a in manner["addresses"]))
        return make_event("trap.reloaded", now, persona=manner["persona"], addresses=states)


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
    stopping = hurried = False
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
            elif name == "store.full":
                notes.refused(json.loads(trap.minutes()))
                notes.down(at)
            elif name == "store.recovered" and not stopping:
                notes.up(at)
            tell(event)
        now, passed = clock(), time.monotonic()
        look(now)
        if asked and not stopping:
            stopping = True
            notes.refused(json.loads(trap.minutes()))
            notes.down(now)
            trap.stop()
            tell(make_event("trap.draining", now, signal=signal.Signals(asked[0]).name))
        if len(asked) > 1 and not hurried:
            # Who asks twice means it: what is not whole yet is ended with 421.
            hurried = True
            trap.stop()
            tell(make_event("trap.hurried", now, signal=signal.Signals(asked[1]).name))
        if passed - counted >= counts_seconds:
            counted = passed
            tell(make_event("trap.counts", now, counts=json.loads(trap.counts())))
        if passed - exposed >= exposure_seconds and notes.up_since is not None:
            exposed = passed
            notes.refused(json.loads(trap.minutes()))
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
