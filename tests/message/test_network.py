"""Tables of networks: both kinds read back what was written, the longest prefix wins, what is broken is told."""

from __future__ import annotations

import gzip
import ipaddress
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdb_made import mmdb
from spamtide.message import BadNetworks, Network, read_networks

DAY = date(2011, 3, 1)
ENTRIES = {
    "192.0.2.0/24": {"autonomous_system_number": 64500, "autonomous_system_organization": "Made One"},
    "192.0.2.128/25": {"asn": "AS64501", "as_name": "Made Two", "country_code": "de"},
    "198.51.100.0/24": {"country": {"iso_code": "FR", "names": {"en": "France"}}},
    "2001:db8::/32": {"autonomous_system_number": 64502},
    "2001:db8:1::/48": {"autonomous_system_number": 64503},
}
TEXT = """\
# made
192.0.2.0/24\t64500\tMade One
192.0.2.128/25\tAS64501\tMade Two\tde

198.51.100.0/24\t\t\tFR
0.0.0.0/0\t64511
2001:db8::/32\t64502
2001:db8:1::/48\t64503
"""
WANTED = {
    "192.0.2.1": Network("192.0.2.0/24", 64500, "Made One"),
    "192.0.2.200": Network("192.0.2.128/25", 64501, "Made Two", "DE"),
    "::ffff:192.0.2.200": Network("192.0.2.128/25", 64501, "Made Two", "DE"),
    "198.51.100.9": Network("198.51.100.0/24", None, None, "FR"),
    "2001:db8:ffff::1": Network("2001:db8::/32", 64502),
    "2001:db8:1:2::": Network("2001:db8:1::/48", 64503),
    "203.0.113.1": None,
    "10.0.0.1": None,
    "not an address": None,
}


@pytest.mark.parametrize(
    "data", [mmdb(ENTRIES), TEXT.encode(), gzip.compress(TEXT.encode())], ids=["mmdb", "text", "gzip"]
)
def test_the_longest_prefix_says_who_announces_an_address(data: bytes) -> None:
    table = read_networks(data, DAY)
    found = {address: table.of(address) for address in WANTED}
    # An MMDB keeps no prefix that a longer one cuts in two: it says the piece of it that holds the address.
    assert {a: n and (n.asn, n.holder, n.country) for a, n in found.items()} == {
        a: n and (n.asn, n.holder, n.country) for a, n in WANTED.items()
    }
    for address, network in found.items():
        if network is not None:
            wanted = ipaddress.ip_network(WANTED[address].prefix)  # type: ignore[union-attr]
            assert ipaddress.ip_network(network.prefix).subnet_of(wanted)  # type: ignore[arg-type]
            assert table.kind == "mmdb" or network.prefix == str(wanted)
    assert table.as_of == DAY
    assert [Network("192.0.2.0/24", 64500).name, Network("192.0.2.0/24").name] == ["AS64500", "192.0.2.0/24"]


def test_an_mmdb_of_ipv4_alone_has_no_ipv6_and_a_date_of_its_own() -> None:
    table = read_networks(mmdb({"192.0.2.0/24": {"asn": "AS64500"}}, version=4))
    assert (table.kind, table.as_of) == ("mmdb", date(2011, 3, 1))
    assert table.of("192.0.2.9") == Network("192.0.2.0/24", 64500)
    assert table.of("2001:db8::1") is None


@pytest.mark.parametrize(
    "line", ["192.0.2.0/24,64500", "192.0.2.0/24 64500", "192.0.2.0/24|AS64500", "192.0.2.0/24;as64500"]
)
def test_separators_and_ways_to_write_an_asn(line: str) -> None:
    table = read_networks(f"prefix,asn\n{line}\n".encode(), DAY)
    assert table.of("192.0.2.1") == Network("192.0.2.0/24", 64500)


@pytest.mark.parametrize("origin", ["{64500,64501}", "64500_64501", "0", ""])
def test_where_the_origin_is_not_one_as_there_is_none(origin: str) -> None:
    assert read_networks(f"192.0.2.0/24\t{origin}\n".encode(), DAY).of("192.0.2.1") == Network("192.0.2.0/24")


WHOLE = mmdb(ENTRIES)
BROKEN = {
    "text without a date": (b"192.0.2.0/24 64500\n", None, "date"),
    "host bits": (b"192.0.2.1/24\t64500\n", DAY, "line 1"),
    "no prefix": (b"192.0.2.0/24\t64500\nnine/24\t64500\n", DAY, "line 2"),
    "no asn": (b"192.0.2.0/24\tAS-MADE\n", DAY, "line 1"),
    "too large an asn": (b"192.0.2.0/24\t4294967296\n", DAY, "line 1"),
    "no country": (b"192.0.2.0/24\t64500\tMade\tGermany\n", DAY, "line 1"),
    "nothing": (b"", DAY, "no prefix"),
    "comments only": (b"# x\n", DAY, "no prefix"),
    "binary": (b"\xff\xfe\x00", DAY, "neither"),
    "torn gzip": (gzip.compress(TEXT.encode())[:-9], DAY, "unpacked"),
    "no metadata": (WHOLE[: WHOLE.index(b"MaxMind")], DAY, "neither"),
    "torn metadata": (WHOLE[:-30], DAY, "broken MMDB"),
    "torn tree": (WHOLE[WHOLE.index(b"\xab\xcd\xef") :], DAY, "broken MMDB"),
    "wrong record size": (mmdb(ENTRIES, record_size=99), DAY, "broken MMDB"),
    "wrong ip version": (mmdb(ENTRIES, ip_version=5), DAY, "MMDB"),
}


@pytest.mark.parametrize(("data", "as_of", "told"), BROKEN.values(), ids=BROKEN)
def test_a_broken_table_is_told(data: bytes, as_of: date | None, told: str) -> None:
    with pytest.raises(BadNetworks) as caught:
        read_networks(data, as_of)
    assert caught.value.code == "bad_networks" and told in caught.value.message


@pytest.mark.parametrize(
    "record", ["text", {"asn": "AS-MADE"}, {"autonomous_system_number": True}, {"as_name": 7}, {"country_code": [1]}]
)
def test_a_record_of_wrong_types_is_told_with_its_prefix(record: object) -> None:
    table = read_networks(mmdb({"192.0.2.0/24": record}), DAY)
    with pytest.raises(BadNetworks, match=r"192\.0\.2"):
        table.of("192.0.2.1")
    assert table.of("203.0.113.1") is None


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_no_damage_ends_in_a_traceback(place: int, byte: int) -> None:
    damaged = WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :]
    try:
        table = read_networks(damaged, DAY)
        for address in WANTED:
            table.of(address)
    except BadNetworks:
        pass


PREFIXES = st.dictionaries(
    st.tuples(st.integers(0, 2**16 - 1), st.integers(17, 32)), st.integers(64496, 64511), max_size=8
)


@settings(max_examples=80, deadline=None)
@given(PREFIXES, st.lists(st.integers(0, 2**16 - 1), min_size=1, max_size=20))
def test_both_kinds_answer_as_a_plain_search_does(drawn: dict[tuple[int, int], int], hosts: list[int]) -> None:
    base = int(ipaddress.ip_address("198.18.0.0"))
    prefixes = {str(ipaddress.ip_network((base + n, length), strict=False)): asn for (n, length), asn in drawn.items()}
    if not prefixes:
        return
    text = read_networks("".join(f"{p}\t{a}\n" for p, a in prefixes.items()).encode(), DAY)
    database = read_networks(mmdb({p: {"asn": f"AS{a}"} for p, a in prefixes.items()}), DAY)
    for host in hosts:
        address = ipaddress.ip_address(base + host)
        holding = [
            (ipaddress.ip_network(p).prefixlen, a) for p, a in prefixes.items() if address in ipaddress.ip_network(p)
        ]
        wanted = max(holding)[1] if holding else None
        for table in (text, database):
            found = table.of(str(address))
            assert (found.asn if found else None) == wanted
