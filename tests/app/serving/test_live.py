"""Messages as they come: told within ten seconds of the 250, each once, and to no end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from conftest import Spamtide
from follow_made import letter
from serving_made import ServeProcess
from spamtide.app.config import People
from spamtide.app.serving import live
from spamtide.app.serving.asking import Asker
from spamtide.app.serving.live import Hub, Newest, Reader
from spamtide.app.workspace import Workspace, now_us
from trap_process import TrapProcess, deliver, greeted


@pytest.fixture
def asker(tmp_path: Path) -> Asker:
    """Of an empty workspace."""
    return Asker(Workspace.create(tmp_path / "w", People()), local=True, clock=now_us)


def test_what_is_imported_is_told_once_and_what_was_there_before_is_not(asker: Asker, spamtide: Spamtide) -> None:
    newest = Newest(asker)

    def bring(*raws: bytes) -> None:
        mbox = asker.workspace.root / "in.mbox"
        mbox.write_bytes(b"".join(b"From x Wed Mar 16 14:45:00 2011\n" + raw + b"\n" for raw in raws))
        assert spamtide("--workspace", asker.workspace.root, "import", mbox, "--feed", "f").code == 0

    bring(letter(1))
    assert newest.look() == (0, [])
    bring(letter(1), letter(2), letter(3))
    n, found = newest.look()
    assert (n, [m["subject"] for m in found]) == (2, ["number 2", "number 3"])
    assert newest.look() == (0, [])
    bring(*(letter(n) for n in range(1, live.SHOWN + 10)))
    n, found = newest.look()
    assert (n, len(found)) == (live.SHOWN + 6, live.SHOWN)


def test_a_reader_that_is_slow_loses_the_oldest_and_is_told() -> None:
    reader = Reader(())
    for n in range(live._QUEUE + 3):
        reader.give(n, "messages", {})
    assert reader.events.qsize() == live._QUEUE and reader.lost == 3
    assert reader.events.get_nowait()[0] == 3


def test_a_subject_cannot_end_an_event() -> None:
    text = live._event(7, "messages", {"subject": "a\r\n\r\nevent: ready\u2028\x85data: x"})
    assert text.splitlines()[:2] == ["id: 7", "event: messages"] and len(text.splitlines()) == 4
    assert json.loads(text.splitlines()[2].removeprefix("data: "))["subject"].startswith("a\r\n")


def test_a_reader_gets_its_feeds_only_and_what_it_missed(asker: Asker) -> None:
    hub = Hub(asker)
    hub._number = 2
    for number, feed in ((1, "a"), (2, "b")):
        hub._last.append((number, "messages", {"count": 1, "messages": [{"feed": feed, "id": str(number)}]}))

    async def first(feeds: tuple[str, ...], last: int | None) -> list[str]:
        stream = hub._stream(Reader(feeds), last)
        await anext(stream)
        hub.closing = False
        found = []
        with contextlib.suppress(TimeoutError):
            found.append(await asyncio.wait_for(anext(stream), 0.5))
        await stream.aclose()
        return found

    async def both() -> tuple[list[str], list[str], list[str]]:
        return await first((), 1), await first(("a",), 1), await first(("a",), 0)

    missed, none, mine = asyncio.run(both())
    assert ['"id": "2"' in m for m in missed] == [True]
    assert none == []
    assert ['"id": "1"' in m for m in mine] == [True]


def test_there_are_so_many_streams_and_no_more(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "READERS", 0)
    scope = {"type": "http", "method": "GET", "path": "/live", "query_string": b"", "headers": []}
    codes: list[str] = []

    def refused(_: Request, error: Any, __: str) -> Response:
        codes.append(error.code)
        return Response()

    asyncio.run(Hub(asker).answer(Request(scope), refused))
    assert codes == ["busy"]


def test_a_message_is_told_within_ten_seconds_of_its_250(tmp_path: Path) -> None:
    place = Workspace.create(tmp_path / "w", People()).root
    with TrapProcess(place, digest=True) as trap, ServeProcess(place) as served:
        stream = urllib.request.urlopen(f"{served.url}live", timeout=30)
        assert [stream.readline() for _ in range(4)][3] == b"event: ready\n"
        with greeted(trap.address) as client:
            assert deliver(client, b"Subject: <script>alert(1)</script>\r\n\r\nhello\r\n") == 250
        accepted = time.monotonic()
        while (line := stream.readline()) != b"event: messages\n":
            assert line
        facts = json.loads(stream.readline().removeprefix(b"data: "))
        assert time.monotonic() - accepted < 10
        assert facts["count"] == 1 and facts["messages"][0]["subject"] == "<script>alert(1)</script>"
        # Its segment is sealed and settled now: that is no news.
        assert trap.stop() == 0
        time.sleep(3 * live.LOOK_SECONDS)
        assert served.stop(signal.SIGTERM) == 0
        assert b"event: messages" not in stream.read()
