"""A message within a message that someone packed, though RFC 2045 forbids it: it is read all the same."""

from __future__ import annotations

import base64
import quopri

import pytest

from spamtide.fingerprint import digest
from spamtide.fingerprint.kernel import RecordBatch

INNER = b"From: b@inner.example\nSubject: inner\n\nCheap meds http://pills.example/x\n"


@pytest.mark.parametrize(
    ("name", "packed"), [("base64", base64.encodebytes), ("quoted-printable", quopri.encodestring)]
)
def test_a_packed_message_is_unpacked_and_read(name: str, packed) -> None:
    twice = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(INNER)
    for body in (INNER, twice):
        batch = RecordBatch()
        head = b"From: a@b.example\nSubject: outer\nContent-Type: message/rfc822\nContent-Transfer-Encoding: %b\n\n"
        batch.push(0, 0, b"{}", head % name.encode() + packed(body))
        tables = digest(1, batch)
        assert tables["message"]["subject"][0].as_py() == "outer"
        assert tables["text"]["text_folded"][0].as_py().startswith(" cheap meds ")
        assert tables["link"]["host"].to_pylist() == ["pills.example"]
        assert tables["message"]["attachment_count"][0].as_py() == 0
