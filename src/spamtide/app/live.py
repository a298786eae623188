"""What running processes say of themselves, in ``archive/live``: for ``spamtide status`` and ``doctor``. Can be deleted when none runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def digest_note_path(archive: Path, feed: str) -> Path:
    """Where the trap of a feed says how its digest fares."""
    return archive / "live" / f"{feed}.digest.json"


def trap_note_path(archive: Path, feed: str) -> Path:
    """Where the trap of a feed says where it listens, as whom, since when, and that it has stopped."""
    return archive / "live" / f"{feed}.trap.json"


def write_note(path: Path, body: dict[str, Any]) -> None:
    """Replace a note. A disk that is full leaves the older one: nothing depends on it."""
    try:
        path.parent.mkdir(exist_ok=True)
        new = path.with_name(path.name + ".new")
        new.write_text(json.dumps(body, sort_keys=True) + "\n", encoding="ascii")
        os.replace(new, path)
    except OSError:
        return


def read_note(path: Path) -> dict[str, Any] | None:
    """What a note says; None where there is none."""
    try:
        body = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return body if isinstance(body, dict) else None
