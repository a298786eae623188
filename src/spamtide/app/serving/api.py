"""The API: each page's document under ``/api/v1``, and the OpenAPI document that describes them, made from the same catalogue."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from spamtide.app.serving.params import FILTERS, LEAST, MOST, PAGING, ROWS
from spamtide.app.serving.values import Page

VERSION = "1"
ROOT = f"/api/v{VERSION}"
_PATH = re.compile(r"\{(\w+)(?::\w+)?\}")
_ERRORS = {
    "400": "a parameter cannot be read",
    "401": "a token is needed",
    "404": "there is no such thing, or no answer",
    "429": "too many requests; Retry-After says when",
    "503": "the server has more to answer than it can",
}
_LIMIT = {"type": "integer", "minimum": LEAST, "maximum": MOST, "default": ROWS}


def openapi_document(pages: Sequence[Page], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these pages; ``version`` of the program."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "spamtide",
            "version": version,
            "description": (
                "What the dashboard shows, as JSON. Every answer has an ETag. A list goes on with after = the next of the page before. "
                "Instants are RFC 3339 UTC, windows START/END with the end excluded, floats have six significant digits."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": ROOT}],
        "security": [{}, {"token": []}],
        "paths": {open_path(page.path): {"get": _operation(page)} for page in pages},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _ERROR, "How": _HOW, **{_name(page): _document(page) for page in pages}},
            "responses": {
                "NotModified": {"description": "what the client has is still so (If-None-Match)"},
                **{
                    f"Error{status}": {
                        "description": what,
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                    }
                    for status, what in _ERRORS.items()
                },
            },
        },
    }


def open_path(path: str) -> str:
    """A path of the catalogue as OpenAPI has it: no converters."""
    return _PATH.sub(r"{\1}", path)


def _name(page: Page) -> str:
    return "".join(part.capitalize() for part in page.name.split("-"))


def _operation(page: Page) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PATH.findall(page.path)
    ]
    for taken in page.takes:
        schema: dict[str, Any] = {"type": "string"}
        if taken.choices:
            schema["enum"] = list(taken.choices)
        entry: dict[str, Any] = {"name": taken.name, "in": "query", "description": taken.meaning, "schema": schema}
        parameters.append({**entry, "example": taken.example} if taken.example else entry)
    if page.filters:
        parameters += [
            _query(name, meaning if name in page.offers else f"does not narrow this page: {page.why_not[name]}")
            for name, meaning in FILTERS.items()
        ]
    parameters += [{**_query(n, m), **({"schema": _LIMIT} if n == "limit" else {})} for n, m in PAGING.items()]
    answers: dict[str, Any] = {
        "200": {
            "description": page.meaning or page.title,
            "headers": {"ETag": {"schema": {"type": "string"}}},
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{_name(page)}"}}},
        },
        "304": {"$ref": "#/components/responses/NotModified"},
        **{status: {"$ref": f"#/components/responses/Error{status}"} for status in _ERRORS},
    }
    return {
        "operationId": page.name, "summary": page.meaning or page.title, "parameters": parameters, "responses": answers,
    }  # fmt: skip


def _query(name: str, meaning: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}}


_HOW: Mapping[str, Any] = {
    "type": "object",
    "description": "how it was computed",
    "required": ["definition", "method", "query", "command", "files", "generation", "facts_version"],
    "properties": {
        "definition": {"type": "string"},
        "method": {"type": "string"},
        "query": {"type": "string"},
        "command": {"type": "string", "description": "the command that gives the same"},
        "files": {"type": "array", "items": {"type": "string"}, "description": "the tables it was read from"},
        "generation": {"type": ["integer", "null"], "description": "of the settled campaigns"},
        "facts_version": {"type": "integer"},
    },
}
_ERROR: Mapping[str, Any] = {
    "type": "object",
    "required": ["schema", "error", "message", "next"],
    "properties": {
        "schema": {"const": "spamtide.error/1"},
        "error": {"type": "string", "description": "a code of docs/reference/codes.md"},
        "message": {"type": "string"},
        "next": {"type": "string", "description": "what to do"},
    },
}


def _document(page: Page) -> dict[str, Any]:
    required = ["schema", "title", "sentence", "filters", "warnings", "next", "how"]
    return {
        "type": "object",
        "description": page.meaning or page.title,
        "required": required,
        "properties": {
            "schema": {"const": page.schema},
            "title": {"type": "string"},
            "sentence": {"type": "string", "description": "what was found, in words"},
            "filters": {"type": "object", "additionalProperties": {"type": "string"}},
            "warnings": {
                "type": "array",
                "items": {
                    "type": "object", "required": ["code", "text"],
                    "properties": {"code": {"type": "string"}, "text": {"type": "string"}},
                },
            },
            "next": {"type": ["string", "null"], "description": "the key with which the list goes on"},
            "how": {"$ref": "#/components/schemas/How"},
        },
    }  # fmt: skip
