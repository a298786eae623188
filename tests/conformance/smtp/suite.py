#!/usr/bin/env python3
"""Conformance of an SMTP receiver, judged by its replies alone. Needs Python 3.11 and nothing else.

    python suite.py 127.0.0.1:2525 --rcpt accepted@your.example [--stranger nobody@your.example] [--json]

Each check says what RFC asks for it. Kind `must`: a receiver that fails it is wrong, or splits one message in two. Kind `trap`:
an instrument that counts spam should do so, a mail server need not. Run it against machines of your own; anything
but loopback needs --not-loopback. A flaw that it finds in somebody's program goes to that program's maintainers first.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import re
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

QUIET = 0.15
PATIENCE = 20.0


class Wrong(Exception):
    """The receiver did what it must not."""


class NotOffered(Exception):
    """The check needs something that the receiver does not offer."""


@dataclass(frozen=True)
class Target:
    """Whom to ask, and for whom mail is accepted and, perhaps, refused."""

    host: str
    port: int
    rcpt: str
    stranger: str | None = None


class Session:
    """One connection."""

    def __init__(self, target: Target, *, hello: bool = True) -> None:
        self.target = target
        self.socket: socket.socket = socket.create_connection((target.host, target.port), PATIENCE)
        self.pending = b""
        self.extensions: set[str] = set()
        self.size = 0
        self.expect(220)
        if hello:
            self.ehlo()

    def ehlo(self) -> None:
        code, lines = self.ask(b"EHLO suite.example")
        if code != 250:
            raise Wrong(f"EHLO is answered {code}")
        self.extensions = {line.split()[0].upper() for line in lines[1:] if line.split()}
        for line in lines:
            if (found := re.fullmatch(r"SIZE (\d+)", line.strip(), re.I)) is not None:
                self.size = int(found[1])

    def send(self, *pieces: bytes) -> None:
        """Send pieces so that each travels alone."""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i, piece in enumerate(pieces):
            if i:
                time.sleep(0.01)
            self.socket.sendall(piece)

    def line(self, seconds: float) -> bytes | None:
        """The next line; None when none comes in time, empty at the end of the connection."""
        self.socket.settimeout(seconds)
        while b"\n" not in self.pending:
            try:
                more = self.socket.recv(65536)
            except TimeoutError:
                return None
            except OSError:
                return b""
            if not more:
                return b""
            self.pending += more
        line, _, self.pending = self.pending.partition(b"\n")
        return line.rstrip(b"\r")

    def reply(self, seconds: float = PATIENCE) -> tuple[int, list[str]]:
        """Code and lines of the next reply; code 0 when the connection ended, -1 when nothing came in time."""
        lines = []
        while True:
            line = self.line(seconds)
            if not line:
                return (-1 if line is None else 0), lines
            lines.append(line[4:].decode("latin-1"))
            if line[3:4] != b"-":
                return int(line[:3]), lines

    def ask(self, line: bytes) -> tuple[int, list[str]]:
        """Send a line and read its reply."""
        self.send(line + b"\r\n")
        return self.reply()

    def expect(self, *codes: int, after: bytes | None = None) -> int:
        """The next reply, which must have one of these codes, or their class if under 10."""
        code, lines = self.reply() if after is None else self.ask(after)
        if code not in codes and code // 100 not in codes:
            asked = "" if after is None else f" to {after[:60]!r}"
            raise Wrong(f"{code} {' '.join(lines)[:80]!r}{asked}, wanted {' or '.join(map(str, codes))}")
        return code

    def silent(self) -> None:
        """Nothing may come now; a refusal (4xx, 5xx) may."""
        code, lines = self.reply(QUIET)
        if code in (0, -1):
            return
        if code < 400:
            raise Wrong(f"{code} {' '.join(lines)[:60]!r} before the end of data")
        raise Refused(code)

    def envelope(self, *recipients: str, parameters: str = "") -> None:
        """MAIL and RCPT."""
        self.expect(2, after=f"MAIL FROM:<suite@suite.example>{parameters}".encode())
        for recipient in recipients or (self.target.rcpt,):
            self.expect(2, after=f"RCPT TO:<{recipient}>".encode())

    def data(self) -> None:
        """Up to 354."""
        self.envelope()
        self.expect(354, after=b"DATA")

    def alive(self) -> None:
        """The session still answers, in step."""
        self.expect(2, after=b"NOOP")
        self.expect(221, after=b"QUIT")

    def close(self) -> None:
        self.socket.close()


class Refused(Exception):
    """A message was refused, which is safe."""


Run = Callable[[Target], None]


@dataclass(frozen=True)
class Check:
    """One claim about a receiver."""

    name: str
    kind: str
    source: str
    run: Run


CHECKS: list[Check] = []


def check(name: str, kind: str, source: str) -> Callable[[Run], Run]:
    """Add a function to the suite."""

    def add(run: Run) -> Run:
        CHECKS.append(Check(name, kind, source, run))
        return run

    return add


HEAD = b"Subject: suite\r\n\r\n"
TRUE_END = b"\r\n.\r\n"
FALSE_ENDS = {
    "LF.LF": b"\n.\n", "LF.CRLF": b"\n.\r\n", "CRLF.LF": b"\r\n.\n", "CR.CR": b"\r.\r", "CRLF.CR": b"\r\n.\r", "LF.CR": b"\n.\r", "CR.LF": b"\r.\n",
    "CR.CRLF": b"\r.\r\n", "CRLF NUL.CRLF": b"\r\n\0.\r\n", "CRLF.NUL CRLF": b"\r\n.\0\r\n", "CRLF. CRLF": b"\r\n. \r\n", "CRLF..CRLF": b"\r\n..\r\n",
    "CR CR LF.LF": b"\r\r\n.\n", "CRLF.CR CR LF": b"\r\n.\r\r\n",
}  # fmt: skip


def cuts(data: bytes) -> Iterator[tuple[bytes, ...]]:
    """``data`` whole, cut at each boundary, and byte by byte."""
    yield (data,)
    for i in range(1, len(data)):
        yield data[:i], data[i:]
    yield tuple(data[i : i + 1] for i in range(len(data)))


def end_is_found(target: Target) -> None:
    for pieces in cuts(TRUE_END):
        session = Session(target)
        session.data()
        session.send(HEAD + b"body", *pieces)
        session.expect(2)
        session.alive()
        session.close()


check("CRLF.CRLF ends data, however it is cut", "must", "RFC 5321, 4.1.1.4")(end_is_found)


def no_end(name: str, false_end: bytes) -> Run:
    def run(target: Target) -> None:
        for pieces in cuts(false_end):
            session = Session(target)
            session.data()
            try:
                session.send(HEAD + b"first", *pieces)
                session.silent()
                session.send(b"MAIL FROM:<smuggled@suite.example>\r\n")
                session.silent()
                session.send(b"last" + TRUE_END)
                code = session.expect(2, 4, 5)
                if code < 400:
                    session.alive()
            except Refused:
                pass
            session.close()

    return run


for _name, _bytes in FALSE_ENDS.items():
    check(f"{_name} does not end data, however it is cut", "must", "RFC 5321, 2.3.8 and 4.1.1.4")(no_end(_name, _bytes))


@check("an empty message is one message", "must", "RFC 5321, 4.1.1.4")
def _(target: Target) -> None:
    session = Session(target)
    session.data()
    session.send(b".\r\n")
    session.expect(2, 5)
    session.alive()


@check("a pipelined second message is a second message", "must", "RFC 2920, 3.1")
def _(target: Target) -> None:
    session = Session(target)
    if "PIPELINING" not in session.extensions:
        raise NotOffered("PIPELINING")
    envelope = f"MAIL FROM:<suite@suite.example>\r\nRCPT TO:<{target.rcpt}>\r\nDATA\r\n".encode()
    session.send(envelope)
    for wanted in (2, 2, 354):
        session.expect(wanted)
    session.send(HEAD + b"one" + TRUE_END + envelope)
    for wanted in (2, 2, 2, 354):
        session.expect(wanted)
    session.send(HEAD + b"two" + TRUE_END)
    session.expect(2)
    session.alive()


def accepted_line(*lines: bytes, hello: bool = True) -> Run:
    """The last of these lines is answered 2xx."""

    def run(target: Target) -> None:
        session = Session(target, hello=hello)
        for line in lines:
            session.send(line.replace(b"RCPT", target.rcpt.encode()) if b"TO" in line.upper() else line)
            session.expect(2)
        session.close()

    return run


MAIL = b"MAIL FROM:<suite@suite.example>\r\n"
for _name, _kind, _source, _run in (
    ("a null reverse-path is accepted", "must", "RFC 5321, 4.5.5", accepted_line(b"MAIL FROM:<>\r\n")),
    ("verbs in small letters are accepted", "must", "RFC 5321, 2.4", accepted_line(b"mail from:<suite@suite.example>\r\n")),
    ("HELO without ESMTP is accepted", "must", "RFC 5321, 4.1.1.1", accepted_line(b"HELO suite.example\r\n", MAIL, hello=False)),
    ("an address literal at EHLO is accepted", "must", "RFC 5321, 4.1.3", accepted_line(b"EHLO [192.0.2.1]\r\n", hello=False)),
    ("RSET ends a transaction", "must", "RFC 5321, 4.1.1.5", accepted_line(MAIL, b"RSET\r\n", MAIL)),
    ("EHLO ends a transaction", "must", "RFC 5321, 4.1.4", accepted_line(MAIL, b"EHLO suite.example\r\n", MAIL)),
    ("MAIL without HELO is accepted", "trap", "-", accepted_line(MAIL, hello=False)),
    ("a path without brackets is accepted", "trap", "-", accepted_line(b"MAIL FROM:suite@suite.example\r\n")),
    ("a space after the colon is accepted", "trap", "-", accepted_line(b"MAIL FROM: <suite@suite.example>\r\n")),
    ("a malformed HELO name is accepted", "trap", "-", accepted_line(b"HELO a_b..c\r\n", hello=False)),
    ("an empty HELO is accepted", "trap", "-", accepted_line(b"HELO\r\n", hello=False)),
    ("a command that ends in LF is accepted", "trap", "-", accepted_line(b"MAIL FROM:<suite@suite.example>\n")),
    ("an unknown parameter is accepted", "trap", "-", accepted_line(b"MAIL FROM:<suite@suite.example> X-NONSENSE=1\r\n")),
    ("a path with 8-bit letters is accepted", "trap", "-", accepted_line(b"MAIL FROM:<caf\xe9@suite.example>\r\n")),
):  # fmt: skip
    check(_name, _kind, _source)(_run)


@check("commands out of order are refused and change nothing", "must", "RFC 5321, 4.1.4")
def _(target: Target) -> None:
    session = Session(target)
    for line in (b"DATA", f"RCPT TO:<{target.rcpt}>".encode()):
        session.expect(5, after=line)
    session.envelope()
    session.expect(5, after=MAIL.strip())
    session.expect(354, after=b"DATA")
    session.send(HEAD + TRUE_END)
    session.expect(2)
    session.alive()


@check("an unknown command is answered 500 or 502", "must", "RFC 5321, 4.2.4")
def _(target: Target) -> None:
    session = Session(target)
    session.expect(500, 502, after=b"XYZZY")
    session.alive()


@check("8-bit bytes, NUL, bare CR and LF in a message leave the session in step", "must", "RFC 5321, 4.5.2")
def _(target: Target) -> None:
    session = Session(target)
    session.data()
    session.send(HEAD + bytes(range(256)) + b"\r\n" + b"a\nb\rc\0d\r\n" + TRUE_END)
    if session.expect(2, 4, 5) < 400:
        session.alive()


def line_of(n: int) -> bytes:
    """A command line of ``n`` bytes, CRLF included, that is right but for its length."""
    return b"NOOP " + b"x" * (n - 7)


LEAST = {
    "a command line": (512, "RFC 5321, 4.5.3.1.4", lambda s, n: s.expect(2, after=line_of(n))),
    "a path": (256, "RFC 5321, 4.5.3.1.3", lambda s, n: s.expect(2, after=b"MAIL FROM:<" + b"l" * 60 + b"@" + (b"d" * 60 + b".") * 3 + b"e" * (n - 246) + b">")),
    "recipients": (100, "RFC 5321, 4.5.3.1.8", lambda s, n: s.envelope(*[s.target.rcpt] * n)),
}  # fmt: skip


def least(n: int, make: Callable[[Session, int], object]) -> Run:
    def run(target: Target) -> None:
        for size in (n - 1, n):
            session = Session(target)
            make(session, size)
            session.close()
        session = Session(target)
        try:
            make(session, n + 1)
        except Wrong:
            # Longer than anybody must take: a refusal will do, if the session stays in step.
            session.expect(2, after=b"NOOP")
        session.close()

    return run


for _name, (_n, _source, _make) in LEAST.items():
    check(f"{_name} of {_n}: accepted at n - 1 and n, answered at n + 1", "must", _source)(least(_n, _make))


@check("a text line of 1,000 bytes is accepted, one of 1,001 leaves the session in step", "must", "RFC 5321, 4.5.3.1.6")
def _(target: Target) -> None:
    for n in (999, 1000, 1001):
        session = Session(target)
        session.data()
        session.send(HEAD + b"x" * (n - 2) + TRUE_END)
        if session.expect(*((2,) if n <= 1000 else (2, 5))) < 400:
            session.alive()


@check("SIZE= at the limit is accepted, above it refused", "must", "RFC 1870, 6.1")
def _(target: Target) -> None:
    session = Session(target)
    if not session.size:
        raise NotOffered("SIZE with a limit")
    for n, wanted in ((session.size - 1, 2), (session.size, 2), (session.size + 1, 5)):
        session.expect(wanted, after=f"MAIL FROM:<suite@suite.example> SIZE={n}".encode())
        session.expect(2, after=b"RSET")


@check("a line without an end has one", "must", "RFC 5321, 4.5.3.1.4")
def _(target: Target) -> None:
    session = Session(target)
    session.send(b"NOOP " + b"x" * 200_000 + b"\r\n")
    code = session.reply()[0]
    if code not in (0, 421) and not 500 <= code < 600 and code != 250:
        raise Wrong(f"answered {code}")


def started(target: Target, *, after: bytes = b"") -> Session:
    """A session whose STARTTLS was answered 220; ``after`` travels in the same piece."""
    session = Session(target)
    if "STARTTLS" not in session.extensions:
        raise NotOffered("STARTTLS")
    session.send(b"STARTTLS\r\n" + after)
    session.expect(220)
    return session


def shaken(session: Session, version: ssl.TLSVersion | None = None) -> None:
    """Shake hands, whatever the certificate. Raises OSError where that fails."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version is not None:
        context.minimum_version = context.maximum_version = version
    session.pending = b""
    session.socket.settimeout(PATIENCE)
    session.socket = context.wrap_socket(session.socket)


@check("nothing sent before the TLS handshake is answered after it", "must", "RFC 3207, 4.2; CVE-2011-0411")
def _(target: Target) -> None:
    session = started(target, after=b"MAIL FROM:<injected@suite.example>\r\nVRFY injected\r\n")
    try:
        shaken(session)
    except OSError:
        return
    session.silent()
    code = session.ask(f"RCPT TO:<{target.rcpt}>".encode())[0]
    if 200 <= code < 400:
        raise Wrong("a transaction of before the handshake goes on after it")


@check("nothing sent between 220 and the TLS handshake is answered", "must", "RFC 3207, 4.1")
def _(target: Target) -> None:
    session = started(target)
    session.send(f"EHLO injected.example\r\nMAIL FROM:<>\r\nRCPT TO:<{target.rcpt}>\r\n".encode())
    end = time.monotonic() + 1
    answer = b""
    while time.monotonic() < end and (line := session.line(QUIET)) != b"":
        answer += line or b""
    if b"250" in answer:
        raise Wrong(f"answered {answer[:60]!r} in the clear")


@check("garbage in place of a TLS handshake leaves the receiver at work", "must", "RFC 3207, 4.1")
def _(target: Target) -> None:
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(100), b"\x15\x03\x01\x00\x02\x02\x28"):
        session = started(target)
        session.send(garbage)
        session.close()
    session = started(target)
    shaken(session)
    session.ehlo()
    session.alive()


@check("what was said before the TLS handshake is forgotten", "must", "RFC 3207, 4.2")
def _(target: Target) -> None:
    session = started(target)
    shaken(session)
    session.ehlo()
    if "STARTTLS" in session.extensions:
        raise Wrong("STARTTLS is offered within TLS")
    session.expect(5, after=f"RCPT TO:<{target.rcpt}>".encode())
    session.expect(5, after=b"STARTTLS")
    session.alive()


@check("STARTTLS with an argument is refused", "must", "RFC 3207, 4")
def _(target: Target) -> None:
    session = Session(target)
    if "STARTTLS" not in session.extensions:
        raise NotOffered("STARTTLS")
    session.expect(5, after=b"STARTTLS now")
    session.alive()


def through_tls(version: ssl.TLSVersion) -> Run:
    def run(target: Target) -> None:
        for pieces in cuts(TRUE_END):
            session = started(target)
            try:
                shaken(session, version)
            except OSError as error:
                raise Wrong(f"no handshake: {error}") from None
            session.ehlo()
            session.data()
            session.send(HEAD + (b"x" * 900 + b"\r\n") * 40 + b"body", *pieces)
            session.expect(2)
            session.alive()
            session.close()

    return run


for _name, _version in (("1.2", ssl.TLSVersion.TLSv1_2), ("1.3", ssl.TLSVersion.TLSv1_3)):
    check(f"a message comes through TLS {_name}, however it is cut", "trap", "RFC 3207, 4")(through_tls(_version))


def chunked(target: Target) -> Session:
    session = Session(target)
    if "CHUNKING" not in session.extensions:
        raise NotOffered("CHUNKING")
    return session


@check("chunks are counted, whatever they hold and however they are cut", "must", "RFC 3030, 2")
def _(target: Target) -> None:
    for pieces in cuts(b"BDAT 5\r\n\r\n.\r\nBDAT 6 LAST\r\nQUIT\r\n"):
        session = chunked(target)
        session.envelope()
        session.send(*pieces)
        session.expect(2)
        session.expect(2)
        session.alive()
        session.close()


@check("BDAT 0 LAST ends a message", "must", "RFC 3030, 2")
def _(target: Target) -> None:
    session = chunked(target)
    session.envelope()
    session.send(b"BDAT 3\r\nx\r\n")
    session.expect(2)
    session.expect(2, after=b"BDAT 0 LAST")
    session.alive()


@check("the octets of a chunk out of order are no commands", "must", "RFC 3030, 2")
def _(target: Target) -> None:
    session = chunked(target)
    session.send(b"BDAT 6 LAST\r\nNOOP\r\n")
    session.expect(5)
    session.silent()
    session.alive()


@check("DATA after BDAT is refused", "must", "RFC 3030, 2")
def _(target: Target) -> None:
    session = chunked(target)
    session.envelope()
    session.send(b"BDAT 3\r\nx\r\n")
    session.expect(2)
    session.expect(503, after=b"DATA")


PROBES = {
    "a stranger's address": "{stranger}",
    "a percent": "{local}%elsewhere.example@{domain}",
    "a bang path": "elsewhere.example!{local}@{domain}",
    "a source route": "@{domain}:stranger@elsewhere.example",
    "a quoted at sign": '"stranger@elsewhere.example"@{domain}',
    "two at signs": "stranger@elsewhere.example@{domain}",
    "another domain": "stranger@elsewhere.example",
}


def probe(form: str) -> Run:
    def run(target: Target) -> None:
        if target.stranger is None:
            raise NotOffered("--stranger")
        domain = target.rcpt.rpartition("@")[2]
        session = Session(target)
        session.expect(2, after=MAIL.strip())
        recipient = form.format(stranger=target.stranger, local="stranger", domain=domain)
        session.expect(5, after=f"RCPT TO:<{recipient}>".encode())
        session.expect(5, after=b"DATA")
        session.alive()

    return run


for _name, _form in PROBES.items():
    check(f"relay probe: {_name} is refused where addresses are listed", "must", "RFC 5321, 7.9")(probe(_form))


@dataclass(frozen=True)
class Result:
    """What came of one check."""

    check: Check
    verdict: str
    detail: str


def run_suite(target: Target) -> Iterator[Result]:
    """Every check, one after the other."""
    for one in CHECKS:
        try:
            one.run(target)
        except NotOffered as missing:
            yield Result(one, "not offered", str(missing))
        except Wrong as wrong:
            yield Result(one, "fail", str(wrong))
        except (OSError, ValueError) as error:
            yield Result(one, "fail", f"{type(error).__name__}: {error}")
        else:
            yield Result(one, "pass", "")


def main() -> int:
    """Run it; 1 when a check of kind ``must`` failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", help="HOST:PORT")
    parser.add_argument("--rcpt", required=True, help="an address for which mail is accepted")
    parser.add_argument("--stranger", help="an address for which it is refused; without it relay probes are left out")
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--not-loopback", action="store_true", help="the machine is mine, although it is not this one")
    given = parser.parse_args()
    host, _, port = given.target.rpartition(":")
    host = host.strip("[]")
    if not given.not_loopback and host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        parser.error("not loopback: say --not-loopback if that machine is yours")
    failed = False
    for result in run_suite(Target(host, int(port), given.rcpt, given.stranger)):
        one = result.check
        failed |= result.verdict == "fail" and one.kind == "must"
        if given.json:
            line = {
                "check": one.name,
                "kind": one.kind,
                "source": one.source,
                "verdict": result.verdict,
                "detail": result.detail,
            }
            print(json.dumps(line), flush=True)
        else:
            print(
                f"{result.verdict:<12} {one.kind:<5} {one.name}{': ' if result.detail else ''}{result.detail}",
                flush=True,
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
