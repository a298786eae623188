"""Each bound of the digest at n - 1, n and n + 1; each defect with a message that has it; the docs' tables."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import numpy as np
import pytest

from pictures import png
from spamtide._kernel import DEFECTS, LIMITS
from spamtide.fingerprint import digest
from spamtide.fingerprint.kernel import RecordBatch

DOCS = Path(__file__).parents[2] / "docs" / "reference"
BOUND = {name: n for name, n, _ in LIMITS}
NAMED = {name: defect for name, _, defect in LIMITS}
HEAD = b"From: a@sender.example\nSubject: x\nDate: Wed, 16 Mar 2011 14:45:00 +0000\nMIME-Version: 1.0\n"


def defects(raw: bytes) -> set[str]:
    batch = RecordBatch()
    batch.push(0, 0, b"{}", raw)
    return set(digest(1, batch)["message"]["defects"][0].as_py().split())


def parts(n: int, one: bytes) -> bytes:
    return HEAD + b"Content-Type: multipart/mixed; boundary=B\n\n" + (b"--B\n" + one) * n + b"--B--\n"


def nested(n: int) -> bytes:
    return HEAD + b"Content-Type: message/rfc822\n\n" * n + b"Subject: y\n\nx\n"


def pictures_of(pixels: int) -> bytes:
    """A message of three grey PNGs of so many pixels in all: 12 and 13 rows give every whole number from 132 on."""
    large = (pixels - 60_000) // 1_000
    rest = pixels - large * 1_000
    n = next(n for n in range(12, 24) if (rest - 13 * n) % 12 == 0)
    shapes = [(large, 1_000), (13, n), (12, (rest - 13 * n) // 12)]
    one = b"--B\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\n"
    made = b"".join(one + base64.encodebytes(png(np.full(shape, 200, np.uint8))) for shape in shapes)
    return HEAD + b"Content-Type: multipart/mixed; boundary=B\n\n" + made + b"--B--\n"


MADE = {
    "parsed_bytes": lambda n: (HEAD + b"Content-Type: application/x\n\n").ljust(n, b"x"),
    "parts": lambda n: parts(n, b"Content-Type: text/plain\n\nx\n"),
    "containers": lambda n: parts(n - 1, b"Content-Type: multipart/mixed; boundary=C\n\n--C\n\nx\n--C--\n"),
    "content_field_bytes": lambda n: HEAD + b"Content-Type: application/x; a=".ljust(n - 1, b"y") + b"\n\nx\n",
    "depth": nested,
    "html_bytes": lambda n: HEAD + b"Content-Type: text/html\n\n" + b"<!--" + b"x" * (n - 7) + b"-->",
    "text_bytes": lambda n: HEAD + b"\n" + b"x" * n,
    "links": lambda n: HEAD + b"\n" + b"".join(b"http://a%d.example/ " % i for i in range(n)),
    "header_bytes": lambda n: (
        b"From: a@sender.example\nDate: Wed, 16 Mar 2011 14:45:00 +0000\nSubject:" + b"x" * (n - 1) + b"\n\nx\n"
    ),
    "head_bytes": lambda n: (
        HEAD
        + (b"X: " + b"y" * 996 + b"\n") * ((n - len(HEAD)) // 1000 - 1)
        + b"Z: ".ljust((n - len(HEAD)) % 1000 + 999, b"z")
        + b"\n\nx\n"
    ),
    "head_lines": lambda n: HEAD + b"X: y\n" * (n - HEAD.count(b"\n")) + b"\nx\n",
    "attachments": lambda n: parts(n, b"Content-Type: application/x\n\nx\n"),
    "picture_pixels": pictures_of,
}


@pytest.mark.parametrize("name", MADE)
def test_a_bound_is_met_at_n_plus_one_and_not_before(name: str) -> None:
    n = BOUND[name]
    assert defects(MADE[name](n - 1)) == set()
    assert defects(MADE[name](n)) == set()
    assert defects(MADE[name](n + 1)) == {NAMED[name]}


@pytest.mark.parametrize(
    "place", [b"%bmessage/rfc822", b" message%b/rfc822", b" message/%brfc822", b" message/rfc822%b"]
)
def test_no_byte_hides_an_inner_message_from_the_bound(place: bytes) -> None:
    for byte in range(256):
        for junk in (bytes([byte]), bytes([byte, 32]), bytes([32, byte]), bytes([byte, byte])):
            field = b"Content-Type:" + place % junk + b"\n\n"
            found = defects(HEAD + field * (BOUND["containers"] + 2) + b"Subject: y\n\nx\n")
            assert "too_deep" not in found or "too_many_parts" in found, field


HOSTILE = {
    "inner messages": b"Content-Type: message/rfc822\n\n",
    "multiparts without their boundary": b"--B\nContent-Type: multipart/mixed; boundary=C\n\nx\n",
    "nested multiparts": b"Content-Type: multipart/mixed; boundary=B\n\n--B\n",
    "packed inner messages": b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n",
    "parameters": b"Content-Type: text/plain" + b"".join(b"; a%d*1=b" % i for i in range(40_000)) + b"\n",
    "shifts of ISO-2022-JP": b"Content-Type: text/plain; charset=iso-2022-jp\n\n" + b"\x1b(B\x1b$B" * 200_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_repetition_is_read_within_the_bounds(name: str) -> None:
    # Each of these overflowed the stack or took minutes where work grows with the square of the message.
    one = HOSTILE[name]
    digest_of = defects(HEAD + b"Content-Type: multipart/mixed; boundary=B\n\n" + one * max(1, (4 << 20) // len(one)))
    assert digest_of & {"too_many_parts", "long_header", "text_in_part", "charset_undecodable", "too_deep"}


def test_a_sketch_keeps_no_more_than_its_bound() -> None:
    for words, kept in (
        (BOUND["sketch"] + 1, BOUND["sketch"] - 1),
        (BOUND["sketch"] + 2, BOUND["sketch"]),
        (500, BOUND["sketch"]),
    ):
        batch = RecordBatch()
        batch.push(
            0,
            0,
            b"{}",
            b"From: a@b.example\n\n" + b" ".join(b"w" + bytes([97 + i % 26, 97 + i // 26]) for i in range(words)),
        )
        assert len(digest(1, batch)["sketch"]["shingles"][0].as_py()) == 8 * kept


def test_every_bound_with_a_defect_is_made_here() -> None:
    assert set(MADE) == {name for name, _, defect in LIMITS if defect}


# The first sector of an OLE file and, in its directory, the stream that every .msg has.
MSG = base64.encodebytes(
    bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504) + "__properties_version1.0".encode("utf-16-le") + bytes(82)
)

WITH = {
    "attachments_disputed": HEAD + b"Content-Type: application/x; name=a.txt; name=a.exe\n\nx\n",
    "bad_content_type": HEAD + b"Content-Type: nonsense\n\nx\n",
    "bad_date": b"From: a@b.example\nSubject: x\nDate: yesterday\n\nx\n",
    "byte_order_mark": b"\xef\xbb\xbf" + HEAD + b"\nx\n",
    "charset_overruled": HEAD + b"Content-Type: text/plain; charset=utf-8\n\n\xe4\xf6 caf\xe9\n",
    "charset_undecodable": HEAD + b"\n" + "我们".encode() * 1500 + b"\xff\xfe\n",
    "empty_message": b"",
    "header_charset": b"From: a@b.example\nSubject: =?utf-8?Q?caf=E9?=\n\nx\n",
    "header_undecodable": b"From: a@b.example\nSubject: " + "我们".encode() * 1500 + b"\xff\xfe\n\nx\n",
    "many_from": b"From: a@b.example\nFrom: c@d.example\nSubject: x\n\nx\n",
    "many_subjects": b"From: a@b.example\nSubject: x\nSubject: y\n\nx\n",
    "msg_inside": HEAD
    + b"Content-Type: application/vnd.ms-outlook; name=a.msg\nContent-Transfer-Encoding: base64\n\n"
    + MSG,
    "no_from": b"Subject: x\n\nx\n",
    "no_header": b"\n\n\n",
    "no_header_end": b"From: a@b.example\nSubject: x\nwords\n",
    "no_subject": b"From: a@b.example\n\nx\n",
    "subject_disputed": b"From: a@b.example\nSubject: x\nSubject: y\n\nx\n",
    "text_disputed": HEAD + b"Content-Type: multipart/mixed; boundary=B\n\n--B\n\nx --B\n\ny\n--B--\n",
    "tnef_inside": HEAD
    + b"Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\neJ8+IgEA\n",
    "transfer_encoding": HEAD
    + b"Content-Type: application/x\nContent-Transfer-Encoding: base64\n\naGVs*bG8g\n!!d29ybGQ=\n",
}

# Seen when an mbox is split; made in tests/capture/test_mboxes.py.
CAPTURED = {"content_length_wrong", "from_line_in_body"}


@pytest.mark.parametrize("name", WITH)
def test_a_defect_is_named(name: str) -> None:
    assert name in defects(WITH[name])


def test_every_defect_is_made_somewhere() -> None:
    # A panic of a parser cannot be made on purpose: none is known.
    assert {name for name, _ in DEFECTS} == set(WITH) | set(filter(None, NAMED.values())) | {"parser_panic"} | CAPTURED


def test_the_kernel_names_no_other_defect() -> None:
    source = "".join(p.read_text("utf-8") for p in (Path(__file__).parents[2] / "rust" / "src" / "pure").glob("*.rs"))
    assert set(re.findall(r'insert\("([a-z_]+)"\)', source)) <= {name for name, _ in DEFECTS}


def test_the_docs_list_the_bounds_and_the_defects() -> None:
    rows = re.findall(
        r"^\| `([a-z_]+)` \| ([\d,]+) \| (?:`([a-z_]+)`|-) \|", (DOCS / "limits.md").read_text("utf-8"), re.M
    )
    assert [(name, int(n.replace(",", "")), defect or None) for name, n, defect in rows] == LIMITS
    listed = re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", (DOCS / "defects.md").read_text("utf-8"), re.M)
    assert listed == DEFECTS
