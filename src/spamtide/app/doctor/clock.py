"""The clock: who keeps it, how far it is off as far as that one knows, and "unknown" where nobody can be asked.

Three are asked, the first that answers is believed: chrony, systemd's timesyncd, the kernel. The kernel knows no offset but how
large the error may be; whoever sets the clock tells it.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import struct
import subprocess
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from spamtide.app.health import HealthProblem
from spamtide.app.live import read_note, trap_note_path

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

_PATIENCE = 5.0
# <sys/timex.h>: the kernel was not told the time, and its offset is in nanoseconds.
_UNSYNCHRONISED, _NANOSECONDS = 0x0040, 0x2000
# struct timex to `tai`, with room for what a later kernel appends.
_TIMEX, _TIMEX_BYTES = struct.Struct("@Illlli"), 512
_UNITS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}
_AMOUNT = re.compile(r"([+-]?[0-9.]+)\s?(us|µs|ms|s|min)\b")


@dataclass(frozen=True, slots=True)
class Clock:
    """What was learnt. ``offset_seconds``: this clock less the true time; ``bound_seconds``: it is off by no more. None: unknown."""

    source: str | None = None
    synchronised: bool | None = None
    offset_seconds: float | None = None
    bound_seconds: float | None = None


def look_at_clock(workspace: Workspace) -> tuple[dict[str, Any], list[HealthProblem]]:
    """The clock, and a problem where a trap stamps messages by one that nobody keeps."""
    clock = read_clock()
    stamps = any(read_note(trap_note_path(workspace.archive.root, f)) for f in workspace.archive.feeds())
    problems = []
    allowed = workspace.settings.doctor.clock_seconds
    off = max(abs(clock.offset_seconds or 0.0), clock.bound_seconds or 0.0)
    if stamps and clock.synchronised is None:
        text = "Nobody can say whether the clock is right: neither chrony nor timesyncd nor the kernel answers."
        problems.append(
            HealthProblem("clock_unknown", text, "Run chrony, or allow adjtimex where the trap is confined.")
        )
    elif stamps and not clock.synchronised:
        text = f"Nobody sets this clock ({clock.source} says so); receive times are no evidence."
        problems.append(HealthProblem("clock_not_set", text, "Run chrony or systemd-timesyncd, here or on the host."))
    elif stamps and off > allowed:
        text = f"The clock may be {off:.3f} s off ({clock.source} says so); doctor.clock_seconds allows {allowed:g}."
        problems.append(HealthProblem("clock_off", text, "See why: 'chronyc tracking', 'timedatectl timesync-status'."))
    return asdict(clock), problems


def read_clock() -> Clock:
    """What the first that answers says."""
    return _of_chrony() or _of_timesyncd() or kernel_clock() or Clock()


def _ask(*command: str) -> str | None:
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        ran = subprocess.run(
            [program, *command[1:]], capture_output=True, text=True, timeout=_PATIENCE, env={"LC_ALL": "C"}
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return ran.stdout if ran.returncode == 0 else None


def _of_chrony() -> Clock | None:
    text = _ask("chronyc", "-c", "tracking")
    return None if text is None else read_chrony(text)


def read_chrony(text: str) -> Clock | None:
    """A line of ``chronyc -c tracking``: fourteen fields, the fifth says how far the clock is behind.

    The bound is offset + root dispersion + half the root delay, as chrony's manual gives it.
    """
    fields = text.strip().split(",")
    try:
        behind, delay, dispersion = (float(fields[i]) for i in (4, 10, 11))
    except (IndexError, ValueError):
        return None
    synchronised = fields[-1].strip() != "Not synchronised"
    return Clock("chrony", synchronised, -behind, abs(behind) + dispersion + delay / 2)


def _of_timesyncd() -> Clock | None:
    text = _ask("timedatectl", "timesync-status")
    return None if text is None else read_timesync(text)


def read_timesync(text: str) -> Clock | None:
    """``timedatectl timesync-status``: how far the clock was to be moved at the last answer; the bound is root distance more."""
    lines = {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in text.splitlines())}
    offset, distance = _seconds(lines.get("Offset", "")), _seconds(lines.get("Root distance", ""))
    if offset is None:
        # It runs, and no server has answered yet.
        return Clock("timesyncd", False) if "Server" in lines else None
    return Clock("timesyncd", True, -offset, None if distance is None else abs(offset) + distance)


def _seconds(text: str) -> float | None:
    """A time as systemd writes it: ``+1.233ms``, ``1min 2.5s``; what stands in brackets is left alone."""
    found = _AMOUNT.findall(text.partition("(")[0])
    if not found:
        return None
    total = sum(abs(float(number)) * _UNITS[unit] for number, unit in found)
    return -total if found[0][0].startswith("-") else total


def kernel_clock() -> Clock | None:
    """What adjtimex says, which needs no right to ask; None where the call is not allowed."""
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    _, offset, _, most, _, status = _TIMEX.unpack_from(buffer.raw)
    if status & _UNSYNCHRONISED:
        return Clock("kernel", False)
    # The offset is what is left to be slewed away: by so much this clock is behind.
    unit = 1e-9 if status & _NANOSECONDS else 1e-6
    return Clock("kernel", True, -offset * unit, abs(offset) * unit + most / 1e6)
