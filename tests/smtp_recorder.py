"""An SMTP receiver for tests: plain asyncio on loopback, knows nothing of the kernel, records every byte with its time.

It takes everything unless its manners say otherwise: what to answer at each stage, or to be silent, to close, to reset. Messages
are kept as RFC 5321 has it: DATA ends at CRLF.CRLF only, a dot that begins a line (after CRLF) is removed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

CLOSE, RESET, SILENCE = b"close", b"reset", b"silence"


@dataclass
class Held:
    """A message whose end was received."""

    sha256: str
    bytes: int
    sender: str
    to: list[str]
    answered: bytes
    at: float


@dataclass
class Dialogue:
    """One connection: what each side wrote, in order, with seconds since it was accepted."""

    address: str
    number: int
    wrote: list[tuple[str, float, bytes]] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    unfinished: bytes | None = None
    ended: str = ""

    @property
    def said(self) -> bytes:
        """All that the client wrote."""
        return b"".join(data for who, _, data in self.wrote if who == "C")


# (stage, dialogue) to the reply. Stages: banner, hello, mail, rcpt, data, body, end, rset, quit, other.
Manners = Callable[[str, Dialogue], bytes | None]


def unstuff(data: bytes) -> bytes:
    """Dots that begin lines removed; only CRLF ends a line."""
    return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in data.split(b"\r\n"))


GOOD = {
    "banner": b"220 mx.trap.example\r\n", "mail": b"250 ok\r\n", "rcpt": b"250 ok\r\n", "data": b"354 go on\r\n",
    "end": b"250 kept\r\n", "rset": b"250 ok\r\n", "quit": b"221 bye\r\n", "other": b"502 what\r\n",
}  # fmt: skip


class Recorder:
    """Started by ``with``. ``early_seconds``: how long it listens before the banner, and between the lines of one of two."""

    def __init__(
        self,
        manners: Manners | None = None,
        *,
        keywords: tuple[str, ...] = (),
        early_seconds: float = 0.0,
        lines: int = 1,
    ) -> None:
        self.manners = manners or (lambda stage, dialogue: None)
        self.keywords, self.early_seconds, self.lines = keywords, early_seconds, lines
        self.dialogues: list[Dialogue] = []
        self.open = self.most_open = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()

    def __enter__(self) -> Recorder:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    @property
    def target(self) -> str:
        """Its address."""
        return f"127.0.0.1:{self.port}"

    def settled(self) -> None:
        """Waits until every connection has ended."""
        deadline = time.monotonic() + 20
        while self.open and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not self.open

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._take, "127.0.0.1", 0, backlog=4096)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        dialogue = Dialogue(writer.get_extra_info("peername")[0], len(self.dialogues))
        self.dialogues.append(dialogue)
        try:
            await _Talk(self, dialogue, reader, writer).talk()
        except (ConnectionError, asyncio.IncompleteReadError):
            dialogue.ended = dialogue.ended or "reset"
        finally:
            self.open -= 1
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()


class _Over(Exception):
    """The connection is over."""


class _Talk:
    def __init__(
        self, recorder: Recorder, dialogue: Dialogue, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.recorder, self.dialogue, self.reader, self.writer = recorder, dialogue, reader, writer
        self.buffer = b""
        self.start = time.monotonic()
        self.sender, self.to = "", list[str]()

    async def talk(self) -> None:
        with contextlib.suppress(_Over):
            await self._greet()
            while True:
                line = await self._line()
                await self._command(line)

    async def _greet(self) -> None:
        banner = self.recorder.manners("banner", self.dialogue)
        if self.recorder.early_seconds:
            await self._listen(self.recorder.early_seconds)
        if banner is None and self.recorder.lines > 1:
            await self._write(b"220-mx.trap.example\r\n")
            await self._listen(self.recorder.early_seconds)
        await self._reply("banner", banner)

    async def _listen(self, seconds: float) -> None:
        """Until the client speaks, so many seconds at most."""
        before = len(self.buffer)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(self.buffer) == before:
                    await self._more()

    async def _more(self) -> None:
        data = await self.reader.read(65_536)
        if not data:
            self.dialogue.ended = self.dialogue.ended or "closed"
            raise _Over
        self.dialogue.wrote.append(("C", time.monotonic() - self.start, data))
        self.buffer += data

    async def _line(self) -> bytes:
        while b"\n" not in self.buffer:
            await self._more()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.removesuffix(b"\r")

    async def _write(self, data: bytes) -> None:
        self.dialogue.wrote.append(("S", time.monotonic() - self.start, data))
        self.writer.write(data)
        await self.writer.drain()

    async def _reply(self, stage: str, chosen: bytes | None) -> bytes:
        reply = GOOD[stage] if chosen is None else chosen
        if reply == RESET:
            self.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
        if reply in (CLOSE, RESET):
            self.dialogue.ended = reply.decode()
            raise _Over
        if reply != SILENCE:
            await self._write(reply)
        return reply

    async def _ask(self, stage: str) -> bytes:
        return await self._reply(stage, self.recorder.manners(stage, self.dialogue))

    async def _command(self, line: bytes) -> None:
        text = line.decode("latin-1")
        word = text.upper()
        if word.startswith(("HELO", "EHLO")):
            offered = self.recorder.keywords if word.startswith("EHLO") else ()
            rows = ["mx.trap.example", *offered]
            good = "".join(f"250{'-' if i + 1 < len(rows) else ' '}{r}\r\n" for i, r in enumerate(rows)).encode()
            chosen = self.recorder.manners("hello", self.dialogue)
            await self._reply("hello", good if chosen is None else chosen)
        elif word.startswith("MAIL FROM:"):
            self.sender, self.to = self._path(text[10:]), []
            await self._ask("mail")
        elif word.startswith("RCPT TO:"):
            reply = await self._ask("rcpt")
            if reply.startswith(b"2"):
                self.to.append(self._path(text[8:]))
        elif word == "DATA":
            reply = await self._ask("data")
            if reply.startswith(b"354"):
                await self._body()
        elif word in ("RSET", "QUIT"):
            await self._ask(word.lower())
            if word == "QUIT":
                self.dialogue.ended = "quit"
        else:
            await self._ask("other")

    @staticmethod
    def _path(text: str) -> str:
        words = text.strip().split(" ")
        return words[0].removeprefix("<").removesuffix(">")

    async def _body(self) -> None:
        chosen = self.recorder.manners("body", self.dialogue)
        if chosen is not None:
            # In the middle of the message, as far as it has come.
            await self._more()
            await self._reply("end", chosen)
            if not self.buffer.startswith(b".\r\n"):
                # Refused before its end: what still comes of it is thrown away.
                while b"\r\n.\r\n" not in self.buffer:
                    await self._more()
                self.buffer = self.buffer.split(b"\r\n.\r\n", 1)[1]
                return
        end = -1
        try:
            while True:
                if self.buffer.startswith(b".\r\n"):
                    end, data, rest = 0, b"", self.buffer[3:]
                    break
                end = self.buffer.find(b"\r\n.\r\n")
                if end >= 0:
                    data, rest = self.buffer[: end + 2], self.buffer[end + 5 :]
                    break
                await self._more()
        except (_Over, ConnectionError):
            self.dialogue.unfinished = unstuff(self.buffer)
            raise
        self.buffer = rest
        held = unstuff(data)
        digest = hashlib.sha256(held).hexdigest()
        entry = Held(digest, len(held), self.sender, list(self.to), b"", time.monotonic())
        self.dialogue.held.append(entry)
        chosen = self.recorder.manners("end", self.dialogue)
        if chosen is not None and chosen[:1] in b"45" and chosen not in (CLOSE, RESET, SILENCE):
            # Refused: not held.
            self.dialogue.held.remove(entry)
        entry.answered = chosen or GOOD["end"]
        await self._reply("end", chosen)
