"""The one file of this room that opens the kernel's door."""

from spamtide._kernel import (
    DEFECTS,
    FOLD_VERSION,
    LANGUAGES,
    TOPICS,
    TOPICS_VERSION,
    fold,
    fold_trace,
    fold_words,
    mask,
    message_texts,
    peer_units,
    topic,
)

__all__ = [
    "DEFECTS",
    "FOLD_VERSION",
    "LANGUAGES",
    "TOPICS",
    "TOPICS_VERSION",
    "fold",
    "fold_trace",
    "fold_words",
    "mask",
    "message_texts",
    "peer_units",
    "topic",
]
