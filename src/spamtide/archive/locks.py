"""Locks between processes: one per (feed, writer) for segments, one for tables, one for the digest that follows. Readers
never lock, but for the moment in which they make sure that nobody writes.

A lock is an advisory lock on an empty file in ``archive/locks``; the system frees it when its holder dies.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from spamtide.errors import BrokenWorld

# A reader that makes sure holds a lock as long as one open segment takes to be read; a writer is not sent away for that.
_PATIENCE_SECONDS = 1.0


@contextmanager
def hold_lock(root: Path, name: str, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock ``name``. When it is taken: wait after calling ``waiting``, or raise BrokenWorld ``locked``."""
    folder = root / "locks"
    folder.mkdir(exist_ok=True)
    handle = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _taken(handle, _PATIENCE_SECONDS if waiting is None else 0.0):
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


@contextmanager
def lock_is_free(root: Path, name: str) -> Iterator[bool]:
    """Whether nobody holds the lock ``name``. Where it is so, nobody takes it within the block."""
    try:
        handle = os.open(root / "locks" / f"{name}.lock", os.O_RDONLY)
    except FileNotFoundError:
        yield True
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def _taken(handle: int, patience: float) -> bool:
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.02)
        else:
            return True


def hold_follow_lock(root: Path) -> AbstractContextManager[None]:
    """The lock of the one process that follows. Raises BrokenWorld ``locked``, on entering, where another does."""
    return hold_lock(root, "follow")


def hold_watch_lock(root: Path, waiting: Callable[[], None] | None = None) -> AbstractContextManager[None]:
    """The lock of the one process that steps watches. Without ``waiting`` raises BrokenWorld ``locked`` where another does."""
    return hold_lock(root, "watch", waiting)


def is_followed(root: Path) -> bool:
    """Whether a process follows this archive now."""
    with lock_is_free(root, "follow") as free:
        return not free
