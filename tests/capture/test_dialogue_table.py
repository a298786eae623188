"""The table of states: a session is led along every row and off every row; docs/reference/dialogue.md is drawn from it."""

from __future__ import annotations

import pytest

from doc_tables import ROOT
from smtp_play import Talk, said, session, settle
from spamtide.app.kernel import TREATMENTS
from spamtide.capture.kernel import DIALECT_SPOKEN, DIALECT_WRITTEN, DIALOGUE_STATES, PROXY_REASONS, SmtpDialogue

DOCUMENT = ROOT / "docs" / "reference" / "dialogue.md"
HELLO = said(b"EHLO a.example")
MAIL = HELLO + said(b"MAIL FROM:<a@b.example>")
RCPT = MAIL + said(b"RCPT TO:<x@trap.example>")
# How a session gets into each state.
WAY = {
    "Start": b"", "Ready": HELLO, "Mail": MAIL, "Rcpt": RCPT, "Data": RCPT + said(b"DATA"), "Chunk": RCPT + said(b"BDAT 3"),
    "Gather": RCPT + said(b"BDAT 1") + b"x", "Skip": HELLO + said(b"BDAT 3"), "Auth": HELLO + said(b"AUTH PLAIN"),
    "Wait": RCPT + said(b"DATA", b"."), "Tls": HELLO + said(b"STARTTLS"), "Closed": said(b"QUIT"),
}  # fmt: skip
COMMANDS = {
    "HELO": b"HELO a.example", "EHLO": b"EHLO a.example", "MAIL": b"MAIL FROM:<a@b.example>", "RCPT": b"RCPT TO:<x@trap.example>", "DATA": b"DATA",
    "BDAT": b"BDAT 3", "RSET": b"RSET", "NOOP": b"NOOP", "VRFY": b"VRFY x", "EXPN": b"EXPN x", "HELP": b"HELP", "AUTH": b"AUTH PLAIN",
    "STARTTLS": b"STARTTLS", "XCLIENT": b"XCLIENT ADDR=203.0.113.9", "XFORWARD": b"XFORWARD ADDR=203.0.113.9", "QUIT": b"QUIT", "HTTP": b"GET / HTTP/1.1", "unknown": b"XYZZY",
}  # fmt: skip
NEXT = {(state, word): after for state, word, after in DIALOGUE_STATES}


def led(state: str, *, protocol: str = "smtp") -> SmtpDialogue:
    machine = session(protocol, starttls=True, trusted=["192.0.2.7"])
    way = WAY[state].replace(b"EHLO", b"LHLO") if protocol == "lmtp" else WAY[state]
    machine.receive(way, 0)
    assert machine.state == state
    return machine


HAPPENS = {
    "end of data": lambda m: m.receive(b".\r\n", 0),
    "end of chunk": lambda m: m.receive(b"xyz", 0),
    "AUTH answered": lambda m: m.receive(b"AGEAYg==\r\n", 0),
    "stored or not": lambda m: m.verdict("stored", 0),
    "handshake done": lambda m: m.secured(0),
}


@pytest.mark.parametrize(("state", "word", "after"), DIALOGUE_STATES, ids=["-".join(r) for r in DIALOGUE_STATES])
def test_a_session_goes_where_the_table_says(state: str, word: str, after: str) -> None:
    if word == "LHLO":
        machine = led(state, protocol="lmtp")
        machine.receive(b"LHLO a.example\r\n", 0)
    elif word == "end of last chunk":
        machine = session()
        machine.receive(RCPT + b"BDAT 3 LAST\r\nxyz", 0)
    else:
        machine = led(state)
        if word in COMMANDS:
            machine.receive(COMMANDS[word] + b"\r\n", 0)
        else:
            HAPPENS[word](machine)
    assert machine.state == after


@pytest.mark.parametrize("state", ["Start", "Ready", "Mail", "Rcpt", "Gather"])
def test_a_command_that_the_table_lacks_is_refused_and_changes_nothing(state: str) -> None:
    for word, line in COMMANDS.items():
        if (state, word) not in NEXT:
            machine = led(state)
            machine.bytes_to_send()
            machine.receive(line + b"\r\n", 0)
            assert machine.state == state, word
            assert machine.bytes_to_send()[:3] == (b"500" if word == "unknown" else b"503"), word


def test_every_state_can_be_reached_and_left() -> None:
    states = {s for s, _, _ in DIALOGUE_STATES} | {s for _, _, s in DIALOGUE_STATES}
    assert states == set(WAY)
    assert {s for s, _, _ in DIALOGUE_STATES} == states - {"Closed"}


def test_nothing_is_read_after_the_end() -> None:
    machine = led("Closed")
    machine.bytes_to_send()
    machine.receive(RCPT, 0)
    settle(machine, Talk(), 0)
    assert machine.state == "Closed" and machine.bytes_to_send() == b""


HEADING = """\
# The dialogue of the trap

How a session of SMTP (RFC 5321, with PIPELINING, 8BITMIME, SMTPUTF8, SIZE, CHUNKING, DSN, ENHANCEDSTATUSCODES) or LMTP (RFC 2033) goes. Made from the
tables of `rust/src/pure/dialogue/` by `pytest tests/capture/test_dialogue_table.py --write-golden`; do not edit.

- **Odd input is accepted and written down.** A session may begin with MAIL; a path may lack its brackets; a line may end in LF. What a parameter
  asks for that we do not know is passed over. Each such thing is a mark, below: the dialect by which programs that send mail are told apart.
- **Only CRLF.CRLF ends DATA.** Every other form is data, and a mark. The line end of the DATA command counts as the first CRLF. A line begins after CRLF
  only; one dot at its start is taken off, as RFC 5321 (4.5.2) says. The octets of a chunk (BDAT) are kept as they are.
- **250 is said when the message is on disk**, never before. Until then nothing more of the session is read. 452: there is no room; 451: it may not be on
  disk. In LMTP each recipient gets that answer.
- **AUTH is refused** (535), whatever is tried, but at a relay bait, which believes every PLAIN and LOGIN (235). Its challenges are sent, so that it can be told what was tried: the mechanism, a keyed hash of the user's
  name, the class of the password's length (`0`, `1-7`, `8-15`, `16+`). The password is never written anywhere.
- **STARTTLS** forgets all that came before the handshake, and throws away what came between. A handshake that fails ends the session (`tls_failed`). TLS is
  never required.
- **XCLIENT and XFORWARD** (Postfix's `XCLIENT_README` and `XFORWARD_README`) are offered to listed relays (`trap.trusted`) alone: 500 to anybody else, and a mark. XCLIENT names the
  client of the whole session, which begins anew with a greeting; several may follow one another, and with any other command the right to say it ends, since then the client may be
  speaking. XFORWARD names the client of the next message; RSET, HELO and the end of that message forget it. The peer is then the client that was named; who named it stands in `via`.
  What LOGIN says is a keyed hash as the user's name at AUTH is, in `via`, and a length in `steps`. An attribute that is wrong is answered 501, and nothing of that command holds.
- **A PROXY header** (versions 1 and 2 of HAProxy's `proxy-protocol.txt`) comes before everything, TLS too, from listed relays, at listeners that ask for it (`trap.proxy`). It is never
  guessed whether one is there. One that is not whole and right within `trap.proxy_seconds` ends the session with 421 (`unproxied`). Without such a claim, or from anybody else, its bytes are
  commands, and a mark. LOCAL, UNKNOWN and names of sockets leave the relay's own address as the peer.
- **Data without an end** is kept when the session ends, marked `unfinished`; it was never acknowledged.
- Any recipient is accepted, unless the feed lists addresses; then others get 550, and so do those that bounce or are retired. Nothing is ever passed on.
- **Lives**: a message all of whose accepted recipients are in their ramp, conditioning or disclosed has these marks and is not counted; one for any address that counts is.
- **Retries**: a message that comes again, by peer unit, reverse-path and Message-ID or digest (or the recipient that was put off), within five days after we answered 4xx, or after its
  session ended within it, or after the connection broke before our 250 was heard, is marked `retry`; where a record of the earlier one stands, `counted_before` too, and it is not
  counted. A MAIL that was put off is not remembered: nothing tells which message it was for.
- **A relay bait** takes mail for strangers. Instead of their local parts, and of every word in which one might hide, stand keyed hashes or lengths: `h-0123456789abcdef@their.example`, `*12`.
  The raw message is kept as it came.
- **A probe of the operator's** (`spamtide probe-header`) is known by its signature and an instant within a week, and marked `own_test`.
- The bounds are in [limits.md](limits.md).

## States

What the table lacks is answered 503 and changes nothing; a command whose argument is refused (501, 550, 552) changes nothing either. LHLO stands for LMTP
alone, HELO and EHLO for SMTP alone (500 otherwise).

```mermaid
stateDiagram-v2
    [*] --> Start
{diagram}
    Closed --> [*]
```

| state | on | next state |
|---|---|---|
{table}

## Marks of a session

| mark | means |
|---|---|
{spoken}

Pipelined is a command whose first byte came before the reply to the one before it was sent.

## Marks of a message

| mark | means |
|---|---|
{written}

## Treatments

A treated panel draws one of its arms for each session, by a keyed hash of the session's key, and answers by it. All are within RFC 5321. They change who gets through: such a feed never
measures.

| arm | does |
|---|---|
{treatments}

## Transcript

`transcript` in the meta of a record ([segment-format.md](segment-format.md)):

| key | |
|---|---|
| `v` | 1 |
| `began` | when the session began, microseconds since 1970 UTC |
| `protocol` | `smtp` or `lmtp` |
| `tls` | whether the session was encrypted |
| `handshake` | of TLS, absent where none was tried: `version` and `suite` agreed on, `failed` (why not, else null), `hello` (below; null where no whole one came within 8,192 bytes) |
| `steps` | `[time, line, code]` of each command since the message before: microseconds since `began`, the line without its end, the code of our reply. Line `.` is the end of a message or chunk. Bytes that are no UTF-8 stand one character each. `*24`: a line of 24 bytes that is not kept, since it may hold a password or was too long |
| `cut` | number of lines beyond the bound `transcript_bytes`; absent when none |
| `parameters` | `[recipient, key, value]` of MAIL (recipient null) and RCPT (from 0), as they came, the key in capitals |
| `parameters_cut` | number of parameters beyond the bound `transcript_bytes`, which they have for themselves, each counting 16 bytes beside its own; absent when none |
| `auth` | what was tried: `mechanism`, `user` (keyed hash, null where none was given), `length` |
| `data` | when DATA or the first chunk was announced, and when the last byte came, microseconds since `began` |
| `dialect` | marks, sorted |
| `via` | relays that named the client, in order: `kind` (`proxy`, `xclient`, `xforward`), `relay` (the peer until then), `claimed` (below); absent where none did |
| `unproxied` | of a session: why there was no PROXY header to believe; absent elsewhere |
| `treatment` | the arm of a treated panel's session; absent elsewhere |
| `bounced` | of a session: recipients that were answered 550 since their address bounces; absent when none |

`claimed` of XCLIENT and XFORWARD holds their attributes in capitals, as text, ports as numbers, null for `[UNAVAILABLE]` and `[TEMPUNAVAIL]`; of a PROXY header:

| key | |
|---|---|
| `version`, `command` | 1 or 2; `proxy`, or `local`: the relay speaks for itself |
| `family` | `tcp4`, `tcp6`, `unix`, `unknown` |
| `source`, `source_port`, `destination`, `destination_port` | the client, and where it connected to; absent where the family has none |
| `alpn`, `tls_version`, `tls_cipher` | of a session of TLS that ends at the relay |
| `unique_id` | in hex, the first 128 bytes |
| `checksum` | true where it had one, which was right |
| `others` | types of what else it had |

`unproxied` is one of

| reason | means |
|---|---|
{reasons}
| `deadline` | it was not whole in time |
| `closed`, `lost` | the relay ended the connection, or it broke, within it |

`hello` is the ClientHello, by which programs that speak TLS are told apart:

| key | |
|---|---|
| `ja3`, `ja3_digest` | version, cipher suites, extensions, groups, formats of points in decimal, and the MD5 of that, as `salesforce/ja3` defines them; `ja3` null beyond 2,048 characters |
| `ja4` | the JA4 of a client over TCP, as `FoxIO-LLC/ja4` defines it (`technical_details/JA4.md`) |
| `versions` | what it would speak: `1.3`, `1.2`, `1.1`, `1.0`, `ssl3`, or the number in hex |
| `signatures` | signature algorithms in hex, in its order; the first 64 |
| `alpn` | application protocols, in its order |
| `sni` | whether it named the server that it wants; the name is not kept |
| `grease` | whether it strews values of GREASE (RFC 8701), which all the others leave out |
"""


def rendered() -> str:
    """The document as the code would have it."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for state, word, after in DIALOGUE_STATES:
        arrows.setdefault((state, after), []).append(word)
    diagram = "\n".join(f"    {a} --> {b}: {', '.join(words)}" for (a, b), words in arrows.items())
    table = "\n".join(f"| {a} | {', '.join(words)} | {b} |" for (a, b), words in arrows.items())
    spoken, written = ("\n".join(f"| `{n}` | {m} |" for n, m in marks) for marks in (DIALECT_SPOKEN, DIALECT_WRITTEN))
    treatments = "\n".join(f"| `{n}` | {m} |" for n, m in TREATMENTS)
    reasons = "\n".join(f"| `{n}` | {m} |" for n, m in PROXY_REASONS)
    return HEADING.format(
        diagram=diagram, table=table, spoken=spoken, written=written, treatments=treatments, reasons=reasons
    )


def test_the_document_is_drawn_from_the_table(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--write-golden"):
        DOCUMENT.write_text(rendered(), "utf-8")
    assert DOCUMENT.read_text("utf-8") == rendered(), "run pytest tests/capture/test_dialogue_table.py --write-golden"
