"""What the message viewer needs beside its page: the HTML for its frame, the bytes as a file, and the reason for reading a person's mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from spamtide.app.serving.asking import Asker
from spamtide.app.serving.pages.message import PAGES, message_id_of, require_readable
from spamtide.app.serving.params import Params
from spamtide.errors import SpamtideError, WrongUse
from spamtide.message import html_of, outline
from spamtide.report import FRAME_POLICY, inert_html

PATH = PAGES[0].path
ErrorPage = Callable[[Request, SpamtideError, str], Response]
WhoOf = Callable[[Request], str]
Form = Callable[[Request], Any]


def viewer_routes(asker: Asker, who: WhoOf, form: Form, error: ErrorPage) -> list[BaseRoute]:
    """The routes. ``who`` names the person behind a request, ``form`` reads a posted form, ``error`` makes the page of one."""

    def params(request: Request) -> Params:
        return Params(request.url.path, {k: str(v) for k, v in request.path_params.items()}, who=who(request))

    def guarded(answer: Callable[[Params, Request], Response]) -> Callable[[Request], Response]:
        def answered(request: Request) -> Response:
            try:
                return answer(params(request), request)
            except SpamtideError as wrong:
                return error(request, wrong, "html")

        return answered

    async def reason(request: Request) -> Response:
        asked = params(request)
        given = (await form(request)).get("reason", "")
        try:
            await run_in_threadpool(_unveil, asker, asked, given)
        except SpamtideError as wrong:
            return error(request, wrong, "html")
        return RedirectResponse(f"/message/{message_id_of(asked)}", 303)

    return [
        Route(PATH + "/html", guarded(lambda p, r: framed_html(asker, p, r)), methods=["GET"]),
        Route(PATH + "/message.eml", guarded(lambda p, _: as_file(asker, p)), methods=["GET"]),
        Route(PATH + "/reason", reason, methods=["POST"]),
    ]


def framed_html(asker: Asker, params: Params, request: Request) -> Response:
    """The HTML of a message for the frame of its page, and for nothing else. Raises WrongUse ``frame_only``, ``no_html`` and what a reader raises."""
    # Outside its frame nothing would hold a click on what looks like a link.
    if request.headers.get("sec-fetch-dest", "iframe") != "iframe":
        raise WrongUse("frame_only", "The HTML of a message is shown in a frame of its page only.", "Open the message.")
    message, head = require_readable(asker, params, "html")
    text = None if head["state"] == "quarantined" else html_of(message.raw, outline(message.raw))
    if text is None:
        raise WrongUse("no_html", f"{message.id} has no HTML that can be shown.", "Read its text.", id=message.id)
    headers = {"content-security-policy": FRAME_POLICY, "x-frame-options": "SAMEORIGIN", "x-dns-prefetch-control": "off", "cache-control": "no-store"}  # fmt: skip
    return Response(inert_html(text).encode("utf-8", "replace"), media_type="text/html; charset=utf-8", headers=headers)


def as_file(asker: Asker, params: Params) -> Response:
    """The raw bytes, as a file that no browser opens by itself."""
    message, _ = require_readable(asker, params, "download")
    name = "".join(c if c.isascii() and (c.isalnum() or c in "-._") else "_" for c in message.id) + ".eml"
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "no-store",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return Response(message.raw, media_type="application/octet-stream", headers=headers)


def _unveil(asker: Asker, params: Params, reason: str) -> None:
    message_id = message_id_of(params)
    asker.workspace.archive.record(message_id)
    if not asker.local:
        raise WrongUse(
            "local_only", "Mail itself is shown on the machine that keeps it.", "Use 'ssh -L'.", id=message_id
        )
    asker.readings.unveil(params.who, message_id, reason)
