"""What the tests of import from servers share, and those of disks that fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Ran, Spamtide
from imap_server import PASSWORD, ImapServer
from spamtide.app.config import People
from spamtide.app.workspace import Workspace
from spamtide.archive import verify_archive
from trap_faults import build_shim


@pytest.fixture
def fetch(spamtide: Spamtide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Imports a mailbox of a server into one workspace; never a bug, never a bad archive."""
    place = tmp_path / "w"
    Workspace.create(place, People())
    with (place / "spamtide.toml").open("a") as file:
        file.write("[imap]\ntimeout_seconds = 0.6\nattempts = 4\npause_seconds = 0.01\n")

    def call(server: ImapServer, mailbox: str = "INBOX", *more: str, feed: str = "f", scheme: str = "imap") -> Ran:
        monkeypatch.setenv("SPAMTIDE_IMAP_PASSWORD", PASSWORD)
        address = server.address(mailbox, scheme)
        ran = spamtide("--workspace", place, "import", address, "--feed", feed, "--no-digest", "--json", *more)
        assert ran.code in (0, 2, 3), ran.err
        assert verify_archive(Workspace(place).archive).ok
        return ran

    return call


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that makes calls on open segments fail while a file says so."""
    return build_shim(tmp_path_factory.mktemp("shim"))
