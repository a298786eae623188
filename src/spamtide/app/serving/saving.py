"""What the dashboard writes: saved searches, into the journal under a writer of its own. Only from our own pages, or with a token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from spamtide.errors import SpamtideError

if TYPE_CHECKING:
    from spamtide.app.serving.asking import Asker

Answer = Callable[[Request], Awaitable[Response]]


def saving_routes(
    asker: Asker,
    refused: Callable[[Request, SpamtideError, str], Response],
    form: Callable[[Request], Awaitable[dict[str, str]]],
) -> dict[str, Answer]:
    """What is posted where: ``/search/save`` with ``name`` and ``q``, ``/search/forget`` with ``name``."""

    async def save(request: Request) -> Response:
        from spamtide.app.saved import save_search

        try:
            fields = await form(request)
            name, query = fields.get("name", ""), fields.get("q", "")
            await run_in_threadpool(save_search, asker.workspace, name, query, now=asker.now(), journal=asker.journal)
        except SpamtideError as error:
            return refused(request, error, "html")
        return RedirectResponse(f"/search?{urlencode({'saved': name})}", 303)

    async def forget(request: Request) -> Response:
        from spamtide.app.saved import forget_search

        try:
            fields = await form(request)
            name = fields.get("name", "")
            await run_in_threadpool(forget_search, asker.workspace, name, now=asker.now(), journal=asker.journal)
        except SpamtideError as error:
            return refused(request, error, "html")
        return RedirectResponse("/search", 303)

    return {"/search/save": save, "/search/forget": forget}
