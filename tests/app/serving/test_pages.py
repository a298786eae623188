"""Every page and its twins."""

from __future__ import annotations

import csv
import io
import re

import pytest
from starlette.testclient import TestClient

from spamtide.app.serving.catalogue import PAGES
from spamtide.app.serving.values import Page

HTML = {"accept": "text/html"}
PLAIN = [page for page in PAGES if "{" not in page.path]


@pytest.mark.parametrize("page", PLAIN, ids=lambda p: p.name)
def test_a_page_is_a_document_in_three_forms(site: TestClient, page: Page) -> None:
    document = site.get(page.path + ".json").json()
    assert document["schema"] == f"spamtide.page-{page.name}/1"
    assert document["sentence"] and document["how"]["definition"] and document["how"]["command"]
    html = site.get(page.path, headers=HTML)
    assert html.headers["content-type"] == "text/html; charset=utf-8"
    assert "How was this computed?" in html.text
    rows = list(csv.reader(io.StringIO(site.get(page.path + ".csv").text)))
    assert rows and all(len(row) == len(rows[0]) for row in rows)


@pytest.mark.parametrize("page", PLAIN, ids=lambda p: p.name)
def test_a_page_has_no_script_or_style_within(site: TestClient, page: Page) -> None:
    html = site.get(page.path, headers=HTML).text
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", html)
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", html)


@pytest.mark.parametrize("page", PLAIN, ids=lambda p: p.name)
def test_who_has_a_page_is_not_sent_it_again(site: TestClient, page: Page) -> None:
    if page.name in ("now", "feeds"):
        pytest.skip("tells the room left on the disk")
    first = site.get(page.path + ".json")
    again = site.get(page.path + ".json", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_an_unknown_parameter_is_told(site: TestClient) -> None:
    answer = site.get("/feeds.json?fed=trap")
    assert (answer.status_code, answer.json()["error"]) == (400, "unknown_parameter")


def test_an_unknown_feed_is_not_there(site: TestClient) -> None:
    answer = site.get("/feeds.json?feed=nobody")
    assert (answer.status_code, answer.json()["error"]) == (404, "unknown_feed")


def test_an_error_is_a_page_too(site: TestClient) -> None:
    lost = site.get("/nowhere", headers=HTML)
    assert lost.status_code == 404 and "There is no such page" in lost.text
