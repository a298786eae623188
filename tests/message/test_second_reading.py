"""Every message is read a second time where honest readers differ; the shapes on which the two dispute, and must not."""

from __future__ import annotations

import base64
import binascii
import lzma
import re
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spamtide._kernel import LIMITS
from spamtide.fingerprint import digest
from spamtide.fingerprint.kernel import RecordBatch

FROM = b"From: a@sender.example\n"
HEAD = FROM + b"Subject: x\nMIME-Version: 1.0\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=B\n\n"
GIF = b"GIF89a made of nothing"
PACKED = base64.encodebytes(GIF)
UU = b"begin 644 run.exe\n" + binascii.b2a_uu(b"MZ of our own") + b"`\nend\n"


def facts(raws: list[bytes]) -> list[dict[str, Any]]:
    """Message and text facts, one each."""
    batch = RecordBatch()
    for n, raw in enumerate(raws):
        batch.push(n, 0, b"{}", raw)
    tables = digest(1, batch)
    rows = zip(tables["message"].to_pylist(), tables["text"].to_pylist(), strict=True)
    return [{**text, **message} for message, text in rows]


def disputed(row: dict[str, Any]) -> set[str]:
    return {d.removesuffix("_disputed") for d in row["defects"].split() if d.endswith("_disputed")}


def file(field: bytes, disposition: bytes = b"attachment") -> bytes:
    return MIXED + b"--B\n" + field + b"\nContent-Disposition: " + disposition + b"\n\nMZ\n--B--\n"


DISPUTED: list[tuple[str, bytes, set[str]]] = [
    ("two subjects", FROM + b"Subject: your order\nSubject: cheap pills\n\nx\n", {"subject"}),
    ("a blank before the colon", FROM + b"Subject : pills\n\nx\n", {"subject"}),
    ("a bare CR in a field", FROM + b"X-A: 1\rSubject: pills\nX-B: 2\n\nx\n", {"subject"}),
    ("a NUL in the subject", FROM + b"Subject: hello\x00 cheap pills\n\nx\n", {"subject"}),
    ("an encoded word with blanks", FROM + b"Subject: =?utf-8?Q?cheap pills?=\n\nx\n", {"subject"}),
    ("an encoded word after its padding", FROM + b"Subject: =?utf-8?B?aGVsbG8=cGlsbHM=?=\n\nx\n", {"subject"}),
    ("a line that is no field", FROM + b"this is no field\nSubject: pills\n\nx\n", {"subject", "text"}),
    (
        "two types of a message", HEAD + b"Content-Type: text/html\nContent-Type: text/plain\n\n<b title=pills>hello</b>\n", {"text"},
    ),
    (
        "two transfer encodings",
        HEAD + b"Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\naGVsbG8gcGlsbHM=\n", {"text"},
    ),
    ("a transfer encoding with more behind it", HEAD + b"Content-Transfer-Encoding: base64; x=y\n\naGVsbG8gcGlsbHM=\n", {"text"}),
    (
        "two boundaries in one field",
        HEAD + b"Content-Type: multipart/mixed; boundary=A; boundary=B\n\n--A\n\nhello\n--A--\n--B\n\npills\n--B--\n", {"text"},
    ),
    (
        "two fields with a boundary each",
        HEAD + b"Content-Type: multipart/mixed; boundary=A\nContent-Type: multipart/mixed; boundary=B\n\n"
        b"--A\n\nhello\n--A--\n--B\n\npills\n--B--\n", {"text"},
    ),
    ("a boundary in the midst of a line", MIXED + b"--B\n\nhello --B\n\npills\n--B--\n", {"text"}),
    ("a boundary that another begins with", MIXED + b"--B\n\nhello\n--Button\n\npills\n--B--\n", {"text"}),
    (
        "an inner multipart that does not end",
        MIXED + b"--B\nContent-Type: multipart/alternative; boundary=C\n\n--C\n\nhello\n--B\nContent-Type: image/gif\n"
        b"Content-Transfer-Encoding: base64\n\n" + PACKED + b"--B--\n", {"text", "attachments"},
    ),
    ("a boundary in pieces", HEAD + b"Content-Type: multipart/mixed; boundary*0=A; boundary*1=B\n\n--AB\n\npills\n--AB--\n", {"text"}),
    ("a part without an empty line", MIXED + b"--B\nbuy these pills\n\nhello\n--B--\n", {"text"}),
    (
        "a file after its padding",
        MIXED + b"--B\nContent-Type: image/gif\nContent-Transfer-Encoding: base64\n\n" + PACKED + b"aGFzaCBidXN0ZXI\n--B--\n",
        {"attachments"},
    ),
    ("a text after its padding", HEAD + b"Content-Transfer-Encoding: base64\n\naGVsbG8=\ncGlsbHM=\n", {"text"}),
    ("a type's name and a disposition's", file(b"Content-Type: application/x; name=a.exe", b"attachment; filename=a.txt"), {"attachments"}),
    ("two names in one field", file(b"Content-Type: application/x", b"attachment; filename=a.txt; filename=a.exe"), {"attachments"}),
    ("two dispositions", file(b"Content-Type: text/plain; name=a.txt\nContent-Disposition: inline"), {"text", "attachments"}),
    (
        "an extended name before a plain one",
        file(b"Content-Type: application/x", b"attachment; filename*=utf-8''a.txt; filename=a.exe"), {"attachments"},
    ),
    ("a uuencoded program in a text", HEAD + b"\nhello\n" + UU + b"bye\n", {"text", "attachments"}),
    (
        "two charsets",
        HEAD + b"Content-Type: text/html; charset=iso-8859-1\n\n<meta charset=koi8-r><p>\xc5\xc4\xc1 \xd7\xcf\xc4\xc1</p>\n", {"text"},
    ),
    ("a charset twice", HEAD + b"Content-Type: text/plain; charset=koi8-r; charset=iso-8859-1\n\n\xc5\xc4\xc1 \xd7\xcf\xc4\xc1\n", {"text"}),
]  # fmt: skip

AGREED: list[tuple[str, bytes]] = [
    ("plain", HEAD + b"\nhello\n"),
    ("CRLF", MIXED.replace(b"\n", b"\r\n") + b"--B\r\n\r\nhello\r\n--B\r\nContent-Type: text/html\r\n\r\n<p>hi</p>\r\n--B--\r\n"),
    ("CR CR LF", HEAD.replace(b"\n", b"\r\r\n") + b"\r\r\nhello\r\r\n"),
    ("preamble and epilogue", MIXED + b"This is MIME\n--B\n\nhello\n--B--\nepilogue\n"),
    ("no closing delimiter", MIXED + b"--B\n\nhello\n"),
    ("a boundary that never comes", MIXED + b"hello\n"),
    ("blanks after a delimiter", MIXED + b"--B  \n\nhello\n--B-- \n"),
    ("a quoted boundary", HEAD + b'Content-Type: multipart/mixed;\n\tboundary="=_a:b (c)"\n\n--=_a:b (c)\n\nhello\n--=_a:b (c)--\n'),
    ("a boundary with blanks", HEAD + b"Content-Type: multipart/mixed; boundary=a b\n\n--a b\n\nhello\n--a b--\n"),
    ("lines of dashes", MIXED + b"--B\n\nhello\n-- \nname\n----\n--\n--B--\n"),
    ("an empty part", MIXED + b"--B\n\n--B\n\nhello\n--B--\n"),
    ("equal subjects", FROM + b"Subject: Pills\nSubject:  pills\n\nx\n"),
    ("no subject", FROM + b"\nx\n"),
    ("a folded subject", FROM + b"Subject: cheap\n =?utf-8?Q?pi?= =?utf-8?B?bGxz?=\n\tnow\n\nx\n"),
    ("raw 8-bit subject", FROM + "Subject: Größe\n\nx\n".encode()),
    ("no empty line", FROM + b"Subject: x\nhello\nfriend\n"),
    ("a line of spaces for the empty one", FROM + b"Subject: x\n \nhello\n"),
    ("a folded line of spaces", FROM + b"X: a\n \n b\nSubject: x\n\nhello\n"),
    ("only fields", FROM + b"Subject: x\n"),
    ("only text", b"hello there\nfriend\n"),
    ("nothing", b"\n"),
    ("a message within", HEAD + b"Content-Type: message/rfc822\n\nSubject: inner\n\nhello\n"),
    ("a digest", HEAD + b"Content-Type: multipart/digest; boundary=B\n\n--B\n\nSubject: 1\n\nhello\n--B--\n"),
    ("a packed message within", HEAD + b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(b"Subject: y\n\nhello\n")),
    ("base64 with rubbish in it", HEAD + b"Content-Transfer-Encoding: base64\n\naGVs*bG8g\n!!d29ybGQ=\n"),
    ("an unknown transfer encoding", HEAD + b"Content-Transfer-Encoding: 8-bit\n\nhello\n"),
    ("a type that is none", HEAD + b"Content-Type: nonsense\n\nhello\n"),
    ("a comment", HEAD + b"Content-Type: text/plain; charset=us-ascii (Plain text)\n\nhello\n"),
    ("names written differently", file(b"Content-Type: application/x; name=\"=?utf-8?Q?b=C3=BC.TXT?=\"", b"attachment; filename=bu.txt")),
    ("only an extended name", file(b"Content-Type: application/x", b"attachment; filename*=utf-8''b%C3%BC.txt")),
    ("a text that tells of beginnings", HEAD + b"\nbegin 644 times\nand again\n"),
    ("two charsets of ASCII", HEAD + b"Content-Type: text/html; charset=iso-8859-1\n\n<meta charset=koi8-r><p>hello</p>\n"),
    ("a charset under two names", HEAD + b"Content-Type: text/html; charset=iso-8859-1\n\n<meta charset=windows-1252><p>caf\xe9</p>\n"),
    ("marks in two charsets", HEAD + b"Content-Type: text/html; charset=windows-1252\n\n<meta charset=windows-1250><p>it\x92s \xabhere\xbb</p>\n"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "raw", "kinds"), DISPUTED, ids=[d[0] for d in DISPUTED])
def test_where_readers_differ_the_message_says_so(name: str, raw: bytes, kinds: set[str]) -> None:
    (row,) = facts([raw])
    assert disputed(row) == kinds, row
    assert (row["second_subject"] is not None) == ("subject" in kinds)
    assert (row["second_text"] is not None) == ("text" in kinds)
    assert (row["second_attachments"] is not None) == ("attachments" in kinds)


@pytest.mark.parametrize(("name", "raw"), AGREED, ids=[a[0] for a in AGREED])
def test_what_honest_mail_looks_like_is_no_dispute(name: str, raw: bytes) -> None:
    (row,) = facts([raw])
    assert disputed(row) == set(), row
    assert row["second_subject"] is row["second_text"] is row["second_attachments"] is None


def test_the_second_reading_is_kept_to_be_looked_at() -> None:
    made = {name: raw for name, raw, _ in DISPUTED}
    subject, text, attachments = facts(
        [made[n] for n in ("two subjects", "two boundaries in one field", "a uuencoded program in a text")]
    )
    assert (subject["subject"], subject["second_subject"]) == ("your order", "cheap pills")
    assert (text["text_lower"].split(), text["second_text"].split()) == (["hello"], ["pills"])
    assert attachments["attachment_count"] == 0
    assert attachments["second_attachments"].endswith(" run.exe")
    assert attachments["second_text"].split() == ["hello", "bye"]


def test_a_message_cut_at_a_bound_is_not_compared() -> None:
    bound = {name: n for name, n, _ in LIMITS}
    deep = HEAD + b"".join(
        b"Content-Type: multipart/mixed; boundary=B%dx\n\n--B%dx\n" % (n, n) for n in range(bound["second_depth"] + 1)
    )
    parts = MIXED + b"--B\nContent-Type: text/html\nContent-Type: text/plain\n\n<b title=x>y</b>\n" * (
        bound["parts"] + 1
    )
    for row in facts([deep + b"\npills --B1x\n", parts]):
        assert disputed(row) == set()


PIECES = st.sampled_from([
    b"Subject: ", b"From: ", b"Content-Type: ", b"multipart/mixed; boundary=B\n", b"multipart/digest; boundary=\"B\\\"", b"; boundary=", b"text/html; charset=",
    b"message/rfc822\n", b"Content-Disposition: attachment; filename*=", b"; name=\"a.exe", b"Content-Transfer-Encoding: ", b"base64\n", b"\n\n", b"\n", b"\r", b"\r\n",
    b"\n--B\n", b"\n--B--\n", b"--B", b"=?utf-8?Q?", b"?=", b"\nbegin 644 a\n", b"#86)C\n", b"end\n", b"\x00", b"\xff\xfe", b"=", b"aGVsbG8=", b" ", b";", b"\"",
])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=60).map(b"".join))
def test_any_bytes_are_read_twice(raw: bytes) -> None:
    (row,) = facts([raw])
    assert "parser_panic" not in row["defects"]
    kept = {k for k in ("subject", "text", "attachments") if row[f"second_{k}"] is not None}
    assert kept == disputed(row)


HOSTILE = {
    "delimiters of nobody": MIXED + b"\n--C" * 500_000,
    "open multiparts": HEAD + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(40_000)),
    "multiparts without their boundary": MIXED + b"--B\nContent-Type: multipart/mixed; boundary=C\n\nx\n" * 40_000,
    "inner messages": HEAD + b"Content-Type: message/rfc822\n\n" * 60_000,
    "beginnings": HEAD + b"\n" + b"begin 644 a\n" * 150_000,
    "parameters": HEAD + b"Content-Type: text/plain" + b"; name*=a" * 200_000 + b"\n\nx\n",
    "folded lines of spaces": FROM + b"X: a\n" + b" \n" * 900_000 + b"x\nSubject: x\n\nx\n",
    "fields": FROM + b"Subject: x\n" * 150_000 + b"\nx\n",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_repetition_is_read_twice_within_the_bounds(name: str) -> None:
    # About two megabytes each: minutes where work grows with the square of the message.
    assert len(facts([HOSTILE[name]])) == 1


def mails(path: Path) -> list[bytes]:
    data = lzma.decompress(path.read_bytes())
    parts = re.split(rb"(?:\A|\n)From [^\n]*\n", data)[1:]
    return [re.sub(rb"(?m)^>(>*From )", rb"\1", part) for part in parts]


@pytest.mark.parametrize(("name", "most"), [
    ("spamassassin-ham", 0.001), ("trec07p-ham-20070408-0424", 0.001), ("trec07p-spam-20070408-0424", 0.03),
    ("spamassassin-spam", 0.01), ("sisimai-bounces", 0.05), ("nazario-phishing-2004-2005", 0.02),
    ("openlists-trap-2019-2022", 0.01), ("phishing_pot-2022-2023", 0.01),
])  # fmt: skip
def test_honest_mail_is_hardly_disputed(corpus: Path, name: str, most: float) -> None:
    """The figures of docs/explanation/two-parsers.md: ``pytest -s`` prints them."""
    raws = mails(corpus / f"{name}.mbox.xz")
    count: Counter[str] = Counter()
    for start in range(0, len(raws), 512):
        for row in facts(raws[start : start + 512]):
            kinds = disputed(row)
            count.update(kinds)
            count["any"] += bool(kinds)
    print(f"\n{name}: {len(raws)} messages, disputed {dict(sorted(count.items()))}")
    assert count["any"] <= most * len(raws)


def test_no_message_of_the_torture_set_breaks_the_second_reading(corpus: Path) -> None:
    with tarfile.open(corpus / "torture-mime-dev.tar.xz") as archive:
        raws = [archive.extractfile(m).read() for m in archive if m.isfile()]
    rows = [facts([raw])[0] for raw in raws]
    count = Counter(kind for row in rows for kind in disputed(row))
    print(f"\n{len(raws)} files: disputed {dict(sorted(count.items()))}, any {sum(bool(disputed(r)) for r in rows)}")
    assert len(raws) > 900
    assert not [row for row in rows if "parser_panic" in row["defects"]]
