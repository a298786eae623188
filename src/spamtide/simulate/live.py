"""A world as the swarm plays it: captures in order of time, with the bot that sends each and the dialect it speaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from spamtide.simulate.kernel import DIALECTS, CaptureBatch
from spamtide.simulate.world import World

# The SMTP engines of the catalogue; docs/reference/dialects.md shows their manners.
DIALECT_NAMES = tuple(name for name, _ in DIALECTS)


class LiveBatch(NamedTuple):
    """Captures with, for each, its bot (unique in the world) and its dialect (a name of the catalogue)."""

    captures: CaptureBatch
    bots: list[str]
    dialects: list[str]


def live_batches(world: World, feed: str, size: int = 500) -> Iterator[LiveBatch]:
    """The captures of one feed, about ``size`` at a time."""
    botnets = world.rates.botnets
    for batch, senders in world.sent_batches(feed, size):
        bots = [f"{botnets[botnet].name}/{bot}" for botnet, bot in senders]
        yield LiveBatch(batch, bots, [botnets[botnet].dialect for botnet, _ in senders])
