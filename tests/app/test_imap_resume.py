"""However an import from a server is broken off, the feed ends as the identity rule says: the copies of the source, less those it has."""

from __future__ import annotations

import random
import re
import resource
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from imap_server import PASSWORD, End, ImapServer, Mailbox, Message, Writer
from spamtide.app.config import People
from spamtide.app.imap import ImapOptions, ImapSource, parse_address
from spamtide.app.importing import import_sources
from spamtide.app.workspace import Workspace
from spamtide.archive import verify_archive

NOW = 1_400_000_000_000_000


def raw(n: int) -> bytes:
    return (
        f"Received: from x ([192.0.2.7]) by y; Mon, 7 Mar 2011 10:{n % 60:02d}:00 +0000\r\nSubject: {n}\r\n\r\n{n}\r\n"
        * 3
    ).encode()


class Unsteady(ImapServer):
    """Ends the connection by chance."""

    chance = random.Random(0)

    async def body(self, place: int, message: Message, writer: Writer) -> None:
        if self.chance.random() < 0.03:
            raise End
        await super().body(place, message, writer)


class Killed(BaseException):
    """As a kill: nothing of ours catches it."""


def content(workspace: Workspace) -> str:
    found = verify_archive(workspace.archive)
    assert found.ok, found.problems
    return found.content


def held(workspace: Workspace) -> Counter[bytes]:
    archive = workspace.archive
    places = [(s.base.rpartition("/")[2], n) for s in archive.segments("f") for n in range(s.records)]
    return Counter(archive.read(f"f/{base}/{n}").raw for base, n in places)


@pytest.mark.parametrize("seed", range(12))
def test_broken_off_at_any_place_it_ends_as_undisturbed(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr("spamtide.app.imap.session.WINDOW", chance.choice([3, 10, 1000]))
    monkeypatch.setattr("spamtide.app.imap.reading.GROUP_MESSAGES", chance.choice([1, 4, 200]))
    # Equal messages stand under several UIDs; some came by another way before.
    uids = sorted(chance.sample(range(1, 400), 60))
    box = Mailbox([Message(uid, raw(chance.randrange(40))) for uid in uids])
    before = [raw(chance.randrange(40)) for _ in range(10)]
    folder = tmp_path / "before"
    folder.mkdir()
    for n, message in enumerate(before):
        (folder / f"{n}.eml").write_bytes(message)
    whole, broken = (Workspace.create(tmp_path / name, People()) for name in ("whole", "broken"))
    for workspace in (whole, broken):
        import_sources(workspace, [folder], "f", digest=False, now=NOW)
    with Unsteady({b"INBOX": box}) as server:
        server.chance = random.Random(seed)
        options = ImapOptions(timeout=5, attempts=6, pause=0)

        def run(workspace: Workspace) -> None:
            source = ImapSource(parse_address(server.address()), (b"INBOX",), PASSWORD, options)
            import_sources(workspace, [source], "f", digest=False, now=NOW)

        for _ in range(8):
            with monkeypatch.context() as patch:
                if chance.random() < 0.7:
                    break_off(patch, chance)
                try:
                    run(broken)
                except Killed:
                    continue
        for _ in range(40):
            run(broken)
            run(whole)
            wanted = Counter(before) | Counter(m.raw for m in box.messages)
            if held(broken) == wanted == held(whole):
                break
    assert held(broken) == wanted
    assert content(broken) == content(whole)


def break_off(patch: pytest.MonkeyPatch, chance: random.Random) -> None:
    """Kill at the n-th call of one of the steps: before or after it."""
    from spamtide.app.imap.session import Session
    from spamtide.archive import FeedWriter, ResumePoint

    place, name = chance.choice(
        [(Session, "fetch"), (FeedWriter, "append"), (FeedWriter, "commit"), (ResumePoint, "add"), (FeedWriter, "roll")]
    )
    left = chance.randrange(1, 8)
    after = chance.random() < 0.5
    genuine = getattr(place, name)

    def step(*arguments, **named):
        nonlocal left
        left -= 1
        if left == 0 and not after:
            raise Killed
        result = genuine(*arguments, **named)
        if left == 0:
            raise Killed
        return result

    patch.setattr(place, name, step)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed (Debian: apt-get install strace)")
def test_no_message_is_noted_before_it_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Workspace.create(tmp_path / "w", People())
    log = tmp_path / "calls"
    monkeypatch.setenv("SPAMTIDE_IMAP_PASSWORD", PASSWORD)
    with ImapServer({b"INBOX": Mailbox([Message(n, raw(n)) for n in range(1, 2500)])}) as server:
        command = ["import", server.address(), "--feed", "f", "--no-digest"]
        ran = subprocess.run(
            ["strace", "-f", "-y", "-s", "16", "-o", str(log), "-e", "trace=write,writev,pwrite64,fsync,fdatasync",
             sys.executable, "-m", "spamtide", "--workspace", str(tmp_path / "w"), *command], capture_output=True, text=True,
        )  # fmt: skip
    if "ptrace" in ran.stderr.lower():
        pytest.skip("this machine does not allow tracing")
    assert ran.returncode == 0, ran.stderr
    least = min(len(raw(n)) for n in range(1, 2500))
    dirty: dict[str, int] = {}
    durable = noted = 0
    for line in log.read_text(errors="replace").splitlines():
        found = re.search(r"(write|writev|pwrite64|fsync|fdatasync)\(\d+<([^>]+)>.*= (\d+)", line)
        if not found or "/archive/" not in found[2]:
            continue
        call, path, done = found[1], found[2], int(found[3])
        if "sync" in call:
            durable += dirty.pop(path, 0) if "/segments/" in path else 0
            dirty.pop(path, None)
            continue
        dirty[path] = dirty.get(path, 0) + done
        if path.endswith(".uids"):
            noted += done // 24
            assert noted * least <= durable, line
    assert noted == 2499
    assert not dirty


@pytest.mark.parametrize("room", [20_000, 150_000, 400_000])
def test_a_disk_that_takes_no_more_is_named_and_the_import_goes_on_later(
    tmp_path: Path, monkeypatch, room: int
) -> None:
    place = tmp_path / "w"
    Workspace.create(place, People())
    monkeypatch.setenv("SPAMTIDE_IMAP_PASSWORD", PASSWORD)
    with ImapServer({b"INBOX": Mailbox([Message(n, raw(n)) for n in range(1, 2500)])}) as server:
        command = [
            sys.executable,
            "-m",
            "spamtide",
            "--workspace",
            str(place),
            "import",
            server.address(),
            "--feed",
            "f",
            "--no-digest",
        ]
        full = subprocess.run(
            command,
            capture_output=True,
            text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        )
        assert full.returncode == 3 and "Traceback" not in full.stderr, full.stderr
        again = subprocess.run(command, capture_output=True, text=True)
        assert again.returncode == 0, again.stderr
    assert held(Workspace(place)) == Counter(raw(n) for n in range(1, 2500))
    content(Workspace(place))
