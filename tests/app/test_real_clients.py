"""Real clients before the trap: every message that one puts on the wire is in the archive, byte for byte, once, and from whom to whom.

A tap on loopback between client and trap keeps what the client writes, and a reader of its own makes messages of it. Within TLS the tap
would see nothing: there the same messages are sent again, and are to arrive as they did before, but for what the client writes anew
each time (the time, ids). What a client refuses to send is counted and named; nothing else may be missing.

A few clients run with every change, one message of each kind; all of them with ``-m proof``: SPAMTIDE_MESSAGES (100) of each kind over
SMTP, a tenth of them over LMTP and within TLS, the private messages in SPAMTIDE_CORPUS among them. docs/explanation/clients.md has the table.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import pytest

from real_clients import CLIENTS, Client, Target, Transport
from spamtide.app.workspace import Workspace
from spamtide.archive import verify_archive
from torture_mail import Job, jobs
from trap_process import TrapProcess, make_workspace, stored
from wire_tap import Sent, Tap, messages

EACH = int(os.environ.get("SPAMTIDE_MESSAGES", "100"))


def written(folder: Path, some: list[Job]) -> Path:
    """The folder with each message in a file."""
    folder.mkdir()
    for job in some:
        (folder / f"{job.number}.eml").write_bytes(job.raw)
    return folder


def kept(place: Path, transport: Transport) -> Counter[Sent]:
    """What the archive holds; each record says over what it came."""
    found = Counter[Sent]()
    for meta, raw in stored(place):
        said = meta["transcript"]
        assert (said["protocol"] == "lmtp", said["tls"]) == (transport == "lmtp", transport == "starttls"), meta
        if "unfinished" not in meta.get("marks", []):
            found[Sent(meta["from"], tuple(meta["to"]), raw)] += 1
    return found


def over(
    client: Client, transport: Transport, some: list[Job], files: Path, place: Path
) -> tuple[Counter[Sent], Counter[Sent], dict[int, str]]:
    """What the archive holds after all of it was sent, what was on the wire (nothing within TLS), and what the client refused."""
    make_workspace(place, connections_per_address=1000)
    wire = Counter[Sent]()
    with TrapProcess(place, "--lmtp", "127.0.0.1:0") as trap:
        address = trap.lmtp if transport == "lmtp" else trap.address
        with Tap(address) if transport != "starttls" else nullcontext() as tap:
            host, port = tap.address if tap else address
            refused = client.send(some, Target(host, port, transport, files))
            if tap:
                tap.settled()
                wire.update(sent for said in tap.said for sent in messages(bytes(said)))
    found = verify_archive(Workspace(place).archive)
    assert found.ok, found.problems
    return kept(place, transport), wire, refused


def number_of(sent: Sent) -> int | None:
    """The job that a message was made for, by its recipients; a server's own report on a message has none."""
    named = re.search(r"\bm(\d+)", " ".join(sent.to))
    return int(named[1]) if named else None


def to_each(client: Client, found: Counter[Sent], numbers: set[int]) -> Counter[Sent]:
    """What each recipient got of these jobs, however they were gathered, without what the client writes anew each time."""
    some = (s for s in found.elements() if number_of(s) in numbers)
    return Counter(Sent(s.sender, (to,), client.settled(s.raw)) for s in some for to in s.to)


def assert_same(found: Counter[Sent], wanted: Counter[Sent]) -> None:
    """Told so that a difference can be read."""
    for name, less in (("not kept", wanted - found), ("not sent so", found - wanted)):
        shown = [(s.sender, s.to[:3], s.raw[:300], len(s.raw)) for s in list(less)[:3]]
        assert not shown, f"{less.total()} {name}: {shown}"


def likeness(given: bytes, arrived: bytes) -> str:
    """What became of a message on its way through the client."""

    def plain(raw: bytes) -> bytes:
        return re.sub(rb"\r\n|\r|\n", b"\n", raw).rstrip(b"\n")

    if given == arrived:
        return "as given"
    if plain(given) == plain(arrived):
        return "line ends"
    body = plain(given).partition(b"\n\n")[2]
    return "head" if body and plain(arrived).endswith(b"\n\n" + body) else "more"


def carry(client: Client, some: list[Job], tmp_path: Path, tenth: int = 1) -> None:
    """Over every transport that the client speaks, with a row of the table for each."""
    files = written(tmp_path / "messages", some)
    first = Counter[Sent]()
    for transport in client.transports:
        given = some if transport == "smtp" else some[::tenth]
        found, wire, refused = over(client, transport, given, files, tmp_path / transport)
        numbers = {job.number for job in given}
        if transport == "starttls":
            assert_same(to_each(client, found, numbers), to_each(client, first, numbers))
        else:
            assert_same(found, wire)
        arrived = {number_of(sent) for sent in found}
        assert len(refused) < len(given) / 2, f"{client.name} refuses most: {list(refused.values())[:3]}"
        lost = {job.kind for job in given if job.number not in arrived and job.number not in refused}
        assert not lost, f"{client.name} neither sent nor refused some of {lost}"
        wrong = {
            some[n].kind
            for s in found
            if (n := number_of(s)) is not None and client.makes(some[n].raw) not in (None, s.raw)
        }
        assert not wrong, f"{client.name} makes something else of {wrong}"
        first = found if transport == "smtp" else first
        like = Counter(likeness(some[n].raw, s.raw) for s in found if (n := number_of(s)) is not None)
        shown = " | ".join(str(like[k]) for k in ("as given", "line ends", "head", "more"))
        kinds = ", ".join(f"{kind} {n}" for kind, n in Counter(some[n].kind for n in refused).items())
        print(
            f"\n| {client.name} | {client.version()} | {transport} | {len(given)} | {found.total()} | {shown} | {kinds} |",
            flush=True,
        )


def here(name: str) -> Client:
    """The client, or why the test is skipped."""
    client = CLIENTS[name]
    if client.version() is None:
        pytest.skip(f"{name} is not here: {client.install}")
    return client


@pytest.mark.parametrize("name", [c.name for c in CLIENTS.values() if c.light])
def test_what_a_light_client_puts_on_the_wire_is_what_the_archive_holds(name: str, tmp_path: Path) -> None:
    carry(here(name), jobs(1), tmp_path)


@pytest.mark.proof
@pytest.mark.parametrize("name", list(CLIENTS))
def test_what_a_client_puts_on_the_wire_is_what_the_archive_holds(name: str, tmp_path: Path) -> None:
    place = os.environ.get("SPAMTIDE_CORPUS")
    archive = Path(place) / "torture-mime-dev.tar.xz" if place else None
    carry(here(name), jobs(EACH, archive), tmp_path, tenth=10 if EACH >= 10 else 1)


def test_the_tap_reads_messages_as_the_rfcs_have_them() -> None:
    def said(body: bytes) -> bytes:
        return (
            b"EHLO x\r\nMAIL FROM:<a@b.example> SIZE=3\r\nRCPT TO:<x@trap.example>\r\nDATA\r\n" + body + b"\r\nQUIT\r\n"
        )

    assert [m.raw for m in messages(said(b"..a\r\nb\n.\nc\r\n."))] == [b".a\r\nb\n.\nc\r\n"]
    assert [m.raw for m in messages(said(b"."))] == [b""]
    assert [m.raw for m in messages(said(b"QUIT\r\n.\r\nQUIT\r\n"))] == [b"QUIT\r\n"]
    assert messages(said(b"no end")) == []
    two = b'MAIL FROM:<>\r\nRCPT TO:<"a>b"@x.example>\r\nBDAT 5\r\n.\r\n.\rBDAT 1 LAST\r\n\nRSET\r\n'
    assert messages(two * 2) == [Sent("", ('"a>b"@x.example',), b".\r\n.\r\n")] * 2
