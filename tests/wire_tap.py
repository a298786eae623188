"""What a client puts on the wire on its way to a receiver: a tap on loopback that passes every byte on and keeps it.

``messages`` reads the client's bytes by RFC 5321 and RFC 3030 and knows nothing of the kernel: DATA ends at CRLF.CRLF alone, one dot that
begins a line is taken off, a chunk is what its length says.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from dataclasses import dataclass

from smtp_recorder import unstuff

PATH = re.compile(r'<((?:"(?:\\.|[^"\\])*"|[^">])*)>')


@dataclass(frozen=True)
class Sent:
    """One message as a receiver is to keep it."""

    sender: str
    to: tuple[str, ...]
    raw: bytes


class Tap:
    """Listens in a ``with`` block; ``said`` holds what each client wrote, ``answered`` the receiver's bytes."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.said: list[bytearray] = []
        self.answered: list[bytearray] = []
        self._open = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Tap:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.address = self._listener.getsockname()[:2]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # A thread in accept() is woken by shutdown, not by close.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def settled(self, seconds: float = 60.0) -> None:
        """Waits until no connection is open."""
        end = time.monotonic() + seconds
        while self._open and time.monotonic() < end:
            time.sleep(0.02)
        assert not self._open, f"{self._open} connections are still open"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self.target)
                said, answered = bytearray(), bytearray()
                with self._lock:
                    self._open += 1
                    self.said.append(said)
                    self.answered.append(answered)
                threading.Thread(target=self._pass, args=(client, server, said, answered), daemon=True).start()

    def _pass(self, client: socket.socket, server: socket.socket, said: bytearray, answered: bytearray) -> None:
        back = threading.Thread(target=self._pump, args=(server, client, answered), daemon=True)
        back.start()
        self._pump(client, server, said)
        back.join()
        client.close()
        server.close()
        with self._lock:
            self._open -= 1

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                kept += data
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


def path_of(line: str) -> str:
    """The address of a MAIL or RCPT line."""
    found = PATH.search(line)
    assert found, line
    return found[1]


def messages(said: bytes) -> list[Sent]:
    """The whole messages of one connection whose every MAIL, RCPT and DATA was accepted; what has no end is left out."""
    found, at, sender, to, chunks = list[Sent](), 0, "", list[str](), b""
    while (end := said.find(b"\n", at)) >= 0:
        line = said[at:end].decode("utf-8", "surrogateescape").strip()
        at, word = end + 1, line.upper()
        if word.startswith("MAIL FROM:"):
            sender, to, chunks = path_of(line), [], b""
        elif word.startswith("RCPT TO:"):
            to.append(path_of(line))
        elif word in ("RSET",) or word.startswith(("HELO", "EHLO", "LHLO")):
            to, chunks = [], b""
        elif word == "DATA":
            # The line end of DATA is the first CRLF.
            end = said.find(b"\r\n.\r\n", at - 2)
            if end < 0:
                break
            found.append(Sent(sender, tuple(to), unstuff(bytes(said[at : end + 2]))))
            at, to = end + 5, []
        elif word.startswith("BDAT "):
            size = int(word.split()[1])
            chunks += said[at : at + size]
            whole, at = at + size <= len(said), at + size
            if whole and word.endswith(" LAST"):
                found.append(Sent(sender, tuple(to), bytes(chunks)))
                to, chunks = [], b""
    return found
