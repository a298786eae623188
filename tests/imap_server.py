"""A small IMAP server for tests, on loopback, in a thread. It speaks real IMAP4rev1; a test overrides what is to go wrong."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

USER, PASSWORD = "joe", "open sesame"
Writer = asyncio.StreamWriter


@dataclass
class Message:
    """One message; ``size``: what RFC822.SIZE says, where that is not the truth."""

    uid: int
    raw: bytes
    size: int | None = None
    date: bytes = b'"07-Mar-2011 12:00:00 +0100"'


@dataclass
class Mailbox:
    """One mailbox; ``exists``: what EXISTS says, where that is not the truth."""

    messages: list[Message] = field(default_factory=list)
    uidvalidity: int = 1234
    exists: int | None = None
    flags: bytes = b""


class End(Exception):
    """The server ends the connection."""


class ImapServer:
    """Use with ``with``. ``log`` has each command without its tag, over all connections."""

    capabilities = b"IMAP4rev1 AUTH=PLAIN MOVE UIDPLUS"
    greeting = b"* OK ready\r\n"

    def __init__(self, mailboxes: dict[bytes, Mailbox], *, context: ssl.SSLContext | None = None) -> None:
        self.mailboxes = mailboxes
        self.log: list[bytes] = []
        self.connections = 0
        self.context = context
        self.implicit_tls = False
        self.host = "127.0.0.1"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> ImapServer:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(
            self._serve, self.host, 0, limit=2**24, ssl=self.context if self.implicit_tls else None
        )

    def __exit__(self, *_: object) -> None:
        async def stop() -> None:
            self._server.close()
            tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def address(self, mailbox: str = "INBOX", scheme: str = "imap") -> str:
        """For ``import``."""
        host = "localhost" if self.host == "127.0.0.1" else self.host
        return f"{scheme}://{USER}@{host}:{self.port}/{mailbox}"

    async def _serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        self.connections += 1
        self.opened = Mailbox()
        try:
            writer.write(self.greeting)
            while line := await reader.readline():
                tag, _, command = line.rstrip(b"\r\n").partition(b" ")
                self.log.append(command)
                await self.answer(tag, command, reader, writer)
                await writer.drain()
        except (End, OSError, ValueError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def answer(self, tag: bytes, command: bytes, reader: asyncio.StreamReader, writer: Writer) -> None:
        """One command."""
        name, _, rest = command.partition(b" ")
        if name == b"UID":
            name, _, rest = rest.partition(b" ")
            name = b"UID " + name
        method = getattr(self, "do_" + name.decode().lower().replace(" ", "_"), None)
        if method is None:
            writer.write(tag + b" BAD unknown\r\n")
            return
        if name == b"AUTHENTICATE":
            writer.write(b"+ \r\n")
            said = base64.b64decode(await reader.readline())
            ok = said == f"\0{USER}\0{PASSWORD}".encode()
            writer.write(tag + (b" OK in\r\n" if ok else b" NO [AUTHENTICATIONFAILED] no\r\n"))
            return
        if name == b"STARTTLS":
            writer.write(tag + b" OK go on\r\n" + self.after_starttls)
            await writer.drain()
            assert self.context is not None
            await writer.start_tls(self.context)
            return
        await method(tag, rest, writer)

    after_starttls = b""

    def do_authenticate(self) -> None:
        """Answered above."""

    def do_starttls(self) -> None:
        """Answered above."""

    async def do_capability(self, tag: bytes, rest: bytes, writer: Writer) -> None:
        """What it can do."""
        writer.write(b"* CAPABILITY " + self.capabilities + b"\r\n" + tag + b" OK done\r\n")

    async def do_login(self, tag: bytes, rest: bytes, writer: Writer) -> None:
        """LOGIN with quoted arguments."""
        ok = rest == f'"{USER}" "{PASSWORD}"'.encode()
        writer.write(tag + (b" OK in\r\n" if ok else b" NO no\r\n"))

    async def do_list(self, tag: bytes, rest: bytes, writer: Writer) -> None:
        """Names as literals, so that any byte may stand in them."""
        for name, box in self.mailboxes.items():
            writer.write(b'* LIST (%s) "/" {%d}\r\n%s\r\n' % (box.flags, len(name), name))
        writer.write(tag + b" OK done\r\n")

    async def do_examine(self, tag: bytes, rest: bytes, writer: Writer) -> None:
        """Open a mailbox."""
        box = self.mailboxes.get(rest.strip(b'"'))
        if box is None:
            writer.write(tag + b" NO [NONEXISTENT] there is no such mailbox\r\n")
            return
        self.opened = box
        writer.write(b"* %d EXISTS\r\n* 0 RECENT\r\n" % (len(box.messages) if box.exists is None else box.exists))
        writer.write(b"* OK [UIDVALIDITY %d] valid\r\n" % box.uidvalidity)
        writer.write(tag + b" OK done\r\n")

    do_select = do_examine

    async def do_fetch(self, tag: bytes, rest: bytes, writer: Writer) -> None:
        """FETCH by place."""
        chosen, _, items = rest.partition(b" ")
        places = range(1, len(self.opened.messages) + 1)
        for place in self.chosen(chosen, list(places)):
            await self.row(place, self.opened.messages[place - 1], items, writer)
        writer.write(tag + b" OK fetched\r\n")

    async def do_uid_fetch(self, tag: bytes, rest: bytes, writer: Writer) -> None:
        """FETCH by UID."""
        chosen, _, items = rest.partition(b" ")
        wanted = set(self.chosen(chosen, [m.uid for m in self.opened.messages]))
        for place, message in enumerate(list(self.opened.messages), 1):
            if message.uid in wanted:
                await self.row(place, message, items, writer)
        writer.write(tag + b" OK fetched\r\n")

    @staticmethod
    def chosen(text: bytes, there: list[int]) -> Iterator[int]:
        """Numbers of a set such as 1:3,7,9:* that are there."""
        last = max(there, default=0)
        for part in text.decode().split(","):
            ends = [last if e == "*" else int(e) for e in part.split(":")]
            yield from (n for n in there if min(ends) <= n <= max(ends))

    async def row(self, place: int, message: Message, items: bytes, writer: Writer) -> None:
        """One line of an answer to FETCH."""
        if b"BODY" in items:
            await self.body(place, message, writer)
            return
        size = b" RFC822.SIZE %d" % (len(message.raw) if message.size is None else message.size)
        writer.write(b"* %d FETCH (UID %d%s)\r\n" % (place, message.uid, size if b"SIZE" in items else b""))

    async def body(self, place: int, message: Message, writer: Writer) -> None:
        """A message whole."""
        head = b"* %d FETCH (UID %d INTERNALDATE %s BODY[] {%d}\r\n" % (
            place,
            message.uid,
            message.date,
            len(message.raw),
        )
        writer.write(head + message.raw + b")\r\n")

    async def do_uid_move(self, tag: bytes, rest: bytes, writer: Writer) -> None:
        """Move by UID."""
        await self.do_uid_copy(b"", rest, writer)
        self.remove(rest.split(b" ")[0])
        writer.write(tag + b" OK moved\r\n")

    async def do_uid_copy(self, tag: bytes, rest: bytes, writer: Writer) -> None:
        """Copy by UID."""
        chosen, _, name = rest.partition(b" ")
        target = self.mailboxes[name.strip(b'"')].messages
        for uid in self.chosen(chosen, [m.uid for m in self.opened.messages]):
            raw = next(m.raw for m in self.opened.messages if m.uid == uid)
            target.append(Message(max((m.uid for m in target), default=0) + 1, raw))
        if tag:
            writer.write(tag + b" OK copied\r\n")

    async def do_uid_store(self, tag: bytes, rest: bytes, writer: Writer) -> None:
        """Flags are not kept."""
        writer.write(tag + b" OK stored\r\n")

    async def do_uid_expunge(self, tag: bytes, rest: bytes, writer: Writer) -> None:
        """Remove by UID."""
        self.remove(rest)
        writer.write(tag + b" OK gone\r\n")

    def remove(self, chosen: bytes) -> None:
        """Take messages away."""
        gone = set(self.chosen(chosen, [m.uid for m in self.opened.messages]))
        self.opened.messages = [m for m in self.opened.messages if m.uid not in gone]

    async def do_logout(self, tag: bytes, rest: bytes, writer: Writer) -> None:
        """Good-bye."""
        writer.write(b"* BYE\r\n" + tag + b" OK done\r\n")
        raise End

    def commands(self) -> set[bytes]:
        """The kinds of commands seen."""
        return {re.match(rb"(?:UID )?\w+", c)[0] for c in self.log if re.match(rb"(?:UID )?\w+", c)}
