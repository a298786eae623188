"""XCLIENT, XFORWARD and PROXY headers in a session: who the peer is, who said so, and whose word is not taken."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from proxy_made import SIGNATURE, block, line
from smtp_play import Talk, letter, said, session, settle, talk
from spamtide.capture.kernel import SmtpDialogue

RELAY = "192.0.2.7"
LISTED: dict[str, Any] = {"trusted": ["192.0.2.0/24", "2001:db8:5::/48"]}
BODY = b"x\r\n.\r\n"
MAIL = said(b"MAIL FROM:<a@b.example>", b"RCPT TO:<x@trap.example>", b"DATA") + BODY


def via(meta: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = meta["transcript"].get("via", [])
    return found


def keywords(machine: SmtpDialogue, hello: bytes = b"EHLO a.example") -> bytes:
    machine.bytes_to_send()
    machine.receive(hello + b"\r\n", 0)
    return machine.bytes_to_send()


def behind(header: bytes, data: bytes = b"", **options: Any) -> tuple[SmtpDialogue, Talk]:
    """A session after a PROXY header."""
    machine, result = session(**{**LISTED, **options}), Talk()
    machine.proxied(header, 0)
    machine.receive(data, 0)
    settle(machine, result, 0)
    result.sent = machine.bytes_to_send()
    return machine, result


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
def test_a_listed_relay_is_offered_both_and_nobody_else_is(protocol: str) -> None:
    hello = b"LHLO a.example" if protocol == "lmtp" else b"EHLO a.example"
    offered = keywords(session(protocol, **LISTED), hello)
    assert b"250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\r\n" in offered
    assert b"250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n" in offered
    assert b"XCLIENT" not in keywords(session(protocol), hello)
    assert b"XCLIENT" not in keywords(session(protocol, trusted=["192.0.3.0/24"]), hello)


def test_from_anybody_else_they_are_unknown_commands_and_marks() -> None:
    t = talk(said(b"EHLO a.example", b"XCLIENT ADDR=203.0.113.9", b"XFORWARD ADDR=203.0.113.9") + MAIL)
    [(meta, _)] = t.messages
    assert t.codes == [250, 500, 500, 250, 250, 354, 250]
    assert meta["peer"] == RELAY and via(meta) == [] and {"xclient_unoffered", "xforward_unoffered"} <= t.dialect


def test_xclient_names_the_client_of_the_session_which_begins_anew() -> None:
    claim = b"XCLIENT NAME=c.example ADDR=203.0.113.9 PORT=1025 PROTO=ESMTP HELO=h.example DESTADDR=IPV6:2001:db8::1"
    t = talk(said(b"EHLO relay.example", claim, b"EHLO client.example") + MAIL, **LISTED)
    [(meta, _)] = t.messages
    assert t.codes[:3] == [250, 220, 250] and b"\r\n220 mx.trap.example ESMTP\r\n" in t.sent
    assert (meta["peer"], meta["helo"]) == ("203.0.113.9", "client.example")
    claimed = {
        "NAME": "c.example", "ADDR": "203.0.113.9", "PORT": 1025, "PROTO": "ESMTP", "HELO": "h.example", "DESTADDR": "2001:db8::1",
    }  # fmt: skip
    assert via(meta) == [{"kind": "xclient", "relay": RELAY, "claimed": claimed}]
    assert t.facts["peer"] == "203.0.113.9" and t.facts["via"] == via(meta) and "second_helo" not in t.facts["dialect"]


def test_after_xclient_nothing_said_before_it_holds() -> None:
    t = talk(
        said(b"EHLO r.example", b"XFORWARD ADDR=203.0.113.8", b"XCLIENT ADDR=203.0.113.9", b"AUTH PLAIN") + MAIL,
        **LISTED,
    )
    [(meta, _)] = t.messages
    assert t.codes[:4] == [250, 250, 220, 503] and "no_helo" in t.dialect
    assert meta["peer"] == "203.0.113.9" and "helo" not in meta and [v["kind"] for v in via(meta)] == ["xclient"]


def test_several_xclients_in_a_row_are_one_claim() -> None:
    t = talk(
        said(b"XCLIENT NAME=c.example", b"XCLIENT ADDR=203.0.113.9 NAME=d.example", b"XCLIENT PORT=5") + MAIL, **LISTED
    )
    [(meta, _)] = t.messages
    assert t.codes[:3] == [220, 220, 220] and meta["peer"] == "203.0.113.9"
    assert [v["claimed"] for v in via(meta)] == [{"NAME": "d.example", "ADDR": "203.0.113.9", "PORT": 5}]


@pytest.mark.parametrize(
    "between", [b"EHLO c.example", b"NOOP", b"XYZZY", b"XFORWARD ADDR=203.0.113.66", b"NOOP " + b"x" * 5000]
)
def test_the_client_behind_a_relay_cannot_name_another(between: bytes) -> None:
    forged = said(b"XCLIENT ADDR=203.0.113.66", b"XFORWARD ADDR=203.0.113.66")
    t = talk(said(b"XCLIENT ADDR=203.0.113.9", between) + forged + MAIL, **LISTED)
    [(meta, _)] = t.messages
    assert meta["peer"] == "203.0.113.9" and {"xclient_unoffered", "xforward_unoffered"} <= t.dialect
    machine = session(**LISTED)
    machine.receive(said(b"XCLIENT ADDR=203.0.113.9"), 0)
    assert b"XCLIENT" not in keywords(machine)


@pytest.mark.parametrize(
    "bad",
    [
        b"", b" ", b" ADDR", b" ADDR=", b" ADDR=c.example", b" ADDR=203.0.113.300", b" ADDR=IPV6:203.0.113.9", b" ADDR=203.0.113.9 SHOE=43",
        b" PORT=65536 ADDR=203.0.113.9", b" PORT=-1", b" NAME=a+4", b" NAME=a+zz ADDR=203.0.113.9", b" IDENT=1" , b" ADDR=203.0.113.9,NAME=x",
    ],
)  # fmt: skip
def test_a_wrong_attribute_is_501_and_nothing_of_the_command_holds(bad: bytes) -> None:
    t = talk(said(b"XCLIENT" + bad) + MAIL, **LISTED)
    assert t.codes[0] == 501 and t.messages[0][0]["peer"] == RELAY and via(t.messages[0][0]) == []


def test_an_address_that_is_not_known_leaves_the_relay_as_the_peer_and_says_so() -> None:
    t = talk(said(b"XCLIENT ADDR=[UNAVAILABLE] NAME=[tempunavail]") + MAIL, **LISTED)
    [(meta, _)] = t.messages
    assert meta["peer"] == RELAY and via(meta)[0]["claimed"] == {"ADDR": None, "NAME": None}


def test_within_a_transaction_neither_is_in_order() -> None:
    t = talk(
        said(
            b"EHLO a", b"MAIL FROM:<a@b>", b"XCLIENT ADDR=203.0.113.9", b"XFORWARD ADDR=203.0.113.9", b"RCPT TO:<x@t>"
        ),
        **LISTED,
    )
    assert t.codes == [250, 250, 503, 503, 250] and "via" not in t.facts


def test_xforward_names_the_client_of_the_next_message_alone() -> None:
    first = said(
        b"XFORWARD NAME=c.example ADDR=IPV6:2001:db8:9::1", b"XFORWARD HELO=c+2Dd.example IDENT=4Q8 SOURCE=REMOTE"
    )
    t = talk(said(b"LHLO relay.example") + first + MAIL + MAIL, protocol="lmtp", **LISTED)
    (one, _), (two, _) = t.messages
    assert (one["peer"], one["helo"]) == ("2001:db8:9::1", "c-d.example")
    claimed = {"NAME": "c.example", "ADDR": "2001:db8:9::1", "HELO": "c-d.example", "IDENT": "4Q8", "SOURCE": "REMOTE"}
    assert via(one) == [{"kind": "xforward", "relay": RELAY, "claimed": claimed}]
    # The connection stays the relay's.
    assert (two["peer"], two["helo"]) == (RELAY, "relay.example") and via(two) == []
    assert t.facts["peer"] == RELAY and "via" not in t.facts


@pytest.mark.parametrize("forgotten", [b"RSET", b"EHLO again.example"])
def test_xforward_is_forgotten_with_the_transaction_that_does_not_come(forgotten: bytes) -> None:
    t = talk(said(b"EHLO r.example", b"XFORWARD ADDR=203.0.113.9", forgotten) + MAIL, **LISTED)
    assert t.messages[0][0]["peer"] == RELAY


def test_a_refused_mail_keeps_what_was_forwarded() -> None:
    t = talk(said(b"EHLO r.example", b"XFORWARD ADDR=203.0.113.9", b"MAIL FROM <a>") + MAIL, **LISTED)
    assert t.codes[2] == 501 and t.messages[0][0]["peer"] == "203.0.113.9"


def test_a_helo_that_the_client_did_not_say_is_not_the_relays() -> None:
    t = talk(said(b"LHLO r.example", b"XFORWARD ADDR=203.0.113.9 HELO=[UNAVAILABLE]") + MAIL, protocol="lmtp", **LISTED)
    assert "helo" not in t.messages[0][0]


SECRETS = [
    b"XCLIENT ADDR=203.0.113.9 LOGIN=anna.secret", b"xclient login=anna.secret", b"XCLIENT NAME=x\tLogin=anna.secret", b"XCLIENT LOGIN anna.secret",
    b"XCLIENT =anna.secret", b"XCLIENT NAME=LOGIN=anna.secret", b"XCLIENT anna.secret", b"XFORWARD LOGIN=anna.secret", b"XFORWARD PASS=anna.secret",
    b"XCLIENT NAME=a,LOGIN=anna.secret",
]  # fmt: skip


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
def test_a_login_is_kept_nowhere_in_clear(protocol: str, listed: bool) -> None:
    for secret in SECRETS:
        for data in (said(secret) + MAIL, said(b"EHLO a", b"MAIL FROM:<a@b>", secret, b"RSET") + MAIL, said(secret)):
            t = talk(data, protocol=protocol, user_key=b"k" * 32, **(LISTED if listed else {}))
            assert "anna.secret" not in json.dumps([t.facts, [m for m, _ in t.messages]]), secret


def test_a_login_is_a_keyed_hash_as_at_auth() -> None:
    t = talk(said(b"XCLIENT ADDR=203.0.113.9 LOGIN=anna+40b.example") + MAIL, user_key=b"k" * 32, **LISTED)
    [(meta, _)] = t.messages
    hashed = hmac.digest(b"k" * 32, b"smtp user\0anna@b.example", hashlib.sha256).hex()[:32]
    assert via(meta)[0]["claimed"]["LOGIN"] == hashed
    assert meta["transcript"]["steps"][0][1:] == ["XCLIENT ADDR=203.0.113.9 LOGIN=*16", 220]


def test_a_relay_bait_keeps_no_word_of_a_claim_in_which_somebody_may_hide() -> None:
    manner = json.dumps({"persona": "p", "addresses": None, "treatment": None, "relay_bait": True})
    claim = b"XFORWARD ADDR=203.0.113.9 NAME=c.example HELO=anna+40b.example IDENT=anna@b.example"
    t = talk(said(b"EHLO r.example", claim) + MAIL, manner=manner, **LISTED)
    [(meta, _)] = t.messages
    assert meta["peer"] == "203.0.113.9" and "anna" not in json.dumps(meta)
    assert via(meta)[0]["claimed"] == {"ADDR": "203.0.113.9", "NAME": "c.example", "HELO": "*14", "IDENT": "*14"}


def test_a_bare_ehlo_still_offers_them_to_a_relay() -> None:
    plan = {"arms": ["bare-ehlo"], "retry_seconds": 1, "greeting_seconds": 0}
    manner = json.dumps({"persona": "p", "addresses": None, "treatment": plan, "relay_bait": False})
    assert keywords(session(manner=manner)) == b"250 mx.trap.example\r\n"
    lines = keywords(session(manner=manner, **LISTED)).splitlines()
    assert [x[4:12] for x in lines] == [b"mx.trap.", b"XCLIENT ", b"XFORWARD"]


def test_a_proxy_header_names_the_client_and_is_kept_beside_it() -> None:
    machine, t = behind(line("203.0.113.9"), said(b"EHLO c.example") + MAIL)
    [(meta, _)] = t.messages
    claimed = {
        "version": 1, "command": "proxy", "family": "tcp4", "source": "203.0.113.9", "source_port": 1234,
        "destination": "198.51.100.1", "destination_port": 25,
    }  # fmt: skip
    assert meta["peer"] == "203.0.113.9" and via(meta) == [{"kind": "proxy", "relay": RELAY, "claimed": claimed}]
    assert machine.moved() == "203.0.113.9" and machine.moved() is None and not machine.listed


def test_whoever_comes_through_a_load_balancer_is_no_relay_because_that_is_one() -> None:
    _, t = behind(block(), said(b"EHLO c.example"), trusted=["192.0.2.7"])
    assert b"XCLIENT" in t.sent  # The client is the relay itself: it was named.
    for header in (line("203.0.113.9"), b"PROXY UNKNOWN\r\n", block(bytes(216), family=0x31), block(b"", family=0)):
        _, t = behind(
            header, said(b"EHLO c.example", b"XCLIENT ADDR=203.0.113.66", b"XFORWARD ADDR=203.0.113.66") + MAIL
        )
        [(meta, _)] = t.messages
        assert b"XCLIENT" not in t.sent and meta["peer"] != "203.0.113.66", header


def test_a_mail_server_behind_a_load_balancer_may_forward() -> None:
    _, t = behind(line("2001:db8:5::2", "::1", family="TCP6"), said(b"EHLO r", b"XFORWARD ADDR=203.0.113.9") + MAIL)
    [(meta, _)] = t.messages
    assert meta["peer"] == "203.0.113.9"
    assert [(v["kind"], v["relay"]) for v in via(meta)] == [("proxy", RELAY), ("xforward", "2001:db8:5::2")]


@pytest.mark.parametrize(
    "header",
    [b"PROXY UNKNOWN\r\n", block(b"", first=0x20, family=0), block(bytes(216), family=0x31), block(b"", family=0)],
)
def test_a_header_without_an_address_leaves_the_relay_as_the_peer_and_says_so(header: bytes) -> None:
    machine, t = behind(header, said(b"EHLO c.example") + MAIL)
    [(meta, _)] = t.messages
    assert meta["peer"] == RELAY and "source" not in via(meta)[0]["claimed"] and not machine.looked


def test_a_relay_that_only_looks_is_no_session() -> None:
    local, unknown = block(b"", first=0x20, family=0), b"PROXY UNKNOWN\r\n"
    assert behind(local)[0].looked and behind(unknown)[0].looked and behind(block(b"", family=0))[0].looked
    assert behind(line(RELAY))[0].looked and behind(local, said(b"EHLO check.example", b"QUIT"))[0].looked
    # Somebody who speaks and whom the relay does not name is a session.
    assert not behind(unknown, said(b"EHLO c.example", b"QUIT"))[0].looked
    assert not behind(line(RELAY), said(b"EHLO c.example", b"QUIT"))[0].looked
    assert not behind(line("192.0.2.8"))[0].looked and not session(**LISTED).looked
    assert not behind(local, said(b"EHLO c.example", b"MAIL FROM:<a@b>"))[0].looked


@pytest.mark.parametrize("header", [line("203.0.113.66"), block()])
@pytest.mark.parametrize("options", [{}, LISTED])
def test_a_header_that_nobody_asked_for_is_commands_and_a_mark(header: bytes, options: dict[str, Any]) -> None:
    t = talk(header + said(b"EHLO c.example") + MAIL, **options)
    assert "proxy_unoffered" in t.facts["dialect"] and t.facts["peer"] == RELAY and t.codes[0] == 500
    assert all(meta["peer"] == RELAY and not via(meta) for meta, _ in t.messages)
    # Only at the very beginning.
    assert "proxy_unoffered" not in talk(said(b"NOOP") + header).facts["dialect"]
    assert "proxy_unoffered" not in talk(SIGNATURE[:11] + b"x").facts["dialect"]


@pytest.mark.parametrize("header", [line("203.0.113.66"), block()])
def test_a_header_in_place_of_a_handshake_is_a_mark_too(header: bytes) -> None:
    machine = session(**LISTED)
    machine.shaken(header, failed="it is none")
    assert "proxy_unoffered" in json.loads(machine.facts("tls_failed"))["dialect"]
    # After STARTTLS it is no beginning.
    machine = session(starttls=True)
    machine.receive(said(b"EHLO a.example", b"STARTTLS"), 0)
    machine.shaken(header, failed="it is none")
    assert "proxy_unoffered" not in json.loads(machine.facts("tls_failed"))["dialect"]


def test_without_its_header_a_session_is_421_and_nothing_more() -> None:
    machine = session(**LISTED)
    machine.unproxied(0)
    assert machine.bytes_to_send() == b"421 4.3.5 No PROXY header that can be believed, closing\r\n"
    # It is a hole in the exposure: whoever came would have got it.
    assert machine.refused() == (1, 1) and machine.state == "Closed"
    assert json.loads(machine.facts("unproxied"))["unproxied"] == "absent"


def test_a_retry_is_known_by_its_true_client() -> None:
    from spamtide.capture.kernel import DialogueMemory

    memory = DialogueMemory()
    for client, marks in ((b"203.0.113.9", None), (b"203.0.113.8", None), (b"203.0.113.9", ["retry"])):
        verdict = "failed" if marks is None and client.endswith(b"9") else "stored"
        data = letter(b"Message-ID: <1@b>\r\n\r\nx\r\n.\r\n", greeting=b"EHLO r\r\nXFORWARD ADDR=" + client)
        t = talk(data, verdict=verdict, memory=memory, **LISTED)
        assert t.messages[0][0].get("marks") == marks
