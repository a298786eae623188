"""The dialogue machine: the same bytes give the same events in any chunking, and those of a slow, obvious twin."""

from __future__ import annotations

import json
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_play import BOUNDS, Talk, talk
from smtp_twin import MOMENTARY, Manner, play
from spamtide.app.kernel import TREATMENTS

SMALL = BOUNDS | {
    "command_bytes": 90, "path_bytes": 24, "recipients": 3, "refused_recipients": 3, "message_bytes": 60, "messages": 3,
    "errors": 4, "idle_commands": 12, "auth_tries": 2,
}  # fmt: skip

LINES = [
    b"EHLO a.example", b"ehlo [192.0.2.1]", b"HELO 192.0.2.1", b"HELO", b"HELO a_b", b"LHLO c.example", b"MAIL FROM:<a@b.example>",
    b"mail from: <>", b"MAIL FROM:a@b.example SIZE=40 BODY=8BITMIME", b"MAIL FROM:<a@b> SIZE=61", b"MAIL FROM:<a@b> SIZE=", b"MAIL FROM <a>",
    b"MAIL FROM:<\xc3\xa4@b.example> SMTPUTF8", b"MAIL FROM:<a@b> X=1 RET=FULL ENVID=q", b"RCPT TO:<x@trap.example>", b"RCPT TO:<X@Trap.example> NOTIFY=NEVER",
    b"RCPT TO : < y@trap.example >", b"RCPT TO:<@h.example:z@trap.example>", b"RCPT TO:<a%b@trap.example>", b'RCPT TO:<"a b>"@trap.example>',
    b"RCPT TO:<>", b"RCPT TO:", b"RCPT TO:root", b"RCPT TO:<a@b@c>", b"RCPT TO:<" + b"l" * 30 + b"@t>", b"DATA", b"DATA ", b".", b"..", b"..x", b".x",
    b"Subject: hi", b"caf\xe9", b"", b"BDAT 7", b"BDAT 0 LAST", b"BDAT 5 last", b"BDAT x", b"BDAT 61", b"BDAT 99999999999999999999", b"RSET", b"NOOP x",
    b"VRFY y", b"EXPN l", b"HELP", b"STARTTLS", b"AUTH PLAIN", b"AUTH PLAIN AHVzZXIAc2VjcmV0", b"AUTH LOGIN", b"AUTH LOGIN dXNlcg==", b"AUTH LOGIN !",
    b"AUTH CRAM-MD5", b"AUTH", b"dXNlcg==", b"c2VjcmV0c2VjcmV0", b"*", b"QUIT", b"GET / HTTP/1.1", b"\x16\x03\x01", b" NOOP\t", b"XYZ \0",
    b"XCLIENT ADDR=203.0.113.9 NAME=c.example PORT=00025", b"xclient LOGIN=anna+40b.example  ADDR=IPV6:2001:db8::9", b"XCLIENT ADDR=[unavailable]",
    b"XCLIENT ADDR=300.1.1.1", b"XCLIENT", b"XCLIENT IDENT=x", b"XCLIENT HELO=a+2", b"XFORWARD ADDR=203.0.113.77 HELO=c+2B.example PORT=1",
    b"XFORWARD NAME=[TEMPUNAVAIL] SOURCE=LOCAL", b"XFORWARD LOGIN=x", b"XFORWARD PORT=65536", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2",
    b"NOOP " + b"y" * 83, b"NOOP " + b"y" * 84,
]  # fmt: skip
ENDS = [
    b"\r\n",
    b"\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n.\r\n",
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r\n.\r",
    b"\r\r\n",
    b"",
]

bytes_of_sessions = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(LINES), st.sampled_from(ENDS)).map(b"".join),
        st.sampled_from([b"EHLO a.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@trap.example>\r\nDATA\r\n"]),
        st.sampled_from([b"EHLO a.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@trap.example>\r\n"]),
        st.sampled_from(
            [b"XFORWARD ADDR=203.0.113.77\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@trap.example>\r\nDATA\r\n"]
        ),
        st.binary(max_size=12),
        st.text(alphabet="\r\n.x\0", max_size=12).map(str.encode),
    ),
    max_size=14,
).map(b"".join)
cuts = st.lists(st.integers(min_value=0, max_value=2000), max_size=12)
LIVES = {
    "x@trap.example": "live", "@h.example": "ramp", "y@trap.example": "conditioning", "root": "bouncing",
    "z@trap.example": "disclosed", "@trap.example": "retired",
}  # fmt: skip
ALIVE = dict.fromkeys(("x@trap.example", "@h.example", "y@trap.example", "root", "z@trap.example"), "live")
ARMS = [name for name, _ in TREATMENTS]
MANNERS = [
    Manner(), Manner(lives=ALIVE), Manner(lives=LIVES), Manner(bait=True), Manner(lives=LIVES, bait=True),
    *(Manner(arms=[arm]) for arm in ARMS), Manner(lives=LIVES, arms=ARMS), Manner(arms=["greylist"], retry_seconds=1),
]  # fmt: skip


def told(manner: Manner) -> str:
    """A manner as the kernel takes it."""
    lives, arms = manner.lives, manner.arms
    listed = None if lives is None else [{"address": a, "state": s, "until": 1} for a, s in lives.items()]
    plan = None if arms is None else {"arms": arms, "retry_seconds": manner.retry_seconds, "greeting_seconds": 0}
    return json.dumps({"persona": "plain", "addresses": listed, "treatment": plan, "relay_bait": manner.bait})


examples = int(os.environ.get("DIALOGUE_EXAMPLES", "300"))


def whole(t: Talk) -> tuple[object, ...]:
    return t.sent, t.messages, t.facts


@settings(max_examples=examples, deadline=None)
@given(
    bytes_of_sessions, cuts, st.sampled_from(["smtp", "lmtp"]), st.booleans(), st.sampled_from(MANNERS), st.booleans()
)
def test_any_chunking_of_any_bytes_gives_the_same_events(
    data: bytes, places: list[int], protocol: str, tls: bool, manner: Manner, listed: bool
) -> None:
    trusted = ["192.0.2.0/24"] if listed else []
    options = {"protocol": protocol, "starttls": tls, "bounds": SMALL, "manner": told(manner), "trusted": trusted}
    at_once = talk(data, **options)
    assert whole(talk(data, places, **options)) == whole(at_once)
    assert whole(talk(data, range(len(data)), **options)) == whole(at_once)
    # When replies are sent in between, only what hangs on that moment may differ.
    if not tls:
        between = talk(data, places, taking=True, **options)
        assert between.codes == at_once.codes
        for (meta, raw), (other, same) in zip(between.messages, at_once.messages, strict=True):
            for m in (meta, other):
                m["transcript"]["dialect"] = sorted(set(m["transcript"]["dialect"]) - MOMENTARY)
            assert (meta, raw) == (other, same)


@settings(max_examples=examples, deadline=None)
@given(bytes_of_sessions, cuts, st.sampled_from(["smtp", "lmtp"]), st.sampled_from(MANNERS), st.booleans())
def test_the_machine_and_its_twin_agree(
    data: bytes, places: list[int], protocol: str, manner: Manner, listed: bool
) -> None:
    trusted = ["192.0.2.0/24"] if listed else []
    ours = talk(data, places, protocol=protocol, manner=told(manner), bounds=SMALL, user_key=b"k" * 32, trusted=trusted)
    twin = play(data, lmtp=protocol == "lmtp", manner=manner, bounds=SMALL, key=b"k" * 32, listed=listed)
    assert ours.codes == twin.codes
    assert [
        (m["from"], m.get("to", []), raw, set(m["transcript"]["dialect"]) - MOMENTARY, set(m.get("marks", [])))
        for m, raw in ours.messages
    ] == [
        (x.sender, x.to, x.raw, x.dialect, x.marks | ({"unfinished"} if x.unfinished else set())) for x in twin.letters
    ]
    assert [
        (m["peer"], [(v["kind"], v["relay"], v["claimed"]) for v in m["transcript"].get("via", [])])
        for m, _ in ours.messages
    ] == [(x.peer, x.via) for x in twin.letters]
    assert set(ours.facts["dialect"]) - MOMENTARY == twin.marks
    tried = [t for m, _ in ours.messages for t in m["transcript"].get("auth", [])] + ours.facts.get("auth", [])
    assert [(t["mechanism"], t["user"], t["length"]) for t in tried] == twin.tried
