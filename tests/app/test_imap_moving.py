"""Moves on a server that only claims them, loses the answer, or cannot make them safely."""

from __future__ import annotations

import contextlib
import os
import pty
import sys
from pathlib import Path

import pytest

from imap_made import box, codes, raw
from imap_server import PASSWORD, End, ImapServer, Writer
from spamtide.app.config import People
from spamtide.app.workspace import Workspace


def test_a_move_that_the_server_only_claims_is_named(fetch, tmp_path: Path) -> None:
    class Claiming(ImapServer):
        async def do_uid_move(self, tag: bytes, rest: bytes, writer: Writer) -> None:
            writer.write(tag + b" OK moved\r\n")

    with Claiming({b"INBOX": box(5), b"Done": box(0)}) as server:
        ran = fetch(server, "INBOX", "--move-to", "Done", "--yes")
    assert (ran.code, codes(ran), ran.json["imap"]["moved"]) == (3, ["not_moved"], 0)


def test_a_move_whose_answer_is_lost_is_not_made_twice(fetch, tmp_path: Path) -> None:
    class Losing(ImapServer):
        async def do_uid_move(self, tag: bytes, rest: bytes, writer: Writer) -> None:
            await super().do_uid_move(tag, rest, writer)
            raise End

    with Losing({b"INBOX": box(5), b"Done": box(0)}) as server:
        ran = fetch(server, "INBOX", "--move-to", "Done", "--yes")
    assert (ran.code, codes(ran), ran.json["imap"]["moved"]) == (0, [], 5)
    assert sorted(m.raw for m in server.mailboxes[b"Done"].messages) == sorted(raw(i) for i in range(5))


@pytest.mark.parametrize("capabilities", [b"IMAP4rev1 AUTH=PLAIN UIDPLUS", b"IMAP4rev1 AUTH=PLAIN"])
def test_without_move_these_uids_alone_are_expunged_or_nothing_is_done(
    fetch, tmp_path: Path, capabilities: bytes
) -> None:
    with ImapServer({b"INBOX": box(5), b"Done": box(0)}) as server:
        server.capabilities = capabilities
        ran = fetch(server, "INBOX", "--move-to", "Done", "--yes")
    if b"UIDPLUS" in capabilities:
        assert (ran.code, ran.json["imap"]["moved"], len(server.mailboxes[b"Done"].messages)) == (0, 5, 5)
        assert b"EXPUNGE" not in server.commands(), "would remove what others have marked"
    else:
        assert (ran.code, ran.json["error"], len(server.mailboxes[b"INBOX"].messages)) == (2, "bad_move", 5)


def test_what_came_short_or_twice_stays_on_the_server(fetch, tmp_path: Path) -> None:
    mailbox = box(5)
    mailbox.messages[2].size = 10_000
    with ImapServer({b"INBOX": mailbox, b"Done": box(0)}) as server:
        ran = fetch(server, "INBOX", "--move-to", "Done", "--yes")
    assert (codes(ran), ran.json["imap"]["moved"]) == (["cut_short"], 4)
    assert [m.uid for m in server.mailboxes[b"INBOX"].messages] == [11]


def at_a_terminal(command: list[str], answers: list[tuple[bytes, bytes]]) -> tuple[int, bytes]:
    """Run a program with a terminal of its own; each answer is typed when its question has been shown."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.pop("SPAMTIDE_IMAP_PASSWORD", None)
        os.execv(command[0], command)
    shown = b""
    with contextlib.suppress(OSError):  # the other end is gone
        while piece := os.read(terminal, 4096):
            shown += piece
            if answers and answers[0][0] in shown:
                os.write(terminal, answers.pop(0)[1])
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown


@pytest.mark.parametrize("yes", [True, False])
def test_whoever_sits_there_is_asked_for_password_and_consent(tmp_path: Path, yes: bool) -> None:
    Workspace.create(tmp_path / "w", People())
    with ImapServer({b"INBOX": box(5), b"Done": box(0)}) as server:
        code, shown = at_a_terminal(
            [sys.executable, "-m", "spamtide", "--workspace", str(tmp_path / "w"), "import", server.address(), "--feed", "f",
             "--no-digest", "--move-to", "Done"],
            [(b"Password for imap://joe@localhost", PASSWORD.encode() + b"\n"), (b"Move 5 messages to", b"y\n" if yes else b"\n")],
        )  # fmt: skip
    assert code == 0, shown
    assert PASSWORD.encode() not in shown
    assert len(server.mailboxes[b"Done"].messages) == (5 if yes else 0)
    assert len(server.mailboxes[b"INBOX"].messages) == (0 if yes else 5)
