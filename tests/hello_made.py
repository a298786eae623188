"""ClientHellos made by hand, and a slow reader of them: the twin of the kernel's."""

from __future__ import annotations

import contextlib
import hashlib
import ssl
import struct
from collections.abc import Sequence
from typing import Any

NAMES = {0x0304: "1.3", 0x0303: "1.2", 0x0302: "1.1", 0x0301: "1.0", 0x0300: "ssl3"}
SHORT = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}


def vector(width: int, inside: bytes) -> bytes:
    """Bytes with their length before them."""
    return len(inside).to_bytes(width, "big") + inside


def pairs(values: Sequence[int]) -> bytes:
    return b"".join(struct.pack(">H", v) for v in values)


def records(message: bytes, size: int = 16384) -> bytes:
    """A handshake message in records of at most ``size`` bytes."""
    pieces = [message[i : i + size] for i in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + vector(2, piece) for piece in pieces)


def made_hello(
    ciphers: Sequence[int],
    extensions: Sequence[tuple[int, bytes]] | None = (),
    *,
    version: int = 0x0303,
    size: int = 16384,
) -> bytes:
    """A ClientHello in its records; ``extensions`` None leaves the whole block out, as old clients do."""
    body = struct.pack(">H", version) + bytes(32) + vector(1, b"id") + vector(2, pairs(ciphers)) + vector(1, b"\0")
    if extensions is not None:
        body += vector(2, b"".join(struct.pack(">H", kind) + vector(2, inside) for kind, inside in extensions))
    return records(b"\x01" + vector(3, body), size)


def grease(value: int) -> bool:
    return value in {n * 0x1010 + 0x0A0A for n in range(16)}


def numbers(data: bytes, width: int) -> list[int]:
    """A vector of 16-bit numbers; nothing where its length does not fit."""
    n = int.from_bytes(data[:width], "big")
    if len(data) < width + n:
        return []
    inside = data[width : width + n]
    return [int.from_bytes(inside[i : i + 2], "big") for i in range(0, n - n % 2, 2)]


def hashed(values: str) -> str:
    return hashlib.sha256(values.encode()).hexdigest()[:12]


def read_hello(stream: bytes) -> dict[str, Any]:
    """What the kernel says of a well-made hello."""
    message = b""
    while stream:
        n = int.from_bytes(stream[3:5], "big")
        message, stream = message + stream[5 : 5 + n], stream[5 + n :]
    version, at = int.from_bytes(message[4:6], "big"), 38
    at += 1 + message[at]
    ciphers = numbers(message[at:], 2)
    at += 2 + int.from_bytes(message[at : at + 2], "big")
    at += 1 + message[at] + 2
    found: list[tuple[int, bytes]] = []
    while at < len(message):
        kind, n = struct.unpack(">HH", message[at : at + 4])
        found.append((kind, message[at + 4 : at + 4 + n]))
        at += 4 + n
    inside = dict(found)
    groups, signatures = numbers(inside.get(10, b"\0\0"), 2), numbers(inside.get(13, b"\0\0"), 2)
    versions, formats = numbers(inside.get(43, b"\0"), 1), list(inside.get(11, b"\0")[1:])
    names, alpn = inside.get(16, b"\0\0")[2:], []
    while names:
        alpn.append(names[1 : 1 + names[0]])
        names = names[1 + names[0] :]
    kinds = [kind for kind, _ in found]

    def plain(values: Sequence[int]) -> list[int]:
        return [v for v in values if not grease(v)]

    ja3 = ",".join([str(version), *("-".join(map(str, plain(v))) for v in (ciphers, kinds, groups, formats))])
    ends = "00"
    if alpn and alpn[0]:
        first, last = alpn[0][:1], alpn[0][-1:]
        ends = (first + last).decode() if (first + last).isalnum() else first.hex()[0] + last.hex()[1]
    start = f"t{SHORT.get(max(plain(versions), default=version), '00')}{'d' if 0 in inside else 'i'}"
    start += f"{min(99, len(plain(ciphers))):02}{min(99, len(plain(kinds))):02}{ends}"
    middle = ",".join(f"{v:04x}" for v in sorted(plain(ciphers)))
    sorted_kinds = ",".join(f"{v:04x}" for v in sorted(plain(kinds)) if v not in (0, 16))
    algorithms = ",".join(f"{v:04x}" for v in plain(signatures))
    end = f"{sorted_kinds}_{algorithms}" if algorithms else sorted_kinds
    return {
        "versions": [NAMES.get(v, f"{v:04x}") for v in (plain(versions) if versions else [version])],
        "signatures": [f"{v:04x}" for v in plain(signatures)],
        "alpn": [name.decode("utf-8", "replace") for name in alpn],
        "sni": 0 in inside,
        "grease": any(map(grease, [*ciphers, *kinds])),
        "ja3": ja3,
        "ja3_digest": hashlib.md5(ja3.encode(), usedforsecurity=False).hexdigest(),
        "ja4": f"{start}_{hashed(middle) if middle else '0' * 12}_{hashed(end) if sorted_kinds else '0' * 12}",
    }


def real_hello(**options: Any) -> bytes:
    """What Python's own TLS begins with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for name, value in options.items():
        setattr(context, name, value)
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    context.set_alpn_protocols(["h2", "smtp"])
    connection = context.wrap_bio(coming, going, server_hostname="mx.trap.example")
    with contextlib.suppress(ssl.SSLWantReadError):
        connection.do_handshake()
    return going.read()
