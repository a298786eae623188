"""message: what it says. Owns text as seen, folding, masking, networks, language, topic, origin, and the Public values."""

from spamtide.message.catalogue import DEFECTS, LANGUAGES, ORIGINS, TOPICS
from spamtide.message.kernel import (
    FOLD_VERSION,
    TOPICS_VERSION,
    fold,
    fold_trace,
    fold_words,
    mask,
    message_texts,
    peer_units,
    topic,
)
from spamtide.message.network import BadNetworks, Network, NetworkTable, read_networks
from spamtide.message.outline import HeaderField, Outline, OutlinedPart, html_of, outline
from spamtide.message.public import PublicNetwork, PublicText
from spamtide.message.remote import RemoteReference, remote_references

__all__ = [
    "DEFECTS",
    "FOLD_VERSION",
    "LANGUAGES",
    "ORIGINS",
    "TOPICS",
    "TOPICS_VERSION",
    "BadNetworks",
    "HeaderField",
    "Network",
    "NetworkTable",
    "Outline",
    "OutlinedPart",
    "PublicNetwork",
    "PublicText",
    "RemoteReference",
    "fold",
    "fold_trace",
    "fold_words",
    "html_of",
    "mask",
    "message_texts",
    "outline",
    "peer_units",
    "read_networks",
    "remote_references",
    "topic",
]
