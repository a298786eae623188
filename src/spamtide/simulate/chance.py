"""Numbers drawn by purpose: what each is for decides what comes, not what was drawn before."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(purpose: str, *keys: object) -> np.random.Generator:
    """A Philox generator keyed by a stable hash of purpose and keys."""
    digest = hashlib.sha256("\0".join([purpose, *map(str, keys)]).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))
