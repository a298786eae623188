"""The one file of this room that opens the kernel's door."""

from spamtide._kernel import DIALECTS, CaptureBatch, WorldMaker

__all__ = ["DIALECTS", "CaptureBatch", "WorldMaker"]
