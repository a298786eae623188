"""The facts version: raised whenever the digest of any message changes; here the golden digest decides.

The messages are of our own making. When this test fails and the change was meant: raise ``FACTS_VERSION`` in
``fingerprint/facts.py``, say so in a changelog fragment, and write the new digest with ``--write-golden``.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spamtide.fingerprint import FACTS_VERSION, TABLES, digest
from spamtide.fingerprint.kernel import RecordBatch

GOLDEN = Path(__file__).with_name("golden.json")
META = [
    {"v": 1, "time_origin": "received", "peer": "192.0.2.7", "helo": "mail.example", "from": "a@sender.example", "to": ["joe@trap.example"]},
    {"v": 1, "time_origin": "smtp", "peer": "2001:db8::1:2:3:4", "from": "", "to": ["x@trap.example", "y@trap.example"], "marks": ["simulated"],
     "transcript": {"v": 1, "began": 0, "protocol": "smtp", "dialect": ["early_talk", "lower_case", "pipelined"], "parameters": [[None, "SIZE", "9"]],
                    "steps": [[9, "ehlo [IPv6:2001:db8::1:2:3:4]", 250], [12, "mail from: <> SIZE=9", 250], [13, "rcpt to: x@trap.example", 250], [14, "data", 354]]}},
    {"v": 1, "time_origin": "file", "source": {"path": "made.mbox", "ordinal": 3}},
]  # fmt: skip


def messages() -> list[bytes]:
    """One message for each thing that the digest looks at."""
    head = b'Received: from x (x [192.0.2.1]) by y; Wed, 16 Mar 2011 14:45:00 +0000\nFrom: "A" <a@sender.example>\nDate: Wed, 16 Mar 2011 14:45:00 +0000\n'
    plain = (
        head
        + b"Subject: V1agra 50% off, order 1234\n\nDear joe,\nbuy at http://shop.example.test/x?id=99 or www.other.example now!\n"
    )
    html = (
        b"Content-Type: text/html; charset=utf-8\n\n<html><head><title>t</title><style>p{}</style></head><body bgcolor=white>"
        b"<p>Buy <b>now</b> &amp; save</p><font color=#ffffff>poem of nothing</font><div style='display:none'>hidden words</div>"
        b"<a href='https://Pills.Example.co.uk:8080/a?b=1'>here</a><img src=cid:1><script>no()</script></body></html>\n"
    )
    packed = base64.encodebytes("Größe – ссылка – 日本語 – ﬁne".encode())
    mixed = (
        b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="=B"\n\npreamble\n--=B\nContent-Type: text/plain; charset=iso-8859-15\n'
        b'Content-Transfer-Encoding: quoted-printable\n\nPreis: 5 =A4, caf=E9=\n und mehr\n--=B\nContent-Type: application/pdf; name="=?utf-8?Q?Rechnung=5F1.pdf?="\n'
        b"Content-Disposition: attachment\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(b"%PDF-1.4 made")
        + b"--=B\n"
        b"Content-Type: message/rfc822\n\nSubject: inner\n\ninner words\n--=B--\nepilogue\n"
    )
    return [
        plain,
        head + b"Subject: =?utf-8?B?" + base64.b64encode("Angebot für V.i.a.g.r.a".encode()) + b"?=\n" + html,
        head + b"Subject: mixed\n" + mixed,
        head + b"Subject: packed\nContent-Transfer-Encoding: base64\nContent-Type: text/plain; charset=utf-8\n\n" + packed,
        head + "Subject: Привет\n\n".encode() + "Купите сейчас, дорогой друг, это письмо для тебя".encode("koi8-r"),
        b"From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail Returned to Sender\nContent-Type: multipart/report; report-type=delivery-status; boundary=B\n\n--B\n\nfailed\n--B\nContent-Type: message/delivery-status\n\nAction: failed\n--B--\n",
        head + b"Subject: Out of office\nAuto-Submitted: auto-replied\n\nI am away\n",
        head + b"Subject: [list] hello\nList-Id: <list.example>\n\nhello list\n",
        head + b"Subject: only an image\nContent-Type: image/gif; name=x.gif\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(b"GIF89a made"),
        head + b"Subject: empty html\nContent-Type: text/html\n\n<html><body><img src=http://pixel.example/1.gif></body></html>\n",
        b"",
        b"\x00\xff no header at all \r\n\r\n",
        plain.replace(b"\n", b"\r\n"),
    ]  # fmt: skip


def facts(raws: list[bytes], size: int = 512) -> dict[str, list[dict[str, object]]]:
    """Rows of every table, digested in batches of ``size``."""
    found: dict[str, list[dict[str, object]]] = {name: [] for name in TABLES}
    for start in range(0, len(raws), size):
        batch = RecordBatch()
        for i, raw in enumerate(raws[start : start + size], start):
            batch.push(i, 1_300_286_700_000_000 + i, json.dumps(META[i % len(META)]).encode(), raw)
        for name, table in digest(7, batch).items():
            found[name] += table.to_pylist()
    return found


def printed(found: dict[str, list[dict[str, object]]]) -> str:
    """All facts in a total order, as text."""
    return json.dumps(found, sort_keys=True, ensure_ascii=False, indent=1, default=lambda v: v.hex())


def test_the_digest_of_made_messages_is_the_golden_one(request: pytest.FixtureRequest) -> None:
    text = printed(facts(messages()))
    now = {
        "facts_version": FACTS_VERSION,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "facts": json.loads(text),
    }
    if request.config.getoption("--write-golden"):
        GOLDEN.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", "utf-8")
    golden = json.loads(GOLDEN.read_text("utf-8"))
    assert golden["facts_version"] == FACTS_VERSION, "write the golden digest of this facts version"
    for name, rows in golden["facts"].items():
        assert now["facts"][name] == rows, "the digest changed: raise FACTS_VERSION, then --write-golden"
    assert now["sha256"] == golden["sha256"]


def test_batch_size_and_order_change_nothing() -> None:
    whole = facts(messages())
    for size in (1, 2, 5):
        assert facts(messages(), size) == whole
    batch = RecordBatch()
    for i, raw in reversed(list(enumerate(messages()))):
        batch.push(i, 1_300_286_700_000_000 + i, json.dumps(META[i % len(META)]).encode(), raw)
    backwards = {name: table.to_pylist() for name, table in digest(7, batch).items()}
    for name, rows in whole.items():
        key = lambda row: (row["ordinal"], row.get("position", 0))  # noqa: E731
        assert sorted(backwards[name], key=key) == sorted(rows, key=key)


PIECES = st.sampled_from([
    b"Subject: ", b"From: ", b"Content-Type: ", b"multipart/mixed; boundary=B\n", b"text/html; charset=", b"message/rfc822\n", b"utf-8\n", b"utf-7",
    b"iso-2022-jp", b"Content-Transfer-Encoding: ", b"base64\n", b"quoted-printable\n", b"\n\n", b"\n", b"\r\n", b"--B\n", b"--B--", b"=?utf-8?Q?", b"=?x?B?",
    b"?=", b"<div style='display:none'>", b"<a href=", b"</", b"<!--", b"&amp;", b"http://", b"www.", b"@", b"v.i.a.g.r.a", b"\x00", b"\xff\xfe", b"\x1b$B",
    "ﬀⅷ𝓥Ж".encode(), b"=E9=", b"aGVsbG8=", b"a b c d ", b"1234567890abcdef", b"Date: ", b"Received: ",
])  # fmt: skip
MAIL = st.lists(st.one_of(PIECES, st.binary(max_size=40)), max_size=60).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(MAIL, min_size=1, max_size=5))
def test_any_bytes_are_digested_within_the_bounds(raws: list[bytes]) -> None:
    found = facts(raws)
    assert len(found["message"]) == len(found["text"]) == len(raws)
    for row, raw in zip(found["message"], raws, strict=True):
        assert row["size_bytes"] == len(raw) and row["sha256"] == hashlib.sha256(raw).hexdigest()
        assert "parser_panic" not in str(row["defects"])
    for row in found["text"]:
        for column in ("text_folded", "hidden_folded"):
            text = str(row[column])
            assert text == "" or (text.startswith(" ") and text.endswith(" ") and text.count("  ") <= 1)
    assert facts(raws, 1) == found
