"""Asks for pages before anybody does: at the start those that everybody opens, and after the tables have changed those that were looked at last.

An answer holds until the tables change, which they do about once an hour beside a trap. Who comes next should not be the one who
waits for ten million messages to be counted anew. It works with the lowest priority, one page at a time.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from spamtide.app.serving.params import Params
from spamtide.app.serving.telling import tell

if TYPE_CHECKING:
    from spamtide.app.serving.asking import Asker
    from spamtide.app.serving.values import Page

LOOK_SECONDS = 5.0
# Pages that are asked for again, the last that were looked at.
HELD = 12
_NICE = 10
_PATIENCE = 5.0


class Warmer:
    """``value`` answers for a page and keeps the answer. ``note`` is told of each page that was looked at."""

    def __init__(self, asker: Asker, value: Callable[[Page, Params], Any]) -> None:
        self._asker = asker
        self._value = value
        self._lock = threading.Lock()
        self._recent: OrderedDict[str, tuple[Page, Params]] = OrderedDict()
        self._thread = threading.Thread(target=self._run, daemon=True, name="warmer")
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin with what everybody opens."""
        from spamtide.app.serving.catalogue import NAVIGATION, PAGES

        paths = [path for _, path in reversed(NAVIGATION)]
        for page in sorted((p for p in PAGES if p.path in paths and p.kept), key=lambda p: paths.index(p.path)):
            self.note(page, Params(page.path))
        self._thread.start()

    def close(self) -> None:
        """End now: what is being asked is broken off."""
        self._stop.set()
        if self._thread.is_alive():
            self._asker.interrupt()
            self._thread.join(_PATIENCE)

    def note(self, page: Page, params: Params) -> None:
        """Remember that this was looked at. Pages further into a list are not worth it."""
        if threading.current_thread() is self._thread or params.get("after") or params.get("live"):
            return
        key = f"{page.name}?{params.canonical()}"
        with self._lock:
            self._recent[key] = (page, params)
            self._recent.move_to_end(key)
            while len(self._recent) > HELD:
                self._recent.popitem(last=False)

    def round(self) -> None:
        """Ask for each once, the last that was looked at first."""
        with self._lock:
            wanted = list(reversed(self._recent.values()))
        for page, params in itertools.chain(wanted, self._events()):
            if self._stop.is_set():
                return
            try:
                self._value(page, params)
            except Exception as error:
                # Whoever asks for the page itself is told what is wrong with it.
                tell("serve.not_warmed", page=page.name, error=type(error).__name__)
        try:
            for _ in self._asker.prepare():
                if self._stop.is_set():
                    return
        except Exception as error:
            tell("serve.not_warmed", page="peers", error=type(error).__name__)

    def _events(self) -> Iterator[tuple[Page, Params]]:
        """The page of each event that the feeds saw: its effect takes a second of statistics."""
        from spamtide.app.serving.catalogue import PAGES

        page = next(p for p in PAGES if p.name == "event")
        try:
            seen = self._asker.events_seen()
        except Exception as error:
            tell("serve.not_warmed", page=page.name, error=type(error).__name__)
            return
        for event in seen:
            yield page, Params(page.path.format(event=event), {"event": event})

    def _run(self) -> None:
        with contextlib.suppress(OSError, AttributeError):
            # Linux takes the number of a thread here; elsewhere nothing is lost but the courtesy.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        seen = None
        while not self._stop.is_set():
            stamp = self._asker.tables_stamp()
            if stamp != seen:
                seen = stamp
                self.round()
            self._stop.wait(LOOK_SECONDS)
