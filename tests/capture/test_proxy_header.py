"""PROXY headers of both versions: each right and wrong form, and any bytes in any pieces against a slow twin."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy_made import SIGNATURE, addresses, block, item, line, read_whole, summed
from spamtide.capture.kernel import PROXY_BYTES, PROXY_REASONS, ProxyHeader

LINE, BLOCK = PROXY_BYTES
TLS = item(0x20, b"\x01" + bytes(4) + item(0x21, b"TLSv1.3") + item(0x22, b"a client's name") + item(0x23, b"AES"))
V6 = addresses("2001:db8::7", "2001:db8::1")


def gathered(data: bytes, places: Any = ()) -> tuple[Any, str | None, int]:
    """Claims, ``more`` or the reason; the client; how many bytes belong to the header."""
    reader, used = ProxyHeader(), 0
    for start, end in pairwise(sorted({0, len(data), *(p % (len(data) + 1) for p in places)})):
        n, claims, client, wrong = reader.put(data[start:end])
        used += n
        if claims is not None:
            return json.loads(claims), client, used
        if wrong is not None:
            return wrong, None, used
    return "more", None, 0


GOOD: dict[str, tuple[bytes, str | None, dict[str, Any]]] = {
    "a line": (line(), "192.0.2.7", {"version": 1, "family": "tcp4", "source_port": 1234, "destination": "198.51.100.1"}),
    "a line of IPv6": (line("2001:db8::7", "2001:db8::1", "65535 0", "TCP6"), "2001:db8::7", {"source_port": 65535, "destination_port": 0}),
    "an IPv4 address in IPv6": (line("::ffff:192.0.2.7", "::1", family="TCP6"), "192.0.2.7", {"source": "::ffff:192.0.2.7"}),
    "unknown": (b"PROXY UNKNOWN\r\n", None, {"version": 1, "family": "unknown"}),
    "unknown with more": (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535 and so on\r\n", None, {"family": "unknown"}),
    "unknown of 107 bytes": (b"PROXY UNKNOWN " + b"x" * (LINE - 16) + b"\r\n", None, {"family": "unknown"}),
    "a block": (block(), "192.0.2.7", {"version": 2, "family": "tcp4", "destination_port": 25}),
    "a block of IPv6": (block(V6, family=0x21), "2001:db8::7", {"family": "tcp6", "destination": "2001:db8::1"}),
    "local": (block(b"", first=0x20, family=0), None, {"command": "local"}),
    "local with whatever": (block(b"whatever", first=0x20, family=0x99), None, {"command": "local"}),
    "no family": (block(b"", family=0), None, {"command": "proxy", "family": "unknown"}),
    "no family with whatever": (block(b"whatever", family=0), None, {"family": "unknown"}),
    "a socket's name": (block(bytes(216), family=0x31), None, {"family": "unix"}),
    "a checksum": (summed(), "192.0.2.7", {"checksum": True}),
    "a checksum and more": (summed(item(4, bytes(40)) + item(5, b"\xabc") + item(1, b"smtp")), "192.0.2.7", {"unique_id": "ab63", "alpn": "smtp"}),
    "TLS at the relay": (block(tlvs=TLS), "192.0.2.7", {"tls_version": "TLSv1.3", "tls_cipher": "AES"}),
    "other items": (block(tlvs=item(0xEA, b"x") + item(2, b"mx.trap.example")), "192.0.2.7", {"others": [0xEA, 2]}),
    "the longest": (block(tlvs=item(4, bytes(BLOCK - 16 - 12 - 3))), "192.0.2.7", {"family": "tcp4"}),
}  # fmt: skip

WRONG: dict[str, tuple[bytes, str]] = {
    "a command": (b"EHLO a.example\r\n", "absent"),
    "a handshake": (b"\x16\x03\x01\x02\x00\x01", "absent"),
    "half a signature": (SIGNATURE[:9] + b"quit\n", "absent"),
    "a small letter": (b"proxy TCP4 192.0.2.7 198.51.100.1 1 2\r\n", "absent"),
    "no blank": (b"PROXYTCP4 192.0.2.7 198.51.100.1 1 2\r\n", "malformed"),
    "two blanks": (b"PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n", "malformed"),
    "no CR": (b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n", "malformed"),
    "UNKNOWN without CR": (b"PROXY UNKNOWN\n", "malformed"),
    "nothing": (b"PROXY\r\n", "malformed"),
    "a word too few": (b"PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n", "malformed"),
    "a word too many": (line(ports="1 2 3"), "malformed"),
    "another family": (line(family="UDP4"), "malformed"),
    "the other family": (line(family="TCP6"), "malformed"),
    "a zero before": (line(source="192.0.2.07"), "malformed"),
    "no address": (line(source="mail.example"), "malformed"),
    "a zone": (line("fe80::1%eth0", "::1", family="TCP6"), "malformed"),
    "a port too large": (line(ports="1 65536"), "malformed"),
    "a port with a sign": (line(ports="+1 25"), "malformed"),
    "a port with a zero before": (line(ports="01 25"), "malformed"),
    "bytes that are no text": (b"PROXY UNKNOWN \xff\r\n", "malformed"),
    "108 bytes": (b"PROXY UNKNOWN " + b"x" * (LINE - 15) + b"\r\n", "too_long"),
    "a line without an end": (b"PROXY TCP4 " + b"1" * LINE, "too_long"),
    "version 1 in a block": (block(first=0x11), "version"),
    "version 3": (block(first=0x31), "version"),
    "another command": (block(first=0x22), "command"),
    "UDP": (block(family=0x12), "family"),
    "datagrams": (block(bytes(216), family=0x32), "family"),
    "an unknown family": (block(family=0x41), "family"),
    "an unknown transport": (block(family=0x13), "family"),
    "addresses cut short": (block(addresses()[:11]), "malformed"),
    "IPv6 in the space of IPv4": (block(addresses(), family=0x21), "malformed"),
    "longer than the bound": (block(tlvs=item(4, bytes(BLOCK - 16 - 12 - 2))), "too_long"),
    "as long as can be": (SIGNATURE + b"\x21\x11\xff\xff", "too_long"),
    "a bad checksum": (summed(wrong=1), "checksum"),
    "a checksum of three bytes": (block(tlvs=item(3, bytes(3))), "tlv"),
    "half an item": (block(tlvs=b"\x04\x00"), "tlv"),
    "an item longer than the header": (block(tlvs=b"\x04\x00\x09x"), "tlv"),
    "TLS cut short": (block(tlvs=item(0x20, b"\x01\0\0")), "tlv"),
    "TLS with half an item": (block(tlvs=item(0x20, bytes(5) + b"\x21\0\x09x")), "tlv"),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_a_header_says_who_the_client_is(name: str) -> None:
    data, client, claims = GOOD[name]
    found, peer, used = gathered(data + b"EHLO a.example\r\n")
    assert (peer, used) == (client, len(data)) and claims.items() <= found.items()


@pytest.mark.parametrize("name", WRONG)
def test_a_header_that_is_not_whole_and_right_is_none(name: str) -> None:
    data, reason = WRONG[name]
    assert gathered(data + b"EHLO a.example\r\n")[0] == reason


def test_every_reason_is_met_here() -> None:
    assert {reason for _, reason in WRONG.values()} == {name for name, _ in PROXY_REASONS}


def test_what_may_name_somebody_is_not_kept() -> None:
    assert "client's name" not in json.dumps(gathered(block(tlvs=TLS))[0])


pieces = st.one_of(
    st.sampled_from([data for data, *_ in GOOD.values()] + [data for data, _ in WRONG.values()]),
    st.builds(
        block,
        st.sampled_from([addresses(), V6, bytes(216), b"", b"short"]),
        first=st.sampled_from([0x20, 0x21, 0x21, 0x21, 0x22, 0x11]),
        family=st.sampled_from([0x00, 0x11, 0x11, 0x21, 0x31, 0x12, 0xFF]),
        tlvs=st.lists(
            st.builds(item, st.sampled_from([1, 2, 3, 4, 5, 0x20, 0x30, 0xEA]), st.binary(max_size=9)), max_size=3
        ).map(b"".join),
    ),
    st.text(alphabet="PROXY TCP46UNK0123456789.:\r\n", max_size=120).map(lambda t: b"PROXY " + t.encode()),
    st.binary(max_size=40),
)


@settings(max_examples=600, deadline=None)
@given(pieces, st.binary(max_size=6), st.lists(st.integers(0, 5000), max_size=10), st.integers(0, 5000))
def test_any_pieces_of_any_bytes_say_what_the_twin_says(data: bytes, after: bytes, places: list[int], cut: int) -> None:
    for whole in (data + after, data[: cut % (len(data) + 1)]):
        said = read_whole(whole, LINE, BLOCK)
        assert gathered(whole, places) == said
        assert gathered(whole, range(len(whole))) == said
