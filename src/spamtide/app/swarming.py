"""Plays a world live: feeds the kernel's swarm, keeps its ledger, and says how it went.

The first Ctrl-C ends the play in order: nothing new begins, what has begun may end, and the ledger is complete. So the signal
is noted, not raised: an exception between taking lines of the ledger and writing them would lose them.
"""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from spamtide.app.kernel import SwarmPlayer, check_loopback
from spamtide.app.progress import Tick
from spamtide.errors import BrokenWorld, WrongUse
from spamtide.simulate import World, live_batches

SLICE_SECONDS = 0.1
# What was not acknowledged and is not the engine's own manner.
FAILED = ("deferred", "refused", "lost", "unsent")
# Files of the process beside the swarm's connections.
OTHER_FILES = 200


@dataclass(frozen=True)
class SwarmPlan:
    """Where to and how fast. ``speed``: seconds of the world a second, None for as fast as ``rate`` allows."""

    target: str
    speed: float | None
    rate: float
    connections: int
    wait_seconds: float


@dataclass
class SwarmOutcome:
    """How a play went."""

    plan: SwarmPlan
    totals: dict[str, Any] = field(default_factory=dict)
    stopped: bool = False

    @property
    def failed(self) -> int:
        """Envelopes that the receiver should have taken and did not acknowledge, and messages that got no address."""
        return sum(int(self.totals["outcomes"][fate]) for fate in FAILED) + int(self.totals["unaddressed"])

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 3 when something was not acknowledged or not played, else 0."""
        if self.stopped:
            return 130
        return 3 if self.failed or self.totals["not_played"] or self.totals["unreachable"] else 0

    def sentences(self) -> list[str]:
        """For a person: what was acknowledged, then what was not."""
        totals = self.totals
        outcomes = {fate: n for fate, n in totals["outcomes"].items() if n}
        acknowledged = outcomes.pop("acknowledged", 0)
        pace = acknowledged / totals["seconds"] if totals["seconds"] else 0.0
        said = [
            f"{acknowledged} of {totals['envelopes']} envelopes acknowledged by {self.plan.target}, from {totals['addresses']} addresses, "
            f"{totals['seconds']:.1f} s ({pace:,.0f}/s)."
        ]
        if outcomes:
            said.append("Not acknowledged: " + ", ".join(f"{n} {fate}" for fate, n in outcomes.items()) + ".")
        if totals["not_played"]:
            why = (
                "stopped"
                if self.stopped
                else "nobody answers there any more"
                if totals["unreachable"]
                else "not played"
            )
            said.append(f"Not played: {totals['not_played']} envelopes ({why}).")
        if totals["unaddressed"]:
            said.append(f"Not played: {totals['unaddressed']} messages, for want of loopback networks.")
        return said

    def document(self) -> dict[str, Any]:
        """Its part of the JSON document."""
        keys = (
            "envelopes", "outcomes", "dialects", "transactions", "not_played", "retries_dropped", "unaddressed",
            "sessions", "unconnected", "addresses", "peak_connections", "unreachable",
        )  # fmt: skip
        speed = self.plan.speed
        return {
            "target": self.plan.target,
            "speed": "max" if speed is None else speed,
            "rate": self.plan.rate,
            **{key: self.totals[key] for key in keys},
            "stopped": self.stopped,
        }


def check_target(target: str) -> None:
    """Refuses what is not written as a place on this machine. The kernel checks again when it connects."""
    try:
        check_loopback(target)
    except ValueError as why:
        raise WrongUse(
            "not_loopback",
            f"The swarm plays to this machine only; {target!r} {why}.",
            "Give 127.0.0.1:PORT or localhost:PORT.",
            target=target,
        ) from None


def allow_files(connections: int) -> None:
    """Raises the limit on open files as far as the system lets us; refuses when that is not enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise WrongUse(
            "too_many_connections",
            f"{connections} connections need {wanted} open files; the system allows {hard}.",
            "Lower --connections, or raise the limit with ulimit -n.",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed within; nothing is raised."""
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return
    before = signal.signal(signal.SIGINT, lambda *_: pressed.set())
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def play_world(
    world: World, plan: SwarmPlan, *, write_ledger: Callable[[bytes], object], progress: Tick
) -> SwarmOutcome:
    """Play every message of ``world``; lines of the ledger go to ``write_ledger`` as transactions end.

    Raises BrokenWorld when nobody answers at the target at all; anything less stands in the outcome.
    """
    check_target(plan.target)
    allow_files(plan.connections)
    feeds = [f.name for f in world.feeds]
    sources = [live_batches(world, feed) for feed in feeds]
    outcome = SwarmOutcome(plan)
    player = SwarmPlayer(
        plan.target, feeds, world.seed, plan.speed, plan.rate, plan.connections, plan.wait_seconds
    )  # fmt: skip
    with _interrupts() as pressed:
        while True:
            lane = player.wait(SLICE_SECONDS)
            if lane is not None:
                _feed(player, lane, sources)
            if pressed() and not outcome.stopped:
                outcome.stopped = True
                player.stop()
            outcome.totals = json.loads(player.totals())
            # Taken after the totals: when they say done, the ledger is complete.
            write_ledger(player.take_ledger())
            progress(*_said(outcome.totals, world.messages))
            if outcome.totals["done"]:
                break
    if outcome.totals["sessions"] and not outcome.totals["addresses"] and not outcome.stopped:
        raise BrokenWorld(
            "target_unreachable",
            f"Nobody answers at {plan.target}; no message was played.",
            "Start the receiver, then run the command again.",
            target=plan.target,
        )
    return outcome


def _feed(player: SwarmPlayer, lane: int, sources: list[Iterator[Any]]) -> None:
    part = next(sources[lane], None)
    if part is None:
        player.close(lane)
        return
    try:
        player.push(lane, *part)
    except ValueError as why:
        raise WrongUse(
            "bad_scenario", f"The swarm cannot play it: {why}.", "docs/reference/scenario.md lists the keys."
        ) from None


def _said(totals: dict[str, Any], messages: int) -> tuple[float, float, str]:
    tried, ended = totals["transactions"], totals["outcomes"]
    other = tried["lost"] + tried["unsent"]
    note = (
        f"{tried['acknowledged']:,} acknowledged, {tried['deferred']:,} 4xx, {tried['refused']:,} 5xx, {other:,} failed"
    )
    done = sum(ended.values())
    # Envelopes may be more than messages; those of messages yet to come are guessed.
    whole = max(messages * totals["envelopes"] / totals["messages"], done) if totals["messages"] else messages
    return float(done), float(whole), note


class LedgerFile:
    """Lines of the ledger in a file, on disk when it is closed."""

    def __init__(self, path: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("xb")

    def write(self, lines: bytes) -> None:
        """Append whole lines."""
        self._file.write(lines)
        self._file.flush()

    def close(self) -> None:
        """On disk."""
        import os

        with contextlib.suppress(OSError):
            os.fsync(self._file.fileno())
        self._file.close()
