"""Writes a simulated world into a workspace. The truth goes to files of its own that the pipeline never reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace
    from spamtide.simulate import World

Progress = Callable[[int], None]


def record_world(workspace: Workspace, world: World, progress: Progress | None = None) -> int:
    """Append every message of ``world`` to segments of the writer ``sim``, with its card and exposure; the number."""
    archive = workspace.archive
    total = 0
    for feed in world.feeds:
        archive.journal.append(
            "feed",
            {
                "feed": feed.name,
                "vantage": feed.vantage,
                "addresses": feed.addresses,
                "simulated": True,
                "clock": "simulated",
                "persona": feed.persona,
                "domains": feed.domains,
            },
            at=world.start,
        )
        with archive.writer(feed.name, "sim") as writer:
            for batch, salts in world.batches(feed.name):
                writer.append(batch, salts)
                total += len(batch)
                if progress is not None:
                    progress(total)
        for start, end in world.exposure(feed.name):
            archive.journal.append(
                "exposure",
                {"feed": feed.name, "start": start, "end": end, "addresses": None, "basis": "uptime"},
                at=world.start,
            )
    return total


def make_world_folder(out: Path, world: World, progress: Progress | None = None) -> Workspace:
    """``out/workspace`` with the captures and ``out/truth`` beside it."""
    from spamtide.app.config import People
    from spamtide.app.workspace import Workspace

    workspace = Workspace.create(
        out / "workspace",
        People(
            controller="simulated",
            contact="simulated",
            purpose="simulated world",
            legal_ground="none needed: no real mail",
        ),
    )
    with world.truth_into(out / "truth"):
        record_world(workspace, world, progress)
    return workspace
