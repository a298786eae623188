"""Gives memory that large messages left behind back to the system.

The C library keeps what was freed between pieces still in use: after an hour of messages of megabytes that is several times what the
trap holds. Asking it to look through its arenas now and then keeps memory flat; ``bench/soak.py`` shows it.
"""

from __future__ import annotations

import ctypes
import time

TRIM_SECONDS = 20.0


class Heap:
    """``look`` trims at most every ``TRIM_SECONDS``; does nothing where the C library has no ``malloc_trim``."""

    def __init__(self) -> None:
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        self._trimmed = time.monotonic()

    def look(self) -> bool:
        """Whether anything was given back."""
        if self._trim is None or time.monotonic() - self._trimmed < TRIM_SECONDS:
            return False
        given = bool(self._trim(0))
        self._trimmed = time.monotonic()
        return given
