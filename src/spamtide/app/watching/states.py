"""Where a watch stands, as one small file each, replaced at once. It can be deleted: stepping again from the archive gives the same."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from spamtide.watch import WatchState

if TYPE_CHECKING:
    from spamtide.app.watching.book import Watch
    from spamtide.app.workspace import Workspace

# Raised when stepping gives other states from the same hours.
FORMAT = 1


class _Saved(msgspec.Struct):
    format: int
    key: str
    state: WatchState


def _path(workspace: Workspace, watch: Watch) -> Path:
    return workspace.archive.root / "watches" / f"{watch.name}.json"


def load_state(workspace: Workspace, watch: Watch) -> WatchState | None:
    """The state that was saved of this very watch; None where there is none, or it is of another or unreadable."""
    try:
        saved = msgspec.json.decode(_path(workspace, watch).read_bytes(), type=_Saved)
    except (OSError, msgspec.MsgspecError):
        return None
    return saved.state if saved.format == FORMAT and saved.key == watch.key else None


def save_state(workspace: Workspace, watch: Watch, state: WatchState) -> None:
    """Put this state in place of the one before, wholly or not at all."""
    path = _path(workspace, watch)
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(msgspec.json.encode(_Saved(FORMAT, watch.key, state)))
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def forget_state(workspace: Workspace, watch: Watch) -> None:
    """Delete it."""
    with contextlib.suppress(FileNotFoundError):
        _path(workspace, watch).unlink()
