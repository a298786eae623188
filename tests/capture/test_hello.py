"""The ClientHello as a fingerprint: what others compute of it, we compute too."""

from __future__ import annotations

import json
import ssl
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hello_made import made_hello, pairs, read_hello, real_hello, vector
from smtp_play import Talk, letter, said, session, settle
from spamtide.capture.kernel import HELLO_BYTES, client_hello

SHORT = st.integers(0, 0xFFFF)


def read(stream: bytes) -> dict[str, Any] | None:
    found = client_hello(stream)
    return None if found is None else json.loads(found)


def known(stream: bytes) -> dict[str, Any]:
    found = read(stream)
    assert found is not None
    return found


def test_the_digests_are_those_of_the_makers_of_ja3() -> None:
    # Both lines and digests stand in the README of salesforce/ja3.
    groups, formats = vector(2, pairs([23, 24, 25])), vector(1, b"\0")
    ciphers = [47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4]
    first = known(made_hello(ciphers, [(0, b""), (10, groups), (11, formats)], version=769))
    assert first["ja3"] == "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0"
    assert first["ja3_digest"] == "ada70206e40642a3e4461f35503241d5"
    second = known(made_hello([4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99], None, version=769))
    assert second["ja3"] == "769,4-5-10-9-100-98-3-6-19-18-99,,,"
    assert second["ja3_digest"] == "de350869b8c85de67a350c8d186f11e6"


def test_the_ja4_is_that_of_its_makers() -> None:
    # The example of technical_details/JA4.md of FoxIO-LLC/ja4.
    ciphers = [
        int(c, 16)
        for c in [
            "1301",
            "1302",
            "1303",
            "c02b",
            "c02f",
            "c02c",
            "c030",
            "cca9",
            "cca8",
            "c013",
            "c014",
            "009c",
            "009d",
            "002f",
            "0035",
        ]
    ]
    kinds = [
        "001b",
        "0000",
        "0033",
        "0010",
        "4469",
        "0017",
        "002d",
        "000d",
        "0005",
        "0023",
        "0012",
        "002b",
        "ff01",
        "000b",
        "000a",
        "0015",
    ]
    algorithms = [int(s, 16) for s in ["0403", "0804", "0401", "0503", "0805", "0501", "0806", "0601"]]
    inside = {
        0x000D: vector(2, pairs(algorithms)),
        0x002B: vector(1, pairs([0x8A8A, 0x0304, 0x0303])),
        0x0010: vector(2, vector(1, b"h2") + vector(1, b"http/1.1")),
    }
    extensions = [(int(k, 16), inside.get(int(k, 16), b"")) for k in kinds]
    plain = known(made_hello(ciphers, extensions))
    assert plain["ja4"] == "t13d1516h2_8daaf6152771_e5627efa2ab1" and not plain["grease"]
    greased = known(made_hello([0xDADA, *ciphers], [(0x1A1A, b""), *extensions, (0x2A2A, b"\0")]))
    assert greased["ja4"] == plain["ja4"] and greased["ja3"] == plain["ja3"] and greased["grease"]


def test_a_real_hello_is_read_as_the_twin_reads_it() -> None:
    for options in ({}, {"maximum_version": ssl.TLSVersion.TLSv1_2}, {"minimum_version": ssl.TLSVersion.TLSv1_3}):
        stream = real_hello(**options)
        assert known(stream) == read_hello(stream)
        assert known(stream)["alpn"] == ["h2", "smtp"] and known(stream)["sni"]


@given(
    st.lists(SHORT, max_size=30),
    st.lists(st.tuples(SHORT | st.sampled_from([0x0A0A, 0xFAFA, 1, 21]), st.binary(max_size=6)), max_size=12),
    st.lists(SHORT, max_size=5),
    st.lists(st.binary(min_size=1, max_size=4), max_size=3),
    st.sampled_from([0x0300, 0x0301, 0x0303, 0x7777]),
    st.integers(1, 60),
)
def test_any_well_made_hello_in_any_records_is_read_as_the_twin_reads_it(
    ciphers: list[int],
    other: list[tuple[int, bytes]],
    values: list[int],
    names: list[bytes],
    version: int,
    size: int,
) -> None:
    known_kinds = {0, 10, 11, 13, 16, 43}
    extensions = [(kind, inside) for kind, inside in other if kind not in known_kinds]
    extensions += [(kind, vector(2, pairs(values))) for kind in (10, 13)] + [(43, vector(1, pairs(values)))]
    extensions += [(16, vector(2, b"".join(vector(1, name) for name in names))), (11, vector(1, b"\0\1"))]
    stream = made_hello(ciphers, extensions, version=version, size=size)
    if len(stream) <= HELLO_BYTES:
        assert known(stream) == read_hello(stream)


@given(st.binary(max_size=80), st.integers(0, 400), st.integers(0, 255))
def test_a_hello_that_is_cut_or_garbled_is_no_error(noise: bytes, place: int, byte: int) -> None:
    stream = bytearray(made_hello([0x1301], [(10, vector(2, pairs([29]))), (16, vector(2, vector(1, b"h2")))]))
    read(noise)
    read(b"\x16\x03\x01" + noise)
    assert read(bytes(stream[: place % len(stream)])) is None
    stream[place % len(stream)] = byte
    read(bytes(stream))


def test_a_hello_beyond_the_bound_is_not_kept() -> None:
    def padded(n: int) -> bytes:
        empty = len(made_hello([0x1301], [(21, b"")]))
        return made_hello([0x1301], [(21, bytes(n - empty))])

    assert [read(padded(HELLO_BYTES + d)) is None for d in (-1, 0, 1)] == [False, False, True]


def test_a_handshake_stands_in_the_message_and_in_the_session() -> None:
    machine, talk = session(starttls=True), Talk()
    machine.receive(said(b"EHLO a.example", b"STARTTLS"), 0)
    settle(machine, talk, 0)
    machine.shaken(real_hello(), "1.3", "TLS_AES_256_GCM_SHA384")
    machine.secured(1)
    machine.receive(letter(b"x\r\n.\r\n"), 2)
    settle(machine, talk, 2)
    meta, _ = talk.messages[0]
    handshake = meta["transcript"]["handshake"]
    assert (handshake["version"], handshake["failed"]) == ("1.3", None) and handshake["hello"] == read(real_hello())
    assert meta["transcript"]["tls"] is True and json.loads(machine.facts("quit"))["handshake"] == handshake


def test_a_handshake_that_failed_stands_in_the_session_and_one_that_was_not_does_not() -> None:
    machine = session(starttls=True)
    machine.receive(said(b"STARTTLS"), 0)
    machine.shaken(b"GET / HTTP/1.1\r\n", failed="no TLS")
    facts = json.loads(machine.facts("tls_failed"))
    assert facts["handshake"] == {"version": None, "suite": None, "failed": "no TLS", "hello": None}
    assert facts["tls"] is False and "handshake" not in json.loads(session().facts("quit"))


def test_a_session_within_tls_from_its_first_byte_is_offered_no_starttls() -> None:
    machine = session(starttls=True)
    machine.wrapped()
    machine.receive(said(b"EHLO a.example", b"STARTTLS"), 0)
    sent = machine.bytes_to_send()
    assert b"250-STARTTLS" not in sent and b"503" in sent and json.loads(machine.facts("quit"))["tls"] is True
