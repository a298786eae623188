"""Password and mail go under TLS, to the server that was meant, or do not go."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

import dovecot
from certificates import make_certificate, server_context
from conftest import Ran, Spamtide
from imap_server import PASSWORD, ImapServer, Mailbox, Message
from spamtide.app.config import People
from spamtide.app.imap.session import local
from spamtide.app.workspace import Workspace

BOX = {b"INBOX": Mailbox([Message(1, b"Subject: x\r\n\r\nbody\r\n")])}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def fetch(spamtide: Spamtide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Imports in this process; ``trusted``: the certificate that the system trusts."""
    Workspace.create(tmp_path / "w", People())
    (tmp_path / "w" / "spamtide.toml").write_text(
        "schema = 1\n[imap]\ntimeout_seconds = 5\nattempts = 2\npause_seconds = 0\n"
    )

    def call(address: str, *more: str, trusted: Path | None = None, password: str = PASSWORD) -> Ran:
        monkeypatch.setenv("SPAMTIDE_IMAP_PASSWORD", password)
        if trusted is None:
            monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        else:
            monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        return spamtide("--workspace", tmp_path / "w", "import", address, "--feed", "f", "--no-digest", "--json", *more)

    return call


def refused(ran: Ran) -> list[str]:
    assert ran.code == 3, ran.err
    return [r["code"] for r in ran.json["refused"]]


def no_password(server: ImapServer) -> bool:
    return not any(c.startswith((b"AUTH", b"LOGIN")) for c in server.log)


def test_dovecot_under_tls_from_the_first_byte(fetch, pair: tuple[Path, Path]) -> None:
    with dovecot.Dovecot(certificate=pair) as server:
        server.fill([b"Subject: x\r\n\r\nbody\r\n"] * 3)
        ran = fetch(server.address(tls=True), trusted=pair[0], password=dovecot.PASSWORD)
        assert (ran.code, ran.json["new"]) == (0, 3)
        # Its name is localhost, so that to the address it is another's.
        ran = fetch(server.address(tls=True).replace("localhost", "127.0.0.1"), trusted=pair[0])
        assert refused(ran) == ["bad_certificate"]
        ran = fetch(
            server.address().replace("127.0.0.1", "localhost"),
            "--tls",
            "starttls",
            trusted=pair[0],
            password=dovecot.PASSWORD,
        )
        assert (ran.code, ran.json["messages"]) == (0, 3)
        assert "TLS" in (server.root / "log").read_text()


def test_a_certificate_that_is_not_trusted_gets_no_password(fetch, pair: tuple[Path, Path], tmp_path: Path) -> None:
    other = make_certificate(tmp_path, "other.example")
    for shown, trusted in ((pair, None), (other, other[0])):
        server = ImapServer(BOX, context=server_context(shown))
        server.implicit_tls = True
        with server:
            ran = fetch(server.address(scheme="imaps"), trusted=trusted)
        assert refused(ran) == ["bad_certificate"]
        assert server.log == []
        with StartTls(BOX, context=server_context(shown)) as server:
            ran = fetch(server.address(), "--tls", "starttls", trusted=trusted)
        assert refused(ran) == ["bad_certificate"]
        assert no_password(server)


class StartTls(ImapServer):
    capabilities = b"IMAP4rev1 STARTTLS AUTH=PLAIN"


def test_starttls_comes_before_the_password(fetch, pair: tuple[Path, Path]) -> None:
    with StartTls(BOX, context=server_context(pair)) as server:
        ran = fetch(server.address(), "--tls", "starttls", trusted=pair[0])
    assert (ran.code, ran.json["new"]) == (0, 1)
    kinds = [c.split()[0] for c in server.log]
    assert kinds.index(b"STARTTLS") < kinds.index(b"AUTHENTICATE")


def test_where_tls_is_wanted_and_not_offered_nothing_goes(fetch, pair: tuple[Path, Path]) -> None:
    with ImapServer(BOX) as server:
        ran = fetch(server.address(), "--tls", "starttls")
    assert refused(ran) == ["no_tls"] and no_password(server)


def test_a_greeting_that_skips_the_login_skips_no_tls(fetch, pair: tuple[Path, Path]) -> None:
    class Preauthenticated(StartTls):
        greeting = b"* PREAUTH welcome back\r\n"

    with Preauthenticated(BOX, context=server_context(pair)) as server:
        assert refused(fetch(server.address(), "--tls", "starttls", trusted=pair[0])) == ["no_tls"]
        assert not any(c.startswith(b"UID") for c in server.log)
        # On this machine it is nobody's loss.
        assert fetch(server.address()).code == 0


def test_what_was_sent_before_tls_is_not_read_after_it(fetch, pair: tuple[Path, Path]) -> None:
    class Injecting(StartTls):
        after_starttls = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN X-INJECTED\r\n"

    with Injecting(BOX, context=server_context(pair)) as server:
        assert refused(fetch(server.address(), "--tls", "starttls", trusted=pair[0])) == ["dropped"]
    assert no_password(server)


@pytest.mark.parametrize(
    ("peer", "is_local"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("192.0.2.1", False), ("fe80::1%eth0", False), ("?", False)],
)  # fmt: skip
def test_which_servers_are_this_machine(peer: str, is_local: bool) -> None:
    assert local(peer) is is_local


def own_address() -> str:
    """An address of this machine that is not loopback; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        found = str(s.getsockname()[0])
    if local(found):
        pytest.skip("this machine has no address but loopback")
    return found


def test_beyond_this_machine_mail_in_the_clear_must_be_asked_for(fetch) -> None:
    server = ImapServer(BOX)
    server.host = own_address()
    with server:
        ran = fetch(server.address())
        assert refused(ran) == ["no_tls"] and no_password(server)
        assert "--tls none" in ran.err
        assert fetch(server.address(), "--tls", "none").code == 0
