"""What the tests of the dashboard in a real browser are made of: a server, a canary, pages that notice what went wrong.

Pictures are written into the folder that SPAMTIDE_PICTURES names.
"""

from __future__ import annotations

import os
import shutil
import socketserver
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

BROWSER = next((b for b in ("chromium", "chromium-browser", "google-chrome") if shutil.which(b)), None)
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


class Canary(socketserver.ThreadingTCPServer):
    """A server that hostile mail names; it counts whoever connects."""

    daemon_threads = True

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        super().__init__(("127.0.0.1", 0), CanaryHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class CanaryHandler(socketserver.BaseRequestHandler):
    """Writes down a connection, whether or not anything is said."""

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, Canary)
        server.seen.append(b"connected")
        self.request.settimeout(1)
        try:
            server.seen.append(self.request.recv(2048).split(b"\r\n")[0])
            self.request.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        except OSError:
            pass


@dataclass
class Served:
    """A running dashboard: its URL, its workspace, and the hostile mail in its feed ``hostile``."""

    url: str
    workspace: Path
    hostile: dict[str, str]
    canary: Canary


@dataclass
class Seen:
    """What a page did that it must not do. ``expected``: ends of frames whose stopped loads are what a test is about."""

    origin: str
    wrong: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def watch(self, page: Any) -> None:
        """Listen to a page."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.wrong.append(f"page error: {error}"))
        page.on("request", self._request)

    def _console(self, message: Any) -> None:
        if message.type not in ("error", "warning"):
            return
        at = message.location.get("url", "")
        if any(urlsplit(at).path.endswith(end) for end in self.expected):
            self.blocked.append(message.text)
        else:
            self.wrong.append(f"{message.type} at {at}: {message.text}")

    def _request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if any(urlsplit(request.frame.url).path.endswith(end) for end in self.expected):
            # The browser tells of requests that its policy stops; the canary knows whether one left.
            self.blocked.append(request.url)
        elif parts.scheme not in ("data", "about", "blob") and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.wrong.append(f"request to another origin: {request.url}")


@dataclass
class Visitor:
    """Opens pages in contexts of their own kind: dark, narrow, without script."""

    browser: Any
    served: Served
    seen: Seen
    contexts: list[Any] = field(default_factory=list)

    def open(self, path: str, *, viewport: dict[str, int] = DESK, dark: bool = False, **context: Any) -> Any:
        """A page of the dashboard, loaded and quiet."""
        made = self.browser.new_context(
            viewport=viewport, color_scheme="dark" if dark else "light", reduced_motion="reduce", **context
        )
        self.contexts.append(made)
        page = made.new_page()
        page.set_default_timeout(15_000)
        page.set_default_navigation_timeout(60_000)
        self.seen.watch(page)
        page.goto(self.served.url + path, wait_until="load")
        return page


def picture(page: Any, name: str) -> None:
    """Keep a picture of the whole page, where somebody wants them."""
    if folder := os.environ.get("SPAMTIDE_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
