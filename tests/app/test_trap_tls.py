"""STARTTLS and SMTPS as real clients speak them, and as others do."""

from __future__ import annotations

import random
import shutil
import smtplib
import socket
import ssl
import stat
import subprocess
import time
from pathlib import Path

import pytest

from hello_made import real_hello
from spamtide.app.workspace import Workspace
from trap_process import PATIENCE, Client, TrapProcess, deliver, greeted, make_workspace, stored


def trusting(**options: object) -> ssl.SSLContext:
    """A client's side that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, value in options.items():
        setattr(context, name, value)
    return context


def secured(address: tuple[str, int], context: ssl.SSLContext | None = None) -> Client:
    """A client that has said STARTTLS, shaken hands, and said EHLO."""
    client = greeted(address)
    assert client.say(b"STARTTLS") == 220
    client.socket = (context or trusting()).wrap_socket(client.socket, server_hostname="mx.trap.example")
    client.file = client.socket.makefile("rb")
    assert client.say(b"EHLO client.example") == 250
    return client


def test_a_client_of_the_standard_library_verifies_our_certificate_and_delivers(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place) as trap:
        context = ssl.create_default_context(cafile=str(place / "tls" / "certificate.pem"))
        with smtplib.SMTP(*trap.address) as client:
            # The name of the certificate is the trap's, whatever the address.
            client._host = "mx.trap.example"
            client.starttls(context=context)
            client.sendmail("a@b.example", ["x@trap.example"], b"Subject: hi\r\n\r\nthere\r\n")
        ended = trap.wait_for("session.ended")
    (meta, raw), *_ = stored(place)
    handshake = meta["transcript"]["handshake"]
    assert raw == b"Subject: hi\r\n\r\nthere\r\n" and meta["transcript"]["tls"] is True
    assert (handshake["version"], handshake["failed"]) == ("1.3", None) and handshake["suite"].startswith("TLS_")
    assert handshake["hello"]["sni"] and handshake["hello"]["ja4"].startswith("t13d")
    assert ended["tls"] is True and ended["handshake"] == handshake and trap.events[-1]["counts"]["tls"] == 1


def test_the_certificate_is_made_once_and_its_key_is_its_owners_alone(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    files = []
    for _ in range(2):
        with TrapProcess(place):
            files.append({p.name: p.read_bytes() for p in (place / "tls").iterdir()})
    assert files[0] == files[1] and set(files[0]) == {"certificate.pem", "private_key.pem"}
    assert {stat.S_IMODE(p.stat().st_mode) for p in (place / "tls").iterdir()} == {0o600}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here")
@pytest.mark.parametrize(("flag", "version"), [("-tls1_2", "1.2"), ("-tls1_3", "1.3"), ("-tls1_1", None)])
def test_openssl_agrees_on_a_version_or_is_told_why_not(tmp_path: Path, flag: str, version: str | None) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place) as trap:
        where = f"{trap.address[0]}:{trap.address[1]}"
        line = ["openssl", "s_client", "-starttls", "smtp", "-connect", where, flag, "-quiet", "-ign_eof"]
        line += ["-cipher", "ALL:@SECLEVEL=0"] if version is None else []
        subprocess.run(line, input=b"EHLO c.example\r\nQUIT\r\n", capture_output=True, timeout=PATIENCE)
        ended = trap.wait_for("session.ended")
        if version is not None:
            assert (ended["how"], ended["handshake"]["version"]) == ("quit", version)
        else:
            # The library speaks 1.2 and 1.3: an older one is refused, and its hello kept.
            assert (ended["how"], ended["tls"]) == ("tls_failed", False)
            assert ended["handshake"]["failed"] and ended["handshake"]["hello"]["versions"] == ["1.1"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here")
def test_the_operators_certificate_is_shown_rsa_too(spamtide, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", certificate="mine.pem", private_key="mine.key")
    line = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=mine.example", "-days", "2"]
    subprocess.run([*line, "-keyout", place / "mine.key", "-out", place / "mine.pem"], check=True, capture_output=True)
    with TrapProcess(place) as trap, secured(trap.address) as client:
        shown = client.socket.getpeercert(binary_form=True)  # type: ignore[attr-defined]
        assert ssl.DER_cert_to_PEM_cert(shown).split() == (place / "mine.pem").read_text().split()
        assert not (place / "tls").exists()
    (place / "mine.key").write_text("no key")
    for text in ((place / "spamtide.toml").read_text(), "schema = 1\n[trap]\ncertificate = 'mine.pem'\n"):
        (place / "spamtide.toml").write_text(text)
        refused = spamtide("--workspace", place, "trap", "--feed", "f", "--smtp", "127.0.0.1:0")
        assert (
            refused.code == 2
            and "[bad_certificate]" in refused.err
            and ("mine.key" in refused.err or "trap.private_key" in refused.err)
        )


def test_without_starttls_nothing_is_offered_and_no_certificate_made(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", starttls=False)
    with TrapProcess(place) as trap, Client(trap.address) as client:
        assert client.reply() == 220
        client.send(b"EHLO a.example\r\n")
        lines = [client.file.readline()]
        while lines[-1][3:4] == b"-":
            lines.append(client.file.readline())
        assert not any(b"STARTTLS" in line for line in lines) and client.say(b"STARTTLS") == 502
    assert not (place / "tls").exists()


def test_what_is_sent_before_the_handshake_is_no_part_of_the_session(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place) as trap:
        client = greeted(trap.address)
        # In the same segment as STARTTLS: thrown away, and a mark.
        client.send(b"STARTTLS\r\nMAIL FROM:<injected@b.example>\r\n")
        assert client.reply() == 220
        client.socket = trusting().wrap_socket(client.socket)
        client.file = client.socket.makefile("rb")
        assert client.say(b"RCPT TO:<x@trap.example>") == 503
        assert deliver(client, b"x\r\n") == 250
        client.close()
        # After our 220: it is no handshake.
        late = greeted(trap.address)
        assert late.say(b"STARTTLS") == 220
        late.send(b"MAIL FROM:<injected@b.example>\r\n")
        late.socket.settimeout(PATIENCE)
        while late.socket.recv(100):
            pass
        first, second = trap.wait_for("session.ended"), trap.wait_for("session.ended", 2)
    assert "injected" in first["dialect"] and stored(place)[0][0]["from"] == "a@b.example"
    assert (second["how"], second["handshake"]["hello"]) == ("tls_failed", None) and second["handshake"]["failed"]


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(9), bytes(4096)])
def test_garbage_in_place_of_a_hello_is_a_failed_handshake(tmp_path: Path, garbage: bytes) -> None:
    place = make_workspace(tmp_path / "w", handshake_seconds=2.0)
    with TrapProcess(place) as trap:
        client = greeted(trap.address)
        assert client.say(b"STARTTLS") == 220
        client.send(garbage)
        ended = trap.wait_for("session.ended")
        assert ended["how"] == "tls_failed" and ended["handshake"]["failed"]
        client.close()
        with secured(trap.address) as other:
            assert deliver(other, b"x\r\n") == 250
    assert trap.events[-1]["counts"]["tls_failed"] == 1
    journaled = [r.body for r in Workspace(place).archive.journal.read("session")]
    assert [s["how"] for s in journaled] == ["tls_failed"]


def test_a_handshake_that_stalls_ends_at_its_deadline_and_its_hello_is_kept(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", handshake_seconds=0.6)
    with TrapProcess(place) as trap:
        silent, dripping, half = (greeted(trap.address) for _ in range(3))
        assert [c.say(b"STARTTLS") for c in (silent, dripping, half)] == [220, 220, 220]
        half.send(real_hello())
        for byte in real_hello()[:8]:
            dripping.send(bytes([byte]))
            time.sleep(0.1)
        ended = [trap.wait_for("session.ended", n) for n in (1, 2, 3)]
        assert {(e["how"], e["handshake"]["failed"]) for e in ended} == {("tls_failed", "deadline")}
        assert sorted(e["handshake"]["hello"] is not None for e in ended) == [False, False, True]
        with greeted(trap.address) as honest:
            assert deliver(honest, b"x\r\n") == 250


def test_a_mebibyte_comes_through_in_any_pieces_and_byte_for_byte(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    dice = random.Random(6)
    body = b"".join(dice.randbytes(700).replace(b"\n", b"n").replace(b"\r", b"r") + b"\r\n" for _ in range(1500))
    wire = b"\r\n".join((b"." + line if line.startswith(b".") else line) for line in body.split(b"\r\n"))
    with TrapProcess(place) as trap:
        for pieces in (None, 5000):
            with secured(trap.address) as client:
                assert client.say(b"MAIL FROM:<>", b"RCPT TO:<x@trap.example>", b"DATA") == 354
                for at in range(0, len(wire), pieces or len(wire)):
                    client.send(wire[at : at + (pieces or len(wire))])
                client.send(b".\r\n")
                assert client.reply() == 250
    assert [raw == body for _, raw in stored(place)] == [True, True]


def test_an_end_without_close_notify_is_an_end(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place) as trap:
        client = secured(trap.address)
        assert client.say(b"MAIL FROM:<>", b"RCPT TO:<x@trap.example>", b"DATA") == 354
        client.send(b"half")
        time.sleep(0.2)
        client.file.close()
        # The socket below goes, and TLS says nothing.
        socket.socket(fileno=client.socket.detach()).close()
        assert trap.wait_for("session.ended")["how"] in ("closed", "lost")
    (meta, raw), *_ = stored(place)
    assert raw == b"half" and meta["marks"] == ["unfinished"]


def test_half_a_close_still_gets_its_answers_and_our_close_notify(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place) as trap:
        client = greeted(trap.address)
        assert client.say(b"STARTTLS") == 220
        coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = trusting().wrap_bio(coming, going)

        def pump(step: object) -> object:
            while True:
                try:
                    return step()  # type: ignore[operator]
                except ssl.SSLWantReadError:
                    if waiting := going.read():
                        client.socket.sendall(waiting)
                    coming.write(client.socket.recv(65536))

        pump(tls.do_handshake)
        tls.write(b"NOOP\r\n")
        client.socket.sendall(going.read())
        client.socket.shutdown(socket.SHUT_WR)
        assert pump(lambda: tls.read(100)) == b"250 2.0.0 OK\r\n"
        # An end that is said: what is read is empty. Without it this would wait for more.
        assert pump(lambda: tls.read(100)) == b""


def test_smtps_shakes_hands_before_the_greeting(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", starttls=False)
    with TrapProcess(place, "--smtps", "127.0.0.1:0", smtp="127.0.0.1:0") as trap:
        host, _, port = trap.ready["smtps"].rpartition(":")
        with smtplib.SMTP_SSL(host, int(port), context=trusting()) as client:
            client.sendmail("a@b.example", ["x@trap.example"], b"hi\r\n")
            assert "starttls" not in client.esmtp_features
        with Client((host, int(port))) as plain:
            plain.send(b"EHLO a.example\r\n")
            assert trap.wait_for("session.ended", 2)["how"] == "tls_failed"
    (meta, raw), *_ = stored(place)
    assert raw == b"hi\r\n" and meta["transcript"]["handshake"]["version"] == "1.3"


def test_a_handshake_is_shed_like_any_session(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", connections=3)
    with TrapProcess(place) as trap:
        shaking = [greeted(trap.address) for _ in range(3)]
        assert [c.say(b"STARTTLS") for c in shaking] == [220, 220, 220]
        with secured(trap.address) as honest:
            assert deliver(honest, b"x\r\n") == 250
        assert trap.wait_for("session.ended")["how"] == "shed"


def test_many_replies_at_once_come_through(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place) as trap, secured(trap.address) as client:
        client.send(b"EHLO a.example\r\n" * 190)
        assert [client.reply() for _ in range(190)] == [250] * 190
