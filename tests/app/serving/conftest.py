"""One small workspace a session, and clients of its server."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from serving_made import client_of, make_workspace
from spamtide.app.workspace import Workspace


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small workspace that nobody changes."""
    return make_workspace(tmp_path_factory.mktemp("served")).root


@pytest.fixture(scope="session")
def site(place: Path) -> TestClient:
    """The server over it, on loopback."""
    return client_of(Workspace(place))


@pytest.fixture(scope="session")
def public(place: Path) -> TestClient:
    """The same as it is beyond loopback."""
    return client_of(Workspace(place), local=False)
