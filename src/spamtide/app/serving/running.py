"""The process of the dashboard: its socket, its signals, its end."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from spamtide.app.serving.entrance import Entrance
from spamtide.app.serving.security import Front
from spamtide.app.stopping import stop_signals
from spamtide.errors import BrokenWorld, WrongUse

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

_CONNECTIONS = 200
_GOODBYE_SECONDS = 3


def run_server(
    workspace: Workspace,
    place: str,
    *,
    tokens: Sequence[str],
    names: Sequence[str],
    public: bool,
    clock: Callable[[], int],
    ready: Callable[[str], None],
) -> int:
    """Serve the workspace at ``place`` (ADDRESS:PORT) until a signal; the number of that signal. ``ready`` is told the URL.

    Raises WrongUse ``token_needed`` off loopback without a token, BrokenWorld ``cannot_listen``.
    """
    import ipaddress

    host, _, port = place.rpartition(":")
    host = host.strip("[]")
    loopback = ipaddress.ip_address(host).is_loopback
    if not loopback and not tokens:
        raise WrongUse(
            "token_needed",
            f"{place} can be reached from other machines, and no token is named.",
            "Write one into a file that only you can read, and name it with --token-file; docs/howto/dashboard.md shows how.",
            given=place,
        )
    listener = _listen(host, int(port))
    bound = listener.getsockname()[1]
    # Everything heavy is loaded after the port is ours.
    import uvicorn

    from spamtide.app.serving.application import make_application
    from spamtide.app.serving.asking import Asker
    from spamtide.app.serving.live import Hub

    asker = Asker(workspace, local=loopback and not public, clock=clock)
    front = Front(loopback, tuple(names))
    hub = Hub(asker)
    application = make_application(asker, front, Entrance(tokens), hub, warm=True)
    config = uvicorn.Config(
        application,
        log_config=None, access_log=False, server_header=False, date_header=True, proxy_headers=False, lifespan="off",
        limit_concurrency=_CONNECTIONS, timeout_keep_alive=15, h11_max_incomplete_event_size=64 * 1024,
        timeout_graceful_shutdown=_GOODBYE_SECONDS, loop="asyncio", http="h11", ws="none",
    )  # fmt: skip
    server = _server_class()(config)
    shown = f"[{host}]" if ":" in host else host
    server.when_asked_to_stop = hub.close
    server.when_started = lambda: ready(f"http://{shown}:{bound}/")
    # uvicorn raises the signal that ended it once more, for whoever handled it before: here.
    with stop_signals() as seen:
        try:
            server.run(sockets=[listener])
        finally:
            application.close()
            asker.close()
            listener.close()
    return seen[0] if seen else 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise BrokenWorld(
            "cannot_listen", f"The dashboard cannot be had at {host}:{port}: {error}.",
            "Is the port free? Port 0 takes a free one.",
        ) from None  # fmt: skip
    return listener


def _server_class() -> Any:
    import uvicorn

    class Server(uvicorn.Server):
        """uvicorn's server that says when it listens."""

        when_started: Callable[[], None] = staticmethod(lambda: None)
        when_asked_to_stop: Callable[[], None] = staticmethod(lambda: None)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                self.when_started()

        def handle_exit(self, sig: int, frame: Any) -> None:
            self.when_asked_to_stop()
            super().handle_exit(sig, frame)

    return Server
