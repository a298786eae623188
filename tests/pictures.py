"""Pictures made for tests: grey values as PNG, and what image spam does to them. Values are 0 to 255, (rows, columns)."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]


def png(grey: Grey) -> bytes:
    """A PNG of 8 bits a pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    high, wide = grey.shape
    rows = np.hstack([np.zeros((high, 1), np.uint8), grey]).tobytes()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", wide, high, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def letter(rng: np.random.Generator, wide: int = 320, high: int = 240) -> Grey:
    """A picture as of a letter: dark lines of words on light ground, and a block or two."""
    out = np.full((high, wide), 235, np.uint8)
    for _ in range(int(rng.integers(0, 3))):
        y, x = int(rng.integers(0, high - high // 4)), int(rng.integers(0, wide - wide // 4))
        out[y : y + int(rng.integers(20, 60)), x : x + int(rng.integers(30, 90))] = rng.integers(60, 190)
    y = int(rng.integers(8, 24))
    while y < high - 24:
        tall, x, end = int(rng.integers(6, 18)), int(rng.integers(8, 60)), int(rng.integers(wide // 3, wide - 8))
        while x < end:
            long = int(rng.integers(6, 40))
            out[y : y + tall, x : min(x + long, end)] = 30
            x += long + int(rng.integers(4, 12))
        y += tall + int(rng.integers(6, 30))
    return out


def disguised(grey: Grey, rng: np.random.Generator) -> Grey:
    """The same picture as image spam varies it: another size, border, shade, dots and a line through it."""
    high, wide = (int(n * rng.uniform(0.85, 1.15)) for n in grey.shape)
    rows = np.arange(high) * grey.shape[0] // high
    out = grey[rows][:, np.arange(wide) * grey.shape[1] // wide].astype(np.int64)
    out = np.clip(out + int(rng.integers(-15, 16)), 0, 255)
    dots = rng.random(out.shape) < 0.002
    out[dots] = rng.integers(0, 256, int(dots.sum()))
    out[int(rng.integers(0, high))] = rng.integers(0, 256)
    border = [(int(n), int(m)) for n, m in rng.integers(0, 20, (2, 2))]
    framed: Grey = np.pad(out, border, constant_values=int(rng.integers(0, 256))).astype(np.uint8)
    return framed


def mail(pictures: list[bytes], *, subject: str, html: str = "<img src=cid:a>", kind: str = "png") -> bytes:
    """A message of a little HTML and these pictures."""
    head = f"From: a@sender.example\nSubject: {subject}\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=B\n\n"
    parts = f"--B\nContent-Type: text/html\n\n<html><body>{html}</body></html>\n".encode()
    for data in pictures:
        parts += (
            f"--B\nContent-Type: image/{kind}\nContent-Transfer-Encoding: base64\n\n".encode()
            + base64.encodebytes(data)
        )
    return head.encode() + parts + b"--B--\n"
