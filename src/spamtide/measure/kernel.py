"""The one file of this room that opens the kernel's door."""

from spamtide._kernel import LatentGrid

__all__ = ["LatentGrid"]
