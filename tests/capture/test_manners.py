"""The manner of a trap: lives of addresses, treatments, relay bait, retries, probes of our own. Without a socket."""

from __future__ import annotations

import hmac
import json
from typing import Any

import pytest

from smtp_play import HOST, Talk, letter, said, settle
from spamtide.app.kernel import TREATMENTS, probe_value
from spamtide.capture.kernel import DialogueMemory, SmtpDialogue

BODY = b"Message-ID: <1@b.example>\r\nSubject: x\r\n\r\nx\r\n.\r\n"
DAY = 86_400_000_000


def manner(
    lives: dict[str, str] | None = None, arms: list[str] | None = None, *, bait: bool = False, retry: float = 0, until: int = 0
) -> str:  # fmt: skip
    """As the kernel takes it."""
    listed = None if lives is None else [{"address": a, "state": s, "until": until} for a, s in lives.items()]
    plan = None if arms is None else {"arms": arms, "retry_seconds": retry, "greeting_seconds": 2}
    return json.dumps({"persona": "plain", "addresses": listed, "treatment": plan, "relay_bait": bait})


def play(
    data: bytes, how: str = "", *, at: int = 0, peer: str = "192.0.2.7", session: str = "s1", verdict: str = "stored",
    memory: DialogueMemory | None = None, heard: bool = True,
) -> Talk:  # fmt: skip
    """One session at an instant."""
    machine = SmtpDialogue(HOST, "smtp", "plain", peer, session, at, manner=how or manner(), memory=memory)
    result = Talk()
    machine.receive(data, at)
    settle(machine, result, at, verdict)
    result.sent += machine.bytes_to_send()
    if not heard:
        machine.unheard(at)
    if (left := machine.end(at)) is not None:
        result.messages.append((json.loads(left[1]), left[2]))
    result.facts = json.loads(machine.facts("closed"))
    return result


def marks(t: Talk, n: int = 0) -> set[str]:
    return set(t.messages[n][0].get("marks", []))


@pytest.mark.parametrize(
    ("state", "code", "mark"),
    [
        ("bouncing", 550, None), ("conditioning", 250, {"conditioning"}), ("ramp", 250, {"ramp"}), ("live", 250, set()),
        ("disclosed", 250, {"disclosed"}), ("retired", 550, None),
    ],
)  # fmt: skip
def test_an_address_is_answered_by_its_state(state: str, code: int, mark: set[str] | None) -> None:
    t = play(letter(BODY), manner({"X@trap.example": state}, until=1))
    assert t.codes[2] == code and (mark is None or marks(t) == mark)
    assert t.facts.get("bounced", 0) == (state == "bouncing")


def test_a_ramp_is_over_at_its_instant() -> None:
    how = manner({"@trap.example": "ramp"}, until=5)
    assert (marks(play(letter(BODY), how, at=4)), marks(play(letter(BODY), how, at=5))) == ({"ramp"}, set())


def test_a_message_for_one_that_counts_counts() -> None:
    how = manner({"x@trap.example": "ramp", "y@trap.example": "live"}, until=9)
    data = letter(BODY, rcpt=b"RCPT TO:<x@trap.example>\r\nRCPT TO:<y@trap.example>")
    assert marks(play(data, how)) == set()


def test_which_treatment_a_session_gets_hangs_on_its_key_alone_and_is_written_down() -> None:
    how = manner(arms=["plain", "odd-text", "many-lines", "long-ehlo"])
    drawn = {f"s{n}": play(letter(BODY), how, session=f"s{n}").facts["treatment"] for n in range(60)}
    again = {f"s{n}": play(letter(BODY), how, session=f"s{n}") for n in range(60)}
    assert {s: t.messages[0][0]["transcript"]["treatment"] for s, t in again.items()} == drawn
    assert set(drawn.values()) == {"plain", "odd-text", "many-lines", "long-ehlo"}
    assert "treatment" not in play(letter(BODY)).facts


@pytest.mark.parametrize("arm", [name for name, _ in TREATMENTS])
def test_every_treatment_is_within_rfc_5321(arm: str) -> None:
    t = play(letter(BODY) + b"QUIT\r\n", manner(arms=[arm]))
    for line in t.sent.split(b"\r\n")[:-1]:
        assert line[:3].isdigit() and line[3:4] in b"- " and len(line) <= 510
        assert all(c == 9 or 32 <= c < 127 for c in line)
    groups = t.sent.split(b"\r\n")[:-1]
    assert groups[0][:3] == b"220" and groups[-1][:3] == b"221"
    assert {"greet": groups[0][3:4] == b"-", "ehlo": len(groups) > 40} == {
        "greet": arm == "greeting-lines",
        "ehlo": arm == "long-ehlo",
    }
    assert (b"PIPELINING" in t.sent) == (arm != "bare-ehlo")


def test_a_greeting_that_waits_says_how_long() -> None:
    for arm, delay in (("greeting-delay", 2_000_000), ("plain", 0)):
        assert SmtpDialogue(HOST, "smtp", "p", "192.0.2.7", "s", 0, manner=manner(arms=[arm])).greeting_delay == delay


def test_greylisting_wants_the_same_peer_sender_and_recipient_again_after_a_while() -> None:
    memory, how = DialogueMemory(), manner(arms=["greylist"], retry=300)
    data = letter(BODY)

    def code(at: int, **other: Any) -> int:
        return play(other.pop("data", data), how, at=at * 1_000_000, memory=memory, **other).codes[2]

    assert [code(0), code(299)] == [451, 451]
    assert code(299, peer="192.0.2.8") == 451 and code(301, peer="192.0.2.8") == 451
    assert code(300) == 250 and code(300, data=data.replace(b"a@b", b"c@b")) == 451
    six = {"peer": "2001:db8::1"}
    assert code(0, **six) == 451 and code(300, peer="2001:db8::ffff:1") == 250
    through = play(data, how, at=301_000_000, memory=DialogueMemory())
    assert through.codes[2] == 451


def test_greylisting_forgets_the_oldest_when_its_memory_is_full() -> None:
    how = manner(arms=["greylist"])
    for most, code in ((9, 451), (10, 250), (11, 250)):
        memory = DialogueMemory(most)
        for n in range(10):
            play(letter(BODY, rcpt=b"RCPT TO:<x%d@trap.example>" % n), how, memory=memory)
        assert play(letter(BODY, rcpt=b"RCPT TO:<x0@trap.example>"), how, memory=memory).codes[2] == code


def test_what_we_put_off_and_comes_again_is_a_retry() -> None:
    memory = DialogueMemory()
    assert play(letter(BODY), verdict="full", memory=memory).codes[-1] == 452
    again = play(letter(BODY), at=DAY, memory=memory)
    assert marks(again) == {"retry"}
    # It was acknowledged then: what comes now is a repeat of its own.
    assert marks(play(letter(BODY), at=2 * DAY, memory=memory)) == set()


def test_an_unfinished_message_that_comes_again_was_counted_before() -> None:
    memory = DialogueMemory()
    half = letter(BODY)[:-8]
    assert marks(play(half, memory=memory)) == {"unfinished"}
    assert marks(play(half, memory=memory)) == {"unfinished", "retry", "counted_before"}
    assert marks(play(letter(BODY), memory=memory)) == {"retry", "counted_before"}
    other = letter(BODY.replace(b"<1@", b"<2@"))
    assert (
        marks(play(half, peer="192.0.2.9", memory=memory)) == {"unfinished"}
        and marks(play(other, memory=memory)) == set()
    )


def test_a_retry_comes_within_five_days() -> None:
    for late, mark in ((5 * DAY, {"retry"}), (5 * DAY + 1, set())):
        memory = DialogueMemory()
        play(letter(BODY), verdict="failed", memory=memory)
        assert marks(play(letter(BODY), at=late, memory=memory)) == mark


def test_when_our_250_was_not_heard_the_message_may_come_again() -> None:
    memory = DialogueMemory()
    assert marks(play(letter(BODY), memory=memory, heard=False)) == set()
    assert marks(play(letter(BODY), memory=memory)) == {"retry", "counted_before"}
    assert marks(play(letter(BODY), memory=memory)) == set()


def test_a_recipient_that_was_put_off_makes_the_next_message_a_retry() -> None:
    t = play(letter(BODY) + said(b"RSET") + letter(BODY), manner(arms=["first-rcpt"]))
    assert t.codes.count(451) == 1 and marks(t) == {"retry"}


def test_refusals_of_ours_are_counted_and_those_for_want_of_room_apart() -> None:
    machine = SmtpDialogue(HOST, "smtp", "plain", "192.0.2.7", "s", 0, manner=manner(arms=["first-rcpt"]))
    machine.receive(letter(BODY), 0)
    assert machine.refused() == (1, 0)
    machine.set_full(True)
    machine.receive(said(b"RSET", b"MAIL FROM:<a@b.example>"), 0)
    assert machine.refused() == (1, 1) and machine.refused() == (0, 0)


CANARY = b"qanary.zy77"


def test_a_strangers_local_part_is_nowhere_but_in_the_raw_message() -> None:
    to = b"Qanary.zY77@Stranger.example"
    data = said(
        b"EHLO " + CANARY + b"@h.example", b"VRFY " + CANARY, b"EXPN " + CANARY, b"XYZZY " + CANARY, b"NOOP " + CANARY,
        b"mail from:" + CANARY + b" AUTH=<> ENVID=" + CANARY, b"RSET", b"MAIL FROM:<" + to + b"> ENVID=" + CANARY + b" " + CANARY + b"=" + CANARY,
        b"RCPT TO:<@relay.example:" + to + b"> ORCPT=rfc822;" + to, b"RCPT TO:<" + CANARY + b"%far.example@trap.example>",
        b"RCPT TO:<" + CANARY + b">", b'RCPT TO:<"' + CANARY + b'@a b"@c.example>', b"RCPT TO:<a@" + CANARY + b"!x>", b"RCPT TO:" + CANARY, b"DATA",
    ) + BODY + said(b"RCPT TO:<" + CANARY + b">")  # fmt: skip
    t = play(data, manner({"own@trap.example": "live"}, bait=True))
    ((meta, raw),) = t.messages
    assert raw in BODY and meta["marks"] == ["relay_bait"] and len(meta["to"]) == 6
    assert (
        meta["to"][0].startswith("h-") and meta["to"][0].endswith("@stranger.example") and meta["from"] == meta["to"][0]
    )
    everything = (json.dumps(meta) + json.dumps(t.facts)).lower().encode()
    assert b"qanary" not in everything and b"zy77" not in everything
    assert {"source_route", "relay_form", "lower_case"} <= set(meta["transcript"]["dialect"])


def test_relay_bait_believes_a_password_and_knows_its_own_addresses() -> None:
    how = manner({"own@trap.example": "live", "old@trap.example": "retired"}, bait=True)
    t = play(said(b"EHLO a.example", b"AUTH PLAIN AHVzZXIAc2VjcmV0", b"AUTH LOGIN", b"dXNlcg==", b"c2VjcmV0"), how)
    assert t.codes == [250, 235, 334, 334, 235] and b"AUTH PLAIN LOGIN" in t.sent
    assert [a["length"] for a in t.facts["auth"]] == ["1-7", "1-7"]
    t = play(letter(BODY, rcpt=b"RCPT TO:<own@trap.example>\r\nRCPT TO:<old@trap.example>"), how)
    assert t.codes[2:4] == [250, 550] and t.messages[0][0]["to"] == ["own@trap.example"]


def test_a_probe_of_our_own_is_known_by_its_signature_and_its_time() -> None:
    key = bytes(32)
    value = probe_value(key, 10 * DAY, "n1").encode()
    mac = hmac.digest(
        key, b"probe\0" + b"".join(len(p).to_bytes(8, "big") + p for p in (b"%d" % (10 * DAY), b"n1")), "sha256"
    )
    assert value == b"1 %d n1 %s" % (10 * DAY, mac.hex()[:32].encode())

    def found(header: bytes, at: int = 10 * DAY) -> set[str]:
        return marks(play(letter(header + b"\r\nSubject: x\r\n\r\nx\r\n.\r\n"), at=at))

    good = b"X-Spamtide-Probe: " + value
    assert found(good) == found(good.lower()[:17] + good[17:], 17 * DAY) == {"own_test"}
    assert found(good, 17 * DAY + 1) == found(good[:-1] + b"g") == found(b"X: 1\r\n\r\n" + good) == set()
