"""Import from a real Dovecot: nothing changes there, nothing is fetched twice, kills do not show."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import spamtide as package
from dovecot import PASSWORD, Dovecot
from segment_sizes import written
from spamtide.app import cli
from spamtide.app.config import People
from spamtide.app.workspace import Workspace
from spamtide.archive import verify_archive

MESSAGES = 5_000


def message(n: int, size: int = 0) -> bytes:
    return (
        f"Received: from x ([192.0.2.{n % 250 + 1}]) by y; Mon, 7 Mar 2011 10:{n % 60:02d}:00 +0000\r\n"
        f"From: a{n}@b.example\r\nSubject: Order {n}\r\n\r\nhello {n}\r\n"
        + "words that go on and on\r\n"
        * (size // 25)
    ).encode()


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with Dovecot() as dovecot:
        yield dovecot


def importing(place: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "spamtide", "--workspace", str(place), "import", *more, "--feed", "f", "--json"]


def run(place: Path, *more: str) -> tuple[int, Any, str]:
    """Import: exit code, document, stderr."""
    if not place.exists():
        Workspace.create(place, People())
    out, err = io.StringIO(), io.StringIO()
    os.environ["SPAMTIDE_IMAP_PASSWORD"] = PASSWORD
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.run(importing(place, *more)[3:])
    return code, json.loads(out.getvalue()), err.getvalue()


def content(place: Path) -> str:
    found = verify_archive(Workspace(place).archive)
    assert found.ok, found.problems
    return found.content


def test_a_mailbox_is_read_and_nothing_changes_there(server: Dovecot, tmp_path: Path) -> None:
    server.fill([message(n) for n in range(50)], "Read")
    before = server.files("Read")
    code, done, _ = run(tmp_path / "w", server.address("Read"))
    assert (code, done["messages"], done["new"], done["imap"]["fetched"]) == (0, 50, 50, 50)
    assert server.files("Read") == before
    assert all(name.endswith(":2,") for name in before), "no message is marked as seen"
    archive = Workspace(tmp_path / "w").archive
    stored = archive.read("f/import-000001/7")
    assert stored.raw == message(7)
    assert stored.meta["marks"] == ["line_ends_not_evidence"]
    assert stored.meta["source"]["ordinal"] == 8
    assert stored.meta["source"]["path"].startswith(f"{server.address('Read')};UIDVALIDITY=")


def test_line_ends_are_those_of_the_server_and_marked_as_no_evidence(server: Dovecot, tmp_path: Path) -> None:
    server.fill([message(1).replace(b"\r\n", b"\n")], "Bare")
    run(tmp_path / "w", server.address("Bare"))
    (found,) = stored(tmp_path / "w")
    assert found.raw == message(1), "Dovecot gives bare LF as CRLF"
    assert found.meta["marks"] == ["line_ends_not_evidence"]


def test_what_the_feed_holds_is_not_fetched_again_and_new_mail_is(server: Dovecot, tmp_path: Path) -> None:
    server.fill([message(n, 4000) for n in range(100)], "Twice")
    run(tmp_path / "w", server.address("Twice"))
    first = content(tmp_path / "w")
    _, again, _ = run(tmp_path / "w", server.address("Twice"))
    assert (again["messages"], again["new"], again["imap"]["held"], again["imap"]["fetched"]) == (100, 0, 100, 0)
    assert again["imap"]["received_bytes"] < 20_000
    assert content(tmp_path / "w") == first
    # Equal bytes under another UID are another copy.
    server.fill([message(5, 4000), message(1000)], "Twice")
    _, more, _ = run(tmp_path / "w", server.address("Twice"))
    assert (more["messages"], more["new"], more["imap"]["fetched"]) == (102, 2, 2)


def test_without_its_resume_point_all_is_fetched_and_nothing_added(server: Dovecot, tmp_path: Path) -> None:
    server.fill([message(n) for n in (1, 2, 2, 3)], "Lost")
    run(tmp_path / "w", server.address("Lost"))
    first = content(tmp_path / "w")
    (point,) = (tmp_path / "w" / "archive" / "resume").iterdir()
    point.write_bytes(point.read_bytes()[:-5])
    _, torn, _ = run(tmp_path / "w", server.address("Lost"))
    assert (torn["new"], torn["imap"]["held"], torn["imap"]["fetched"]) == (0, 3, 1)
    point.unlink()
    _, gone, _ = run(tmp_path / "w", server.address("Lost"))
    assert (gone["new"], gone["imap"]["held"], gone["imap"]["fetched"]) == (0, 0, 4)
    assert content(tmp_path / "w") == first


def test_a_resume_point_is_not_believed_without_the_copies(server: Dovecot, tmp_path: Path) -> None:
    server.fill([message(n) for n in range(10)], "Believed")
    run(tmp_path / "w", server.address("Believed"))
    first = content(tmp_path / "w")
    for path in (tmp_path / "w" / "archive" / "segments" / "f").iterdir():
        path.unlink()  # as after a restore of an older copy
    _, done, _ = run(tmp_path / "w", server.address("Believed"), "--no-digest")
    assert (done["new"], done["imap"]["held"]) == (10, 0)
    assert content(tmp_path / "w") == first


def test_erased_mail_is_neither_fetched_nor_brought_back(server: Dovecot, tmp_path: Path, spamtide) -> None:
    server.fill([message(n) for n in range(10)], "Erased")
    run(tmp_path / "w", server.address("Erased"))
    assert (
        spamtide(
            "--workspace", tmp_path / "w", "archive", "erase", "from:a3@b.example", "--reason", "test", "--yes"
        ).code
        == 0
    )
    code, done, _ = run(tmp_path / "w", server.address("Erased"))
    assert (code, done["new"], done["imap"]["fetched"]) == (3, 0, 0)
    assert done["refused"] == [{"source": "1 messages", "code": "erased", "reason": "were erased from this archive"}]


def test_a_new_uidvalidity_starts_over_and_says_so(server: Dovecot, tmp_path: Path) -> None:
    server.fill([message(n) for n in range(20)], "Anew")
    run(tmp_path / "w", server.address("Anew"))
    first = content(tmp_path / "w")
    for path in (server.mail / ".Anew").glob("dovecot*"):
        path.unlink()
    (server.mail / ".Anew" / "dovecot-uidlist").write_text("3 V1234567 N1 G0123456789abcdef0123456789abcdef\n")
    server.own()
    code, done, said = run(tmp_path / "w", server.address("Anew"))
    assert (code, done["new"], done["imap"]["held"], done["imap"]["fetched"]) == (0, 0, 0, 20)
    assert done["imap"]["noticed"] == {"uidvalidity_changed": 1}
    assert "UIDVALIDITY changed from" in said and "to 1234567" in said
    assert content(tmp_path / "w") == first
    _, again, _ = run(tmp_path / "w", server.address("Anew"))
    assert again["imap"]["held"] == 20


def test_every_mailbox_and_files_beside_it(tmp_path: Path) -> None:
    with Dovecot() as dovecot:
        dovecot.fill([message(1)])
        dovecot.fill([message(2), message(3)], "Sp&AOQ-m")
        dovecot.fill([], "Empty")
        (tmp_path / "file.eml").write_bytes(message(4))
        code, done, _ = run(tmp_path / "w", dovecot.address(""), str(tmp_path / "file.eml"))
        assert (code, done["messages"], done["imap"]["mailboxes"]) == (0, 4, 3)
        paths = {m.meta["source"]["path"].partition(";")[0] for m in stored(tmp_path / "w")}
        assert paths == {dovecot.address("INBOX"), dovecot.address("Sp%C3%A4m"), str(tmp_path / "file.eml")}
        code, done, _ = run(tmp_path / "v", dovecot.address("Sp%C3%A4m"), dovecot.address("inbox"))
        assert (code, done["messages"]) == (0, 3)


def stored(place: Path) -> list[Any]:
    archive = Workspace(place).archive
    return [archive.read(f"f/{s.base.rpartition('/')[2]}/{n}") for s in archive.segments("f") for n in range(s.records)]


def test_the_time_on_the_server_is_the_last_resort(server: Dovecot, tmp_path: Path) -> None:
    server.fill([b"Subject: no trace\r\n\r\nx\r\n", message(1)], "Times")
    run(tmp_path / "w", server.address("Times"))
    first, second = stored(tmp_path / "w")
    assert (first.received_at, first.meta["time_origin"]) == (1_300_000_000_000_000, "file")
    assert second.meta["time_origin"] == "received"


def test_what_is_absent_or_refused_is_named(server: Dovecot, tmp_path: Path) -> None:
    code, done, said = run(tmp_path / "w", server.address("Nowhere"))
    assert (code, done["refused"][0]["code"]) == (3, "no_mailbox")
    assert "doesn't exist" in said
    Workspace.create(tmp_path / "v", People())
    wrong = {**os.environ, "SPAMTIDE_IMAP_PASSWORD": "wrong"}
    ran = subprocess.run(importing(tmp_path / "v", server.address()), env=wrong, capture_output=True, text=True)
    refused = json.loads(ran.stdout)["refused"]
    assert (ran.returncode, [r["code"] for r in refused]) == (3, ["login_refused"])
    assert "Traceback" not in ran.stderr and "wrong" not in ran.stderr


def test_confirmed_mail_is_moved_when_asked_for(server: Dovecot, tmp_path: Path) -> None:
    server.fill([message(n) for n in range(30)], "From")
    server.fill([], "To")
    code, done, _ = run(tmp_path / "w", server.address("From"), "--move-to", "To", "--yes")
    assert (code, done["new"], done["imap"]["moved"]) == (0, 30, 30)
    assert (len(server.files("From")), len(server.files("To"))) == (0, 30)
    # What was imported before is moved without being fetched.
    server.fill([message(n) for n in range(100, 110)], "Later")
    run(tmp_path / "w", server.address("Later"))
    _, done, _ = run(tmp_path / "w", server.address("Later"), "--move-to", "To", "--yes")
    assert (done["imap"]["fetched"], done["imap"]["moved"], len(server.files("To"))) == (0, 10, 40)


@pytest.mark.parametrize(("target", "words"), [("Nobody", "no mailbox"), ("Wrong", "read and moved to")])
def test_a_move_that_cannot_be_is_said_before_anything_is_fetched(
    server: Dovecot, tmp_path: Path, target: str, words: str
) -> None:
    if not server.files("Wrong"):
        server.fill([message(1)], "Wrong")
    code, done, said = run(tmp_path / "w", server.address("Wrong"), "--move-to", target, "--yes")
    assert (code, done["error"]) == (2, "bad_move")
    assert words in said
    assert len(server.files("Wrong")) == 1
    code, done, _ = run(tmp_path / "w", server.address("Wrong"), "--move-to", "Archive")
    assert (code, done["error"]) == (2, "usage"), "nobody is there to be asked"


def test_what_the_archive_does_not_hold_is_never_moved(server: Dovecot, tmp_path: Path, monkeypatch) -> None:
    from spamtide.app.imap import ImapOptions, ImapSource, parse_address
    from spamtide.app.imap.moving import move_confirmed
    from spamtide.app.importing import import_sources

    server.fill([message(n, 2000) for n in range(20)], "Held")
    server.fill([], "Safe")
    address = parse_address(server.address("Held"))
    workspace = Workspace.create(tmp_path / "w", People())
    source = ImapSource(address, (b"Held",), PASSWORD, ImapOptions(move_to=b"Safe"))
    import_sources(workspace, [source], "f", digest=False, now=1_400_000_000_000_000)
    (path,) = (tmp_path / "w" / "archive" / "segments" / "f").glob("*.seg")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1  # the disk lost a bit
    path.write_bytes(data)
    asked: list[int] = []
    refused: list[Any] = []
    move_confirmed(source, workspace.archive, "f", lambda n, _: bool(asked.append(n)) or True, refused)
    assert asked == []
    assert [r.code for r in refused] == ["not_moved"]
    assert (len(server.files("Held")), len(server.files("Safe"))) == (20, 0)


def test_no_is_no(server: Dovecot, tmp_path: Path) -> None:
    from spamtide.app.imap import ImapOptions, ImapSource, parse_address
    from spamtide.app.imap.moving import move_confirmed
    from spamtide.app.importing import import_sources

    server.fill([message(n) for n in range(5)], "Stay")
    server.fill([], "Away")
    workspace = Workspace.create(tmp_path / "w", People())
    source = ImapSource(parse_address(server.address("Stay")), (b"Stay",), PASSWORD, ImapOptions(move_to=b"Away"))
    import_sources(workspace, [source], "f", digest=False, now=1_400_000_000_000_000)
    asked: list[tuple[int, str]] = []
    move_confirmed(source, workspace.archive, "f", lambda n, t: bool(asked.append((n, t))), [])
    assert asked == [(5, server.address("Away"))]
    assert len(server.files("Stay")) == 5


# Kills


@pytest.fixture(scope="module")
def big(server: Dovecot) -> Dovecot:
    server.fill((message(n, n % 40 * 300) for n in range(MESSAGES)), "Big")
    return server


@dataclass(frozen=True)
class Undisturbed:
    """Content of the import that nobody disturbs; bytes of its segment; seconds to the first and to the last stored message."""

    content: str
    size: int
    first: float
    last: float


@pytest.fixture(scope="module")
def undisturbed(big: Dovecot, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    place = tmp_path_factory.mktemp("whole") / "w"
    Workspace.create(place, People())
    started = time.monotonic()
    process = start(place, big)
    grown: list[float] = []
    size = 0
    while process.poll() is None:
        now = written(place)
        if now > size:
            size = now
            grown.append(time.monotonic() - started)
        time.sleep(0.002)
    seconds = time.monotonic() - started
    assert process.returncode == 0
    stored = sum(s.raw_bytes for s in Workspace(place).archive.segments("f"))
    print(
        f"\n{MESSAGES} messages, {stored / 1e6:.0f} MB by IMAP: {seconds:.1f} s, stored from {grown[0]:.2f} to {grown[-1]:.2f} s"
    )
    return Undisturbed(content(place), size, grown[0], grown[-1])


def start(place: Path, big: Dovecot) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        importing(place, big.address("Big")), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "SPAMTIDE_IMAP_PASSWORD": PASSWORD},
    )  # fmt: skip


def kill(place: Path, big: Dovecot, size: float, pause: float) -> int:
    """Import with SIGKILL ``pause`` seconds after ``size`` bytes are written, whatever the machine's speed; messages stored by then."""
    process = start(place, big)
    while process.poll() is None and written(place) < size:
        time.sleep(0.002)
    time.sleep(pause)
    process.kill()
    process.wait()
    return sum(s.records for s in Workspace(place).archive.segments("f"))


def finished(place: Path, big: Dovecot) -> tuple[str, Any]:
    """Content after the same command ran to its end, and its document; every message is in the tables, none twice."""
    code, done, _ = run(place, big.address("Big"))
    assert (code, done["messages"]) == (0, MESSAGES)
    assert sum(package.open(place).series("volume", ["f"]).counts) == MESSAGES
    return content(place), done


def test_killed_three_times_in_one_workspace(tmp_path: Path, big: Dovecot, undisturbed: Undisturbed) -> None:
    place = tmp_path / "w"
    Workspace.create(place, People())
    stored = [kill(place, big, part * undisturbed.size, 0) for part in (0.2, 0.5, 0.8)]
    assert 0 < stored[0] < MESSAGES
    assert stored == sorted(stored)
    ended, done = finished(place, big)
    assert ended == undisturbed.content
    # No more than one window of messages, which was not yet noted, is fetched again.
    assert done["imap"]["fetched"] <= MESSAGES - stored[-1] + 1000


def test_ctrl_c_says_how_to_go_on_and_loses_nothing(tmp_path: Path, big: Dovecot, undisturbed: Undisturbed) -> None:
    place = tmp_path / "w"
    Workspace.create(place, People())
    process = subprocess.Popen(
        importing(place, big.address("Big")), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "SPAMTIDE_IMAP_PASSWORD": PASSWORD},
        # A shell that runs the tests in the background has them ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    while not written(place):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in said and "again" in said
    assert finished(place, big)[0] == undisturbed.content


@pytest.mark.proof
def test_killed_at_twenty_random_moments(tmp_path: Path, big: Dovecot, undisturbed: Undisturbed) -> None:
    chance = random.Random(20110316)
    midway = 0
    for i in range(20):
        place = tmp_path / str(i)
        Workspace.create(place, People())
        stored = kill(place, big, chance.uniform(0, undisturbed.size), chance.uniform(0, 0.2))
        midway += 0 < stored < MESSAGES
        ended, done = finished(place, big)
        assert ended == undisturbed.content, f"kill {i}"
        print(f"kill {i}: {stored} stored, then {done['imap']['held']} held, {done['imap']['fetched']} fetched")
    print(f"20 kills, {midway} of them amid the messages: content equal each time")
    assert midway >= 10


@pytest.mark.proof
def test_killed_twenty_times_in_one_workspace(tmp_path: Path, big: Dovecot, undisturbed: Undisturbed) -> None:
    chance = random.Random(2011)
    place = tmp_path / "w"
    Workspace.create(place, People())
    stored = [0]
    for _ in range(20):
        # Most kills come before anything more is stored, or else the first few would leave nothing to kill.
        if chance.random() < 0.75:
            stored.append(kill(place, big, 0, chance.uniform(0, undisturbed.first)))
        else:
            stored.append(kill(place, big, written(place) + 1, chance.uniform(0, 0.1)))
    print(f"\nstored after each kill: {stored[1:]}")
    assert stored == sorted(stored)
    assert len(set(stored)) > 3
    assert finished(place, big)[0] == undisturbed.content
