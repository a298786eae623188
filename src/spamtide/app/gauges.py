"""What a trap's process knows beside the kernel's counts: the disk, the clock, its journal. One page of metrics from both."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from spamtide.app.doctor.clock import Clock, kernel_clock
from spamtide.app.metrics import render

if TYPE_CHECKING:
    from pathlib import Path

    from spamtide.app.kernel import Trap
    from spamtide.app.trapnotes import Notes


class Gauges:
    """Read from the thread that serves metrics, while the trap's own goes on."""

    def __init__(
        self, trap: Trap, notes: Notes, asked: Sequence[int], archive: Path, *, low_water_bytes: int, started: int
    ) -> None:
        self._trap, self._notes, self._asked, self._archive = trap, notes, asked, archive
        self._low_water_bytes, self._started = low_water_bytes, started
        self._version = version("spamtide")
        self._read = self._kernel()

    def page(self) -> str:
        """The metrics now."""
        # While the trap's own thread waits for the end of the kernel's, what was read before is as good as final.
        with suppress(RuntimeError):
            self._read = self._kernel()
        counts, syncs = self._read
        return render(self._notes.feed, counts, self._own(counts, syncs))

    def _kernel(self) -> tuple[dict[str, int], dict[str, Any]]:
        return json.loads(self._trap.counts()), json.loads(self._trap.syncs())

    def _own(self, counts: dict[str, int], syncs: dict[str, Any]) -> dict[str, Any]:
        disk = os.statvfs(self._archive)
        clock = kernel_clock() or Clock()
        last = counts["last_message_at"]
        return {
            "syncs": syncs,
            "last_message": last / 1e6 if last else None,
            "started": self._started / 1e6,
            "draining": bool(self._asked),
            "journal": self._notes.waiting,
            "disk_free": disk.f_bavail * disk.f_frsize,
            "disk_low": self._low_water_bytes,
            "clock_synchronised": clock.synchronised,
            "clock_offset": clock.offset_seconds,
            "clock_bound": clock.bound_seconds,
            "info": {"persona": self._notes.persona, "version": self._version},
        }
