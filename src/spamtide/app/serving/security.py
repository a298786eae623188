"""What stands before the pages: headers, the name asked for, where a change comes from, how often, and who may.

As ASGI middleware, since a stream of events must pass through it. Nothing here looks at what a page is about.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from spamtide.app.serving.entrance import COOKIE, Entrance
from spamtide.app.serving.telling import tell_request

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "private, no-cache",
}
READING = ("GET", "HEAD")
# Requests a second that one client may go on with, and how many at once; logins and wrong tokens a minute.
RATE, BURST = 50.0, 400
TRIES_A_MINUTE = 5
_CLIENTS = 10_000
# What anybody may fetch: the form to log in, and what it is drawn with.
_OPEN = ("/login", "/static/")


@dataclass(frozen=True, slots=True)
class Front:
    """How the server is reached: the names by which it may be asked for (addresses always), and whether it is on loopback only."""

    loopback: bool
    names: tuple[str, ...] = ()

    def answers_to(self, host: str) -> bool:
        """Whether a Host header is one of ours. A name that is not could be anybody's, pointed at us (DNS rebinding)."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return name == "localhost" or name in self.names
        return address.is_loopback or not self.loopback


@dataclass
class Buckets:
    """A token bucket a client: ``rate`` a second, ``burst`` at once. ``clock``: seconds, any zero."""

    rate: float
    burst: float
    clock: Callable[[], float] = time.monotonic
    _held: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, client: str) -> float:
        """Take one; 0 where there was one, else the seconds until there is."""
        now = self.clock()
        left, at = self._held.get(client, (self.burst, now))
        left = min(self.burst, left + (now - at) * self.rate)
        short = left < 1
        self._held[client] = (left if short else left - 1, now)
        self._held.move_to_end(client)
        while len(self._held) > _CLIENTS:
            self._held.popitem(last=False)
        return (1 - left) / self.rate if short else 0.0


class Guard:
    """The middleware. ``refuse`` makes the answer to a request that is turned away: status, code, headers."""

    def __init__(
        self,
        app: App,
        front: Front,
        entrance: Entrance,
        refuse: Callable[[Scope, int, str, Mapping[str, str]], App],
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.close = close
        self._app = app
        self._front = front
        self._entrance = entrance
        self._refuse = refuse
        self._rates = Buckets(RATE, BURST)
        self._tries = Buckets(TRIES_A_MINUTE / 60, TRIES_A_MINUTE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def sealed(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = with_headers(message.get("headers", []))
            await send(message)

        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        client = (scope.get("client") or ("unknown", 0))[0]
        app = self._turned_away(scope, headers, client) or self._app
        try:
            await app(scope, receive, sealed)
        finally:
            tell_request(scope["method"], scope["path"], status, time.perf_counter() - started, client)

    def _turned_away(self, scope: Scope, headers: Mapping[str, str], client: str) -> App | None:
        if not self._front.answers_to(headers.get("host", "")):
            return self._refuse(scope, 421, "unknown_host", {})
        wait = self._rates.take(client)
        if wait:
            return self._refuse(scope, 429, "too_many_requests", {"retry-after": str(int(wait) + 1)})
        if scope["method"] not in READING and not _from_here(headers):
            return self._refuse(scope, 403, "other_origin", {})
        if scope["path"] == "/login" and scope["method"] not in READING:
            return self._slowed(scope, client)
        if not self._entrance.closed or any(scope["path"].startswith(p) for p in _OPEN):
            return None
        if self._entrance.lets_in(headers.get("authorization", ""), headers.get("cookie", "")):
            return None
        if headers.get("authorization"):
            return self._slowed(scope, client) or self._refuse(
                scope, 401, "token_needed", {"www-authenticate": "Bearer"}
            )
        return self._refuse(scope, 401, "token_needed", {"www-authenticate": "Bearer"})

    def _slowed(self, scope: Scope, client: str) -> App | None:
        wait = self._tries.take(client)
        return self._refuse(scope, 429, "too_many_requests", {"retry-after": str(int(wait) + 1)}) if wait else None


def _from_here(headers: Mapping[str, str]) -> bool:
    """Whether a request that changes something comes from one of our own pages, or from no page at all and with a token.

    A browser sends Origin with every POST; a program that sends none cannot have been led here by another site, unless it carries
    a cookie.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    if origin is None:
        return site == "same-origin" or COOKIE not in headers.get("cookie", "")
    return urlsplit(origin).netloc == headers.get("host", "") and origin != "null"


def with_headers(given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Headers of a response with ours beside them; one that the page set itself stays."""
    have = {name.lower() for name, _ in given}
    ours = [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in have]
    return [*((k, v) for k, v in given if k.lower() != b"server"), *ours]
