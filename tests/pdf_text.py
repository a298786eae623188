"""The text of a PDF, for searching it."""

from __future__ import annotations

import re
import zlib


def pdf_texts(data: bytes) -> list[str]:
    """Every text of a PDF as each of its fonts would read it: for searching, not for reading."""
    streams = []
    for raw in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.S):
        try:
            streams.append(zlib.decompress(raw))
        except zlib.error:
            streams.append(raw)
    maps = [dict(re.findall(rb"<([0-9a-fA-F]{4})> <([0-9a-fA-F]+)>", s)) for s in streams if b"beginbfchar" in s]
    texts = [s.decode("latin-1") for s in streams] + [data.decode("latin-1")]
    for glyphs in maps:
        known = {k.lower(): bytes.fromhex(v.decode()).decode("utf-16-be", "replace") for k, v in glyphs.items()}
        for s in streams:
            if b"Tj" not in s and b"TJ" not in s:
                continue
            shown = []
            for piece in re.findall(rb"<([0-9a-fA-F]+)>", s):
                shown.append("".join(known.get(piece[i : i + 4].lower(), "") for i in range(0, len(piece), 4)))
            texts.append("".join(shown))
    return texts
