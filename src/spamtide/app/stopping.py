"""Asking a process that goes on for ever to stop: SIGTERM, Ctrl-C, or the end of whoever started it."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Numbers of the signals that asked for a stop, as they come."""
    seen: list[int] = []
    before = {n: signal.signal(n, lambda number, _: seen.append(number)) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def starter_is_gone(handle: int) -> bool:
    """Whether the other end of a pipe is closed, into which nobody writes: the process that held it has ended."""
    ready, _, _ = select.select([handle], [], [], 0)
    return bool(ready) and not os.read(handle, 4096)
