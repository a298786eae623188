"""The trap behind relays, over sockets: PROXY headers before everything, limits by the true client, and nobody else's word."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import struct
import time
from pathlib import Path
from typing import Any

import pytest

from hello_made import real_hello
from proxy_made import addresses, block, line, summed
from spamtide.app.commands.trapping import Teller
from spamtide.app.config import TrapSettings
from spamtide.app.instruments import instrument_card
from spamtide.app.relays import read_relays
from spamtide.app.workspace import Workspace
from spamtide.errors import WrongUse
from trap_process import Client, TrapProcess, deliver, greeted, make_workspace, stored

RELAY, STRANGER = "127.0.0.1", "127.0.0.9"
BEHIND: dict[str, Any] = {"trusted": [RELAY], "proxy": ["smtp"]}


def connected(address: tuple[str, int], source: str = RELAY) -> Client:
    """A client that comes from ``source``."""
    return Client(address, source)


def relayed(address: tuple[str, int], header: bytes, source: str = RELAY) -> Client:
    """A client behind a relay that says so, greeted."""
    client = connected(address, source)
    client.send(header)
    assert client.reply() == 220
    assert client.say(b"EHLO client.example") == 250
    return client


def shaken(client: Client) -> None:
    """Shake hands, with any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client.socket = context.wrap_socket(client.socket)
    client.file = client.socket.makefile("rb")


def told(place: Path) -> list[tuple[str, list[tuple[str, str]]]]:
    """Peer and relays of each message."""
    return [
        (meta["peer"], [(v["kind"], v["relay"]) for v in meta["transcript"].get("via", [])])
        for meta, _ in stored(place)
    ]


@pytest.mark.parametrize(
    ("header", "peer"),
    [
        (line("203.0.113.9"), "203.0.113.9"),
        (line("2001:db8::9", "2001:db8::1", family="TCP6"), "2001:db8::9"),
        (block(addresses("203.0.113.9")), "203.0.113.9"),
        (block(addresses("2001:db8::9", "2001:db8::1"), family=0x21), "2001:db8::9"),
        (summed(), "192.0.2.7"),
        (block(b"", first=0x20, family=0), RELAY),
        (block(b"", family=0), RELAY),
        (block(bytes(216), family=0x31), RELAY),
        (b"PROXY UNKNOWN\r\n", RELAY),
    ],
)  # fmt: skip
def test_the_peer_is_the_client_that_the_header_names(tmp_path: Path, header: bytes, peer: str) -> None:
    place = make_workspace(tmp_path / "w", **BEHIND)
    with TrapProcess(place) as trap:
        with relayed(trap.address, header) as client:
            assert deliver(client, b"x\r\n") == 250
        ended = trap.wait_for("session.ended")
        assert ended["peer"] == peer and ended["via"][0]["kind"] == "proxy"
    assert told(place) == [(peer, [("proxy", RELAY)])]


@pytest.mark.parametrize("header", [line("203.0.113.9"), block(addresses("203.0.113.9"))])
def test_a_header_may_come_in_any_pieces_and_with_what_follows_it(tmp_path: Path, header: bytes) -> None:
    place = make_workspace(tmp_path / "w", **BEHIND)
    with TrapProcess(place) as trap:
        client = connected(trap.address)
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in header:
            client.send(bytes([byte]))
            time.sleep(0.002)
        assert client.reply() == 220 and client.say(b"EHLO c.example") == 250
        assert deliver(client, b"x\r\n") == 250
        client.close()
        with connected(trap.address) as other:
            other.send(header + b"EHLO c.example\r\nQUIT\r\n")
            assert [other.reply() for _ in range(3)] == [220, 250, 221]
    assert told(place) == [("203.0.113.9", [("proxy", RELAY)])]


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"EHLO a.example\r\n", "absent"),
        (b"PROXY TCP4 203.0.113.9\r\n", "malformed"),
        (b"PROXY " + b"x" * 200, "too_long"),
        (block(first=0x31), "version"),
        (block(family=0x12), "family"),
        (summed(wrong=4), "checksum"),
        (block(tlvs=b"\x04\x00\x09"), "tlv"),
    ],
)
def test_a_listed_relay_without_a_good_header_is_refused_and_counted(tmp_path: Path, sent: bytes, why: str) -> None:
    place = make_workspace(tmp_path / "w", **BEHIND)
    with TrapProcess(place) as trap:
        with connected(trap.address) as client:
            client.send(sent)
            assert client.reply() == 421 and client.reply() == 0
        ended = trap.wait_for("session.ended")
        assert (ended["how"], ended["unproxied"], ended["peer"]) == ("unproxied", why, RELAY)
    assert trap.events[-1]["counts"]["unproxied"] == 1 and stored(place) == []
    # Whoever stood behind the relay would have got it: a hole in the exposure.
    exposed = [r.body for r in Workspace(place).archive.journal.read("exposure")]
    assert [row[1:] for body in exposed for row in body["refusals"]] == [[1, 1, 0]]


def test_a_header_that_is_late_or_cut_short_is_none(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", proxy_seconds=0.6, **BEHIND)
    with TrapProcess(place) as trap:
        silent, dripping, half = (connected(trap.address) for _ in range(3))
        half.send(block()[:20])
        half.socket.shutdown(socket.SHUT_WR)
        assert half.reply() == 421
        began = time.monotonic()
        for byte in line()[:12]:
            try:
                dripping.send(bytes([byte]))
            except OSError:
                break
            time.sleep(0.1)
        assert dripping.reply() == 421 and silent.reply() == 421 and time.monotonic() - began < 10
        reasons = sorted(trap.wait_for("session.ended", n)["unproxied"] for n in (1, 2, 3))
        assert reasons == ["closed", "deadline", "deadline"]
        with relayed(trap.address, line("203.0.113.9")) as honest:
            assert deliver(honest, b"x\r\n") == 250


def test_a_relay_that_looks_whether_we_are_here_is_counted_and_no_session(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", **BEHIND)
    with TrapProcess(place) as trap:
        connected(trap.address).close()
        reset = connected(trap.address)
        reset.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reset.close()
        for header in (block(b"", first=0x20, family=0), b"PROXY UNKNOWN\r\n", line(RELAY)):
            client = connected(trap.address)
            client.send(header)
            assert client.reply() == 220
            client.close()
        with relayed(trap.address, block(b"", first=0x20, family=0)) as checking:
            assert checking.say(b"QUIT") == 221
        with relayed(trap.address, line()) as client:
            assert client.say(b"QUIT") == 221
        trap.wait_for("session.ended")
    counts = trap.events[-1]["counts"]
    assert (counts["looked"], counts["unproxied"], len(trap.named("session.ended"))) == (6, 0, 1)
    assert [r.body["peer"] for r in Workspace(place).archive.journal.read("session")] == ["192.0.2.7"]


def test_nobody_elses_header_is_believed_and_nobody_else_needs_one(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", **BEHIND)
    with TrapProcess(place) as trap:
        forger = connected(trap.address, STRANGER)
        assert forger.reply() == 220
        forger.send(line("203.0.113.66"))
        assert forger.reply() == 500 and forger.say(b"EHLO a.example") == 250
        assert forger.say(b"XCLIENT ADDR=203.0.113.66") == 500 and forger.say(b"XFORWARD ADDR=203.0.113.66") == 500
        assert deliver(forger, b"forged\r\n") == 250
        forger.close()
        binary = connected(trap.address, STRANGER)
        binary.send(block(addresses("203.0.113.66")))
        assert [binary.reply() for _ in range(5)] == [220, 500, 500, 500, 221]
        assert trap.wait_for("session.ended", 2)["dialect"].count("proxy_unoffered") == 1
    assert told(place) == [(STRANGER, [])]
    assert {"proxy_unoffered", "xclient_unoffered", "xforward_unoffered"} <= set(
        stored(place)[0][0]["transcript"]["dialect"]
    )


def test_limits_of_an_address_hold_for_the_true_client_and_not_for_the_relay(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", connections_per_address=2, **BEHIND)
    with TrapProcess(place) as trap:
        many = [relayed(trap.address, line(f"203.0.113.{n}")) for n in range(10)]
        two = [relayed(trap.address, block(addresses(f"2001:db8::{n}", "::1"), family=0x21)) for n in (1, 2)]
        # An IPv6 /64 counts as one.
        with connected(trap.address) as third:
            third.send(block(addresses("2001:db8::3", "::1"), family=0x21))
            assert [third.reply(), third.reply()] == [421, 0]
        assert trap.wait_for("connection.refused")["peer"] == "2001:db8::3"
        two[0].close()
        trap.wait_for("session.ended", 2)
        with relayed(trap.address, block(addresses("2001:db8::3", "::1"), family=0x21)) as again:
            assert deliver(again, b"x\r\n") == 250
        for client in [*many, two[1]]:
            client.close()
    assert trap.events[-1]["counts"]["refused_per_address"] == 1


def test_xclient_counts_for_the_client_too(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", connections_per_address=1, trusted=[RELAY])
    with TrapProcess(place) as trap:
        # The relay itself may come as often as it likes.
        first, second, third = (greeted(trap.address) for _ in range(3))
        assert first.say(b"XCLIENT ADDR=203.0.113.9") == 220 and first.say(b"EHLO c.example") == 250
        second.send(b"XCLIENT ADDR=203.0.113.9\r\n")
        assert [second.reply(), second.reply(), second.reply()] == [220, 421, 0]
        assert third.say(b"XCLIENT ADDR=203.0.113.8") == 220
        assert trap.wait_for("connection.refused") | {"at": 0} == {
            "event": "connection.refused", "at": 0, "peer": "203.0.113.9", "why": "per_address",
        }  # fmt: skip
        assert deliver(first, b"x\r\n") == 250
        for client in (first, second, third):
            client.close()
    assert told(place) == [("203.0.113.9", [("xclient", RELAY)])]


def test_tls_comes_after_the_header(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", trusted=[RELAY], proxy=["smtps", "smtp"])
    with TrapProcess(place, "--smtps", "127.0.0.1:0") as trap:
        host, _, port = trap.ready["smtps"].rpartition(":")
        client = connected((host, int(port)))
        client.send(block(addresses("203.0.113.9")))
        shaken(client)
        assert client.reply() == 220 and client.say(b"EHLO c.example") == 250
        assert deliver(client, b"x\r\n") == 250
        client.close()
        # And STARTTLS in a session that began with one.
        other = relayed(trap.address, line("203.0.113.8"))
        assert other.say(b"STARTTLS") == 220
        shaken(other)
        assert other.say(b"EHLO c.example") == 250 and deliver(other, b"x\r\n") == 250
        other.close()
        # Header and ClientHello in one piece.
        both = connected((host, int(port)))
        hello = real_hello()
        both.send(line("203.0.113.7") + hello[:50])
        time.sleep(0.05)
        both.send(hello[50:])
        assert both.socket.recv(3)[:1] == b"\x16"
        both.close()
        trap.wait_for("session.ended", 3)
    assert told(place) == [("203.0.113.9", [("proxy", RELAY)]), ("203.0.113.8", [("proxy", RELAY)])]
    assert all(meta["transcript"]["tls"] for meta, _ in stored(place))


def test_a_forged_header_in_place_of_a_handshake_is_a_mark(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", trusted=[RELAY], proxy=["smtps"])
    with TrapProcess(place, "--smtps", "127.0.0.1:0") as trap:
        host, _, port = trap.ready["smtps"].rpartition(":")
        for header in (line("203.0.113.66"), block(addresses("203.0.113.66"))):
            with connected((host, int(port)), STRANGER) as forger:
                forger.send(header)
                while forger.socket.recv(100):
                    pass
        ended = [trap.wait_for("session.ended", n) for n in (1, 2)]
    assert [(e["how"], e["peer"], "proxy_unoffered" in e["dialect"]) for e in ended] == [
        ("tls_failed", STRANGER, True)
    ] * 2


def test_only_the_listeners_that_ask_for_a_header_want_one(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", trusted=["192.0.2.0/24"])
    with TrapProcess(
        place, "--lmtp", "127.0.0.1:0", "--trusted", f"{RELAY},::1", "--trusted", "10.0.0.0/8", "--proxy", "lmtp"
    ) as trap:
        # What the command line gives stands in place of the settings.
        assert (trap.ready["trusted"], trap.ready["proxy"]) == (["127.0.0.1/32", "::1/128", "10.0.0.0/8"], ["lmtp"])
        with greeted(trap.address) as plain:
            assert plain.say(b"XFORWARD ADDR=203.0.113.9") == 250 and deliver(plain, b"x\r\n") == 250
        with connected(trap.lmtp) as client:
            client.send(line("203.0.113.8"))
            assert client.reply() == 220 and client.say(b"LHLO c.example") == 250
            assert deliver(client, b"x\r\n") == 250
    assert [peer for peer, _ in told(place)] == ["203.0.113.9", "203.0.113.8"]


def test_a_reload_takes_another_list(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", trusted=["192.0.2.1"])
    with TrapProcess(place) as trap:
        with greeted(trap.address) as client:
            assert client.say(b"XFORWARD ADDR=203.0.113.9") == 500
        settings = place / "spamtide.toml"
        settings.write_text(settings.read_text().replace("192.0.2.1", RELAY))
        trap.process.send_signal(signal.SIGHUP)
        trap.wait_for("trap.reloaded")
        with greeted(trap.address) as client:
            assert client.say(b"XFORWARD ADDR=203.0.113.9") == 250


def test_a_login_is_on_no_disk_and_in_no_log(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", trusted=[RELAY])
    with TrapProcess(place) as trap:
        for source in (RELAY, STRANGER):
            client = connected(trap.address, source)
            assert client.reply() == 220
            client.say(b"XCLIENT ADDR=203.0.113.9 LOGIN=planted-canary", b"EHLO c.example")
            assert deliver(client, b"x\r\n") == 250
            client.close()
            lone = connected(trap.address, source)
            assert lone.reply() == 220
            lone.say(b"xclient Login=planted-canary NAME=LOGIN=planted-canary", b"QUIT")
            lone.close()
        trap.wait_for("session.ended", 4)
    assert "planted-canary" not in json.dumps(trap.events)
    archive = Workspace(place).archive
    kept = [meta for meta, _ in stored(place)] + [r.body for r in archive.journal.read()]
    assert "planted-canary" not in json.dumps(kept) and len(stored(place)) == 2
    for file in (p for p in place.rglob("*") if p.is_file()):
        assert b"planted-canary" not in file.read_bytes(), file


def test_a_reload_never_leaves_a_listener_that_asks_for_headers_with_nobody_to_send_them(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", trusted=[RELAY])
    with TrapProcess(place, "--proxy", "smtp") as trap:
        settings = place / "spamtide.toml"
        settings.write_text(settings.read_text().replace(f'["{RELAY}"]', "[]"))
        trap.process.send_signal(signal.SIGHUP)
        assert "nobody is listed" in trap.wait_for("trap.reload_failed")["error"]
        # Nothing is changed: otherwise every client would stand as the relay.
        with relayed(trap.address, line("203.0.113.9")) as client:
            assert deliver(client, b"x\r\n") == 250
    assert [peer for peer, _ in told(place)] == ["203.0.113.9"]


def test_the_word_of_relays_is_a_change_of_the_instrument(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    for arguments in ((), ("--trusted", RELAY), ("--trusted", "127.0.0.2"), ()):
        with TrapProcess(place, *arguments):
            pass
    changes = instrument_card(Workspace(place), "f")["instrument"]["changes"]
    assert [c["behind_relays"] for c in changes if "behind_relays" in c] == [True, False]


def test_a_person_is_told_once_of_a_relay_without_its_header(capsys: pytest.CaptureFixture[str]) -> None:
    tell = Teller(as_json=False)
    for why in ("deadline", "deadline", "absent"):
        tell({"event": "session.ended", "at": "T", "messages": 0, "peer": RELAY, "unproxied": why})
    tell({"event": "trap.stopped", "at": "T", "counts": {"unproxied": 3}})
    lines = [text for text in capsys.readouterr().err.splitlines() if "PROXY" in text or "without" in text]
    assert len(lines) == 3 and "behind-a-mail-server.md" in lines[0] and "3 without header" in lines[2]


def test_families_are_those_that_the_operator_says_reach_the_relay(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", families=["ipv4", "ipv6"], **BEHIND)
    with TrapProcess(place) as trap, relayed(trap.address, line("2001:db8::9", "::1", family="TCP6")) as client:
        assert deliver(client, b"x\r\n") == 250
    families = [r.body["family"] for r in Workspace(place).archive.journal.read("exposure")]
    assert families == ["ipv4", "ipv6"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (TrapSettings(trusted=["0.0.0.0/0"]), "everybody"),
        (TrapSettings(trusted=["::/0"]), "everybody"),
        (TrapSettings(trusted=["192.0.2.1/24"]), "host bits"),
        (TrapSettings(trusted=["relay.example"]), "no network"),
        (TrapSettings(trusted=["192.0.2.1"], proxy=["http"]), "trap.proxy has 'http'"),
        (TrapSettings(trusted=["192.0.2.1"], families=["ipx"]), "trap.families has 'ipx'"),
        (TrapSettings(proxy=["smtp"]), "nobody is listed"),
    ],
)
def test_relays_that_cannot_be_are_an_error(settings: TrapSettings, words: str) -> None:
    with pytest.raises(WrongUse, match=words) as caught:
        read_relays(settings)
    assert caught.value.code == "bad_relays"
