"""Servers that drop, stall and lie: what could be had is kept, what lacks is named, nothing hangs and nothing crashes."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import pytest

from imap_made import box, codes, raw, stored
from imap_server import End, ImapServer, Mailbox, Message, Writer


def test_only_commands_that_change_nothing_are_sent(fetch, tmp_path: Path) -> None:
    with ImapServer({b"INBOX": box(30), b"Other": box(3)}) as server:
        ran = fetch(server, "")
    assert (ran.code, ran.json["messages"]) == (0, 33)
    assert server.commands() == {b"CAPABILITY", b"AUTHENTICATE", b"LIST", b"EXAMINE", b"UID FETCH", b"LOGOUT"}
    assert not any(b"BODY[" in command for command in server.log), "BODY[] would mark as read; BODY.PEEK[] does not"


def test_login_where_there_is_no_authenticate(fetch, tmp_path: Path) -> None:
    class Old(ImapServer):
        capabilities = b"IMAP4rev1"

    with Old({b"INBOX": box(2)}) as server:
        assert fetch(server).code == 0
    assert b"LOGIN" in server.commands()


def test_uids_may_be_sparse_and_windows_small(fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spamtide.app.imap.session.WINDOW", 7)
    chance = random.Random(4)
    uids = [*sorted(chance.sample(range(1, 2**32), 30)), 2**32 - 1]
    messages = [Message(uid, raw(i)) for i, uid in enumerate(uids)]
    with ImapServer({b"INBOX": Mailbox(messages)}) as server:
        assert fetch(server).json["new"] == 31
        # What comes and goes meanwhile moves places, not UIDs.
        del messages[3:20]
        again = fetch(server).json
    assert (again["messages"], again["new"], again["imap"]["fetched"]) == (14, 0, 0)
    assert stored(tmp_path) == sorted(raw(i) for i in range(31))


class Dropping(ImapServer):
    """Ends the connection in the middle of every so many messages."""

    every = 40
    sent = 0

    async def body(self, place: int, message: Message, writer: Writer) -> None:
        self.sent += 1
        if self.sent % self.every == 0:
            writer.write(
                b"* %d FETCH (UID %d BODY[] {%d}\r\n" % (place, message.uid, len(message.raw)) + message.raw[:9]
            )
            await writer.drain()
            raise End
        await super().body(place, message, writer)


@pytest.mark.parametrize("every", [40, 2])
def test_a_server_that_ends_the_connection_again_and_again_loses_nothing(
    fetch, tmp_path: Path, every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dropping, "every", every)
    with Dropping({b"INBOX": box(45)}) as server:
        ran = fetch(server)
    assert (ran.code, ran.json["new"], codes(ran)) == (0, 45, [])
    assert ran.json["imap"]["connections"] > 1
    assert "connecting again" in ran.err
    assert stored(tmp_path) == sorted(raw(i) for i in range(45))


def test_a_message_that_ends_every_connection_is_named_and_the_rest_is_had(fetch, tmp_path: Path) -> None:
    class Poison(ImapServer):
        ill = True

        async def body(self, place: int, message: Message, writer: Writer) -> None:
            if self.ill and message.uid in (5 + 3 * 7, 5 + 3 * 20):
                raise End
            await super().body(place, message, writer)

    with Poison({b"INBOX": box(30)}) as server:
        ran = fetch(server)
        assert (ran.code, ran.json["new"], codes(ran)) == (3, 28, ["not_given", "not_given"])
        assert ran.json["refused"][0]["source"].endswith(";UIDVALIDITY=1234/;UID=26")
        server.ill = False
        healed = fetch(server)
    assert (healed.code, healed.json["new"], healed.json["imap"]["fetched"]) == (0, 2, 2)


def test_a_server_that_never_gives_anything_is_left_after_a_few_tries(fetch, tmp_path: Path) -> None:
    class Mute(ImapServer):
        async def body(self, place: int, message: Message, writer: Writer) -> None:
            raise End

    with Mute({b"INBOX": box(30)}) as server:
        ran = fetch(server)
    assert (ran.code, ran.json["new"]) == (3, 0)
    assert server.connections <= 5
    assert "dropped" in codes(ran)


class Stalling(ImapServer):
    """Falls silent, or trickles, in the middle of the tenth message."""

    trickle = False
    ill = True

    async def body(self, place: int, message: Message, writer: Writer) -> None:
        if self.ill and place >= 10:
            writer.write(b"* %d FETCH (UID %d BODY[] {%d}\r\n" % (place, message.uid, len(message.raw)))
            for byte in message.raw:
                await asyncio.sleep(0.1 if self.trickle else 30)
                writer.write(bytes([byte]))
                await writer.drain()
        await super().body(place, message, writer)


@pytest.mark.parametrize("trickle", [False, True])
def test_a_server_that_stalls_is_left_named_and_taken_up_again(fetch, tmp_path: Path, trickle: bool) -> None:
    with Stalling({b"INBOX": box(20)}) as server:
        server.trickle = trickle
        started = time.monotonic()
        ran = fetch(server)
        assert time.monotonic() - started < 30
        assert ran.code == 3 and "stalled" in codes(ran)
        assert ran.json["new"] == 9, "what came before is kept"
        assert "sent nothing of use for 0.6 s" in ran.err
        server.ill = False
        healed = fetch(server)
    assert (healed.code, healed.json["new"], healed.json["imap"]["held"]) == (0, 11, 9)
    assert stored(tmp_path) == sorted(raw(i) for i in range(20))


def test_a_false_count_is_named(fetch, tmp_path: Path) -> None:
    with ImapServer({b"INBOX": box(7, exists=10)}) as server:
        ran = fetch(server)
        assert (ran.code, ran.json["new"], codes(ran)) == (3, 7, ["count_differs"])
        assert "says it holds 10 messages and lists 7" in ran.err
        server.mailboxes[b"INBOX"].exists = 2
        assert fetch(server).code == 0, "more than stated may have arrived meanwhile"


def test_messages_removed_meanwhile_are_no_false_count(fetch, tmp_path: Path) -> None:
    class Removing(ImapServer):
        async def do_uid_fetch(self, tag: bytes, rest: bytes, writer: Writer) -> None:
            if b"SIZE" in rest and len(self.opened.messages) == 10:
                del self.opened.messages[2:5]
            await super().do_uid_fetch(tag, rest, writer)

    with Removing({b"INBOX": box(10)}) as server:
        ran = fetch(server)
    assert (ran.code, ran.json["new"]) == (0, 7)
    assert ran.json["imap"]["noticed"] == {"removed_meanwhile": 3}


def test_a_message_listed_and_not_given_is_named_or_was_removed(fetch, tmp_path: Path) -> None:
    class Withholding(ImapServer):
        async def body(self, place: int, message: Message, writer: Writer) -> None:
            if message.uid == 8:
                return
            if message.uid == 11:
                writer.write(b"* %d FETCH (UID 11 BODY[] NIL)\r\n" % place)
                return
            if message.uid == 14:
                writer.write(b'* %d FETCH (UID 14 BODY[] "")\r\n' % place)
                return
            await super().body(place, message, writer)

    with Withholding({b"INBOX": box(6)}) as server:
        ran = fetch(server)
    assert (ran.code, ran.json["new"], codes(ran)) == (3, 3, ["not_given"] * 3)


def test_a_no_for_one_message_is_named_with_the_words_of_the_server(fetch, tmp_path: Path) -> None:
    class Refusing(ImapServer):
        async def do_uid_fetch(self, tag: bytes, rest: bytes, writer: Writer) -> None:
            wanted = set(self.chosen(rest.partition(b" ")[0], [m.uid for m in self.opened.messages]))
            if b"BODY" in rest and 11 in wanted:
                writer.write(b"* 1 FETCH (FLAGS (\\Seen))\r\n" + tag + b" NO [EXPUNGEISSUED] it is in quarantine\r\n")
                return
            await super().do_uid_fetch(tag, rest, writer)

    with Refusing({b"INBOX": box(9)}) as server:
        ran = fetch(server)
    assert (ran.code, ran.json["new"], codes(ran)) == (3, 8, ["not_given"])
    assert "it is in quarantine" in ran.err


def test_a_uid_given_twice_is_one_message_or_two_that_are_named(fetch, tmp_path: Path) -> None:
    class Twice(ImapServer):
        async def body(self, place: int, message: Message, writer: Writer) -> None:
            await super().body(place, message, writer)
            if message.uid == 5:
                await super().body(place, message, writer)
            if message.uid == 8:
                await super().body(place, Message(8, raw(99)), writer)

    with Twice({b"INBOX": box(4)}) as server:
        ran = fetch(server)
        assert (ran.code, ran.json["new"], codes(ran)) == (3, 5, ["uid_not_unique"])
        assert ran.json["imap"]["noticed"]["uid_given_twice"] == 1
        again = fetch(server)
    assert (again.code, again.json["new"], again.json["imap"]["held"]) == (0, 0, 4)
    assert stored(tmp_path) == sorted([*(raw(i) for i in range(4)), raw(99)])


def test_a_uid_listed_twice_is_asked_for_once_and_shows_in_the_count(fetch, tmp_path: Path) -> None:
    mailbox = box(5)
    mailbox.messages.insert(2, mailbox.messages[1])
    with ImapServer({b"INBOX": mailbox}) as server:
        ran = fetch(server)
    assert (ran.json["new"], codes(ran)) == (5, ["count_differs"])
    assert ran.json["imap"]["noticed"]["uid_listed_twice"] == 1


def test_a_false_size_is_named_when_bytes_may_lack(fetch, tmp_path: Path) -> None:
    mailbox = box(4)
    mailbox.messages[1].size = len(raw(1)) + 500
    mailbox.messages[2].size = 3
    with ImapServer({b"INBOX": mailbox}) as server:
        ran = fetch(server)
        assert (ran.code, ran.json["new"], codes(ran)) == (3, 4, ["cut_short"])
        assert f"states {len(raw(1)) + 500} bytes and gave {len(raw(1))}" in ran.err
        assert ran.json["imap"]["noticed"] == {"larger_than_stated": 1}
    assert stored(tmp_path) == sorted(raw(i) for i in range(4))


def test_a_huge_message_comes_alone_and_one_beyond_the_bound_is_named(
    fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spamtide.app.imap.reading.GROUP_BYTES", 10_000)
    monkeypatch.setattr("spamtide.app.imap.reading.MESSAGE_BYTES", 50_000)
    monkeypatch.setattr("spamtide.app.imap.reading.SLACK_BYTES", 1_000)
    mailbox = box(4)
    mailbox.messages[1].raw += b"x" * 40_000
    mailbox.messages[2].raw += b"x" * 50_000
    # This one hides its size.
    mailbox.messages[3].raw, mailbox.messages[3].size = raw(3) + b"x" * 60_000, 100
    with ImapServer({b"INBOX": mailbox}) as server:
        ran = fetch(server)
    assert (ran.code, ran.json["new"], codes(ran)) == (3, 2, ["too_large", "too_large"])
    bodies = [c for c in server.log if b"BODY" in c]
    assert not any(b"11" in c for c in bodies), "what states its size is not even asked for"
    assert sum(b" 8 " in c for c in bodies) == 1


class Endless(ImapServer):
    """Sends without end, in one way or another."""

    how = b""

    async def do_uid_fetch(self, tag: bytes, rest: bytes, writer: Writer) -> None:
        if b"BODY" not in rest:
            await super().do_uid_fetch(tag, rest, writer)
            return
        if self.how == b"announced":
            writer.write(b"* 1 FETCH (UID 5 BODY[] {999999999999}\r\n")
        elif self.how == b"number":
            writer.write(b"* 1 FETCH (UID 5 BODY[] {" + b"9" * 5000 + b"}\r\n")
        while True:
            writer.write(b"* OK still here\r\n" * 5000 if self.how == b"lines" else b"x" * 65536)
            await writer.drain()


@pytest.mark.parametrize("how", [b"announced", b"number", b"lines", b"line"])
def test_a_server_that_sends_without_end_is_left(fetch, tmp_path: Path, how: bytes, monkeypatch) -> None:
    monkeypatch.setattr("spamtide.app.imap.reading.MESSAGE_BYTES", 3_000_000)
    with Endless({b"INBOX": box(2)}) as server:
        server.how = how
        ran = fetch(server)
    assert ran.code == 3 and ran.json["new"] == 0
    assert set(codes(ran)) <= {"too_large", "garbled", "dropped", "not_given"}
    assert ran.json["imap"]["received_bytes"] < 40_000_000


HOSTILE = "\x1b[31mred\u202e".encode()


def test_names_and_words_of_a_server_are_inert(fetch, tmp_path: Path) -> None:
    class Talking(ImapServer):
        greeting = b"* OK \x1b[2J hello\r\n"

        async def do_examine(self, tag: bytes, rest: bytes, writer: Writer) -> None:
            if b"Locked" in rest:
                writer.write(tag + b" NO " + HOSTILE + b" words\r\n")
                return
            await super().do_examine(tag, rest, writer)

    names = [
        b"../../etc/passwd",
        HOSTILE,
        b"a\r\nx1 DELETE INBOX",
        b"Locked",
        b'quo"te\\',
        b"&Kg-",
        b"&&&",
        b"\x00",
        b"7",
    ]
    with Talking({name: box(1) for name in names}) as server:
        ran = fetch(server, "")
    assert ran.code == 3
    shown = ran.out + ran.err
    assert all(c.isprintable() or c == "\n" for c in shown), "no escape reaches the terminal"
    assert not any(c.startswith((b"x1", b"DELETE")) for c in server.log)
    assert set(codes(ran)) == {"no_mailbox"}
    assert b'EXAMINE "../../etc/passwd"' in server.log
    files = {p.name for p in (tmp_path / "w" / "archive" / "resume").iterdir()}
    assert all(len(name) == 37 and name.endswith(".uids") and name[:32].isalnum() for name in files)


def test_a_uidvalidity_that_changes_meanwhile_ends_the_mailbox_and_the_next_import_starts_over(
    fetch, tmp_path: Path
) -> None:
    class Changing(Dropping):
        every = 15

        async def do_examine(self, tag: bytes, rest: bytes, writer: Writer) -> None:
            box_ = self.mailboxes[b"INBOX"]
            if self.connections == 2 and box_.uidvalidity == 1234:
                box_.uidvalidity = 1235
                box_.messages.reverse()
                for uid, message in enumerate(box_.messages, 1):
                    message.uid = uid
            await super().do_examine(tag, rest, writer)

    with Changing({b"INBOX": box(20)}) as server:
        ran = fetch(server)
        assert (ran.code, codes(ran)) == (3, ["uidvalidity_changed"])
        server.every = 1000
        again = fetch(server)
    assert (again.code, again.json["imap"]["fetched"]) == (0, 20)
    assert stored(tmp_path) == sorted(raw(i) for i in range(20))


@pytest.mark.parametrize("words", [b"", b"* OK [UIDVALIDITY 7] x\r\n* NO [UIDNOTSTICKY] they will not last\r\n"])
def test_a_server_without_lasting_uids_is_read_without_a_resume_point(fetch, tmp_path: Path, words: bytes) -> None:
    class Bare(ImapServer):
        async def do_examine(self, tag: bytes, rest: bytes, writer: Writer) -> None:
            self.opened = self.mailboxes[b"INBOX"]
            writer.write(b"* 3 EXISTS\r\n" + words + tag + b" OK done\r\n")

    with Bare({b"INBOX": box(3)}) as server:
        assert [fetch(server).json["new"], fetch(server).json["new"]] == [3, 0]
    assert not (tmp_path / "w" / "archive" / "resume").exists()


def test_a_mailbox_that_shows_others_is_left_out_of_all_and_said(fetch, tmp_path: Path) -> None:
    with ImapServer(
        {b"INBOX": box(3), b"All Mail": box(3, flags=b"\\All"), b"Top": box(9, flags=b"\\Noselect")}
    ) as server:
        ran = fetch(server, "*")
        assert (ran.code, ran.json["new"], ran.json["imap"]["noticed"]) == (0, 3, {"mailbox_shows_others": 1})
        assert "All%20Mail: left out" in ran.err
        assert fetch(server, "All%20Mail", feed="g").json["new"] == 3


def test_places_that_are_gone_meanwhile_end_no_listing(fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spamtide.app.imap.session.WINDOW", 10)

    class Shrinking(ImapServer):
        async def do_fetch(self, tag: bytes, rest: bytes, writer: Writer) -> None:
            del self.opened.messages[5:]
            if int(rest.split(b" ")[0]) > len(self.opened.messages):
                writer.write(tag + b" BAD Invalid messageset\r\n")
                return
            await super().do_fetch(tag, rest, writer)

    with Shrinking({b"INBOX": box(50)}) as server:
        ran = fetch(server)
    assert (ran.code, ran.json["new"], ran.json["imap"]["noticed"]) == (0, 5, {"removed_meanwhile": 45})


def test_one_mailbox_that_breaks_does_not_end_the_others_and_a_lost_server_names_the_rest(
    fetch, tmp_path: Path
) -> None:
    class Breaking(ImapServer):
        ill = (b"B",)

        async def do_examine(self, tag: bytes, rest: bytes, writer: Writer) -> None:
            if rest.strip(b'"') in self.ill:
                raise End
            await super().do_examine(tag, rest, writer)

    with Breaking({name: box(2) for name in (b"A", b"B", b"C", b"D", b"E")}) as server:
        ran = fetch(server, "")
        assert (ran.code, ran.json["new"], codes(ran)) == (3, 8, ["dropped"])
        server.ill = (b"B", b"C")
        ran = fetch(server, "", feed="g")
    assert (ran.json["new"], codes(ran)) == (2, ["dropped", "dropped", "unreachable", "unreachable"])
    assert [r["source"].rpartition("/")[2] for r in ran.json["refused"]] == ["B", "C", "D", "E"]


def test_append_fetches_and_adds_everything_again(fetch, tmp_path: Path) -> None:
    with ImapServer({b"INBOX": box(5)}) as server:
        fetch(server)
        again = fetch(server, "INBOX", "--append").json
        assert (again["new"], again["imap"]["fetched"]) == (5, 5)
        assert fetch(server).json["imap"]["held"] == 5
    assert stored(tmp_path) == sorted([raw(i) for i in range(5)] * 2)


def test_nobody_there_is_named(fetch, tmp_path: Path) -> None:
    with ImapServer({}) as server:
        pass
    ran = fetch(server)
    assert (ran.code, codes(ran)) == (3, ["unreachable"])
