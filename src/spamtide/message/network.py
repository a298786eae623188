"""Who announces a peer's address, by the operator's table: an MMDB (GeoLite2, IPinfo and their kin) or lines of prefix and ASN.

No table is fetched, none is shipped. Facts do not hold what a table says (docs/decisions/0007-networks-are-looked-up.md).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import ipaddress
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from spamtide.errors import WrongUse

if TYPE_CHECKING:
    import maxminddb

_MMDB_MARK = b"\xab\xcd\xefMaxMind.com"
# The mark of an MMDB stands in the last 128 KiB of its file.
_MMDB_TAIL = 128 * 1024
# More than any routing table of today, gzip bombs aside.
_MOST_BYTES = 1 << 30
_ASN = re.compile(r"(?:AS)?(\d{1,10})$", re.I)
_COUNTRY = re.compile(r"[A-Za-z]{2}$")
_SEPARATORS = re.compile(r"\t|,|;|\|| +")


class BadNetworks(WrongUse):
    """A table of networks that cannot be read."""


@dataclass(frozen=True, slots=True)
class Network:
    """What the table says of one prefix. None where it does not say."""

    prefix: str
    asn: int | None = None
    holder: str | None = None
    country: str | None = None

    @property
    def name(self) -> str:
        """``AS64500``, or the prefix where there is no ASN."""
        return self.prefix if self.asn is None else f"AS{self.asn}"


@dataclass(frozen=True, slots=True)
class NetworkTable:
    """A table made ready. ``kind`` is ``mmdb`` or ``text``; ``as_of`` the day that its contents are of."""

    kind: str
    sha256: str
    as_of: date
    source: _Mmdb | _Prefixes

    def of(self, address: str) -> Network | None:
        """The longest prefix of the table that holds ``address``; None where none does. Raises BadNetworks on a broken record."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return None
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return self.source.of(parsed)


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class _Prefixes:
    """Prefixes of a text, by version and length: the longest that holds an address is found first."""

    def __init__(self) -> None:
        self.by_length: dict[int, dict[int, dict[int, Network]]] = {4: {}, 6: {}}

    def add(self, prefix: ipaddress.IPv4Network | ipaddress.IPv6Network, network: Network) -> None:
        key = int(prefix.network_address) >> (prefix.max_prefixlen - prefix.prefixlen)
        self.by_length[prefix.version].setdefault(prefix.prefixlen, {})[key] = network

    def ready(self) -> None:
        """Longest first, once all are there."""
        for version, lengths in self.by_length.items():
            self.by_length[version] = dict(sorted(lengths.items(), reverse=True))

    def of(self, address: Address) -> Network | None:
        number = int(address)
        for length, networks in self.by_length[address.version].items():
            found = networks.get(number >> (address.max_prefixlen - length))
            if found is not None:
                return found
        return None


class _Mmdb:
    """An MMDB, read by the library ``maxminddb``."""

    def __init__(self, reader: maxminddb.Reader) -> None:
        self.reader = reader
        self.versions = (4, 6) if reader.metadata().ip_version == 6 else (4,)

    def of(self, address: Address) -> Network | None:
        if address.version not in self.versions:
            return None
        try:
            record, length = self.reader.get_with_prefix_len(address)
        except Exception as error:
            # A broken tree or record raises whatever the broken bytes lead to.
            raise _bad(f"The table of networks is broken where {address} is looked up: {error}.") from None
        if record is None or length == 0:
            return None
        return _from_record(record, str(ipaddress.ip_network((address, length), strict=False)))


def _bad(what: str) -> BadNetworks:
    return BadNetworks("bad_networks", what, "docs/howto/networks.md says which tables can be read.")


def _asn(value: object, where: str) -> int | None:
    if value is None or value == "":
        return None
    found = _ASN.match(str(value).strip()) if isinstance(value, str | int) and not isinstance(value, bool) else None
    if found is None or int(found[1]) > 0xFFFF_FFFF:
        raise _bad(f"{where}: {value!r} is no AS number.")
    # AS0 announces nothing (RFC 7607).
    return int(found[1]) or None


def _text(value: object, where: str) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _bad(f"{where}: {value!r} is no text.")
    return value


def _from_record(record: Any, prefix: str) -> Network:
    """The keys that GeoLite2, DB-IP and IPinfo use for the same things."""
    where = f"The record of {prefix} in the table of networks"
    if not isinstance(record, dict):
        raise _bad(f"{where} is no map.")
    asn = _asn(record.get("autonomous_system_number", record.get("asn")), where)
    holder = record.get("autonomous_system_organization", record.get("as_name", record.get("name")))
    country = record.get("country_code", record.get("country"))
    if isinstance(country, dict):
        country = country.get("iso_code")
    code = _text(country, where)
    return Network(prefix, asn, _text(holder, where), code.upper() if code and _COUNTRY.match(code) else None)


def read_networks(data: bytes, as_of: date | None = None) -> NetworkTable:
    """The table that ``data`` is: an MMDB or text, plain or gzipped. ``as_of``: its day; an MMDB carries one of its own.

    Raises BadNetworks ``bad_networks``: neither kind, a line or a record that is wrong, no date.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    if data[:2] == b"\x1f\x8b":
        data = _unpacked(data)
    if _MMDB_MARK in data[-_MMDB_TAIL:]:
        reader = _open(data)
        built = datetime.fromtimestamp(reader.metadata().build_epoch, UTC).date()
        return NetworkTable("mmdb", sha256, as_of or built, _Mmdb(reader))
    if as_of is None:
        raise _bad("A table of prefixes in lines does not say of which day it is; the setting networks.date does.")
    return NetworkTable("text", sha256, as_of, _prefixes(data))


def _unpacked(data: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            plain = file.read(_MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _bad(f"The table of networks cannot be unpacked: {error}.") from None
    if len(plain) > _MOST_BYTES:
        raise _bad(f"The table of networks unpacks to more than {_MOST_BYTES:,} bytes.")
    return plain


def _open(data: bytes) -> maxminddb.Reader:
    import maxminddb
    from maxminddb.const import MODE_FD

    try:
        reader = maxminddb.open_database(io.BytesIO(data), MODE_FD)
        metadata = reader.metadata()
        sound = metadata.ip_version in (4, 6) and isinstance(metadata.build_epoch, int)
        reader.get("192.0.2.1")
    except Exception as error:
        raise _bad(f"The table of networks is a broken MMDB: {error}.") from None
    if not sound:
        raise _bad("The table of networks is an MMDB whose metadata is wrong.")
    return reader


def _prefixes(data: bytes) -> _Prefixes:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _bad("The table of networks is neither an MMDB nor text in UTF-8.") from None
    table = _Prefixes()
    seen = 0
    for number, prefix, fields in _lines(text):
        where = f"The table of networks, line {number}"
        try:
            parsed = ipaddress.ip_network(prefix)
        except ValueError as error:
            raise _bad(f"{where}: {error}.") from None
        seen += 1
        if parsed.prefixlen == 0:
            # A default route says nothing of who is behind it.
            continue
        asn, holder, country = (*fields, "", "", "")[:3]
        code = country.upper() if _COUNTRY.match(country) else None
        if country and code is None:
            raise _bad(f"{where}: {country!r} is no country code of two letters.")
        table.add(parsed, Network(str(parsed), _origin(asn, where), holder or None, code))
    if not seen:
        raise _bad("The table of networks holds no prefix.")
    table.ready()
    return table


def _lines(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """``(number, prefix, further fields)`` of the lines that say something; a first line of column names does not."""
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        separator = next((s for s in "\t,;|" if s in line), None)
        fields = [f.strip().strip('"') for f in (line.split(separator) if separator else _SEPARATORS.split(line, 2))]
        if number == 1 and not any(c.isdigit() for c in fields[0]):
            continue
        yield number, fields[0], fields[1:]


def _origin(text: str, where: str) -> int | None:
    """ASN of a line. Several, in a set ``{64500,64501}`` or ``64500_64501``: nobody knows which, so none."""
    if re.search(r"\d[_ ]+\d|^\{.*\d.*\}?$", text):
        return None
    return _asn(text, where)
