"""message: what it says. Owns text as seen, folding, masking, networks, language, origin, and the Public values."""

from spamtide.message.catalogue import DEFECTS, LANGUAGES, ORIGINS
from spamtide.message.kernel import FOLD_VERSION, fold, fold_trace, fold_words, mask, message_texts, peer_units
from spamtide.message.public import PublicNetwork, PublicText

__all__ = [
    "DEFECTS",
    "FOLD_VERSION",
    "LANGUAGES",
    "ORIGINS",
    "PublicNetwork",
    "PublicText",
    "fold",
    "fold_trace",
    "fold_words",
    "mask",
    "message_texts",
    "peer_units",
]
