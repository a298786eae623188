"""The connection to a mailbox server, with bounds: bytes an answer may have, and how slowly it may come.

The server is not trusted. Each command has an allowance of bytes for its whole answer; a literal is never allocated by
the length that the server announces; a silence longer than the time-out ends the connection, and so does a trickle.
Nothing that came before TLS is read after it.
"""

from __future__ import annotations

import imaplib
import socket
import ssl
import time
from typing import Any

from imapclient import IMAPClient, SocketTimeout

# Fewer bytes than these within one time-out are a trickle, not an answer.
TRICKLE_BYTES = 64
CHUNK = 64 * 1024
LINE_BYTES = 1024 * 1024
# What the answers to greeting, login and the like may have.
SMALL_BYTES = 256 * 1024
ENDED = "ended the connection"


class BoundedImap(imaplib.IMAP4):
    """imaplib with its own buffer, an allowance for each command, and a clock. ``secure``: TLS from the first byte."""

    def __init__(self, host: str, port: int, timeout: float, secure: ssl.SSLContext | None) -> None:
        self._held = bytearray()
        self._patience, self._secure = timeout, secure
        self.received = 0
        self.too_much = False
        self.allow(SMALL_BYTES)
        super().__init__(host, port, timeout)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        plain = socket.create_connection((self.host, self.port), timeout)
        if self._secure is None:
            return plain
        try:
            return self._secure.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def allow(self, size_bytes: int) -> None:
        """The next command's answer may have so many bytes."""
        self._left = size_bytes
        self._since, self._came = time.monotonic(), 0

    def _end_it(self, reason: str) -> imaplib.IMAP4.abort:
        # imaplib makes another error of this one, so the connection remembers.
        self.too_much = True
        return self.abort(reason)

    def _receive(self) -> None:
        data = self.sock.recv(CHUNK)
        if not data:
            raise self.abort(ENDED)
        self.received += len(data)
        self._left -= len(data)
        if self._left < 0:
            raise self._end_it("sent more than was asked for")
        self._came += len(data)
        now = time.monotonic()
        if now - self._since > self._patience:
            if self._came < TRICKLE_BYTES:
                raise TimeoutError
            self._since, self._came = now, 0
        self._held += data

    def read(self, size: int) -> bytes:
        """``size`` bytes."""
        if size > self._left + len(self._held):
            raise self._end_it(f"announced {size} bytes, more than was asked for")
        while len(self._held) < size:
            self._receive()
        return self._take(size)

    def readline(self) -> bytes:
        """A line with its end."""
        searched = 0
        while (end := self._held.find(b"\n", searched)) < 0:
            searched = len(self._held)
            if searched > LINE_BYTES:
                raise self._end_it("sent a line without an end")
            self._receive()
        return self._take(end + 1)

    def _take(self, size: int) -> bytes:
        data = bytes(memoryview(self._held)[:size])
        del self._held[:size]
        return data

    def _simple_command(self, name: str, *args: Any) -> Any:
        answer = super()._simple_command(name, *args)  # type: ignore[misc]
        if name == "STARTTLS" and self._held:
            # Would be read as if it had come under TLS.
            raise self.abort("sent more in the clear after its answer to STARTTLS")
        return answer


class Client(IMAPClient):  # type: ignore[misc]
    """imapclient on the bounded connection."""

    def __init__(self, host: str, port: int, timeout: float, secure: ssl.SSLContext | None) -> None:
        self._patience = timeout
        super().__init__(
            host, port, ssl=secure is not None, ssl_context=secure, timeout=SocketTimeout(timeout, timeout)
        )
        # Names of mailboxes stay as the server writes them.
        self.folder_encode = False
        # imaplib would format every line for a log that nobody reads.
        self.wire.debug = 0

    def _create_IMAP4(self) -> BoundedImap:
        return BoundedImap(self.host, self.port, self._patience, self.ssl_context if self.ssl else None)

    @property
    def wire(self) -> BoundedImap:
        """The connection."""
        wire: BoundedImap = self._imap
        return wire
