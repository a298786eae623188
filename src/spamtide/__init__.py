"""spamtide: a spam-trap observatory. What arrived, what belongs together, what changed, and how sure that is."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spamtide.app.notebook import Opened

__version__ = "0.1.0"

__all__ = ["open"]


def open(path: str | Path) -> Opened:
    """The observatory of the workspace in ``path``; its answers show themselves in a notebook and have ``to_arrow()``. Raises WrongUse ``no_workspace``."""
    # By name: the package's own face is not an arrow between rooms.
    observatory = importlib.import_module("spamtide.app.observatory").open_observatory(path)
    opened: Opened = importlib.import_module("spamtide.app.notebook").Opened(observatory)
    return opened
