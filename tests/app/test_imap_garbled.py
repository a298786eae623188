"""Servers that send what is no IMAP: each answer in turn, and bytes spoiled by chance."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from imap_made import box, stored
from imap_server import PASSWORD, End, ImapServer, Writer
from spamtide.app.config import People
from spamtide.app.workspace import Workspace


class Garbling(ImapServer):
    """Answers one kind of command with some bytes."""

    target, bytes_ = b"", b""

    async def answer(self, tag: bytes, command: bytes, reader: asyncio.StreamReader, writer: Writer) -> None:
        if command.startswith(self.target):
            writer.write(self.bytes_.replace(b"TAG", tag))
            await writer.drain()
            if b"TAG" not in self.bytes_:
                raise End
            return
        await super().answer(tag, command, reader, writer)


NONSENSE = [
    b"\xff\xfe\r\n", b"* \r\n", b"*\r\n", b"TAG\r\n", b"TAG OK\r\n", b"TAG NO\r\n", b"TAG BAD x\r\n", b"+ go on\r\n",
    b"* 1 FETCH (\r\nTAG OK x\r\n", b"* 1 FETCH " + b"(" * 5000 + b"\r\nTAG OK x\r\n", b"* 1 FETCH (UID)\r\nTAG OK x\r\n",
    b"* 1 FETCH (UID -1)\r\n* 2 FETCH (UID 99999999999999)\r\nTAG OK x\r\n", b"* x FETCH ()\r\nTAG OK x\r\n",
    b"* 1 FETCH (UID 5 BODY[] 7 INTERNALDATE 7)\r\nTAG OK x\r\n", b'* 1 FETCH ("a" "b)\r\nTAG OK x\r\n',
    b"* 1 FETCH ((1) 2)\r\nTAG OK x\r\n", b"* 99999999999999999999 EXISTS\r\nTAG OK x\r\n", b"* x EXISTS\r\nTAG OK x\r\n",
    b"* OK [UIDVALIDITY x]\r\n* 1 EXISTS\r\nTAG OK x\r\n", b"* LIST (\\x NIL NIL\r\nTAG OK x\r\n", b"* LIST () NIL NIL\r\nTAG OK x\r\n",
    b"* CAPABILITY\r\nTAG OK x\r\n", b"* CAPABILITY \xff\r\nTAG OK x\r\n", b"* BYE go away\r\n", b"TAG OK {5}\r\n", b"x1 OK hello\r\n",
    b"* 1 FETCH (UID 5 BODY[] {3}\r\nabcdef)\r\nTAG OK x\r\n", b"* 1 FETCH (UID 5 BODY[] ~{3}\r\nabc)\r\nTAG OK x\r\n",
]  # fmt: skip


@pytest.mark.parametrize("target", [b"CAPABILITY", b"AUTHENTICATE", b"LIST", b"EXAMINE", b"UID FETCH"])
def test_nonsense_in_any_answer_is_named_never_a_bug(spamtide, tmp_path: Path, target: bytes, monkeypatch) -> None:
    Workspace.create(tmp_path / "w", People())
    (tmp_path / "w" / "spamtide.toml").write_text(
        "schema = 1\n[imap]\ntimeout_seconds = 0.3\nattempts = 1\npause_seconds = 0\n"
    )
    for bytes_ in NONSENSE:
        with Garbling({b"INBOX": box(3)}) as server:
            server.target, server.bytes_ = target, bytes_
            monkeypatch.setenv("SPAMTIDE_IMAP_PASSWORD", PASSWORD)
            ran = spamtide(
                "--workspace", tmp_path / "w", "import", server.address(""), "--feed", "f", "--no-digest", "--json"
            )
        assert ran.code == (3 if ran.json["refused"] else 0), (bytes_, ran.err)
        assert "Traceback" not in ran.err


class Flipping(ImapServer):
    """Changes a byte here and there in what it sends, leaves some out, and sends some twice."""

    chance = random.Random(0)

    async def answer(self, tag: bytes, command: bytes, reader: asyncio.StreamReader, writer: Writer) -> None:
        chance, genuine = self.chance, writer.write

        def write(data: bytes) -> None:
            spoiled = bytearray(data)
            for _ in range(chance.choice([0, 0, 0, 0, 1, 2])):
                at = chance.randrange(len(spoiled) + 1)
                kind = chance.randrange(4)
                if kind == 0:
                    spoiled[at : at + 1] = bytes([chance.choice(b'()[]{}"\\ *+\r\n\0\x1b\xff09NIL')])
                elif kind == 1:
                    del spoiled[at : at + chance.randrange(1, 20)]
                elif kind == 2:
                    spoiled[at:at] = spoiled[at : at + chance.randrange(1, 20)]
                else:
                    spoiled[at:at] = bytes(chance.randrange(256) for _ in range(5))
            genuine(bytes(spoiled))

        writer.write = write  # type: ignore[method-assign]
        try:
            await super().answer(tag, command, reader, writer)
        finally:
            writer.write = genuine  # type: ignore[method-assign]


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(n, marks=pytest.mark.proof) for n in range(4, 100))])
def test_whatever_is_spoiled_on_the_way_it_ends_without_a_bug_and_heals(
    spamtide, tmp_path: Path, seed: int, monkeypatch
) -> None:
    Workspace.create(tmp_path / "w", People())
    (tmp_path / "w" / "spamtide.toml").write_text(
        "schema = 1\n[imap]\ntimeout_seconds = 0.15\nattempts = 3\npause_seconds = 0\n"
    )
    command = ("--workspace", tmp_path / "w", "import")
    with Flipping({b"INBOX": box(25), b"Other": box(3)}) as server:
        server.chance = random.Random(seed)
        for _ in range(4):
            monkeypatch.setenv("SPAMTIDE_IMAP_PASSWORD", PASSWORD)
            ran = spamtide(*command, server.address(""), "--feed", "f", "--no-digest", "--json")
            assert ran.code == (3 if ran.json["refused"] else 0), ran.err
        server.chance.choice = lambda given: given[0]  # type: ignore[method-assign]
        monkeypatch.setenv("SPAMTIDE_IMAP_PASSWORD", PASSWORD)
        healed = spamtide(*command, server.address(""), "--feed", "f", "--no-digest", "--json")
    assert healed.code == 0, healed.err
    assert healed.json["messages"] >= 28, "each UID is accounted for"
    assert len(stored(tmp_path)) >= 28
