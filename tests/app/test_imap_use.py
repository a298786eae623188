"""Addresses of mailboxes and where their password comes from: what is wrong is said before anybody is asked."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dovecot
from certificates import make_certificate
from conftest import Spamtide
from doc_tables import ROOT, codes, section, tables
from imap_server import PASSWORD, ImapServer, Mailbox, Message
from spamtide.app.config import People
from spamtide.app.imap import is_imap, parse_address
from spamtide.app.workspace import Workspace
from spamtide.errors import WrongUse

BOX = {b"INBOX": Mailbox([Message(1, b"Subject: x\r\n\r\nbody\r\n")])}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    Workspace.create(tmp_path / "w", People())
    return tmp_path / "w"


@pytest.mark.parametrize(
    ("text", "account", "mailbox"),
    [
        ("imap://joe@h.example/INBOX", "imap://joe@h.example:143/", b"INBOX"),
        ("imaps://joe@h.example", "imaps://joe@h.example:993/", None),
        ("imaps://joe@h.example/", "imaps://joe@h.example:993/", None),
        ("imaps://joe@h.example/*", "imaps://joe@h.example:993/", None),
        ("IMAPS://joe%40x.example@H.example:1993/inbox", "imaps://joe%40x.example@h.example:1993/", b"INBOX"),
        ("imap://joe@[2001:db8::1]/a/b%20c", "imap://joe@[2001:db8::1]:143/", b"a/b c"),
        ("imap://joe@h.example/%C3%A4&", "imap://joe@h.example:143/", b"&AOQ-&-"),
    ],
)
def test_an_address_is_taken_apart(text: str, account: str, mailbox: bytes | None) -> None:
    found = parse_address(text)
    assert is_imap(text)
    assert (found.account, found.mailbox) == (account, mailbox)


@pytest.mark.parametrize(
    "text",
    ["imap://h.example/INBOX", "imap://joe@/x", "imap://joe@h:99999/", "imap://joe@h/x?y", "imap://joe@h/x#y", "imap://j%0Ae@h/",
     "imap://joe@h/a%0D%0Ab", "imap://joe@[::1/"],
)  # fmt: skip
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(WrongUse) as caught:
        parse_address(text)
    assert caught.value.code == "bad_address"


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(
        lambda t: t != "*" and t.upper() != "INBOX"
    )
)
def test_a_mailbox_written_down_is_found_again(name: str) -> None:
    from urllib.parse import quote

    found = parse_address(f"imap://joe@h.example/{quote(name, safe='/')}")
    assert found.mailbox is not None
    written = found.place(found.mailbox)
    assert written.isascii() and written.isprintable() and " " not in written
    assert parse_address(written) == found


@given(st.binary(min_size=1))
def test_any_name_a_server_gives_is_printable(name: bytes) -> None:
    written = parse_address("imap://joe@h.example/x").place(name, 7)
    assert written.isascii() and written.isprintable()


@pytest.mark.parametrize("path", ["./imap", "/mail/imap.mbox", "http://x/y", "imap:/x", "mbox"])
def test_a_path_is_no_address(path: str) -> None:
    assert not is_imap(path)


def test_a_password_in_an_address_is_refused_and_not_repeated(spamtide: Spamtide, place: Path) -> None:
    ran = spamtide("--workspace", place, "import", "imap://joe:hunter2@h.example/INBOX", "--feed", "f", "--json")
    assert (ran.code, ran.json["error"]) == (2, "password_in_address")
    assert "hunter2" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["imap://joe@h.example/"], "no_password"),
        (["imap://joe@h.example/", "imap://ann@h.example/"], "usage"),
        (["imap://joe@h.example/", "imaps://joe@h.example/"], "usage"),
        (["imap://joe@h.example/", "--move-to", "Done"], "usage"),
        (["some.mbox", "--move-to", "Done", "--yes"], "usage"),
        (["some.mbox", "--tls", "none"], "usage"),
    ],
)
def test_wrong_use_is_said(spamtide: Spamtide, place: Path, arguments: list[str], code: str, monkeypatch) -> None:
    monkeypatch.delenv("SPAMTIDE_IMAP_PASSWORD", raising=False)
    ran = spamtide("--workspace", place, "import", *arguments, "--feed", "f", "--json")
    assert (ran.code, ran.json["error"]) == (2, code)


def test_the_password_comes_from_a_file_or_the_environment(
    spamtide: Spamtide, place: Path, tmp_path: Path, monkeypatch
) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{PASSWORD}\nnot this line\n")
    file.chmod(0o600)
    with ImapServer(BOX) as server:
        command = ("--workspace", place, "import", server.address(), "--feed", "f", "--no-digest", "--json")
        monkeypatch.setenv("SPAMTIDE_IMAP_PASSWORD", "another")
        ran = spamtide(*command, "--password-file", file)
        assert (ran.code, ran.err) == (0, "")
        file.chmod(0o644)
        assert "can be read by others" in spamtide(*command, "--password-file", file).err
        monkeypatch.setenv("SPAMTIDE_IMAP_PASSWORD", PASSWORD)
        assert spamtide(*command).code == 0
        assert "SPAMTIDE_IMAP_PASSWORD" not in os.environ, "a worker would inherit it"
    for text in (b"", b"\n", b"a\x07b\n"):
        file.write_bytes(text)
        assert spamtide(*command, "--password-file", file).json["error"] == "bad_password"
    assert spamtide(*command, "--password-file", tmp_path / "none").json["error"] == "not_there"


def test_a_password_with_any_character_is_sent_as_it_is(spamtide: Spamtide, place: Path, monkeypatch) -> None:
    for capabilities in (b"IMAP4rev1 AUTH=PLAIN", b"IMAP4rev1"):
        for secret in ('qu"ote \\ back', "ünï¢ode" if b"PLAIN" in capabilities else "plain"):
            monkeypatch.setattr("imap_server.PASSWORD", secret)
            monkeypatch.setenv("SPAMTIDE_IMAP_PASSWORD", secret)

            class Quoting(ImapServer):
                async def do_login(self, tag, rest, writer, secret=secret) -> None:
                    quoted = secret.replace("\\", "\\\\").replace('"', '\\"')
                    ok = rest == f'"joe" "{quoted}"'.encode()
                    writer.write(tag + (b" OK in\r\n" if ok else b" NO no\r\n"))

            with Quoting(BOX) as server:
                server.capabilities = capabilities
                ran = spamtide("--workspace", place, "import", server.address(), "--feed", "f", "--no-digest", "--json")
                assert ran.code == 0, (secret, ran.err)


def test_the_password_is_no_argument_and_not_in_the_workers(place: Path) -> None:
    with ImapServer(
        {b"INBOX": Mailbox([Message(n, b"Subject: %d\r\n\r\nx\r\n" % n) for n in range(1, 400)])}
    ) as server:
        process = subprocess.Popen(
            [sys.executable, "-m", "spamtide", "--workspace", str(place), "import", server.address(), "--feed", "f"],
            env={**os.environ, "SPAMTIDE_IMAP_PASSWORD": PASSWORD}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        seen = set()
        while process.poll() is None:
            for task in Path(f"/proc/{process.pid}/task").glob("*/children"):
                try:
                    for child in task.read_text().split():
                        # Before it has become a program of its own, a child still shows its parent's.
                        if b"spamtide.app.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                            seen.add(child)
                            assert PASSWORD.encode() not in Path(f"/proc/{child}/environ").read_bytes()
                except OSError:
                    continue
    assert process.returncode == 0
    assert seen, "no worker was looked at"


def test_the_bounds_are_those_of_the_document() -> None:
    from spamtide.app.imap import reading, session, wire

    rows = tables(section(ROOT / "docs" / "reference" / "limits.md", "Bounds of an import from a server"))[0]
    stated = {codes(row[0])[0]: int(row[1].replace(",", "")) for row in rows}
    there = {n: v for m in (wire, session, reading) for n, v in vars(m).items() if n.isupper() and isinstance(v, int)}
    # One step of reading from the socket bounds nothing.
    assert stated == {n: v for n, v in there.items() if n not in ("CHUNK", "TYPE_CHECKING")}


def test_the_commands_of_the_how_to_run(place: Path, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "howto" / "import-imap.md").read_text("utf-8")
    commands = re.findall(r"^```sh imap\n(.*?)^```$", text, re.S | re.M)
    assert len(commands) == 3
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "spamtide").write_text(f'#!/bin/sh\nexec {sys.executable} -m spamtide "$@"\n')
    (tmp_path / "bin" / "spamtide").chmod(0o755)
    (tmp_path / "imap-password").write_text(dovecot.PASSWORD + "\n")
    (tmp_path / "imap-password").chmod(0o600)
    pair = make_certificate(tmp_path)
    environment = {
        **os.environ, "HOME": str(tmp_path), "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "SSL_CERT_FILE": str(pair[0]),
    }  # fmt: skip
    with dovecot.Dovecot(certificate=pair) as server:
        server.fill([b"Subject: x\r\n\r\nbody\r\n"] * 3)
        server.fill([], "Done")
        for command in commands:
            command = command.replace("mail.example", f"localhost:{server.tls_port}")
            ran = subprocess.run(
                ["bash", "-c", f"set -o pipefail; {command}"],
                cwd=place,
                env=environment,
                capture_output=True,
                text=True,
            )
            assert ran.returncode == 0, (command, ran.stdout, ran.stderr)
        assert (len(server.files()), len(server.files("Done"))) == (0, 3)
