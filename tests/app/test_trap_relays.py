"""Real relays before the trap, configured as the how-to says: the record has the true client, from a loopback address of its own."""

from __future__ import annotations

import smtplib
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from mail_programs import EXIM, HAPROXY, NGINX, NGINX_MAIL, POSTFIX, exim, haproxy, nginx, postfix, shown
from spamtide.app.workspace import Workspace
from trap_process import PATIENCE, TrapProcess, make_workspace, stored

RELAY = "127.0.0.1"
RAW = b"From: a@b.example\r\nSubject: hi\r\nMessage-ID: <1@b.example>\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\nthere\r\n"

needs_haproxy = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not here")
needs_postfix = pytest.mark.skipif(POSTFIX is None, reason="postfix is not here")
needs_nginx = pytest.mark.skipif(
    NGINX is None or NGINX_MAIL is None or not NGINX_MAIL.exists(), reason="nginx with its mail module is not here"
)
needs_exim = pytest.mark.skipif(EXIM is None, reason="exim4 is not here")


def sent(address: tuple[str, int], source: str, helo: str = "spammer.example", rcpt: str = "x@decoy.example") -> None:
    """Deliver a message from that address of this machine."""
    with smtplib.SMTP(*address, local_hostname=helo, timeout=PATIENCE, source_address=(source, 0)) as client:
        client.sendmail("a@b.example", [rcpt], RAW)


def record(place: Path, n: int = 0) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Meta of a message, the last of its relays, its bytes."""
    meta, raw = stored(place)[n]
    return meta, meta["transcript"]["via"][-1], raw


@needs_haproxy
@pytest.mark.parametrize("options", ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"])
def test_behind_haproxy_the_peer_is_the_client(tmp_path: Path, options: str) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place, "--trusted", RELAY, "--proxy", "smtp") as trap, haproxy(trap.address, options) as front:
        sent(front, "127.0.0.9")
        sent(front, "127.0.0.10")
        time.sleep(0.5)
    counts = trap.events[-1]["counts"]
    for n, client in enumerate(("127.0.0.9", "127.0.0.10")):
        meta, via, raw = record(place, n)
        assert (meta["peer"], meta["helo"], raw) == (client, "spammer.example", RAW)
        claimed = via["claimed"]
        assert (via["kind"], via["relay"], claimed["source"]) == ("proxy", RELAY, client)
        assert (claimed["destination"], claimed["destination_port"]) == front
        assert claimed["version"] == (1 if options == "send-proxy" else 2)
        assert claimed.get("checksum", False) is ("crc32c" in options)
    # HAProxy's own checks are no sessions, and none fails.
    assert counts["looked"] > 0 and counts["unproxied"] == 0
    assert {e["peer"] for e in trap.named("session.ended")} == {"127.0.0.9", "127.0.0.10"}
    assert list(Workspace(place).archive.journal.read("session")) == []


@needs_haproxy
def test_haproxy_that_sends_no_header_is_refused(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", proxy_seconds=0.5)
    with TrapProcess(place, "--trusted", RELAY, "--proxy", "smtp") as trap, haproxy(trap.address, "no-check") as front:
        with pytest.raises(smtplib.SMTPException):
            sent(front, "127.0.0.9")
        assert trap.wait_for("session.ended")["unproxied"] in ("deadline", "absent")
    assert trap.events[-1]["counts"]["unproxied"] == 1 and stored(place) == []


@needs_haproxy
def test_tls_goes_through_haproxy_and_comes_after_the_header(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    more = ("--smtps", "127.0.0.1:0", "--trusted", RELAY, "--proxy", "smtps")
    with TrapProcess(place, *more) as trap:
        host, _, port = trap.ready["smtps"].rpartition(":")
        context = ssl.create_default_context(cafile=str(place / "tls" / "certificate.pem"))
        context.check_hostname = False
        near = {"context": context, "source_address": ("127.0.0.9", 0)}
        with haproxy((host, int(port))) as front, smtplib.SMTP_SSL(*front, **near) as client:
            client.sendmail("a@b.example", ["x@decoy.example"], RAW)
    meta, via, raw = record(place)
    assert (meta["peer"], via["kind"], raw) == ("127.0.0.9", "proxy", RAW)
    assert meta["transcript"]["handshake"]["hello"]["ja4"].startswith("t")


@needs_postfix
def test_postfix_that_forwards_by_lmtp_says_who_its_client_was(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place, "--lmtp", "127.0.0.1:0", "--trusted", RELAY) as trap:
        lmtp = shown("postfix").replace("127.0.0.1:2424", f"{trap.lmtp[0]}:{trap.lmtp[1]}")
        with postfix(lmtp, "smtp inet n - y - - smtpd\n") as front:
            sent(front, "127.0.0.9", "one.example")
            sent(front, "127.0.0.10", "two.example")
            for n in (1, 2):
                assert trap.wait_for("message.stored", n)["peer"] in ("127.0.0.9", "127.0.0.10")
    found = {}
    for n in (0, 1):
        meta, via, raw = record(place, n)
        found[meta["peer"]] = meta["helo"]
        assert (via["kind"], via["relay"], via["claimed"]["ADDR"]) == ("xforward", RELAY, meta["peer"])
        assert via["claimed"]["PROTO"] == "ESMTP" and via["claimed"]["SOURCE"] == "REMOTE" and via["claimed"]["IDENT"]
        assert raw.startswith(b"Received: from ") and raw.endswith(RAW)
        steps = [line for _, line, code in meta["transcript"]["steps"]]
        assert any(line.startswith("XFORWARD ") for line in steps)
    assert found == {"127.0.0.9": "one.example", "127.0.0.10": "two.example"}


@needs_postfix
def test_a_postfix_that_is_not_listed_is_not_asked_and_is_the_peer(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place, "--lmtp", "127.0.0.1:0", "--trusted", "127.0.0.77") as trap:
        lmtp = shown("postfix").replace("127.0.0.1:2424", f"{trap.lmtp[0]}:{trap.lmtp[1]}")
        with postfix(lmtp, "smtp inet n - y - - smtpd\n") as front:
            sent(front, "127.0.0.9")
            assert trap.wait_for("message.stored")["peer"] == RELAY
    assert "via" not in stored(place)[0][0]["transcript"]


@needs_postfix
def test_before_postfixs_queue_the_answers_are_the_traps(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    (place / "spamtide.toml").open("a").write('[feeds.f]\naddresses = ["x@decoy.example"]\n')
    with TrapProcess(place, "--trusted", RELAY) as trap:
        service = shown("postfix-master").replace("127.0.0.1:2525", f"{trap.address[0]}:{trap.address[1]}")
        with postfix("relay_domains = decoy.example\nrelay_recipient_maps =\n", service) as front:
            sent(front, "127.0.0.9")
            with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
                sent(front, "127.0.0.9", rcpt="nobody@decoy.example")
            assert caught.value.recipients["nobody@decoy.example"][0] == 550
    meta, via, raw = record(place)
    assert (meta["peer"], meta["helo"], via["kind"]) == ("127.0.0.9", "spammer.example", "xforward") and raw.endswith(
        RAW
    )
    assert len(stored(place)) == 1


@needs_nginx
def test_nginx_hands_the_session_over_and_its_client_cannot_name_another(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place, "--trusted", RELAY) as trap, nginx(trap.address) as front:
        with smtplib.SMTP(*front, local_hostname="spammer.example", source_address=("127.0.0.9", 0)) as client:
            client.sendmail("a@b.example", ["x@decoy.example"], RAW)
            # From here on nginx passes on what its client says.
            assert client.docmd("XCLIENT ADDR=203.0.113.66")[0] == 500
            client.sendmail("a@b.example", ["x@decoy.example"], RAW)
        trap.wait_for("message.stored", 2)
    for n in (0, 1):
        meta, via, raw = record(place, n)
        assert (meta["peer"], meta["helo"], raw) == ("127.0.0.9", "spammer.example", RAW)
        assert (via["kind"], via["relay"], via["claimed"]["ADDR"]) == ("xclient", RELAY, "127.0.0.9")
    assert "xclient_unoffered" in stored(place)[1][0]["transcript"]["dialect"]


@needs_exim
def test_exim_forwards_and_its_client_stands_in_received_alone(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place, "--lmtp", "127.0.0.1:0") as trap, exim(trap.lmtp) as front:
        sent(front, "127.0.0.9")
        trap.wait_for("message.stored")
    [(meta, raw)] = stored(place)
    assert meta["peer"] == RELAY and "via" not in meta["transcript"]
    assert b"[127.0.0.9]" in raw.split(b"\r\nFrom:")[0] and raw.endswith(b"\r\n\r\nthere\r\n")
