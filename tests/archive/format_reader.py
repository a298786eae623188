"""Reads segments as docs/reference/segment-format.md describes them, and nothing of spamtide's own code."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard


def sha(*parts: bytes) -> bytes:
    """SHA-256 of parts one after the other."""
    return hashlib.sha256(b"".join(parts)).digest()


@dataclass(frozen=True)
class Record:
    """One record as it stands in the file."""

    ordinal: int
    received_at: int
    meta: bytes
    raw: bytes
    leaf: bytes
    salt: bytes
    erased: bool
    raw_hash: bytes
    thinned: bool
    length: int


@dataclass(frozen=True)
class Segment:
    """A segment, read and checked."""

    header: dict[str, Any]
    records: list[Record]
    chain: str
    seal: dict[str, Any] | None


def header(data: bytes) -> tuple[dict[str, Any], int]:
    """The JSON of the header and where it ends."""
    assert data[:8] == bytes.fromhex("53 54 53 45 47 00 31 0A")
    length, crc = struct.unpack_from("<II", data, 8)
    text = data[16 : 16 + length]
    assert len(text) == length and zlib.crc32(text) == crc
    found = json.loads(text)
    assert set(found) == {"feed", "format", "number", "previous_chain", "writer"} and found["format"] == 1
    return found, 16 + length


def records(data: bytes) -> Iterator[Record]:
    """Whole records from the start of ``data``, until one does not hold."""
    at = 0
    while len(data) - at >= 84:
        fixed = data[at : at + 84]
        magic, flags, kept, ordinal, meta_len, raw_len, received_at, salt, leaf, crc = struct.unpack(
            "<4sB3sIIQq16s32sI", fixed
        )
        if magic != b"STR1" or flags > 2 or (flags < 2 and kept != bytes(3)) or zlib.crc32(fixed[:80]) != crc:
            return
        # Of a thinned record the hash of raw and the first bytes of raw stand in its place.
        length = 32 + int.from_bytes(kept, "little") if flags == 2 else raw_len
        end = at + 84 + meta_len + length
        if end > len(data) or meta_len > 2**24 or raw_len > 2**30:
            return
        meta, raw = data[at + 84 : at + 84 + meta_len], data[at + 84 + meta_len : end]
        raw_hash, raw = (raw[:32], raw[32:]) if flags == 2 else (sha(raw), raw)
        if flags == 1:
            assert (meta, raw, salt) == (b"", b"", bytes(16))
        elif sha(salt, fixed[0:4], fixed[8:32], sha(meta), raw_hash) != leaf:
            return
        yield Record(ordinal, received_at, meta, raw, leaf, salt, flags == 1, raw_hash, flags == 2, end - at)
        at = end
    return


def sealed(base: Path) -> Segment:
    """A sealed segment; every hash, sum and place computed again."""
    text = base.with_suffix(".seal").read_bytes()
    assert text[-65:] == hashlib.sha256(text[:-65]).hexdigest().encode() + b"\n"
    seal = json.loads(text[:-65])
    data, index = base.with_suffix(".seg").read_bytes(), base.with_suffix(".idx").read_bytes()
    assert sha(data).hex() == seal["segment_sha256"] and sha(index).hex() == seal["index_sha256"]
    assert sha(index[:-32]) == index[-32:] and len(index) % 96 == 32
    head, at = header(data)
    found: list[Record] = []
    rows = []
    for number, frame in enumerate(seal["frames"]):
        assert frame["offset"] == at
        fixed = data[at : at + 24]
        magic, first, count, plain_len, packed_len, crc = struct.unpack("<4sIIIII", fixed)
        assert magic == b"STFR" and zlib.crc32(fixed[:20]) == crc
        assert (first, count, plain_len, packed_len) == tuple(frame[k] for k in ("first", "count", "plain", "packed"))
        plain = zstandard.ZstdDecompressor().decompress(data[at + 24 : at + 24 + packed_len], max_output_size=plain_len)
        mine = list(records(plain))
        assert (len(plain), sum(r.length for r in mine), len(mine), first) == (plain_len, plain_len, count, len(found))
        within = 0
        for r in mine:
            raw_hash = bytes(32) if r.erased else r.raw_hash
            rows.append(struct.pack("<IIQQq", number, within, r.length, len(r.raw), r.received_at) + raw_hash + r.leaf)
            within += r.length
        found += mine
        at += 24 + packed_len
    assert at == len(data) and b"".join(rows) == index[:-32]
    for key in ("format", "feed", "writer", "number", "previous_chain"):
        assert seal[key] == head[key]
    times = [r.received_at for r in found] or [0]
    assert (seal["records"], seal["erased"]) == (len(found), sum(r.erased for r in found))
    assert seal["raw_bytes"] == sum(len(r.raw) for r in found)
    assert (seal["first_received_at"], seal["last_received_at"]) == (min(times), max(times))
    return _chained(head, found, seal)


def opened(base: Path) -> Segment:
    """An open segment, up to its last whole record."""
    data = base.with_suffix(".open").read_bytes()
    head, at = header(data)
    return _chained(head, list(records(data[at:])), None)


def _chained(head: dict[str, Any], found: list[Record], seal: dict[str, Any] | None) -> Segment:
    assert [r.ordinal for r in found] == list(range(len(found)))
    chain = bytes.fromhex(head["previous_chain"])
    for r in found:
        chain = sha(chain, r.leaf)
    assert seal is None or seal["chain"] == chain.hex()
    return Segment(head, found, chain.hex(), seal)


def folder(path: Path) -> list[tuple[Path, Segment]]:
    """Every segment of a folder in order, the chain of each writer followed from one to the next."""
    bases = sorted({p.with_suffix("") for p in path.iterdir() if p.suffix in (".open", ".seal")})
    found, ends = [], {}
    for base in bases:
        segment = sealed(base) if base.with_suffix(".seal").exists() else opened(base)
        writer, number = segment.header["writer"], segment.header["number"]
        assert base.name == f"{writer}-{number:06d}"
        last, chain = ends.get(writer, (0, "0" * 64))
        assert (number, segment.header["previous_chain"]) == (last + 1, chain)
        ends[writer] = (number, segment.chain)
        found.append((base, segment))
    return found


def content(archive: Path) -> str:
    """The digest that is equal for archives of equal messages."""
    rows = []
    for path in sorted((archive / "segments").iterdir()):
        for _, segment in folder(path):
            for r in segment.records:
                if not r.erased:
                    meta = json.loads(r.meta)
                    envelope = json.dumps(
                        [meta.get("from"), meta.get("to", [])], separators=(",", ":"), ensure_ascii=False
                    )
                    row = path.name.encode() + b"\0" + struct.pack(">Q", r.received_at + 2**63)
                    rows.append(row + sha(envelope.encode()) + r.raw_hash)
    return sha(*sorted(rows)).hex()
