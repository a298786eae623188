"""The API and the document that describes it."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient

from spamtide.app.serving.api import ROOT, open_path
from spamtide.app.serving.catalogue import PAGES
from spamtide.app.serving.values import Page

PLAIN = [page for page in PAGES if "{" not in page.path]


@pytest.fixture(scope="module")
def described(site: TestClient) -> dict[str, Any]:
    """The OpenAPI document."""
    document: dict[str, Any] = site.get(f"{ROOT}/openapi.json").json()
    return document


def test_every_page_is_described_with_what_it_takes(described: dict[str, Any]) -> None:
    assert described["openapi"] == "3.1.0"
    assert set(described["paths"]) == {open_path(page.path) for page in PAGES}
    for page in PAGES:
        names = {p["name"] for p in described["paths"][open_path(page.path)]["get"]["parameters"]}
        assert {t.name for t in page.takes} <= names
        assert set(re.findall(r"\{(\w+)", page.path)) <= names
    ids = [d["get"]["operationId"] for d in described["paths"].values()]
    assert len(ids) == len(set(ids))


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            found = [value["$ref"]] if "$ref" in value else []
            return found + [r for v in value.values() for r in references(v)]
        return [r for v in value for r in references(v)] if isinstance(value, list) else []

    for reference in references(described):
        there: Any = described
        for key in reference.removeprefix("#/").split("/"):
            there = there[key]


@pytest.mark.parametrize("page", PLAIN, ids=lambda p: p.name)
def test_an_answer_is_as_it_is_described(site: TestClient, described: dict[str, Any], page: Page) -> None:
    answer = site.get(ROOT + page.path)
    operation = described["paths"][page.path]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": described["components"]}).validate(answer.json())
    assert answer.headers["etag"]
    assert answer.json()["schema"] == page.schema


def test_an_error_is_as_it_is_described(site: TestClient, described: dict[str, Any]) -> None:
    answer = site.get(f"{ROOT}/search?q=nofield:x")
    schema = described["components"]["schemas"]["Error"]
    assert answer.status_code == 400
    jsonschema.Draft202012Validator(schema).validate(answer.json())


@pytest.mark.parametrize("limit", ["0", "101", "x", "-1", "٣"])
def test_a_limit_has_bounds(site: TestClient, limit: str) -> None:
    answer = site.get(f"{ROOT}/search", params={"limit": limit})
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_limit")


@pytest.mark.parametrize(
    ("path", "limit", "key", "what"),
    [("/search?q=subject:viagra", 7, "messages", "id"), ("/campaigns?feed=second,trap", 5, "campaigns", "campaign")],
)
def test_pages_by_key_are_the_whole_without_gap_or_double(
    site: TestClient, path: str, limit: int, key: str, what: str
) -> None:
    whole = [row[what] for row in site.get(f"{ROOT}{path}&limit=100").json()[key]]
    seen: list[str] = []
    url: str | None = f"{ROOT}{path}&limit={limit}"
    while url is not None and len(seen) < len(whole):
        answer = site.get(url)
        seen += [row[what] for row in answer.json()[key]]
        url = answer.links["next"]["url"] if "next" in answer.links else None
        assert (url is None) == (answer.json()["next"] is None)
    assert len(whole) > limit and seen[: len(whole)] == whole
