"""The one file of this room that opens the kernel's door."""

from spamtide._kernel import CaptureBatch

__all__ = ["CaptureBatch"]
