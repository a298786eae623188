"""Messages that are hard to carry, by kind: made here, and those of the private corpus where there is one.

Each message of a kind differs from the others of that kind. What a client makes of one is its own matter: nothing here says how it arrives.
"""

from __future__ import annotations

import random
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

Make = Callable[[random.Random], bytes]

HEAD = b"From: a@sender.example\nTo: x@trap.example\nSubject: torture\n\n"
ENDS = (b"\r\n.\n", b"\n.\r\n", b"\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\r\n.\r\r\n", b"\r\n.\0\r\n")
SIZES = (998, 1000, 1023, 1024, 2048, 4095, 4096, 8191, 8192, 16_384, 65_535, 65_536)


@dataclass(frozen=True)
class Job:
    """One message to hand over, from whom to whom; ``to`` names its number."""

    number: int
    kind: str
    raw: bytes
    sender: str
    to: tuple[str, ...]


def words(rng: random.Random, n: int) -> bytes:
    """So many bytes of text without a line end."""
    return bytes(rng.choices(b"abcdefghij klmnop qrstuvw xyz", k=n))


def lines(rng: random.Random, end: bytes = b"\n", n: int = 20) -> bytes:
    """Short lines that end so."""
    return b"".join(words(rng, rng.randint(0, 70)) + end for _ in range(n))


def plain(rng: random.Random) -> bytes:
    return HEAD + lines(rng)


def crlf(rng: random.Random) -> bytes:
    return HEAD.replace(b"\n", b"\r\n") + lines(rng, b"\r\n")


def long_lines(rng: random.Random) -> bytes:
    sizes = rng.sample((997, 998, 999, 1000, 2047, 2048, 2049, 4096, 9000, 70_000), 4)
    return HEAD + b"".join(rng.choice((b"", b".")) + words(rng, n) + b"\n" for n in sizes)


def bare_lf(rng: random.Random) -> bytes:
    return crlf(rng) + b"".join(words(rng, 9) + rng.choice((b"\n", b"\r\n", b"\n\n", b"\n.\n")) for _ in range(30))


def bare_cr(rng: random.Random) -> bytes:
    return plain(rng) + b"".join(words(rng, 9) + rng.choice((b"\r", b"\r\n", b"\r\r\n", b"\n\r")) for _ in range(30))


def nul(rng: random.Random) -> bytes:
    return HEAD + b"".join(words(rng, 9) + rng.choice((b"\0", b"\0\n", b"\n\0", b"\n.\0\n")) for _ in range(30))


def eight_bit(rng: random.Random) -> bytes:
    return HEAD + b"".join(bytes(rng.choices(range(128, 256), k=60)) + b"\n" for _ in range(20))


def dots(rng: random.Random) -> bytes:
    return HEAD + b"".join(b"." * rng.randint(0, 3) + rng.choice((b"", b"x", b" ")) + b"\n" for _ in range(60))


def no_final_newline(rng: random.Random) -> bytes:
    return plain(rng) + words(rng, 30) + rng.choice((b".", b"\n.", b"\r", b"x"))


def empty(rng: random.Random) -> bytes:
    return b""


def blank(rng: random.Random) -> bytes:
    return b"".join(rng.choices((b"\n", b"\r\n"), k=rng.randint(1, 9)))


def one_mib(rng: random.Random) -> bytes:
    row = rng.randbytes(54).hex().encode()
    return HEAD + b"".join(b"%06d " % n + row[: 64 + n % 9] + b"\n" for n in range(2**20 // 76))


def smuggled(rng: random.Random) -> bytes:
    command = b"MAIL FROM:<smuggled@b.example>\r\nRCPT TO:<smuggled@trap.example>\r\nDATA\r\n"
    return plain(rng) + b"".join(words(rng, 5) + end + command for end in rng.sample(ENDS, len(ENDS)))


def commands(rng: random.Random) -> bytes:
    rows = [b"QUIT", b"RSET", b"DATA", b"BDAT 5 LAST", b"STARTTLS", b"NOOP", b"250 ok", b"AUTH PLAIN AHgAeQ=="]
    return HEAD + b"\n".join(rng.choices(rows, k=30)) + b"\n"


def utf8_head(rng: random.Random) -> bytes:
    return (
        "From: Jürgen <a@sender.example>\nSubject: «Größe» 价格 \U0001f4b0\nTo: 受信者 <x@trap.example>\n\n".encode()
        + lines(rng)
    )


def only_head(rng: random.Random) -> bytes:
    return b"From: a@sender.example\nSubject: " + words(rng, 20) + b"\nX-Last: no body"


def no_head(rng: random.Random) -> bytes:
    return b"\n" + lines(rng)


def broken_head(rng: random.Random) -> bytes:
    odd = [
        b"no colon here",
        b": nothing before",
        b"Sub ject: x",
        b"From nobody Mon Jan  1 00:00:00 2001",
        b" folded first",
    ]
    return b"\n".join(rng.sample(odd, len(odd))) + b"\nSubject: after all\n\n" + lines(rng)


def doubled_head(rng: random.Random) -> bytes:
    rows = [b"Subject: one", b"subject: two", b"From: <a@b.example>", b"From: c@d.example", b"To:", b"Bcc: y@trap.example",
            b"Date: never", b"Message-ID: <>", b"Return-Path: <r@b.example>", b"Received: from nowhere", b"Content-Length: 3"]  # fmt: skip
    return b"\n".join(rng.sample(rows, len(rows))) + b"\n\n" + lines(rng)


def long_head(rng: random.Random) -> bytes:
    folded = b"\n ".join(words(rng, 70).replace(b" ", b"x") for _ in range(rng.randint(100, 900)))
    return (
        b"Subject: torture\nX-Long: "
        + folded
        + b"\nX-One: "
        + words(rng, rng.randint(900, 9000))
        + b"\n\n"
        + lines(rng)
    )


def every_byte(rng: random.Random) -> bytes:
    return HEAD + bytes(rng.sample(range(256), 256)) + b"\n" + bytes(range(256)) + b"\n"


def spaces(rng: random.Random) -> bytes:
    return HEAD + b"".join(
        words(rng, 5) + rng.choice((b" ", b"\t", b"   ", b"\f", b"\v", b"\x1a")) + b"\n" for _ in range(40)
    )


def edges(rng: random.Random) -> bytes:
    """A dot, a CR or an LF where a buffer of a usual size may end."""
    made = bytearray(HEAD)
    for size in SIZES:
        if len(made) < size - 3:
            made += words(rng, size - rng.randint(1, 3) - len(made)) + rng.choice(
                (b"\r\n.\r\n", b"\n..\n", b"\n.x\n", b"\r\n")
            )
    return bytes(made)


def multipart(rng: random.Random) -> bytes:
    part = b"Content-Type: application/octet-stream\nContent-Transfer-Encoding: binary\n\n"
    head = b"MIME-Version: 1.0\nSubject: parts\nContent-Type: multipart/mixed; boundary=.x\n\n"
    return head + b"".join(b"--.x\n" + part + rng.randbytes(300) + b"\n" for _ in range(4)) + b"--.x--"


def random_bytes(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randint(1, 20_000))


MADE: dict[str, Make] = {
    make.__name__: make
    for make in (
        plain, crlf, long_lines, bare_lf, bare_cr, nul, eight_bit, dots, no_final_newline, empty, blank, one_mib, smuggled,
        commands, utf8_head, only_head, no_head, broken_head, doubled_head, long_head, every_byte, spaces, edges, multipart,
        random_bytes,
    )
}  # fmt: skip

# Kinds of envelope; the message is a plain one. {n} is the number of the job.
ENVELOPES: dict[str, tuple[str, tuple[str, ...]]] = {
    "null_sender": ("", ("m{n}@trap.example",)),
    "utf8_addresses": ("grüße@sender.example", ("m{n}-Ü@trap.example", "m{n}@дом.example")),
    "odd_addresses": ("a+b=c@sender.example", ('"m{n} a"@trap.example', "m{n}.b--c+d@trap.example", "m{n}!x@trap.example")),
    "many_recipients": ("a@sender.example", tuple(f"m{{n}}-{i}@trap.example" for i in range(100))),
}  # fmt: skip


def corpus_kinds(archive: Path) -> dict[str, list[bytes]]:
    """The private messages by the project that they come from."""
    kinds: dict[str, list[bytes]] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            if file is not None and not member.name.endswith(("COPYING", "README", "LICENSE")):
                kinds.setdefault(member.name.split("/")[0], []).append(file.read())
    return kinds


def jobs(each: int, archive: Path | None = None) -> list[Job]:
    """``each`` messages of every kind; a kind of the corpus with fewer begins again."""

    def rows() -> Iterator[tuple[str, bytes, str, tuple[str, ...]]]:
        one = ("a@sender.example", ("m{n}@trap.example",))
        for kind, make in MADE.items():
            for i in range(each):
                yield kind, make(random.Random(f"{kind}.{i}")), *one
        for kind, (sender, to) in ENVELOPES.items():
            for i in range(each):
                yield kind, plain(random.Random(f"{kind}.{i}")), sender, to
        for kind, found in sorted(corpus_kinds(archive).items()) if archive else []:
            for i in range(each):
                yield kind, found[i % len(found)], *one

    return [
        Job(n, kind, raw, sender, tuple(t.replace("{n}", str(n)) for t in to))
        for n, (kind, raw, sender, to) in enumerate(rows())
    ]
