"""The server's log: one line of ASCII JSON a request on stderr. What a client sends is quoted, so that it cannot forge a line.

The query of a URL is left out: it says what an analyst looks for.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from spamtide.app.instants import format_instant
from spamtide.app.workspace import now_us

_PATH = 300


def tell(event: str, **facts: Any) -> None:
    """One line."""
    line = json.dumps({"event": event, "at": format_instant(now_us()), **facts}, ensure_ascii=True, default=str)
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def tell_request(method: str, path: str, status: int, seconds: float, client: str) -> None:
    """The line of a request that was answered."""
    tell(
        "serve.request", method=method[:16], path=path[:_PATH], status=status,
        ms=round(seconds * 1000, 1), client=client,
    )  # fmt: skip
