"""What the tests of the following digest share."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spamtide.app.following import follow
from spamtide.app.searching import search_messages
from spamtide.app.workspace import Workspace, now_us
from spamtide.archive import CaptureBatch

PATIENCE = 60.0


def letter(n: int) -> bytes:
    return b"From: a@b.example\r\nSubject: number %d\r\n\r\nbody %d\r\n" % (n, n)


def until(done: Callable[[], Any]) -> Any:
    """What ``done`` gives when it gives something true."""
    end = time.monotonic() + PATIENCE
    while not (found := done()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


@contextmanager
def followed(place: Path) -> Iterator[list[dict[str, Any]]]:
    """A follower in a thread of this process; its events."""
    events: list[dict[str, Any]] = []
    stop = threading.Event()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            follow(Workspace(place), clock=now_us, tell=events.append, stopping=stop.is_set)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield events
    finally:
        stop.set()
        thread.join(PATIENCE)
    assert not failed, failed


def live(place: Path) -> list[dict[str, Any]]:
    return list(search_messages(Workspace(place), "", live=True))


def subjects(rows: list[dict[str, Any]]) -> list[str]:
    return [r["subject"] for r in rows]


def captures(*raws: bytes) -> CaptureBatch:
    batch = CaptureBatch()
    for n, raw in enumerate(raws):
        batch.push(now_us() + n, json.dumps({"v": 1, "time_origin": "smtp"}).encode(), raw)
    return batch
