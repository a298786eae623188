"""Locks between processes: one per (feed, writer) for segments, one for tables. Readers never lock.

A lock is an advisory lock on an empty file in ``archive/locks``; the system frees it when its holder dies.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from spamtide.errors import BrokenWorld


@contextmanager
def hold_lock(root: Path, name: str, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock ``name``. When it is taken: wait after calling ``waiting``, or raise BrokenWorld ``locked``."""
    folder = root / "locks"
    folder.mkdir(exist_ok=True)
    handle = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting is None:
                raise BrokenWorld(
                    "locked",
                    f"Another process is writing here ({name}).",
                    "Wait until it has ended, then run the command again.",
                    lock=name,
                ) from None
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
