"""Any bytes as a source have a clean end: captures, refusals and things left out, never an exception, nothing without a word."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from broken_sources import every
from broken_sources.made import SIX, box
from broken_sources.tars_made import Info, tar
from broken_sources.zips_made import Part, zipped
from spamtide.capture import BadCounts, CaptureBatch, LeftOut, Refused, SourceOptions, read_counts, read_source
from spamtide.capture.dates import ORDERS
from spamtide.capture.numbers import DECIMALS

OPTIONS = SourceOptions("auto", 1_400_000_000_000_000)


def stored(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x", data)
    return out.getvalue()


PACK: list[Callable[[bytes], bytes]] = [
    gzip.compress, bz2.compress, lzma.compress, zstandard.ZstdCompressor().compress, stored, lambda data: tar(Info(b"x", data)),
]  # fmt: skip
PIECES = st.sampled_from(
    [b"From x Mon Mar  7 10:00:00 2011\n", b"From ", b"Subject: x\n", b"Received: from a ([192.0.2.1]) by b; ", b"Content-Length: 5\n", b"\n\n",
     b"\r\n", b"\r", b"\0", b"PK\3\4", b"PK\1\2", b"PK\5\6", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"ustar", b"\xef\xbb\xbf", b"\xff\xfe",
     b"\x01\x01\x01\x01\n", bytes(512), box(SIX[:2])]
)  # fmt: skip
BYTES = st.lists(st.one_of(PIECES, st.binary(max_size=60)), max_size=12).map(b"".join)
GOOD = [
    box(SIX),
    zipped(*(Part(b"%d" % n, m) for n, m in enumerate(SIX))),
    tar(*(Info(b"%d" % n, m) for n, m in enumerate(SIX))),
]
GOOD += [pack(box(SIX)) for pack in PACK]


def ends(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "source"
        path.write_bytes(data)
        items = list(read_source(path, OPTIONS))
    assert items, "nothing was said"
    for item in items:
        assert isinstance(item, CaptureBatch | Refused | LeftOut)
        if not isinstance(item, CaptureBatch):
            assert item.reason and item.code
            item.source.encode()  # a name that can be stored


@settings(max_examples=150, deadline=None)
@given(BYTES, st.lists(st.sampled_from(PACK), max_size=3))
def test_any_bytes_in_any_packing_end_cleanly(data: bytes, packings: list[Callable[[bytes], bytes]]) -> None:
    for pack in packings:
        data = pack(data)
    ends(data)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(GOOD),
    st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=4),
    st.integers(0),
    st.booleans(),
)
def test_good_sources_with_wrong_bytes_and_cut_end_cleanly(
    good: bytes, wrong: list[tuple[int, int]], cut: int, cuts: bool
) -> None:
    data = bytearray(good)
    for at, byte in wrong:
        data[at % len(data)] = byte
    ends(bytes(data[: cut % len(data)] if cuts else data))


CELLS = st.sampled_from(
    ["time", "count", "series", "exposure", "Date", "a", "2011-03-16", "16.03.2011", "01/02/2011", "1", "1,5", "1.234", '"1,234"', "40618", "nan", "", "-1", "=1",
     "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)  # fmt: skip
TEXT = st.lists(
    st.one_of(CELLS, st.sampled_from([",", ";", "\t", "\n", "\r\n", '"']), st.text(max_size=5)), max_size=40
).map("".join)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        TEXT.map(str.encode), st.binary(max_size=80), TEXT.map(lambda t: ("time,count\n2011-03-16,1\n" + t).encode())
    ),
    st.sampled_from([None, *ORDERS]),
    st.sampled_from([None, *DECIMALS]),
)
def test_any_bytes_as_counts_are_rows_or_an_error_that_says_what_to_do(
    data: bytes, dates: str | None, decimal: str | None
) -> None:
    from spamtide.capture import CountOptions

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "counts.csv"
        path.write_bytes(data)
        try:
            rows = read_counts(path, CountOptions(dates, decimal))
        except BadCounts as error:
            said = error.message and error.next_step
        else:
            said = "rows"
            assert rows and all(r.count is None or 0 <= r.count < 1e15 for r in rows)
        assert said


def test_the_good_sources_are_good() -> None:
    assert {source.name for source in every()} >= {"good"}
    for data in GOOD:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "source"
            path.write_bytes(data)
            assert sum(len(i) for i in read_source(path, OPTIONS) if isinstance(i, CaptureBatch)) == 6
