"""One server over one small workspace, one browser, and pages that fail their test on any error, violation or foreign request."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser_made import BROWSER, Canary, Seen, Served, Visitor
from hostile_mail import hostile_workspace
from serving_made import ServeProcess
from spamtide.app.cli import run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser the tests of this folder say so."""
    missing = pytest.mark.skip(reason="no Chromium on this machine")
    for item in items:
        if BROWSER is None and Path(__file__).parent in item.path.parents:
            item.add_marker(missing)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The dashboard over the March 2011 story, small, with hostile mail in a feed of its own."""
    folder = tmp_path_factory.mktemp("served")
    assert run(["simulate", "march-2011", "--out", str(folder), "--scale", "0.02"]) == 0
    canary = Canary()
    workspace = folder / "workspace"
    _, ids = hostile_workspace(workspace, canary.url)
    at = ["--workspace", str(workspace)]
    stopped = ["--silent-since", "2010-12-25T00:00:00Z", "--background", "2010-10-01/2010-12-20"]
    assert run([*at, "watch", "add", "casino", "--measure", "topic:casino", "--feed", "trap", *stopped]) == 0
    assert run([*at, "botnets", "list", "--json"]) == 0
    with ServeProcess(workspace) as server:
        yield Served(server.url.rstrip("/"), workspace, ids, canary)
        assert server.stop() == 0
    canary.shutdown()
    canary.server_close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=shutil.which(BROWSER or ""), args=["--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def seen(served: Served) -> Iterator[Seen]:
    """What the pages of this test did wrong; nothing, or the test fails."""
    found = Seen(served.url)
    yield found
    assert not found.wrong, "\n".join(found.wrong)


@pytest.fixture
def visit(browser: Any, served: Served, seen: Seen) -> Iterator[Visitor]:
    """Opens pages; their contexts end with the test."""
    visitor = Visitor(browser, served, seen)
    yield visitor
    for context in visitor.contexts:
        context.close()
