"""Where Prometheus fetches a trap's metrics: HTTP on loopback, in a thread of the trap's process, for GET /metrics and nothing else."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6

from spamtide.app.metrics import CONTENT_TYPE
from spamtide.errors import BrokenWorld, WrongUse

_PATIENCE = 5.0


class MetricServer:
    """Serves what ``page`` returns from now until ``close``.

    ``place``: HOST:PORT as ``parse_address`` gives it. Raises WrongUse ``metrics_not_loopback``, BrokenWorld ``cannot_listen``.
    """

    def __init__(self, place: str, page: Callable[[], str]) -> None:
        host, _, port = place.rpartition(":")
        host = host.strip("[]")
        if not ipaddress.ip_address(host).is_loopback:
            raise WrongUse(
                "metrics_not_loopback",
                f"{place} is no address of loopback; metrics say how a trap is, and stay on this machine.",
                "Write --metrics 127.0.0.1:PORT; let a collector on this machine, or a tunnel, carry them further.",
                given=place,
            )
        try:
            self._server = _server(AF_INET6 if ":" in host else AF_INET)((host, int(port)), _handler(page))
        except OSError as error:
            raise BrokenWorld(
                "cannot_listen",
                f"Metrics cannot be had at {place}: {error}.",
                "Is the port free? Port 0 takes a free one.",
            ) from None
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()
        bound = self._server.server_address[1]
        self.place = f"[{host}]:{bound}" if ":" in host else f"{host}:{bound}"

    def close(self) -> None:
        """Serve no more; returns when the port is free."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _server(kind: int) -> type[ThreadingHTTPServer]:
    class Server(ThreadingHTTPServer):
        address_family = kind
        daemon_threads = True
        # A reader that hangs must not hold up the end of the trap.
        block_on_close = False

    return Server


def _handler(page: Callable[[], str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE
        server_version = "spamtide"
        sys_version = ""

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            body = page().encode()
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: who fetches metrics is no event of the trap."""

    return Handler
