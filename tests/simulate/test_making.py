"""Making messages: the same whoever makes them, in whatever pieces and order; the same numbers as numpy's."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spamtide._kernel import philox_block
from spamtide.simulate import World, generate, load_scenario

words = st.integers(0, 2**64 - 1)


@given(st.tuples(words, words, words, words), st.tuples(words, words))
def test_the_kernels_numbers_are_those_of_numpys_philox(counter: tuple[int, ...], key: tuple[int, ...]) -> None:
    # numpy counts up before it draws.
    whole = sum(c << 64 * i for i, c in enumerate(counter))
    before = (whole - 1) % 2**256
    twin = np.random.Philox(counter=before, key=sum(k << 64 * i for i, k in enumerate(key)))
    assert philox_block(list(counter), list(key)) == [int(x) for x in twin.random_raw(4)]


def fingerprint(world: World, size: int) -> dict[str, str]:
    """A digest of everything that ``batches`` yields, by feed."""
    found = {}
    for feed in world.feeds:
        h = hashlib.sha256()
        for batch, salts in world.batches(feed.name, size):
            h.update(batch.raw_digests() + salts + batch.mbox())
        found[feed.name] = h.hexdigest()
    return found


@pytest.mark.parametrize("name", ["all-kinds", "march-2011"])
def test_threads_and_pieces_leave_no_trace(name: str) -> None:
    def made(threads: int) -> World:
        return generate(load_scenario(name), seed=4, scale=0.05, threads=threads)

    alone = made(1)
    size = 10**9
    whole = {f.name: [b.raw_digests() + s for b, s in alone.batches(f.name, size)] for f in alone.feeds}
    for threads, size in ((1, 7), (3, 500)):
        world = made(threads)
        for feed in world.feeds:
            raws, salts = b"", b""
            for batch, some in world.batches(feed.name, size):
                raws, salts = raws + batch.raw_digests(), salts + some
            assert [raws + salts] == whole[feed.name]
    assert fingerprint(made(2), 400) == fingerprint(made(2), 400)
    assert fingerprint(made(2), 400) != fingerprint(generate(load_scenario(name), seed=5, scale=0.05), 400)


def test_messages_says_how_many_there_are() -> None:
    world = generate(load_scenario("all-kinds"), seed=4, scale=0.05)
    assert world.messages == sum(len(batch) for feed in world.feeds for batch, _ in world.batches(feed.name))
    assert world.messages > sum(int(c.sum()) for c in world.rates.counts), "some come again"


def test_scale_multiplies_volume_and_not_shape() -> None:
    one, five = (generate(load_scenario("all-kinds"), seed=4, scale=s) for s in (1.0, 5.0))
    for feed in range(2):
        for stream in range(len(one.rates.streams)):
            small = one.rates.rates(feed, stream, with_event=True)
            assert np.allclose(5 * small, five.rates.rates(feed, stream, with_event=True), rtol=1e-12)
    assert five.messages / one.messages == pytest.approx(5, rel=0.05)


def test_pictures_are_pictures() -> None:
    world = generate(load_scenario("all-kinds"), seed=4, scale=0.3)
    mail = b"".join(batch.mbox() for batch, _ in world.batches("trap"))
    coded = re.findall(rb"Content-Type: image/png.*?\n\n(.*?)\n--", mail, re.S)
    assert len(coded) > 20
    for picture in {base64.b64decode(c) for c in coded}:
        assert picture[:8] == b"\x89PNG\r\n\x1a\n"
        at, chunks = 8, {}
        while at < len(picture):
            (length,) = struct.unpack(">I", picture[at : at + 4])
            kind, data = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
            assert struct.unpack(">I", picture[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + data),)
            chunks[kind] = data
            at += 12 + length
        wide, high = struct.unpack(">II", chunks[b"IHDR"][:8])
        # 72 by 48 in a disguise: 85 to 115 % of that, and a border of up to eight.
        assert 61 <= wide <= 90 and 40 <= high <= 63
        assert len(zlib.decompress(chunks[b"IDAT"])) == (wide + 1) * high
