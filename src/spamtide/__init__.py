"""spamtide: a spam-trap observatory. What arrived, what belongs together, what changed, and how sure that is."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spamtide.app.observatory import Observatory

__version__ = "0.1.0"

__all__ = ["open"]


def open(path: str | Path) -> Observatory:
    """The observatory of the workspace in ``path``. Raises WrongUse ``no_workspace``."""
    # By name: the package's own face is not an arrow between rooms.
    observatory: Observatory = importlib.import_module("spamtide.app.observatory").open_observatory(path)
    return observatory
