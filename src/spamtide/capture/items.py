"""What a source yields beside captures: what could not be read, and what was left alone on purpose, each by name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from spamtide.capture.kernel import CaptureBatch

# Longer names are cut: each message carries the name of its source, and names in archives are chosen by others.
NAME_CHARS = 1024


@dataclass(frozen=True, slots=True)
class Refused:
    """A source, or a place in one, that could not be read, with a code and the words of whoever noticed."""

    source: str
    reason: str
    code: str = "unreadable"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Things of a source that were not read on purpose, and that no one need mend; ``count`` of one kind in one place."""

    source: str
    reason: str
    code: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """``time``: auto, received, envelope, date or file. ``now``: the program's clock, microseconds UTC."""

    time: str
    now: int


Item = CaptureBatch | Refused | LeftOut


def shown_name(path: Path | str) -> str:
    """A name as text that can be stored: bytes that are no UTF-8 as ``\\xNN``, cut where it is very long."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return text if len(text) <= NAME_CHARS else text[: NAME_CHARS - 1] + "…"
