"""The one file of this room that opens the kernel's door."""

from spamtide._kernel import (
    DIALECT_SPOKEN,
    DIALECT_WRITTEN,
    DIALOGUE_BOUNDS,
    DIALOGUE_STATES,
    HELLO_BYTES,
    PROXY_BYTES,
    PROXY_REASONS,
    CaptureBatch,
    DialogueMemory,
    MboxReader,
    ProxyHeader,
    SmtpDialogue,
    capture_message,
    client_hello,
)

__all__ = [
    "DIALECT_SPOKEN",
    "DIALECT_WRITTEN",
    "DIALOGUE_BOUNDS",
    "DIALOGUE_STATES",
    "HELLO_BYTES",
    "PROXY_BYTES",
    "PROXY_REASONS",
    "CaptureBatch",
    "DialogueMemory",
    "MboxReader",
    "ProxyHeader",
    "SmtpDialogue",
    "capture_message",
    "client_hello",
]
