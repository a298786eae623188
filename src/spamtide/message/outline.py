"""How a message is put together, for a person who looks at one: its fields as they stand, its parts as a tree, its HTML.

Facts never come from here: the kernel reads them. This is a second, small reader with bounds in units of work, so that one
hostile message costs a page no more than a moment; what lies beyond a bound is named in ``cut``. Nothing here raises for bad mail.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

# Bytes of the message looked at, of one head, of one decoded part; fields of a head; parts; depth; lines that begin like a boundary.
MOST_BYTES, HEAD_BYTES, DECODED_BYTES = 16 << 20, 1 << 20, 4 << 20
FIELDS, PARTS, DEPTH, BOUNDARY_LINES = 2_000, 200, 20, 100_000

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_NAME = re.compile(rb"([!-9;-~]{1,200})[ \t]{0,20}:")
_TYPE = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}")
_PARAMETER = re.compile(r';[ \t\r\n]{0,200}([\w-]{1,40})[ \t]{0,20}=[ \t]{0,20}(?:"([^"]{0,500})"|([^;\s"]{1,500}))')
_META = re.compile(rb"<meta[^>]{0,200}charset\s{0,5}=\s{0,5}[\"']?\s{0,5}([\w-]{1,40})", re.I)
# Charsets that mail has; Python's other codecs are no text, or cost more than they are long.
_CHARSET = re.compile(
    r"utf-?8|us-?ascii|ascii|latin-?1|iso-?8859-?\d{1,2}|windows-?125\d|cp-?(125\d|437|85\d|866|87\d|932|949|950)|koi8-?[rut]"
    r"|shift[_-]?jis|sjis|euc[_-]?(jp|kr)|gb2312|gbk|gb18030|big5(-?hkscs)?|iso-?2022-?(jp|kr)|utf-?16(le|be)?|mac-?roman|tis-?620"
)


@dataclass(frozen=True, slots=True)
class HeaderField:
    """One field as it stands: its value with its folds, bytes that are no UTF-8 read as Latin-1."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class OutlinedPart:
    """One part: its place in the tree (``1.2``), what it says it is, the length of its body before any decoding."""

    path: str
    depth: int
    content_type: str
    charset: str
    encoding: str
    disposition: str
    size_bytes: int
    start: int
    stop: int
    leaf: bool


@dataclass(frozen=True, slots=True)
class Outline:
    """A message's fields and its parts in their order. ``cut``: which bounds were met."""

    fields: tuple[HeaderField, ...]
    parts: tuple[OutlinedPart, ...]
    cut: tuple[str, ...]

    def named(self, name: str) -> list[str]:
        """Values of the fields of this name, in their order."""
        return [f.value for f in self.fields if f.name.lower() == name]


def _read(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _head(raw: bytes, start: int, stop: int) -> tuple[list[HeaderField], int, bool]:
    """Fields of the head at ``start``, where its body begins, whether a bound was met."""
    limit = min(stop, start + HEAD_BYTES)
    first_line = raw[start : start + 2]
    if first_line[:1] == b"\n" or first_line == b"\r\n":
        return [], start + (1 if first_line[:1] == b"\n" else 2), False
    end = _HEAD_END.search(raw, start, limit)
    body = end.end() if end is not None else limit
    fields: list[HeaderField] = []
    lines: list[bytes] = []

    def close() -> None:
        if lines and (found := _NAME.match(lines[0])) is not None:
            fields.append(
                HeaderField(_read(found[1]), _read(b"\n".join([lines[0][found.end() :], *lines[1:]])).strip(" \t"))
            )

    for line in raw[start : end.start() if end is not None else limit].replace(b"\r\n", b"\n").split(b"\n"):
        if line[:1] in (b" ", b"\t") and lines:
            lines.append(line)
            continue
        close()
        lines = [line]
        if len(fields) >= FIELDS:
            return fields, body, True
    close()
    return fields, body, end is None and limit < stop


def _first(fields: list[HeaderField], name: str) -> str:
    return next((f.value for f in fields if f.name.lower() == name), "")


def _parameters(value: str) -> dict[str, str]:
    return {m[1].lower(): m[2] if m[2] is not None else m[3] for m in _PARAMETER.finditer(value[:4_000])}


class _Reader:
    """Walks the tree of one message; counts what it did."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.parts: list[OutlinedPart] = []
        self.cut: set[str] = set()
        self.lines_left = BOUNDARY_LINES

    def walk(self, start: int, stop: int, path: str, depth: int, usual: str = "text/plain") -> list[HeaderField]:
        fields, body, cut = _head(self.raw, start, stop)
        if cut:
            self.cut.add("head")
        body = min(body, stop)
        declared = _first(fields, "content-type")
        kind = _TYPE.match(declared.strip())
        content_type = kind[0].lower() if kind else usual
        said = _parameters(declared)
        encoding = _first(fields, "content-transfer-encoding").strip().lower()[:40]
        disposition = _first(fields, "content-disposition").strip().split(";")[0].lower()[:40]
        boundary = said.get("boundary", "") if content_type.startswith("multipart/") else ""
        inner = content_type == "message/rfc822" and encoding in ("", "7bit", "8bit", "binary")
        self.parts.append(
            OutlinedPart(path, depth, content_type, said.get("charset", "").lower()[:40], encoding, disposition,
                         stop - body, body, stop, leaf=not boundary and not inner)
        )  # fmt: skip
        if depth >= DEPTH and (boundary or inner):
            self.cut.add("depth")
        elif boundary:
            usual = "message/rfc822" if content_type == "multipart/digest" else "text/plain"
            for number, (first, last) in enumerate(self._between(boundary, body, stop), 1):
                if len(self.parts) >= PARTS:
                    self.cut.add("parts")
                    break
                self.walk(first, last, f"{path}.{number}" if path else str(number), depth + 1, usual)
        elif inner and len(self.parts) < PARTS:
            self.walk(body, stop, f"{path}.1" if path else "1", depth + 1)
        return fields

    def _between(self, boundary: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Spans between the boundary's lines; the last one ends where its container does when no closing line comes."""
        mark = b"--" + boundary.rstrip().encode("utf-8", "surrogatepass")
        at = start if self.raw.startswith(mark, start, stop) else self.raw.find(b"\n" + mark, start, stop)
        since: int | None = None
        while at >= 0:
            self.lines_left -= 1
            if self.lines_left < 0:
                self.cut.add("boundaries")
                return
            line = at + (self.raw[at : at + 1] == b"\n")
            end = self.raw.find(b"\n", line, stop)
            end = stop if end < 0 else end
            rest = self.raw[line + len(mark) : min(end, line + len(mark) + 80)].strip()
            if rest in (b"", b"--"):
                if since is not None:
                    yield since, max(since, at - (self.raw[at - 1 : at] == b"\r"))
                if rest == b"--":
                    return
                since = min(end + 1, stop)
            at = self.raw.find(b"\n" + mark, max(line, end - 1), stop)
        if since is not None:
            yield since, stop


def outline(raw: bytes) -> Outline:
    """Fields and parts of a message. Work is bounded; never raises for bad mail."""
    reader = _Reader(raw[:MOST_BYTES])
    if len(raw) > MOST_BYTES:
        reader.cut.add("bytes")
    fields = reader.walk(0, len(reader.raw), "", 0)
    return Outline(tuple(fields), tuple(reader.parts), tuple(sorted(reader.cut)))


def part_bytes(raw: bytes, part: OutlinedPart) -> bytes:
    """The decoded bytes of a leaf, at most ``DECODED_BYTES`` of encoded ones; what cannot be decoded stays as it is."""
    body = raw[part.start : min(part.stop, part.start + DECODED_BYTES)]
    try:
        if part.encoding == "base64":
            clean = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
            return binascii.a2b_base64(
                clean[: len(clean) - len(clean) % 4] + _tail(clean[len(clean) - len(clean) % 4 :])
            )
        if part.encoding == "quoted-printable":
            return binascii.a2b_qp(body)
    except binascii.Error:
        pass
    return body


def _tail(rest: bytes) -> bytes:
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


def part_text(raw: bytes, part: OutlinedPart) -> str:
    """The text of a leaf by its declared charset, else by what its HTML says, else UTF-8 or Windows-1252."""
    data = part_bytes(raw, part)
    said = _META.search(data[:2_048]) if part.content_type == "text/html" else None
    for name in (part.charset, said[1].decode().lower() if said else ""):
        if _CHARSET.fullmatch(name):
            try:
                return data.decode(name, "replace")
            except LookupError:
                continue
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def html_of(raw: bytes, outlined: Outline) -> str | None:
    """The text of the first HTML part that is no attachment; None where there is none."""
    for part in outlined.parts:
        if (
            part.leaf
            and part.content_type in ("text/html", "application/xhtml+xml")
            and part.disposition != "attachment"
        ):
            return part_text(raw, part)
    return None
