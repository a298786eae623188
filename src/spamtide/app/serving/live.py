"""Messages as they come, told to whoever looks: server-sent events, from what the following digest has read.

One loop looks for all: it costs the same for one reader as for thirty, and nothing while nobody looks. It looks at the manifests
once a second; a message is told once its facts are there, some seconds after it was accepted. A reader that is too slow
loses the oldest events, and is told that it did.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from spamtide.app.instants import format_instant
from spamtide.app.serving.params import Params
from spamtide.app.serving.telling import tell
from spamtide.archive import format_id, parts_by_segment
from spamtide.errors import BrokenWorld, SpamtideError
from spamtide.fingerprint import FACTS_VERSION

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.app.serving.asking import Asker
    from spamtide.archive import Part

LOOK_SECONDS = 1.0
BEAT_SECONDS = 15.0
# Messages of one look that are told one by one; of the others the number.
SHOWN = 50
READERS = 64
_QUEUE = 64
_HELD = 200
_COLUMNS = (
    "feed", "writer", "segment", "ordinal", "received_at", "peer_address", "peer_unit", "network", "subject", "topic", "language",
    "origin",
)  # fmt: skip
Segment = tuple[str, str, int]


@dataclass(eq=False)
class Reader:
    """One open stream; ``feeds`` it wants, none meaning all."""

    feeds: tuple[str, ...]
    events: asyncio.Queue[tuple[int, str, dict[str, Any]]] = field(
        default_factory=lambda: asyncio.Queue(maxsize=_QUEUE)
    )
    lost: int = 0

    def give(self, number: int, event: str, facts: dict[str, Any]) -> None:
        """Give it an event; the oldest makes room."""
        if self.events.full():
            self.events.get_nowait()
            self.lost += 1
        self.events.put_nowait((number, event, facts))


class Newest:
    """What came since the last look, by the parts of open and fresh segments. ``look`` blocks: call it in a thread.

    It knows of each segment up to which place it has told: a part that is written anew, larger, tells nothing twice.
    """

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._stamp: Any = None
        self._told: dict[Segment, int] = {}

    def look(self) -> tuple[int, list[dict[str, Any]]]:
        """How many messages were not there at the last look, and the newest of them in order of arrival; the first look tells none."""
        stamp = self._asker.live_stamp()
        if stamp == self._stamp:
            return 0, []
        tables = self._asker.workspace.tables
        parts = [p for p in parts_by_segment(tables.root, FACTS_VERSION) if p.table == "message" and p.day is None]
        ends: dict[Segment, int] = dict(tables.digested(FACTS_VERSION))
        for part in parts:
            key = (part.feed, part.writer, part.segment)
            ends[key] = max(part.stop, ends.get(key, 0))
        first = self._stamp is None
        n, found = (0, []) if first else self._fresh(parts)
        # Only now: a look that failed is made again.
        self._told.update(ends)
        self._stamp = stamp
        return n, found

    def _fresh(self, parts: list[Part]) -> tuple[int, list[dict[str, Any]]]:
        n, newest = 0, list[dict[str, Any]]()
        for part in parts:
            told = self._told.get((part.feed, part.writer, part.segment), 0)
            if part.stop <= told:
                continue
            rows = self._rows(part, told)
            n += rows.num_rows
            newest += rows.sort_by("received_at").slice(max(0, rows.num_rows - SHOWN)).to_pylist()
        newest.sort(key=lambda r: (r["received_at"], r["feed"], r["segment"], r["ordinal"]))
        return n, [self._row(r) for r in newest[-SHOWN:]]

    def _rows(self, part: Part, told: int) -> pa.Table:
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        rows = pq.read_table(self._asker.workspace.tables.root / part.path, columns=list(_COLUMNS))
        return rows.filter(pc.field("ordinal") >= told)

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        asker = self._asker
        known = asker.workspace.networks.of(row["peer_unit"])
        return {
            "id": format_id(row["feed"], row["writer"], row["segment"], row["ordinal"]), "feed": row["feed"],
            "received_at": format_instant(row["received_at"]), "peer_address": asker.peer(row["peer_address"]),
            "network": known.name if known is not None else row["network"],
            "country": None if known is None else known.country, "subject": asker.subject(row, 200),
            "topic": row["topic"], "language": row["language"], "origin": row["origin"],
        }  # fmt: skip


class Hub:
    """The loop and its readers. ``close`` ends all streams."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._readers: set[Reader] = set()
        self._loop: asyncio.Task[None] | None = None
        self._number = 0
        self._last: deque[tuple[int, str, dict[str, Any]]] = deque(maxlen=_HELD)
        self.closing = False

    def close(self) -> None:
        """End every stream soon."""
        self.closing = True

    async def answer(self, request: Request, refused: Callable[[Request, SpamtideError, str], Response]) -> Response:
        """The stream of one reader."""
        feeds = Params("/live", {}, dict(request.query_params)).feeds
        try:
            await run_in_threadpool(self._asker.workspace.require_feeds, list(feeds))
        except SpamtideError as error:
            return refused(request, error, "json")
        if len(self._readers) >= READERS:
            return refused(
                request,
                BrokenWorld("busy", "Too many streams are open.", "Close a tab of the dashboard."),
                "json",
            )
        last = request.headers.get("last-event-id", "")
        stream = self._stream(
            Reader(feeds), int(last) if last.isascii() and last.isdigit() and len(last) < 19 else None
        )
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    async def _stream(self, reader: Reader, last: int | None) -> AsyncIterator[str]:
        if last is not None and last <= self._number:
            for number, event, facts in self._last:
                if number > last:
                    self._give(reader, number, event, facts)
        self._readers.add(reader)
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._look())
        try:
            yield "retry: 5000\n\n" + _event(self._number, "ready", {"at": format_instant(self._asker.now())})
            beaten = time.monotonic()
            while not self.closing:
                try:
                    number, event, facts = await asyncio.wait_for(reader.events.get(), 1.0)
                except TimeoutError:
                    if time.monotonic() - beaten >= BEAT_SECONDS:
                        beaten = time.monotonic()
                        yield ": beat\n\n"
                    continue
                lost, reader.lost = reader.lost, 0
                yield _event(number, event, {**facts, "lost": lost} if lost else facts)
        finally:
            self._readers.discard(reader)

    async def _look(self) -> None:
        newest = Newest(self._asker)
        while self._readers and not self.closing:
            try:
                n, found = await run_in_threadpool(newest.look)
            except (SpamtideError, OSError) as error:
                # A manifest or a part may go while it is looked at; the next look sees the next one.
                tell("serve.live_failed", error=type(error).__name__)
                n, found = 0, []
            if found:
                self._number += 1
                facts = {"count": n, "messages": found}
                self._last.append((self._number, "messages", facts))
                for reader in list(self._readers):
                    self._give(reader, self._number, "messages", facts)
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(LOOK_SECONDS)

    def _give(self, reader: Reader, number: int, event: str, facts: dict[str, Any]) -> None:
        if reader.feeds:
            mine = [m for m in facts["messages"] if m["feed"] in reader.feeds]
            if not mine:
                return
            facts = {"count": len(mine), "messages": mine}
        reader.give(number, event, facts)


def _event(number: int, event: str, facts: dict[str, Any]) -> str:
    # JSON has no line ends of its own, and ASCII no others: a subject cannot end the event.
    return f"id: {number}\nevent: {event}\ndata: {json.dumps(facts, ensure_ascii=True, allow_nan=False)}\n\n"
