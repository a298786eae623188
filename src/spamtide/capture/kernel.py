"""The one file of this room that opens the kernel's door."""

from spamtide._kernel import CaptureBatch, MboxReader, capture_message

__all__ = ["CaptureBatch", "MboxReader", "capture_message"]
