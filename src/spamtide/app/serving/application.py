"""The web application: routes for each page and its twins, static files, the login, errors as pages."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import metadata
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from spamtide.app.narrowings import narrowing
from spamtide.app.serving import security
from spamtide.app.serving.api import ROOT, openapi_document
from spamtide.app.serving.asking import HOLDS_SECONDS, Asker
from spamtide.app.serving.catalogue import PAGES
from spamtide.app.serving.entrance import COOKIE, LASTS_SECONDS, Entrance
from spamtide.app.serving.framing import frame_of
from spamtide.app.serving.live import LOOK_SECONDS, Hub
from spamtide.app.serving.pages.campaigns import campaign_filters
from spamtide.app.serving.params import FILTERS, PAGING, Params
from spamtide.app.serving.saving import saving_routes
from spamtide.app.serving.security import Front, Guard
from spamtide.app.serving.telling import tell
from spamtide.app.serving.twins import csv_bytes, document_of, json_bytes
from spamtide.app.serving.values import Download, Page, PageValue
from spamtide.app.serving.viewer import viewer_routes
from spamtide.app.serving.warming import Warmer
from spamtide.errors import BrokenWorld, SpamtideError, Unanswerable, WrongUse
from spamtide.report import live_static, render_live

HTML, JSON, CSV = "text/html; charset=utf-8", "application/json", "text/csv; charset=utf-8"
_LONGEST_QUERY = 8_000
# Questions that the engine is asked at once; the others wait for their turn.
_AT_ONCE = 2
_TURN_SECONDS = 20.0

# What is said to a request before any page sees it.
_REFUSED = {
    error.code: error
    for error in (
        WrongUse("unknown_host", "This server does not go by that name.",
                 "Use its address, or name it with --name when starting spamtide serve."),
        WrongUse("too_many_requests", "Too many requests.", "Wait a little; Retry-After says how long."),
        WrongUse("other_origin", "This request came from another site.", "Use the pages of this server."),
        WrongUse("token_needed", "A token is needed.", "Log in, or send it as 'Authorization: Bearer TOKEN'."),
    )
}  # fmt: skip
_STATUS = {
    "busy": 503, "local_only": 403, "reason_needed": 403, "frame_only": 403, "message_gone": 410, "no_html": 404,
}  # fmt: skip


class Turns:
    """So many at once; whoever waits too long for a turn is told so."""

    def __init__(self, at_once: int) -> None:
        self._free = threading.BoundedSemaphore(at_once)

    def __enter__(self) -> None:
        if not self._free.acquire(timeout=_TURN_SECONDS):
            raise BrokenWorld("busy", "The server has more to answer than it can.", "Try again in a moment.")

    def __exit__(self, *_: object) -> None:
        self._free.release()


class Pages:
    """Answers requests for pages: finds the value, renders the twin that was asked for, knows what the client has already."""

    def __init__(self, asker: Asker, entrance: Entrance) -> None:
        self.asker = asker
        self.entrance = entrance
        self._turns = Turns(_AT_ONCE)
        self.warmer: Warmer | None = None

    def routes(self, page: Page) -> list[BaseRoute]:
        """The routes of a page: its twins first, since a parameter in a path could swallow their endings."""
        return [
            Route(page.path + ".json", self._answer(page, "json"), methods=["GET"], name=f"{page.name}.json"),
            Route(page.path + ".csv", self._answer(page, "csv"), methods=["GET"], name=f"{page.name}.csv"),
            Route(page.path, self._answer(page, "html"), methods=["GET"], name=page.name),
            Route(ROOT + page.path, self._answer(page, "api"), methods=["GET"], name=f"api.{page.name}"),
        ]

    def value(self, page: Page, params: Params) -> tuple[PageValue | Download, dict[str, Any]]:
        """What a page found, and what it was computed from."""
        key = (page.name, params.canonical())
        with self._turns, self._narrowed(page, params):
            if not page.kept:
                found = page.find(self.asker, params)
            else:
                # What is not settled yet changes all the time: a list of it holds no longer than a look.
                seconds = HOLDS_SECONDS if page.ages else LOOK_SECONDS if params.get("live") else None
                found = self.asker.kept(key, lambda: page.find(self.asker, params), seconds=seconds)
        if page.kept and self.warmer is not None:
            self.warmer.note(page, params)
        generation = self.asker.generation()
        behind = {
            "generation": None if generation is None else generation.number,
            "facts_version": self.asker.facts_version,
        }
        return found, behind

    def _narrowed(self, page: Page, params: Params) -> contextlib.AbstractContextManager[None]:
        # A template is told by what other campaigns do not say: then all are needed.
        if page.name == "campaign" and not params.get("template"):
            return self.asker.only(narrowing([params.get("campaign")], *campaign_filters(self.asker, params)))
        return contextlib.nullcontext()

    def _answer(self, page: Page, twin: str) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            suffix = f".{twin}" if twin in ("json", "csv") else ""
            try:
                params = replace(read_params(request, page, suffix), who=self.who(request))
                asked, passed_over = meant(page, params)
                if passed_over and twin == "csv":
                    raise WrongUse("filter_not_possible", passed_over[0]["text"], "Take this filter away.")
                value, behind = self.value(page, asked)
            except SpamtideError as error:
                return self.error(request, error, twin)
            if isinstance(value, Download):
                return download(value)
            if twin == "csv":
                body, kind = csv_bytes(value), CSV
            else:
                document = document_of(page, value, asked.filters, behind)
                document["warnings"] = [*passed_over, *document["warnings"]]
                if twin in ("json", "api"):
                    body, kind = json_bytes(document), JSON
                else:
                    frame = frame_of(self.asker, self.entrance, params, page)
                    body, kind = render_live(page.template, document, frame).encode("utf-8", "replace"), HTML
            response = tagged(request, body, kind)
            if twin == "csv":
                response.headers["content-disposition"] = f'attachment; filename="{page.name}.csv"'
            if value.next and twin != "html":
                response.headers["link"] = f'<{params.here(suffix, after=value.next)}>; rel="next"'
            return response

        return answer

    def who(self, request: Request) -> str:
        """The person behind a request."""
        return self.entrance.who(request.headers.get("authorization", ""), request.headers.get("cookie", ""))

    def error(self, request: Request, error: SpamtideError, twin: str) -> Response:
        """An error as a document or a page: what happened, to which thing, what to do next, the code."""
        from spamtide.app.output import error_document

        status = status_of(error)
        document = error_document(error)
        if twin != "html":
            return Response(json_bytes({k: plain(v) for k, v in document.items()}), status, media_type=JSON)
        frame = frame_of(self.asker, self.entrance, Params(request.url.path), None)
        body = render_live("error.html", {**document, "title": "That cannot be shown", "status": status}, frame)
        return Response(body.encode("utf-8", "replace"), status, media_type=HTML)

    def refusal(self, scope: Any, status: int, code: str, headers: Mapping[str, str]) -> security.App:
        """The answer to a request that was turned away before any page saw it."""
        request = Request(scope)
        error = _REFUSED[code]
        path = request.url.path
        if code == "token_needed" and _wants_html(request):
            response: Response = RedirectResponse("/login", 303)
        elif _wants_html(request) and not path.endswith((".json", ".csv")):
            frame = frame_of(None, self.entrance, Params("/"), None)
            page = {
                "error": code,
                "message": error.message,
                "next": error.next_step,
                "title": "Not this way",
                "status": status,
            }
            response = Response(render_live("error.html", page, frame), status, media_type=HTML)
        else:
            from spamtide.app.output import error_document

            response = Response(json_bytes(error_document(error)), status, media_type=JSON)
        for name, value in headers.items():
            response.headers[name] = value
        return response

    def login(self, request: Request) -> Response:
        """The form that takes a token."""
        frame = frame_of(None, self.entrance, Params("/login"), None)
        page = {"title": "Log in", "failed": False, "needed": self.entrance.closed}
        return Response(render_live("login.html", page, frame), media_type=HTML)

    async def log_in(self, request: Request) -> Response:
        """A token in, a cookie out."""
        form = await small_form(request)
        session = self.entrance.log_in(form.get("token", ""))
        if session is None:
            tell("serve.login_failed", client=request.client.host if request.client else None)
            frame = frame_of(None, self.entrance, Params("/login"), None)
            page = {"title": "Log in", "failed": True, "needed": self.entrance.closed}
            return Response(render_live("login.html", page, frame), 403, media_type=HTML)
        response = RedirectResponse("/now", 303)
        response.set_cookie(
            COOKIE, session, max_age=LASTS_SECONDS, httponly=True, samesite="strict",
            secure=request.url.scheme == "https", path="/",
        )  # fmt: skip
        return response

    async def log_out(self, request: Request) -> Response:
        """Forget the login."""
        self.entrance.log_out(request.headers.get("cookie", ""))
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, path="/")
        return response

    def missing(self, request: Request, _: Exception) -> Response:
        """No such page."""
        error = WrongUse("not_found", "There is no such page.", "Begin at /now.")
        twin = "html" if _wants_html(request) else "json"
        response = self.error(request, error, twin)
        response.status_code = 404
        return response

    def broken(self, request: Request, error: Exception) -> Response:
        """A bug of ours: told in the log, not to the client."""
        tell("serve.bug", path=request.url.path[:300], error=type(error).__name__,
             trace=traceback.format_exception(error)[-6:])  # fmt: skip
        bug = SpamtideError("bug", "A bug in spamtide; its log has the report.", "Send that to the maintainers.")
        return self.error(request, bug, "html" if _wants_html(request) else "json")


def make_application(
    asker: Asker, front: Front, entrance: Entrance, hub: Hub | None = None, *, warm: bool = False
) -> Guard:
    """The whole server as an ASGI application. Who gives the ``hub`` of its live streams can close them.

    ``warm``: pages are asked for before anybody comes, and again when the tables have changed.
    """
    pages = Pages(asker, entrance)
    live = hub or Hub(asker)
    if warm:
        pages.warmer = Warmer(asker, lambda page, params: pages.value(page, params))
        pages.warmer.start()

    async def stream(request: Request) -> Response:
        return await live.answer(request, pages.error)

    routes: list[BaseRoute] = [
        Route("/", lambda _: RedirectResponse("/now", 307), methods=["GET"]),
        Route("/static/{name:path}", static, methods=["GET"]),
        Route("/live", stream, methods=["GET"]),
        Route("/login", pages.login, methods=["GET"]),
        Route("/login", pages.log_in, methods=["POST"]),
        Route("/logout", pages.log_out, methods=["POST"]),
    ]
    for path, answer in saving_routes(asker, pages.error, small_form).items():
        routes.append(Route(path, answer, methods=["POST"]))
    described = json_bytes(openapi_document(PAGES, metadata.version("spamtide")))
    routes.append(Route(f"{ROOT}/openapi.json", lambda request: tagged(request, described, JSON), methods=["GET"]))
    routes += viewer_routes(asker, pages.who, small_form, pages.error)
    for page in PAGES:
        routes += pages.routes(page)
    handlers: Any = {404: pages.missing, Exception: pages.broken}
    inner = Starlette(routes=routes, exception_handlers=handlers)
    return Guard(inner, front, entrance, pages.refusal, lambda: pages.warmer.close() if pages.warmer else None)


def meant(page: Page, params: Params) -> tuple[Params, list[dict[str, str]]]:
    """The parameters without the filters that do not narrow a page, and of each of these a warning that says why it does not."""
    idle = [name for name in params.filters if name not in page.offers]
    warnings = [
        {"code": "filter_not_possible", "text": f"The filter {name} does not narrow this page. {page.why_not[name]}"}
        for name in idle
    ]
    return replace(params, given={k: v for k, v in params.given.items() if k not in idle}), warnings


def read_params(request: Request, page: Page, suffix: str = "") -> Params:
    """The parameters of a request. Raises WrongUse ``unknown_parameter``, ``bad_request``."""
    if len(request.url.query) > _LONGEST_QUERY:
        raise WrongUse("bad_request", "The address is too long.", "Ask for less at once.")
    known = {t.name for t in page.takes} | set(PAGING) | (set(FILTERS) if page.filters else set())
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise WrongUse(
                "unknown_parameter", f"{page.title} takes no parameter {name!r}.",
                f"Parameters: {', '.join(sorted(known))}.", parameter=name,
            )  # fmt: skip
        # A form with several boxes of one name means all of them.
        given[name] = f"{given[name]},{value}" if given.get(name) else value
    path = {k: str(v) for k, v in request.path_params.items()}
    return Params(quote(request.url.path.removesuffix(suffix)), path, {k: v for k, v in given.items() if v})


async def small_form(request: Request) -> dict[str, str]:
    """The fields of a posted form. Raises WrongUse ``bad_request`` where it is too large or no form."""
    from urllib.parse import parse_qsl

    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST_QUERY:
            raise WrongUse("bad_request", "The form is too large.", "Send less.")
    return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=50))


def static(request: Request) -> Response:
    """A static file, named with its hash; for ever the same."""
    found = live_static(request.path_params["name"])
    if found is None:
        return Response("", 404, media_type="text/plain")
    body, kind, digest = found
    held = "public, max-age=31536000, immutable" if request.query_params.get("v") == digest else "no-cache"
    return Response(body, media_type=kind, headers={"etag": f'"{digest}"', "cache-control": held})


def download(value: Download) -> Response:
    """Bytes as a file; never shown by the browser itself."""
    named = "".join(c if c.isascii() and (c.isalnum() or c in "-._") else "_" for c in value.name)
    headers = {"content-disposition": f'attachment; filename="{named}"', **value.headers}
    return Response(value.body, media_type=value.content_type, headers=headers)


def tagged(request: Request, body: bytes, kind: str) -> Response:
    """A response with its ETag, or 304 where the client has it."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    held = [t.strip().removeprefix("W/") for t in request.headers.get("if-none-match", "").split(",")]
    if tag in held:
        return Response(status_code=304, headers={"etag": tag})
    return Response(body, media_type=kind, headers={"etag": tag})


def status_of(error: SpamtideError) -> int:
    """The HTTP status that goes with an error."""
    if error.code in _STATUS:
        return _STATUS[error.code]
    if isinstance(error, WrongUse):
        return (
            404
            if error.code.startswith("unknown_")
            and error.code not in ("unknown_parameter", "unknown_field", "unknown_origin")
            else 400
        )
    if isinstance(error, Unanswerable):
        return 404
    return 500


def plain(value: object) -> Any:
    """A fact of an error as JSON has it."""
    return value if isinstance(value, (str, int, float, bool, list, dict, type(None))) else str(value)


def _wants_html(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
