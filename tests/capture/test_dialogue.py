"""The dialogue machine, example by example: what is said, what is kept, what is marked."""

from __future__ import annotations

import base64
import json

import pytest

from smtp_play import BOUNDS, HOST, letter, said, session, talk
from spamtide.capture.kernel import DIALECT_SPOKEN, DIALECT_WRITTEN

BODY = b"Subject: x\r\n\r\nhello\r\n"


def test_a_message_is_kept_byte_for_byte_with_its_envelope() -> None:
    t = talk(letter(BODY + b".\r\n") + said(b"QUIT"))
    (meta, raw), codes = t.messages[0], t.codes
    assert raw == BODY and codes == [250, 250, 250, 354, 250, 221]
    assert (meta["from"], meta["to"], meta["peer"], meta["helo"]) == (
        "a@b.example",
        ["x@trap.example"],
        "192.0.2.7",
        "a.example",
    )
    assert (meta["session"], meta["persona"], meta["time_origin"], meta["v"]) == ("s1", "plain", "smtp", 1)
    assert t.sent.startswith(b"220 " + HOST.encode())


def test_the_transcript_has_every_line_its_time_and_its_answer() -> None:
    machine = session(now=1_000_000)
    machine.bytes_to_send()
    for i, line in enumerate(
        [
            b"EHLO a.example",
            b"MAIL FROM:<a@b.example> SIZE=30 RET=HDRS",
            b"RCPT TO:<x@trap.example> NOTIFY=NEVER",
            b"DATA",
        ]
    ):
        machine.receive(line + b"\r\n", 1_000_000 + 10 * i)
        machine.bytes_to_send()
    machine.receive(BODY, 1_000_100)
    machine.receive(b".\r\n", 1_000_200)
    event = machine.event()
    assert event is not None and event[1] is not None
    transcript = json.loads(event[1][1])["transcript"]
    assert event[1][0] == 1_000_200
    assert transcript["began"] == 1_000_000 and transcript["data"] == [30, 200]
    assert transcript["steps"] == [
        [0, "EHLO a.example", 250], [10, "MAIL FROM:<a@b.example> SIZE=30 RET=HDRS", 250], [20, "RCPT TO:<x@trap.example> NOTIFY=NEVER", 250],
        [30, "DATA", 354],
    ]  # fmt: skip
    assert transcript["parameters"] == [[None, "SIZE", "30"], [None, "RET", "HDRS"], [0, "NOTIFY", "NEVER"]]
    assert transcript["dialect"] == []


def test_nothing_is_said_of_a_message_before_the_store_has_answered() -> None:
    for verdict, code in (("stored", b"250"), ("full", b"452"), ("failed", b"451")):
        machine = session()
        machine.receive(letter(BODY + b".\r\n") + said(b"NOOP"), 0)
        assert b"354" in machine.bytes_to_send()
        assert machine.event() is not None and machine.state == "Wait" and machine.bytes_to_send() == b""
        machine.verdict(verdict, 0)
        # What came meanwhile is answered after it.
        assert machine.bytes_to_send().startswith(code + b" ") and machine.state == "Ready"


def test_lmtp_answers_for_each_recipient() -> None:
    lines = said(
        b"LHLO a.example",
        b"MAIL FROM:<>",
        b"RCPT TO:<x@trap.example>",
        b"RCPT TO:<other@trap.example>",
        b"RCPT TO:<y@trap.example>",
        b"DATA",
    )
    t = talk(lines + b"x\r\n.\r\n", protocol="lmtp", addresses=["x@trap.example", "Y@trap.example"])
    assert t.codes == [250, 250, 250, 550, 250, 354, 250, 250]
    assert t.messages[0][0]["to"] == ["x@trap.example", "y@trap.example"]
    assert talk(said(b"EHLO a"), protocol="lmtp").codes == [500] and talk(said(b"LHLO a")).codes == [500]


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n.\r", b"\r.\n", b"\r.\r\n"]
)
def test_only_crlf_dot_crlf_ends_data(end: bytes) -> None:
    smuggled = b"MAIL FROM:<evil@b.example>\r\nRCPT TO:<x@trap.example>\r\nDATA\r\nsecond\r\n"
    t = talk(letter(b"first" + end + smuggled + b".\r\n"))
    assert len(t.messages) == 1 and t.codes == [250, 250, 250, 354, 250]
    names = {b"\r": "cr", b"\n": "lf", b"\r\n": "crlf"}
    before, after = end.split(b".")
    assert f"end_{names[before]}_dot_{names[after]}" in t.dialect
    assert b"MAIL FROM:<evil@b.example>" in t.messages[0][1]


def test_dots_are_unstuffed_at_the_start_of_a_line_only() -> None:
    t = talk(letter(b"..a\r\n.b\r\nc.\r\n\n..d\r\n...\r\n.\r\n"))
    assert t.messages[0][1] == b".a\r\nb\r\nc.\r\n\n..d\r\n..\r\n"
    assert "dot_unstuffed" in t.dialect
    assert "dot_unstuffed" not in talk(letter(b"..a\r\n.\r\n")).dialect


def test_an_empty_message_is_one() -> None:
    assert talk(letter(b".\r\n")).messages[0][1] == b""


@pytest.mark.parametrize("tail", [b"x\n.\n", b"x\r\n.", b"x\r\n.\r", b"x"])
def test_data_without_an_end_is_kept_and_marked(tail: bytes) -> None:
    t = talk(letter(tail))
    assert t.messages[0][1] == tail and t.messages[0][0]["marks"] == ["unfinished"]
    assert t.facts["unfinished"] == 1 and t.facts["messages"] == 0


def test_chunks_are_octets() -> None:
    head = said(b"EHLO a.example", b"MAIL FROM:<a@b.example> BODY=BINARYMIME", b"RCPT TO:<x@trap.example>")
    t = talk(head + b"BDAT 9\r\na\r\n.\r\n.\r\nBDAT 3 LAST\r\n\0\r\n" + said(b"QUIT"))
    assert t.messages[0][1] == b"a\r\n.\r\n.\r\n"[:9] + b"\0\r\n" and t.codes == [250, 250, 250, 250, 250, 221]
    assert "data_nul" in t.dialect and "chunking" in t.dialect


def test_octets_of_a_chunk_out_of_order_are_no_commands() -> None:
    t = talk(said(b"EHLO a.example") + b"BDAT 12 LAST\r\nQUIT\r\nQUIT\r\n" + said(b"NOOP"))
    assert t.codes == [250, 503, 250] and t.messages == []


def test_between_chunks_no_other_command_is_in_order() -> None:
    head = said(b"EHLO a.example", b"MAIL FROM:<a@b.example>", b"RCPT TO:<x@trap.example>")
    assert talk(head + b"BDAT 1\r\nx" + said(b"DATA", b"MAIL FROM:<>", b"RCPT TO:<y@trap.example>", b"RSET")).codes[
        3:
    ] == [250, 503, 503, 503, 250]


def test_nothing_of_before_the_handshake_survives_it() -> None:
    machine = session(starttls=True)
    machine.receive(
        said(b"EHLO a.example", b"MAIL FROM:<a@b.example>", b"RSET", b"STARTTLS", b"MAIL FROM:<injected@b.example>")
        + b"RCPT TO:<",
        0,
    )
    assert machine.bytes_to_send().endswith(b"220 2.0.0 Go ahead\r\n") and machine.event() == ("secure", None)
    machine.receive(said(b"injected@b.example>"), 0)
    machine.secured(0)
    assert machine.state == "Start" and machine.bytes_to_send() == b""
    machine.receive(said(b"RCPT TO:<x@trap.example>", b"EHLO a.example"), 0)
    sent = machine.bytes_to_send()
    assert sent.startswith(b"503") and b"STARTTLS" not in sent
    facts = json.loads(machine.facts("closed"))
    assert facts["tls"] is True and "injected" in facts["dialect"] and "second_helo" not in facts["dialect"]


def test_a_session_starts_anew_after_the_handshake_within_a_transaction() -> None:
    assert talk(said(b"EHLO a", b"MAIL FROM:<a@b.example>", b"STARTTLS"), starttls=True).codes == [250, 250, 503]


def test_starttls_is_refused_where_it_is_not_offered() -> None:
    t = talk(said(b"EHLO a.example", b"STARTTLS"))
    assert t.codes == [250, 502] and b"STARTTLS" not in t.sent


SECRET = "canary-Zq8-secret"


def b64(text: str) -> bytes:
    return base64.b64encode(text.encode())


SPELLINGS = [
    [b"AUTH PLAIN " + b64(f"\0joe\0{SECRET}")],
    [b"auth plain " + b64(f"\0joe\0{SECRET}")],
    [b"AUTH PLAIN", b64(f"\0joe\0{SECRET}")],
    [b"AUTH LOGIN", b64("joe"), b64(SECRET)],
    [b"AUTH LOGIN " + b64("joe"), b64(SECRET)],
    [b"AUTH CRAM-MD5", b64(SECRET)],
    [b"AUTH " + SECRET.encode()],
    [b"AUTH XYZ " + SECRET.encode(), SECRET.encode()],
    [b" AUTH\tPLAIN " + b64(SECRET)],
    [b"AUTHPLAIN " + SECRET.encode(), b64(SECRET)],
    [b"USER joe", b"PASS " + SECRET.encode()],
    [b"a LOGIN joe " + SECRET.encode()],
    [b"MAIL FROM:<a@b.example>", b"AUTH PLAIN " + b64(f"\0joe\0{SECRET}"), b64(SECRET)],
    [b"AUTH PLAIN " + b"x" * 5000 + SECRET.encode()],
    [b"GET http://user:" + SECRET.encode() + b"@h.example/ HTTP/1.1"],
]


@pytest.mark.parametrize("lines", SPELLINGS)
def test_a_password_is_kept_nowhere(lines: list[bytes]) -> None:
    t = talk(said(b"EHLO a.example", *lines, b"RSET") + letter(BODY + b".\r\n"))
    kept = json.dumps([m for m, _ in t.messages]) + json.dumps(t.facts) + repr(t.messages)
    for form in (SECRET, b64(SECRET).decode(), b64(f"\0joe\0{SECRET}").decode()):
        assert form not in kept and form[-12:] not in kept
    assert not any(code == 235 for code in t.codes)


def test_of_auth_the_mechanism_a_keyed_hash_and_a_length_class_are_kept() -> None:
    def tried(*lines: bytes, key: bytes = b"k" * 32) -> list[dict[str, str]]:
        return talk(said(b"EHLO a.example", *lines), user_key=key).facts["auth"]

    (plain,) = tried(b"AUTH PLAIN " + b64("\0joe\0secret"))
    (login,) = tried(b"AUTH LOGIN", b64("joe"), b64("secret"))
    assert (plain["mechanism"], login["mechanism"], plain["length"]) == ("PLAIN", "LOGIN", "1-7")
    assert plain["user"] == login["user"] and len(plain["user"]) == 32
    assert tried(b"AUTH PLAIN " + b64("\0joe\0secret"), key=b"j" * 32)[0]["user"] != plain["user"]
    assert talk(said(b"EHLO a.example", b"AUTH PLAIN " + b64("\0joe\0secret"))).codes == [250, 535]


OK = said(b"EHLO a.example", b"MAIL FROM:<a@b.example>", b"RCPT TO:<x@trap.example>", b"DATA") + b"x\r\n.\r\n"
SPOKEN = {
    "auth_tried": said(b"EHLO a", b"AUTH PLAIN AAA="),
    "bare_cr": said(b"EHLO a\rb"),
    "bare_lf": b"EHLO a.example\n",
    "chunking": said(b"BDAT 0 LAST"),
    "early_talk": said(b"EHLO a.example"),
    "eight_bit": said(b"EHLO \xff"),
    "helo_address": said(b"HELO 192.0.2.1"),
    "helo_empty": said(b"HELO"),
    "helo_malformed": said(b"HELO a_b"),
    "http": said(b"GET / HTTP/1.1", b"Host: x"),
    "injected": said(b"EHLO a", b"STARTTLS", b"x"),
    "leading_space": said(b" EHLO a"),
    "long_line": said(b"NOOP " + b"x" * 506),
    "lower_case": said(b"ehlo a"),
    "no_angle_brackets": said(b"EHLO a", b"MAIL FROM:a@b.example"),
    "no_domain": said(b"EHLO a", b"MAIL FROM:<root>"),
    "no_helo": said(b"MAIL FROM:<a@b.example>"),
    "nul": said(b"NOOP \0"),
    "null_recipient": said(b"EHLO a", b"MAIL FROM:<>", b"RCPT TO:<>"),
    "proxy_unoffered": b"PROXY TCP4 192.0.2.9 192.0.2.1 1 25\r\n",
    "relay_form": said(b"EHLO a", b"MAIL FROM:<>", b"RCPT TO:<a%b.example@trap.example>"),
    "second_helo": said(b"EHLO a", b"EHLO a"),
    "source_route": said(b"EHLO a", b"MAIL FROM:<>", b"RCPT TO:<@h.example,@i.example:x@trap.example>"),
    "space_around_colon": said(b"EHLO a", b"MAIL FROM: <a@b.example>"),
    "space_in_path": said(b"EHLO a", b"MAIL FROM:< a@b.example >"),
    "tls_hello": b"\x16\x03\x01\x02\x00\x01",
    "trailing_space": said(b"EHLO a "),
    "unknown_command": said(b"XYZZY"),
    "unknown_parameter": said(b"EHLO a", b"MAIL FROM:<> X=1"),
    "utf8_unasked": said(b"EHLO a", b"MAIL FROM:<\xc3\xa4@b.example>"),
    "xclient_unoffered": said(b"XCLIENT ADDR=192.0.2.9"),
    "xforward_unoffered": said(b"XFORWARD ADDR=192.0.2.9"),
}  # fmt: skip
MOMENT = {"pipelined", "pipelined_unoffered", "early_talk"}


def test_every_mark_has_an_example_here() -> None:
    assert set(SPOKEN) | {"pipelined", "pipelined_unoffered"} == {name for name, _ in DIALECT_SPOKEN}
    assert set(WRITTEN) | {"data_early"} == {name for name, _ in DIALECT_WRITTEN}


@pytest.mark.parametrize("name", SPOKEN)
def test_odd_speech_is_marked_and_plain_speech_is_not(name: str) -> None:
    assert name in talk(SPOKEN[name], starttls=True).facts["dialect"]
    assert name not in talk(OK, range(60), taking=True).facts["dialect"]


def test_odd_speech_is_accepted() -> None:
    odd = b"mail from: a@b.example X=1\nRCPT TO :<x@trap.example>\r\n rcpt to:< @h.example:y@trap.example > \r\ndata\nhi\r\n.\r\n"
    t = talk(odd)
    assert t.codes == [250, 250, 250, 354, 250]
    assert t.messages[0][0]["to"] == ["x@trap.example", "y@trap.example"] and "helo" not in t.messages[0][0]


def test_pipelining_is_told_from_waiting() -> None:
    machine = session()
    machine.bytes_to_send()
    machine.receive(said(b"EHLO a.example"), 0)
    machine.bytes_to_send()
    machine.receive(said(b"MAIL FROM:<>", b"RCPT TO:<x@trap.example>"), 0)
    machine.bytes_to_send()
    assert json.loads(machine.facts("x"))["dialect"] == ["pipelined"]
    for group in (said(b"HELO a", b"MAIL FROM:<>"), said(b"EHLO a", b"MAIL FROM:<>")):
        machine = session()
        machine.bytes_to_send()
        machine.receive(group, 0)
        assert json.loads(machine.facts("x"))["dialect"] == ["pipelined_unoffered"]


WRITTEN = {
    "data_bare_cr": b"a\rb\r\n.\r\n", "data_bare_lf": b"a\nb\r\n.\r\n", "data_eight_bit": b"\xff\r\n.\r\n", "data_long_line": b"x" * 999 + b"\r\n.\r\n",
    "data_nul": b"\0\r\n.\r\n", "dot_unstuffed": b".x\r\n.\r\n", "end_cr_dot_cr": b"a\r.\rb\r\n.\r\n", "end_cr_dot_crlf": b"a\r.\r\n.\r\n",
    "end_cr_dot_lf": b"a\r.\nb\r\n.\r\n", "end_crlf_dot_cr": b"a\r\n.\rb\r\n.\r\n", "end_crlf_dot_lf": b"a\r\n.\nb\r\n.\r\n", "end_lf_dot_cr": b"a\n.\rb\r\n.\r\n",
    "end_lf_dot_crlf": b"a\n.\r\n.\r\n", "end_lf_dot_lf": b"a\n.\n\r\n.\r\n", "size_understated": b"123456789\r\n.\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_odd_bytes_of_a_message_are_marked_and_plain_ones_are_not(name: str) -> None:
    head = said(b"EHLO a", b"MAIL FROM:<a@b.example> SIZE=8", b"RCPT TO:<x@trap.example>", b"DATA")
    assert name in talk(head + WRITTEN[name]).dialect
    plain = (
        said(b"EHLO a", b"MAIL FROM:<a@b.example> SIZE=8 BODY=8BITMIME", b"RCPT TO:<x@trap.example>", b"DATA")
        + b"\xff\r\n..\r\n.\r\n"
    )
    assert not talk(plain).dialect & set(WRITTEN)
    assert "data_long_line" not in talk(letter(b"x" * 998 + b"\r\n.\r\n")).dialect


def test_data_that_comes_before_354_is_marked() -> None:
    assert "data_early" in talk(letter(b"x\r\n.\r\n")).dialect
    machine = session()
    machine.receive(letter(b""), 0)
    machine.bytes_to_send()
    machine.receive(b"x\r\n.\r\n", 0)
    event = machine.event()
    assert event is not None and event[1] is not None
    assert "data_early" not in json.loads(event[1][1])["transcript"]["dialect"]


def test_relay_probes_are_data_where_any_recipient_is_accepted_and_refused_where_addresses_are_listed() -> None:
    probes = [b"<stranger@elsewhere.example>", b"<a%elsewhere.example@trap.example>", b"<elsewhere.example!a>", b"<@trap.example:a@elsewhere.example>",
              b'<"a@elsewhere.example"@trap.example>', b"<a@elsewhere.example@trap.example>"]  # fmt: skip
    lines = said(b"EHLO a", b"MAIL FROM:<>", *(b"RCPT TO:" + p for p in probes))
    assert talk(lines).codes[2:] == [250] * len(probes)
    assert talk(lines, addresses=["x@trap.example"]).codes[2:] == [550] * len(probes)


def test_a_whole_domain_can_be_listed() -> None:
    lines = said(b"EHLO a", b"MAIL FROM:<>", b"RCPT TO:<Any@TRAP.example>", b"RCPT TO:<any@not.trap.example>")
    assert talk(lines, addresses=["@trap.example"]).codes == [250, 250, 250, 550]


def test_without_room_mail_is_put_off() -> None:
    machine = session()
    machine.set_full(True)
    machine.receive(said(b"EHLO a", b"MAIL FROM:<>"), 0)
    assert b"452 4.3.1" in machine.bytes_to_send()
    machine.set_full(False)
    machine.receive(said(b"MAIL FROM:<>"), 0)
    assert machine.bytes_to_send() == b"250 2.1.0 OK\r\n"


def test_a_session_without_a_message_is_told_whole() -> None:
    t = talk(said(b"EHLO a.example", b"VRFY root", b"QUIT"), how="quit")
    assert (t.facts["messages"], t.facts["how"], t.facts["helo"], t.facts["peer"]) == (
        0,
        "quit",
        "a.example",
        "192.0.2.7",
    )
    assert [s[1:] for s in t.facts["steps"]] == [["EHLO a.example", 250], ["VRFY root", 252], ["QUIT", 221]]


def test_the_bounds_are_set_by_name_and_no_other() -> None:
    with pytest.raises(ValueError, match="no bound"):
        session(bounds={"nonsense": 1})
    assert talk(said(b"EHLO a", b"MAIL FROM:<> SIZE=11"), bounds={"message_bytes": 10}).codes == [250, 552]
    assert BOUNDS["message_bytes"] == 64 * 1024 * 1024
