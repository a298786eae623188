"""The one file of this room that opens the kernel's door."""

from spamtide._kernel import (
    DIALECT_SPOKEN,
    DIALECT_WRITTEN,
    DIALOGUE_BOUNDS,
    DIALOGUE_STATES,
    CaptureBatch,
    DialogueMemory,
    MboxReader,
    SmtpDialogue,
    capture_message,
)

__all__ = [
    "DIALECT_SPOKEN",
    "DIALECT_WRITTEN",
    "DIALOGUE_BOUNDS",
    "DIALOGUE_STATES",
    "CaptureBatch",
    "DialogueMemory",
    "MboxReader",
    "SmtpDialogue",
    "capture_message",
]
