"""PROXY headers made by hand, and a slow, obvious reader of whole ones: the twin of the kernel's, which reads them in pieces."""

from __future__ import annotations

import ipaddress
import re
import struct
from typing import Any

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
FAMILIES = {0x00: ("unknown", 0), 0x11: ("tcp4", 12), 0x21: ("tcp6", 36), 0x31: ("unix", 216)}


def line(
    source: str = "192.0.2.7", destination: str = "198.51.100.1", ports: str = "1234 25", family: str = "TCP4"
) -> bytes:
    """A header of version 1."""
    return f"PROXY {family} {source} {destination} {ports}\r\n".encode()


def crc32c(data: bytes) -> int:
    """CRC32c of RFC 3720, from a table."""
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    total = 0xFFFFFFFF
    for byte in data:
        total = table[(total ^ byte) & 255] ^ (total >> 8)
    return total ^ 0xFFFFFFFF


def item(kind: int, value: bytes) -> bytes:
    """A TLV."""
    return struct.pack("!BH", kind, len(value)) + value


def addresses(
    source: str = "192.0.2.7", destination: str = "198.51.100.1", ports: tuple[int, int] = (1234, 25)
) -> bytes:
    """The address block of two IPs."""
    ends = [ipaddress.ip_address(a) for a in (source, destination)]
    return b"".join(a.packed for a in ends) + struct.pack("!HH", *ports)


def block(payload: bytes | None = None, *, first: int = 0x21, family: int = 0x11, tlvs: bytes = b"") -> bytes:
    """A header of version 2."""
    payload = (addresses() if payload is None else payload) + tlvs
    return SIGNATURE + struct.pack("!BBH", first, family, len(payload)) + payload


def summed(tlvs: bytes = b"", wrong: int = 0) -> bytes:
    """A header of version 2 with its checksum, or with one that is off by ``wrong`` bits."""
    header = block(tlvs=item(3, bytes(4)) + tlvs)
    at = 16 + 12 + 3
    return header[:at] + struct.pack("!I", crc32c(header) ^ wrong) + header[at + 4 :]


def read_whole(data: bytes, line_bytes: int, block_bytes: int) -> tuple[Any, str | None, int]:
    """What the header at the beginning of ``data`` claims, or ``more``, or the reason why there is none; the client; its length."""
    if data.startswith(SIGNATURE) or SIGNATURE.startswith(data):
        return _binary(data, block_bytes)
    if data.startswith(b"PROXY") or b"PROXY".startswith(data):
        head, newline, _ = data[:line_bytes].partition(b"\n")
        if not newline:
            return ("too_long", None, line_bytes) if len(data) >= line_bytes else ("more", None, 0)
        return _line(head + newline)
    wrong = next(
        n for n in range(1, len(data) + 1) if not SIGNATURE.startswith(data[:n]) and not b"PROXY".startswith(data[:n])
    )
    return "absent", None, wrong


def _line(head: bytes) -> tuple[Any, str | None, int]:
    port = rb"(0|[1-9][0-9]{0,4})"
    words = re.fullmatch(rb"PROXY (TCP4|TCP6) ([^ ]+) ([^ ]+) " + port + b" " + port + rb"\r\n", head)
    if re.fullmatch(rb"PROXY UNKNOWN( .*)?\r\n", head, re.S) and _text(head):
        return {"version": 1, "command": "proxy", "family": "unknown"}, None, len(head)
    if not words or max(int(words[4]), int(words[5])) > 65535:
        return "malformed", None, len(head)
    kind = ipaddress.IPv4Address if words[1] == b"TCP4" else ipaddress.IPv6Address
    try:
        source, destination = (kind(w.decode("ascii")) for w in (words[2], words[3]))
    except (ValueError, UnicodeDecodeError):
        return "malformed", None, len(head)
    if any(b"%" in w for w in words.groups()):
        return "malformed", None, len(head)
    ends = (source, destination, int(words[4]), int(words[5]))
    return _claims(1, words[1].decode().lower(), ends), _client(source), len(head)


def _text(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError:
        return False
    return True


def _claims(version: int, family: str, ends: tuple[Any, Any, int, int]) -> dict[str, Any]:
    return {
        "version": version, "command": "proxy", "family": family, "source": rust(ends[0]), "source_port": ends[2],
        "destination": rust(ends[1]), "destination_port": ends[3],
    }  # fmt: skip


def rust(address: Any) -> str:
    """An address as Rust writes it: mapped ones with dots."""
    mapped = getattr(address, "ipv4_mapped", None)
    return f"::ffff:{mapped}" if mapped else str(address)


def _client(address: Any) -> str:
    return str(getattr(address, "ipv4_mapped", None) or address)


def _binary(data: bytes, block_bytes: int) -> tuple[Any, str | None, int]:
    if len(data) < 16:
        return "more", None, 0
    first, family, length = struct.unpack("!BBH", data[12:16])
    if first >> 4 != 2:
        return "version", None, 16
    if first & 15 > 1:
        return "command", None, 16
    if first & 15 == 1 and family not in FAMILIES:
        return "family", None, 16
    if 16 + length > block_bytes:
        return "too_long", None, 16
    if len(data) < 16 + length:
        return "more", None, 0
    head = data[: 16 + length]
    if first & 15 == 0:
        return {"version": 2, "command": "local", "family": "unknown"}, None, len(head)
    name, size = FAMILIES[family]
    if name == "unknown":
        return {"version": 2, "command": "proxy", "family": "unknown"}, None, len(head)
    if length < size:
        return "malformed", None, len(head)
    claims: dict[str, Any] = {"version": 2, "command": "proxy", "family": name}
    client = None
    if name != "unix":
        half = (size - 4) // 2
        source, destination = (ipaddress.ip_address(head[16 + half * i : 16 + half * (i + 1)]) for i in (0, 1))
        claims, client = (
            _claims(2, name, (source, destination, *struct.unpack("!HH", head[12 + size : 16 + size]))),
            _client(source),
        )
    wrong = _items(head, 16 + size, claims)
    return (wrong, None, len(head)) if wrong else (claims, client, len(head))


def _split(data: bytes) -> list[tuple[int, int, bytes]] | None:
    found, at = [], 0
    while at < len(data):
        if at + 3 > len(data):
            return None
        kind, length = struct.unpack("!BH", data[at : at + 3])
        if at + 3 + length > len(data):
            return None
        found.append((kind, at + 3, data[at + 3 : at + 3 + length]))
        at += 3 + length
    return found


def _text_of(value: bytes) -> str:
    return value.decode() if _text(value) else value.decode("latin-1")


def _items(head: bytes, behind: int, claims: dict[str, Any]) -> str | None:
    """Put what the TLVs say into ``claims``; why they are wrong."""
    found = _split(head[behind:])
    if found is None:
        return "tlv"
    others = []
    for kind, at, value in found:
        if kind == 3:
            if len(value) != 4:
                return "tlv"
            blank = head[: behind + at] + bytes(4) + head[behind + at + 4 :]
            if crc32c(blank) != struct.unpack("!I", value)[0]:
                return "checksum"
            claims["checksum"] = True
        elif kind == 1:
            claims["alpn"] = _text_of(value)
        elif kind == 5:
            claims["unique_id"] = value[:128].hex()
        elif kind == 0x20:
            inner = _split(value[5:]) if len(value) >= 5 else None
            if inner is None:
                return "tlv"
            for sub, _, text in inner:
                if sub in (0x21, 0x23):
                    claims["tls_version" if sub == 0x21 else "tls_cipher"] = _text_of(text)
        elif kind != 4:
            others.append(kind)
    if others:
        claims["others"] = others
    return None
