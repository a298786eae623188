"""Disk: what is free against the low-water mark, and when it is gone at the pace of the last week."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spamtide.app.health import HealthProblem

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

_WEEK_SECONDS = 7 * 86_400
# What cannot be computed again; all else grows in proportion to it.
_KEPT = ("segments", "journal", "kept")


def look_at_disk(workspace: Workspace, now: int) -> tuple[dict[str, Any], list[HealthProblem]]:
    """Free bytes, the last week's growth, and the days that are left at that pace (None: it does not grow)."""
    root = workspace.archive.root
    disk = os.statvfs(root)
    free, low = disk.f_bavail * disk.f_frsize, workspace.settings.trap.low_water_mib << 20
    week = week_growth(root, now / 1e6)
    left = None if week == 0 else max(free - low, 0) / (week / 7)
    seen = {
        "free_bytes": free,
        "size_bytes": disk.f_blocks * disk.f_frsize,
        "low_water_bytes": low,
        "week_bytes": week,
        "days_left": left,
    }
    problems = []
    if free < low:
        text = f"{free >> 20} MiB are free, less than trap.low_water_mib ({low >> 20}): a trap answers 452."
        problems.append(HealthProblem("disk_low", text, "Make room; the trap takes mail again by itself."))
    elif left is not None and left < workspace.settings.doctor.disk_days:
        text = f"The last week brought {week / 2**20:.0f} MiB; at that pace the disk is full in {left:.0f} days."
        problems.append(HealthProblem("disk_fills", text, "Make room, or thin bodies: docs/howto/retention.md."))
    return seen, problems


def week_growth(root: Path, now: float) -> int:
    """Bytes that the archive grew by in the seven days before ``now`` (seconds since 1970).

    Segments and journal by the age of their files; tables, which are written anew all the time, in proportion.
    """
    kept = [stat for name in _KEPT for stat in _files(root / name)]
    young = sum(s.st_size for s in kept if s.st_mtime > now - _WEEK_SECONDS)
    whole = sum(s.st_size for s in kept)
    every = sum(s.st_size for s in _files(root))
    return young * every // whole if whole else 0


def _files(folder: Path) -> Iterator[os.stat_result]:
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.lstat(os.path.join(place, name))
            except FileNotFoundError:
                # Sealed, replaced or swept between the two looks.
                continue
