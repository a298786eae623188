"""A writer of tiny MMDB files, after the public specification of MaxMind DB 2.0: what tests read back."""

from __future__ import annotations

import ipaddress
import struct
from typing import Any


def encoded(value: Any) -> bytes:
    """One value of the data section: maps, text, unsigned integers, lists, booleans."""
    if isinstance(value, dict):
        return _control(7, len(value)) + b"".join(encoded(k) + encoded(v) for k, v in value.items())
    if isinstance(value, str):
        return _control(2, len(value.encode())) + value.encode()
    if isinstance(value, bool):
        return _control(14, int(value))
    if isinstance(value, int):
        kind = 9 if value > 0xFFFF_FFFF else 6
        body = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return _control(kind, len(body)) + body
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(encoded, value))
    raise TypeError(value)


def _control(kind: int, size: int) -> bytes:
    assert size < 29 + 256
    small, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return bytes([(kind << 5 if kind <= 7 else 0) | small]) + (bytes([kind - 7]) if kind > 7 else b"") + more


def mmdb(entries: dict[str, Any], *, version: int = 6, built: int = 1_299_000_000, **metadata: Any) -> bytes:
    """A database of ``{prefix: record}``; a longer prefix overrides a shorter one. IPv4 lies at ::/96 of an IPv6 tree."""
    root: list[Any] = [None, None]
    for prefix, record in sorted(entries.items(), key=lambda e: ipaddress.ip_network(e[0]).prefixlen):
        network = ipaddress.ip_network(prefix)
        bits, length = int(network.network_address), network.prefixlen
        width = 32 if version == 4 else 128
        length += 96 if version == 6 and network.version == 4 else 0
        node = root
        for depth in range(length - 1):
            side = bits >> (width - 1 - depth) & 1
            if not isinstance(node[side], list):
                node[side] = [node[side], node[side]]
            node = node[side]
        node[bits >> (width - length) & 1] = (record,)
    nodes: list[list[Any]] = []

    def number(node: list[Any]) -> None:
        nodes.append(node)
        for child in node:
            if isinstance(child, list):
                number(child)

    number(root)
    at = {id(node): i for i, node in enumerate(nodes)}
    data, places = b"", {}
    tree = b""
    for node in nodes:
        for child in node:
            if isinstance(child, list):
                value = at[id(child)]
            elif child is None:
                value = len(nodes)
            else:
                key = repr(child)
                if key not in places:
                    places[key] = len(data)
                    data += encoded(child[0])
                value = len(nodes) + 16 + places[key]
            tree += struct.pack(">I", value)
    about = {
        "node_count": len(nodes), "record_size": 32, "ip_version": version, "database_type": "Made-ASN", "languages": ["en"],
        "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": built, "description": {"en": "made"},
    } | metadata  # fmt: skip
    return tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + encoded(about)
