"""The one file of this room that opens the kernel's door."""

from spamtide._kernel import FOLD_VERSION, fold, mask, peer_units

__all__ = ["FOLD_VERSION", "fold", "mask", "peer_units"]
