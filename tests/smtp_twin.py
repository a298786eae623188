"""A slow, obvious twin of the dialogue machine: the whole input at once, regular expressions, no chunks.

What hangs on the moment a reply was sent (pipelining, early talk) it does not know.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import re
from dataclasses import dataclass, field

MOMENTARY = {"early_talk", "pipelined", "pipelined_unoffered", "data_early"}
MECHANISMS = [
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "DIGEST-MD5",
    "NTLM",
    "GSSAPI",
    "EXTERNAL",
    "ANONYMOUS",
    "XOAUTH2",
    "OAUTHBEARER",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
]
HTTP = b"GET POST HEAD PUT DELETE OPTIONS CONNECT PATCH".split()
VERBS = b"HELO EHLO LHLO MAIL RCPT DATA BDAT RSET NOOP VRFY EXPN HELP AUTH STARTTLS QUIT XCLIENT XFORWARD".split()
ATTRIBUTES = {
    b"XCLIENT": b"NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT".split(),
    b"XFORWARD": b"NAME ADDR PORT PROTO HELO IDENT SOURCE".split(),
}
PEER = "192.0.2.7"
LABEL = rb"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


def text(raw: bytes) -> str:
    """UTF-8, else one character a byte."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def unbase64(raw: bytes) -> bytes | None:
    """Bytes of base64 whose padding may lack."""
    raw = raw.removesuffix(b"=").removesuffix(b"=")
    if not re.fullmatch(rb"[A-Za-z0-9+/]*", raw) or len(raw) % 4 == 1:
        return None
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return None


def user_hash(key: bytes, user: bytes) -> str:
    return hmac.digest(key, b"smtp user\0" + user, hashlib.sha256).hex()[:32]


def keyed(key: bytes, label: bytes, *parts: bytes) -> bytes:
    """A label and parts, each behind its length, under the key."""
    return hmac.digest(key, label + b"\0" + b"".join(len(p).to_bytes(8, "big") + p for p in parts), hashlib.sha256)


def masked(key: bytes, address: str) -> str:
    """An address of a stranger as a relay bait writes it down."""
    if not address:
        return ""
    local, at, domain = address.rpartition("@")
    if not at:
        local, domain = address, ""
    hash_ = "h-" + keyed(key, b"stranger", local.lower().encode(), domain.lower().encode()).hex()[:16]
    plain = domain and all(c.isalnum() or c in ".-[]:" for c in domain.lower())
    return f"{hash_}@{domain.lower()}" if plain else hash_


def claimed(verb: bytes, argument: bytes, key: bytes, *, bait: bool) -> dict[str, str | int | None] | None:
    """Attributes of XCLIENT or XFORWARD; None where one is wrong."""
    found: dict[str, str | int | None] = {}
    for word in re.split(rb"[ \t]+", argument):
        if not word:
            continue
        name, equals, value = word.partition(b"=")
        name = name.upper()
        if not equals or name not in ATTRIBUTES[verb] or not value:
            return None
        if value.upper() in (b"[UNAVAILABLE]", b"[TEMPUNAVAIL]"):
            found[text(name)] = None
            continue
        if not re.fullmatch(rb"([^+]|\+[0-9A-Fa-f]{2})+", value, re.S):
            return None
        raw, value = value, re.sub(rb"\+(..)", lambda m: bytes([int(m[1], 16)]), value)
        if name in (b"ADDR", b"DESTADDR"):
            plain = text(value)
            six = plain[:5].upper() == "IPV6:"
            plain = plain[5:] if six else plain
            if not address(plain) or (six and ":" not in plain):
                return None
            parsed = ipaddress.ip_address(plain)
            found[text(name)] = str(getattr(parsed, "ipv4_mapped", None) or parsed)
        elif name in (b"PORT", b"DESTPORT"):
            if not re.fullmatch(rb"[0-9]+", value) or int(value) > 65535:
                return None
            found[text(name)] = int(value)
        elif name == b"LOGIN":
            found["LOGIN"] = user_hash(key, value)
        else:
            odd = b"=" in raw or (bait and not re.fullmatch(rb"[A-Za-z0-9._\[\]:-]*", value))
            found[text(name)] = f"*{len(value)}" if odd else text(value)
    return found or None


@dataclass
class Manner:
    """How the trap answers: lives of addresses, arms of the treatment, whether it is a relay bait."""

    lives: dict[str, str] | None = None
    arms: list[str] | None = None
    bait: bool = False
    retry_seconds: int = 0


def length_class(n: int) -> str:
    return "0" if n == 0 else "1-7" if n < 8 else "8-15" if n < 16 else "16+"


def unquoted(raw: bytes, wanted: bytes) -> int | None:
    """Place of the first of ``wanted`` outside quotes."""
    i, quoted = 0, False
    while i < len(raw):
        c = raw[i : i + 1]
        if quoted and c == b"\\":
            i += 2
            continue
        if c == b'"':
            quoted = not quoted
        elif not quoted and c in [bytes([w]) for w in wanted]:
            return i
        i += 1
    return None


@dataclass
class Letter:
    """A message as the record has it."""

    sender: str
    to: list[str]
    raw: bytes
    dialect: set[str]
    unfinished: bool = False
    marks: set[str] = field(default_factory=set)
    peer: str = PEER
    via: list[tuple[str, str, dict[str, str | int | None]]] = field(default_factory=list)


@dataclass
class Played:
    """What one session came to."""

    codes: list[int] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    marks: set[str] = field(default_factory=set)
    tried: list[tuple[str, str | None, str | None]] = field(default_factory=list)


def written(raw: bytes, eight_bit: bool) -> set[str]:
    """Marks that the bytes of a message show by themselves."""
    patterns = {
        "data_bare_cr": rb"\r(?!\n)",
        "data_bare_lf": rb"(?<!\r)\n",
        "data_nul": rb"\0",
        "end_cr_dot_cr": rb"\r\.\r(?!\n)",
        "end_cr_dot_crlf": rb"\r\.\r\n",
        "end_cr_dot_lf": rb"\r\.\n",
        "end_lf_dot_cr": rb"(?<!\r)\n\.\r(?!\n)",
        "end_lf_dot_crlf": rb"(?<!\r)\n\.\r\n",
        "end_lf_dot_lf": rb"(?<!\r)\n\.\n",
    }
    marks = {name for name, pattern in patterns.items() if re.search(pattern, raw)}
    if not eight_bit and not raw.isascii():
        marks.add("data_eight_bit")
    if any(len(line) > 1000 for line in re.findall(rb"[^\n]*\n|[^\n]+", raw)):
        marks.add("data_long_line")
    return marks


def unstuff(body: bytes, *, ended: bool) -> tuple[bytes, set[str]]:
    """A message without its stuffing, and what was odd about the dots."""
    lines, marks = body.split(b"\r\n"), set()
    for i, line in enumerate(lines):
        if not line.startswith(b".") or (not ended and i == len(lines) - 1 and line in (b".", b".\r")):
            continue
        if line[1:2] == b"\n":
            marks.add("end_crlf_dot_lf")
        elif line[1:2] == b"\r":
            marks.add("end_crlf_dot_cr")
        elif line[1:2] != b".":
            marks.add("dot_unstuffed")
        lines[i] = line[1:]
    return b"\r\n".join(lines), marks


class Session:
    """Plays one input; ``play`` is the door."""

    def __init__(self, *, lmtp: bool, manner: Manner, bounds: dict[str, int], key: bytes, listed: bool) -> None:
        self.lmtp, self.manner, self.n, self.key = lmtp, manner, bounds, key
        number = int.from_bytes(keyed(key, b"treatment", b"s1")[:8], "big")
        self.arm = manner.arms[number % len(manner.arms)] if manner.arms else "plain"
        self.put_off: set[tuple[str, str, str]] = set()
        self.greylisted: set[tuple[str, str, str]] = set()
        self.seen_rcpt = False
        self.out = Played()
        self.state, self.helo = "Start", False
        self.errors = self.idle = self.tries = self.refused_to = self.handed = 0
        self.listed, self.peer, self.via = listed, PEER, []
        self.clear()
        self.for_letter: dict[str, str | int | None] = {}

    def clear(self) -> None:
        self.sender, self.to, self.size, self.eight, self.utf8 = "", [], None, False, False
        self.chunks = b""
        self.counts, self.outside = False, set()
        self.forwarded: dict[str, str | int | None] = {}

    def mark(self, name: str, when: object = True) -> None:
        if when:
            self.out.marks.add(name)

    def say(self, code: int, verb: bytes = b"") -> None:
        if code >= 500:
            if verb == b"RCPT":
                self.refused_to += 1
            else:
                self.errors += 1
        over = (
            self.errors > self.n["errors"]
            or self.refused_to > self.n["refused_recipients"]
            or self.idle > self.n["idle_commands"]
            or self.tries > self.n["auth_tries"]
        )
        if over and self.state != "Closed":
            code, self.state = 421, "Closed"
        self.out.codes.append(code)

    def letter(self, raw: bytes, dots: set[str], *, unfinished: bool = False) -> None:
        if len(raw) > self.n["message_bytes"]:
            if not unfinished:
                self.handed += 1
                self.idle = 0
                self.out.codes += [552] * (len(self.to) if self.lmtp else 1)
            return
        if unfinished and not raw:
            return
        dialect = written(raw, self.eight) | dots | self.out.marks
        if self.size is not None and len(raw) > self.size:
            dialect.add("size_understated")
        tries = {(self.client(), self.sender, to.lower()) for to in self.to}
        marks = set() if self.counts else set(self.outside)
        marks |= {"relay_bait"} if self.manner.bait else set()
        marks |= {"retry"} if tries & self.put_off else set()
        if not unfinished:
            self.put_off -= tries
        via = list(self.via) + ([("xforward", self.peer, self.for_letter)] if self.for_letter else [])
        self.out.letters.append(Letter(self.sender, list(self.to), raw, dialect, unfinished, marks, self.client(), via))
        if not unfinished:
            self.handed += 1
            self.idle = 0
            self.out.codes += [250] * (len(self.to) if self.lmtp else 1)

    def play(self, data: bytes) -> Played:
        self.mark("proxy_unoffered", data.startswith((b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n")))
        while data and self.state != "Closed":
            if self.state == "Start" and data.startswith(b"\x16\x03"):
                self.mark("tls_hello")
                self.out.codes.append(500)
                self.state = "Closed"
                return self.out
            line, newline, rest = data.partition(b"\n")
            if not newline:
                break
            data = self.line(line + b"\n", rest)
        if self.state == "Gather":
            self.letter(self.chunks, set(), unfinished=True)
        return self.out

    def line(self, line: bytes, rest: bytes) -> bytes:
        """Act on one line; what is left to read after it."""
        self.mark("long_line", len(line) > 512)
        if len(line) > self.n["command_bytes"]:
            self.idle += 1
            self.heard(b"")
            self.say(500)
            return rest
        line = line[:-1]
        self.mark("bare_lf", not line.endswith(b"\r"))
        line = line.removesuffix(b"\r")
        if self.state in ("Plain", "User", "Secret"):
            self.answer(line)
            return rest
        self.mark("nul", b"\0" in line)
        self.mark("bare_cr", b"\r" in line)
        self.mark("eight_bit", not line.isascii())
        self.mark("leading_space", line[:1] in (b" ", b"\t"))
        self.mark("trailing_space", line.strip(b" \t") and line[-1:] in (b" ", b"\t"))
        line = line.strip(b" \t")
        verb, argument = [*re.split(rb"[ \t]+", line, maxsplit=1), b""][:2]
        self.heard(verb.upper() if verb.isascii() else b"")
        if verb.upper() not in VERBS or not verb.isascii():
            if verb in HTTP and (argument.startswith(b"/") or b"HTTP/" in argument):
                self.mark("http")
                self.idle += 1
                self.state = "Closed"
                self.out.codes.append(500)
                return rest
            self.mark("unknown_command")
            self.idle += 1
            self.say(500)
            return rest
        self.mark("lower_case", verb != verb.upper())
        verb = verb.upper()
        if verb not in (b"RCPT", b"DATA", b"BDAT", b"QUIT"):
            self.idle += 1
        if verb in (b"MAIL", b"RCPT"):
            colon = re.match(rb"(FROM|TO)([ \t]*):", argument, re.I)
            if colon and colon[1].upper() != {b"MAIL": b"FROM", b"RCPT": b"TO"}[verb]:
                colon = None
            if re.match(rb"FROM" if verb == b"MAIL" else rb"TO", argument, re.I):
                said = argument[: 4 if verb == b"MAIL" else 2]
                self.mark("lower_case", said != said.upper())
            self.mark("space_around_colon", colon and colon[2])
            path = argument[colon.end() :] if colon else None
            (self.mail if verb == b"MAIL" else self.rcpt)(path)
            return rest
        if verb == b"DATA":
            return self.data(rest)
        if verb == b"BDAT":
            return self.bdat(argument, rest)
        self.simple(verb, argument)
        return rest

    def heard(self, verb: bytes) -> None:
        """With any command but a further one the right to say XCLIENT ends."""
        if verb != b"XCLIENT" and self.via:
            self.listed = False

    def client(self) -> str:
        """Whom the relay named for this message, else the peer."""
        return str(self.for_letter.get("ADDR") or self.peer)

    def claim(self, verb: bytes, argument: bytes) -> None:
        if not self.listed:
            self.mark(f"{text(verb).lower()}_unoffered")
            return self.say(500)
        if self.state not in ("Start", "Ready"):
            return self.say(503)
        found = claimed(verb, argument, self.key, bait=self.manner.bait)
        if found is None:
            return self.say(501)
        if verb == b"XFORWARD":
            self.forwarded |= found
            return self.say(250)
        self.clear()
        if self.via:
            self.via = [(*self.via[0][:2], self.via[0][2] | found)]
        else:
            self.via = [("xclient", self.peer, found)]
        self.peer = str(found.get("ADDR") or self.peer)
        self.helo, self.state = False, "Start"
        return self.say(220)

    def simple(self, verb: bytes, argument: bytes) -> None:
        if verb in ATTRIBUTES:
            return self.claim(verb, argument)
        if verb in (b"HELO", b"EHLO", b"LHLO"):
            if (verb == b"LHLO") != self.lmtp:
                return self.say(500)
            if not argument:
                self.mark("helo_empty")
            elif argument.startswith(b"[") and argument.endswith(b"]"):
                self.mark("helo_malformed", not address(text(argument[1:-1]).removeprefix("IPv6:")))
            elif address(text(argument)):
                self.mark("helo_address")
            else:
                good = re.fullmatch(LABEL + rb"(\." + LABEL + rb")*", argument) and len(argument) <= 255
                self.mark("helo_malformed", not good)
            self.mark("second_helo", self.helo)
            self.helo, self.state = True, "Ready"
            self.clear()
            return self.say(250)
        if verb == b"RSET":
            self.clear()
            self.state = "Start" if self.state == "Start" else "Ready"
            return self.say(250)
        if verb == b"AUTH":
            return self.auth(argument)
        if verb == b"STARTTLS":
            return self.say(502 if self.state in ("Start", "Ready") else 503)
        if verb == b"QUIT":
            self.state = "Closed"
            return self.say(221)
        return self.say({b"NOOP": 250, b"VRFY": 252, b"EXPN": 502, b"HELP": 214}[verb])

    def path(self, argument: bytes | None) -> tuple[bytes, list[bytes]] | None:
        """Address and parameters; None after a refusal."""
        if argument is not None:
            self.mark("space_around_colon", argument[:1] in (b" ", b"\t"))
            argument = argument.strip(b" \t")
        if not argument:
            return None
        end = unquoted(argument, b">")
        if argument.startswith(b"<") and end is not None:
            inner, rest = argument[1:end], argument[end + 1 :]
        else:
            self.mark("no_angle_brackets")
            end = unquoted(argument, b" \t")
            end = len(argument) if end is None else end
            inner, rest = argument[:end].removeprefix(b"<").removesuffix(b">"), argument[end:]
        bare = inner.strip(b" \t")
        self.mark("space_in_path", bare != inner)
        if bare.startswith(b"@") and (colon := unquoted(bare, b":")) is not None:
            self.mark("source_route")
            bare = bare[colon + 1 :].strip(b" \t")
        if len(inner) > self.n["path_bytes"]:
            return None
        return bare, [w for w in re.split(rb"[ \t]+", rest) if w]

    def address_marks(self, bare: bytes) -> None:
        self.mark("no_domain", bare and "@" not in text(bare))
        self.mark("utf8_unasked", not bare.isascii() and not self.utf8)

    def mail(self, argument: bytes | None) -> None:
        if self.state not in ("Start", "Ready"):
            return self.say(503)
        if self.handed >= self.n["messages"]:
            self.state = "Closed"
            self.out.codes.append(421)
            return None
        found = self.path(argument)
        if found is None:
            return self.say(501)
        bare, words = found
        size, eight, utf8 = None, False, False
        for word in words:
            key, equals, value = word.partition(b"=")
            key = key.upper()
            if key == b"SIZE":
                if not equals or not re.fullmatch(rb"[0-9]{1,20}", value):
                    return self.say(501)
                size = int(value)
                if size > self.n["message_bytes"]:
                    return self.say(552)
            elif key == b"BODY" and equals:
                eight = value.upper() in (b"8BITMIME", b"BINARYMIME")
                self.mark("unknown_parameter", value.upper() not in (b"7BIT", b"8BITMIME"))
            elif key == b"SMTPUTF8" and not equals:
                utf8 = True
            else:
                self.mark("unknown_parameter", not (key in (b"RET", b"ENVID", b"AUTH") and equals))
        self.mark("no_helo", self.state == "Start")
        forwarded = self.forwarded
        self.clear()
        self.for_letter = forwarded
        sender = masked(self.key, text(bare)) if self.manner.bait else text(bare)
        self.sender, self.size, self.eight, self.utf8 = sender, size, eight, utf8
        self.address_marks(bare)
        self.state = "Mail"
        return self.say(250)

    def rcpt(self, argument: bytes | None) -> None:
        if self.state not in ("Mail", "Rcpt"):
            return self.say(503, b"RCPT")
        found = self.path(argument)
        if found is None:
            return self.say(501, b"RCPT")
        bare, words = found
        if not bare:
            self.mark("null_recipient")
            return self.say(501, b"RCPT")
        self.address_marks(bare)
        whole = text(bare).encode()
        at = unquoted(whole, b"@")
        local, domain = (whole, b"") if at is None else (whole[:at], whole[at + 1 :])
        self.mark("relay_form", unquoted(local, b"!%") is not None or unquoted(domain, b"@") is not None)
        self.mark("unknown_parameter", any(w.partition(b"=")[0].upper() not in (b"NOTIFY", b"ORCPT") for w in words))
        if len(self.to) >= self.n["recipients"]:
            return self.say(452, b"RCPT")
        lives, to, lower = self.manner.lives, text(bare), text(bare).lower()
        life = (
            "live"
            if lives is None
            else lives.get(lower, lives.get("@" + lower.rpartition("@")[2]) if "@" in lower else None)
        )
        if life in ("bouncing", "retired") or (life is None and not self.manner.bait):
            return self.say(550, b"RCPT")
        if self.manner.bait and (lives is None or life is None):
            to = masked(self.key, to)
        pair, first = (self.client(), self.sender, to.lower()), not self.seen_rcpt
        self.seen_rcpt = True
        waits = pair not in self.greylisted or self.manner.retry_seconds > 0
        if (self.arm == "greylist" and waits) or (self.arm == "first-rcpt" and first):
            self.greylisted.add(pair)
            self.put_off.add(pair)
            return self.say(451, b"RCPT")
        if life in ("conditioning", "ramp", "disclosed"):
            self.outside.add(life)
        else:
            self.counts = True
        self.to.append(to)
        self.state = "Rcpt"
        return self.say(250, b"RCPT")

    def data(self, rest: bytes) -> bytes:
        if self.state != "Rcpt":
            self.say(503)
            return rest
        self.say(354)
        self.state = "Ready"
        # The line end of DATA is the first CRLF.
        body, end, after = (b"\r\n" + rest).partition(b"\r\n.\r\n")
        raw, dots = unstuff(body[2:] + (b"\r\n" if end and body else b""), ended=bool(end))
        self.letter(raw, dots, unfinished=not end)
        self.clear()
        return after

    def bdat(self, argument: bytes, rest: bytes) -> bytes:
        self.mark("chunking")
        words = [w for w in argument.split(b" ") if w]
        last = len(words) == 2 and words[1].upper() == b"LAST"
        if len(words) not in (1, 2) or (len(words) == 2 and not last) or not re.fullmatch(rb"[0-9]+", words[0]):
            size = 2**64
        else:
            size = int(words[0])
        if size > self.n["message_bytes"]:
            self.state = "Closed"
            self.out.codes.append(501 if size >= 2**64 else 552)
            return b""
        octets, after = rest[:size], rest[size:]
        whole = len(octets) == size
        if self.state not in ("Rcpt", "Gather"):
            if whole:
                self.state = "Ready"
                self.clear()
                self.say(503)
            return after
        if self.state == "Rcpt":
            self.chunks = b""
        self.chunks += octets
        self.state = "Gather"
        if whole and last:
            self.letter(self.chunks, set())
            self.clear()
            self.state = "Ready"
        elif whole:
            self.out.codes.append(552 if len(self.chunks) > self.n["message_bytes"] else 250)
        return after

    def auth(self, argument: bytes) -> None:
        self.mark("auth_tried")
        self.tries += 1
        name, space, response = argument.partition(b" ")
        given = response.lstrip(b" ") if space else None
        given = b"" if given == b"=" else given
        mechanism = text(name).upper() if name.isascii() and text(name).upper() in MECHANISMS else "other"
        user = length = None
        if mechanism == "PLAIN" and given is not None:
            user, length = self.plain(given)
        elif mechanism == "LOGIN" and given is not None:
            user = self.user(given)
        if self.state != "Ready":
            self.out.tried.append((mechanism, user, length))
            return self.say(503)
        if not name:
            return self.say(501)
        if mechanism == "PLAIN" and given is None:
            self.pending, self.state = (mechanism, None), "Plain"
            return self.say(334)
        if mechanism == "LOGIN":
            self.pending, self.state = (mechanism, user), "User" if given is None else "Secret"
            return self.say(334)
        self.out.tried.append((mechanism, user, length))
        accepted = 235 if self.manner.bait else 535
        return self.say(accepted if mechanism == "PLAIN" else 504)

    def plain(self, response: bytes) -> tuple[str | None, str | None]:
        fields = (unbase64(response) or b"").split(b"\0")[1:3]
        user = user_hash(self.key, fields[0]) if fields else None
        return user, length_class(len(fields[1])) if len(fields) == 2 else None

    def user(self, response: bytes) -> str:
        user = unbase64(response)
        return "" if user is None else user_hash(self.key, user)

    def answer(self, line: bytes) -> None:
        mechanism, user = self.pending
        length = None
        if line == b"*":
            pass
        elif self.state == "Plain":
            user, length = self.plain(line)
        elif self.state == "User":
            self.pending, self.state = (mechanism, self.user(line)), "Secret"
            return self.say(334)
        else:
            secret = unbase64(line)
            length = None if secret is None else length_class(len(secret))
        self.out.tried.append((mechanism, user, length))
        self.state = "Ready"
        return self.say(501 if line == b"*" else 235 if self.manner.bait else 535)


def address(name: str) -> bool:
    """Whether it is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return "%" not in name


def play(
    data: bytes,
    *,
    lmtp: bool = False,
    manner: Manner | None = None,
    bounds: dict[str, int],
    key: bytes = bytes(32),
    listed: bool = False,
) -> Played:
    """What a session that reads ``data`` and then ends comes to, every message stored."""
    return Session(lmtp=lmtp, manner=manner or Manner(), bounds=bounds, key=key, listed=listed).play(data)
