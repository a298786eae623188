"""Tells the operator of an alarm, by what the settings name: a webhook, a program of the operator's. Never by mail: spamtide sends none.

Both get the same JSON: what is watched and by which measure, when, on how much. It holds nothing that a sender wrote. The program is
started as it is named, without a shell, with the JSON on its standard input. What was delivered is in the journal; what was not is
tried again by the next run.
"""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from spamtide.app.watching.book import RaisedAlarm, WatchBook
from spamtide.errors import BrokenWorld, WrongUse

if TYPE_CHECKING:
    from spamtide.app.config import WatchSettings

Document = Mapping[str, Any]


def tell_alarms(
    book: WatchBook,
    settings: WatchSettings,
    raised: Sequence[tuple[RaisedAlarm, Document]],
    *,
    clock: Callable[[], int],
) -> list[BrokenWorld]:
    """Deliver each alarm by each way that has not delivered it yet; what failed, one error each."""
    failed = []
    ways: dict[str, Callable[[Document], None]] = {}
    if settings.webhook:
        ways["webhook"] = lambda document: post_webhook(settings.webhook, document, settings.timeout_seconds)
    if settings.command:
        ways["command"] = lambda document: run_command(settings.command, document, settings.timeout_seconds)
    for alarm, document in raised:
        for by, deliver in ways.items():
            if by in alarm.told or alarm.decided == "dismissed":
                continue
            try:
                deliver(document)
            except BrokenWorld as error:
                failed.append(error)
            else:
                book.told(alarm.id, by, now=clock())
    return failed


def post_webhook(url: str, document: Document, timeout: float) -> None:
    """POST a document to the operator's address; redirects are not followed. Raises BrokenWorld ``webhook_failed``, WrongUse ``bad_settings``."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WrongUse("bad_settings", "watch.webhook is no http or https address.", "Correct it in spamtide.toml.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    body = json.dumps(document, ensure_ascii=False).encode()
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=timeout, context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json", "User-Agent": "spamtide"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise _failed("webhook_failed", "The webhook", f"{type(error).__name__}", document) from None
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise _failed("webhook_failed", "The webhook", f"it answered {status}", document)


def run_command(command: Sequence[str], document: Document, timeout: float) -> None:
    """Run the operator's program with a document on its standard input. Raises BrokenWorld ``command_failed``."""
    body = json.dumps(document, ensure_ascii=False).encode()
    try:
        done = subprocess.run(
            list(command), input=body, timeout=timeout, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed("command_failed", "The alarm's program", type(error).__name__, document) from None
    if done.returncode:
        raise _failed("command_failed", "The alarm's program", f"it ended with {done.returncode}", document)


def _failed(code: str, what: str, why: str, document: Document) -> BrokenWorld:
    return BrokenWorld(
        code, f"{what} was not told of the alarm of {document.get('name')!r}: {why}.",
        "Correct [watch] in spamtide.toml; the next 'spamtide watch run' tries again.", watch=document.get("name"),
    )  # fmt: skip
