"""A small workspace for the tests of the dashboard, and its server without sockets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.testclient import TestClient

from spamtide.app.cli import run
from spamtide.app.serving.application import make_application
from spamtide.app.serving.asking import Asker
from spamtide.app.serving.entrance import Entrance
from spamtide.app.serving.security import Front
from spamtide.app.workspace import Workspace, now_us

BASE = "http://127.0.0.1:8025"


def make_workspace(folder: Path, scale: float = 0.02) -> Workspace:
    """The March 2011 story, small, digested and grouped."""
    assert run(["simulate", "march-2011", "--out", str(folder), "--scale", str(scale)]) == 0
    assert run(["--workspace", str(folder / "workspace"), "digest"]) == 0
    return Workspace(folder / "workspace")


def client_of(
    workspace: Workspace, *, local: bool = True, tokens: Sequence[str] = (), front: Front | None = None
) -> TestClient:
    """A client of the whole server over a workspace."""
    asker = Asker(workspace, local=local, clock=now_us)
    application = make_application(asker, front or Front(True), Entrance(tokens))
    return TestClient(application, base_url=BASE, follow_redirects=False)
