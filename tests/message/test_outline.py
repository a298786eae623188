"""The second, small reader that shows how a message is put together."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spamtide.message import html_of, outline, remote_references

MIXED = (
    b'From: a@b.example\r\nSubject: one\r\n two\r\nX-Odd : y\r\nContent-Type: multipart/mixed; boundary="out er"\r\n\r\npreamble\r\n'
    b"--out er\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n--in\r\n\r\nplain\r\n--in\r\nContent-Type: text/html; charset=koi8-r\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes("<b>Привет</b>".encode("koi8-r")) + b"--in--\r\n"
    b"--out er\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbody\r\n--out er--\r\nepilogue\r\n"
)


def test_fields_and_parts_are_shown_as_they_stand() -> None:
    found = outline(MIXED)
    assert [(f.name, f.value) for f in found.fields][1:3] == [("Subject", "one\n two"), ("X-Odd", "y")]
    assert [(p.path, p.content_type, p.leaf) for p in found.parts] == [
        ("", "multipart/mixed", False), ("1", "multipart/alternative", False), ("1.1", "text/plain", True), ("1.2", "text/html", True),
        ("2", "message/rfc822", False), ("2.1", "text/plain", True),
    ]  # fmt: skip
    assert found.cut == ()
    assert MIXED[found.parts[2].start : found.parts[2].stop] == b"plain"


def test_html_is_read_by_its_transfer_encoding_and_charset() -> None:
    assert html_of(MIXED, outline(MIXED)) == "<b>Привет</b>"


@pytest.mark.parametrize("charset", ["idna", "punycode", "unicode_escape", "utf-7", "base64", "../../x", "zip"])
def test_a_charset_that_is_no_text_of_mail_is_not_looked_up(charset: str) -> None:
    raw = b"Content-Type: text/html; charset=" + charset.encode() + b"\n\n<p>\xe9t\xe9"
    assert html_of(raw, outline(raw)) == "<p>été"


def test_a_message_without_a_head_or_an_end_is_outlined() -> None:
    assert [p.content_type for p in outline(b"").parts] == ["text/plain"]
    assert outline(b"\r\nbody").parts[0].size_bytes == 4
    torn = outline(b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>torn")
    assert torn.parts[1].content_type == "text/html"


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("parts", b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 500),
        ("boundaries", b"Content-Type: multipart/mixed; boundary=b\n\n" + b"\n--bb" * 200_000),
        ("head", b"A: b\n" * 5_000 + b"\nx"),
        ("head", b"A: " + b"b" * 3_000_000),
        ("bytes", b"A: b\n\n" + b"x" * (17 << 20)),
        ("depth", b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(60))),
    ],
    ids=["parts", "boundaries", "fields", "head", "bytes", "depth"],
)
def test_a_bound_is_named_and_costs_a_moment(kind: str, raw: bytes) -> None:
    started = time.perf_counter()
    assert kind in outline(raw).cut
    assert time.perf_counter() - started < 2


@given(st.binary(max_size=400) | st.lists(st.sampled_from([b"--b", b"\n", b"\r\n", b":", b" ", b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: text/html", b"x"]), max_size=40).map(b"".join))  # fmt: skip
def test_any_bytes_are_outlined_within_themselves(raw: bytes) -> None:
    found = outline(raw)
    html_of(raw, found)
    assert all(0 <= p.start <= p.stop <= len(raw) for p in found.parts)


HOSTILE = """<body background="http://t.example/bg.gif"><img src=http://t.example/p.gif width=1 height=1><img src="cid:inner">
<style>@import "//t.example/a.css"; p { background: url( 'https://t.example/b.png' ) }</style><form action="/relative"><meta http-equiv=refresh
content="0; url=https://t.example/go"><a href="https&#58;//t.example/click">x</a><script src=//t.example/s.js></script><svg><image xlink:href="http://t.example/i.svg"/>"""


def test_what_html_would_fetch_is_named() -> None:
    assert [(r.kind, r.url) for r in remote_references(HOSTILE)] == [
        ("picture", "http://t.example/bg.gif"), ("tracking pixel", "http://t.example/p.gif"), ("style", "//t.example/a.css"),
        ("style", "https://t.example/b.png"), ("form", "/relative"), ("refresh", "https://t.example/go"),
        ("link", "https://t.example/click"), ("script", "//t.example/s.js"), ("picture", "http://t.example/i.svg"),
    ]  # fmt: skip


@pytest.mark.parametrize("unit", ['src="', "url(", "<a href=", "src = ", "@import '", "<", "content='0;url="])
def test_endless_html_costs_a_moment(unit: str) -> None:
    started = time.perf_counter()
    remote_references(unit * (3_000_000 // len(unit)))
    assert time.perf_counter() - started < 4
