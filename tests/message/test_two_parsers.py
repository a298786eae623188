"""Where this parser and Python's ``email`` disagree, and which of them is right: messages of our own making.

The shapes were found with a private set of hard messages, on which the two are compared as well (see the last tests).
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tarfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from spamtide.fingerprint import digest
from spamtide.fingerprint.kernel import RecordBatch

SECOND = Path(__file__).parents[1] / "second_parser.py"


def ours(raw: bytes) -> dict[str, Any]:
    """Facts of one message."""
    batch = RecordBatch()
    batch.push(0, 0, b"{}", raw)
    tables = digest(1, batch)
    message = tables["message"].to_pylist()[0]
    return {
        "subject": message["subject"],
        "text": tables["text"].to_pylist()[0]["text_lower"],
        "attachments": sorted(a["sha256"] for a in tables["attachment"].to_pylist()),
        "sizes": [a["size_bytes"] for a in tables["attachment"].to_pylist()],
        "defects": message["defects"].split(),
    }


def theirs(messages: list[bytes], seconds: float = 60) -> list[dict[str, Any]]:
    """Facts of messages as Python's ``email`` reads them, in another process."""
    asked = "".join(json.dumps({"raw": base64.b64encode(m).decode()}) + "\n" for m in messages)
    run = subprocess.run(
        [sys.executable, str(SECOND)], input=asked, capture_output=True, text=True, timeout=seconds, check=True
    )
    return [json.loads(line) for line in run.stdout.splitlines()]


def words(text: str | None) -> str:
    return " ".join((text or "").split()).lower()


@dataclass(frozen=True)
class Golden:
    """A message, what it says, and why that is right where ``email`` says something else."""

    name: str
    raw: bytes
    why: str
    subject: str | None = None
    text: str | None = None
    sizes: tuple[int, ...] = ()
    defect: str | None = None
    agree: bool = False


HEAD = b"From: a@sender.example\nSubject: x\nMIME-Version: 1.0\n"
GOLDENS = [
    Golden(
        "a message within", HEAD + b"Content-Type: message/rfc822\n\nSubject: inner\n\nthe inner words\n",
        "A forwarded message is shown in line; both read its text.", "x", "the inner words", agree=True,
    ),
    Golden(
        "a digest",
        HEAD + b"Content-Type: multipart/digest; boundary=B\n\n--B\n\nSubject: 1\n\nfirst\n\n--B\n\nSubject: 2\n\nsecond\n\n--B--\n",
        "Parts of a digest are messages without saying so (RFC 2046, 5.1.5).", "x", "first second", agree=True,
    ),
    Golden(
        "no empty line", b"From: a@sender.example\nSubject: x\nDear friend\nbuy this\n",
        "Readers show what follows the last field; both do.", "x", "dear friend buy this", defect="no_header_end", agree=True,
    ),
    Golden(
        "an empty line with a space", b"Subject: x\n \nDear friend\n",
        "A line of spaces was meant as the empty one.", "x", "dear friend", defect="no_header_end", agree=True,
    ),
    Golden(
        "a type that is none", b"Subject: x\nContent-Type: text plain\n\nwords\n",
        "What cannot be a type counts as none (RFC 2045, 5.2).", "x", "words", defect="bad_content_type", agree=True,
    ),
    Golden(
        "blanks before the colon", b"Subject : x\nFrom : a@sender.example\n\nwords\n",
        "RFC 5322 (4.5.8) lets a reader expect them; email ends the header there and shows fields as text.", "x", "words",
    ),
    Golden(
        "garbage between fields", b"From: a@sender.example\nthis is no field\nSubject: x\n\nwords\n",
        "What follows is a field, so the header had not ended; email loses the subject.", "x", "words",
    ),
    Golden(
        "an unquoted boundary with a blank",
        HEAD + b"Content-Type: multipart/mixed; boundary=one two\n\n--one two\n\nwords\n--one two--\n",
        "The delimiters say what was meant.", "x", "words", agree=True,
    ),
    Golden(
        "raw 8-bit subject", "Subject: Größe für alle\n\nwords\n".encode(),
        "Bytes that are UTF-8 are read as such (RFC 6532); email shows replacement characters.", "Größe für alle", "words",
    ),
    Golden(
        "words cut in mid-character", b"Subject: =?utf-8?Q?Gr=C3?= =?utf-8?Q?=B6=C3=9Fe?=\n\nwords\n",
        "Senders cut encoded words anywhere; neighbours of one charset are joined before decoding.",
        "Größe", "words", agree=True,
    ),
    Golden(
        "neighbours that shift", b"Subject: =?ISO-2022-JP?B?GyRCJUYbKEI=?= =?ISO-2022-JP?B?GyRCJTklSBsoQg==?=\n\nwords\n",
        "Each word shifts in and out (RFC 2047, 2); joined they still say one thing.", "テスト", "words", agree=True,
    ),
    Golden(
        "UTF-7", b"Subject: x\nContent-Type: text/plain; charset=utf-7\n\nGr+APYA3w-e\n",
        "UTF-7 (RFC 2152) is beyond the web's standard but not beyond mail.", "x", "größe", agree=True,
    ),
    Golden(
        "undeclared 8-bit text", "Subject: x\n\nПривет, дорогой друг, это письмо для тебя\n".encode("windows-1251"),
        "The bytes suggest the charset; email shows replacement characters.", "x", "привет, дорогой друг, это письмо для тебя",
    ),
    Golden(
        "a charset that is none", b"Subject: x\nContent-Type: text/plain; charset=nonsense\n\nwords\n",
        "A label that nobody knows is overruled by the bytes.", "x", "words", agree=True,
    ),
    Golden(
        "base64 with rubbish in it",
        HEAD + b"Content-Type: application/octet-stream; name=a.bin\nContent-Transfer-Encoding: base64\n\naGVs*bG8g\n!!d29ybGQ=\n",
        "Bytes outside the alphabet are skipped (RFC 2045, 6.8).", "x", "", (11,), agree=True,
    ),
    Golden(
        "a report of delivery",
        HEAD + b"Content-Type: multipart/report; report-type=delivery-status; boundary=B\n\n--B\n\nfailed\n--B\n"
        b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nAction: failed\n\n--B--\n",
        "Its fields are data for programs, an attachment; email makes messages of them.", "x", "failed", (47,),
    ),
    Golden(
        "a boundary that never comes", HEAD + b"Content-Type: multipart/mixed; boundary=B\n\nwords without parts\n",
        "Readers show the body as it stands; email has no part with a type to show it as.", "x", "words without parts",
    ),
    Golden(
        "a boundary on a line of its own",
        HEAD + b"Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: multipart/alternative;\nboundary=C\n\nwords\n--B--\n",
        "A parameter that is not folded is no parameter: the part has no boundary, so readers show it as it stands.", "x",
        "words",
    ),
    Golden(
        "a closing delimiter that is missing",
        HEAD + b"Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: text/plain\n\nwords\n",
        "Mail is cut short everywhere; the part ends with the message.", "x", "words", agree=True,
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def second() -> dict[str, dict[str, Any]]:
    return dict(zip((g.name for g in GOLDENS), theirs([g.raw for g in GOLDENS]), strict=True))


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda g: g.name)
def test_what_the_message_says(golden: Golden, second: dict[str, dict[str, Any]]) -> None:
    found = ours(golden.raw)
    assert found["subject"] == golden.subject
    assert words(found["text"]) == golden.text
    assert tuple(found["sizes"]) == golden.sizes
    if golden.defect:
        assert golden.defect in found["defects"]
    other = second[golden.name]
    same = (
        "error" not in other
        and words(other["subject"]) == words(found["subject"])
        and (other["html"] or words(other["text"]) == words(found["text"]))
        and other["attachments"] == found["attachments"]
    )
    assert same == golden.agree, (golden.why, found, other)


DOCUMENT = Path(__file__).parents[2] / "docs" / "explanation" / "two-parsers.md"
TABLE = "| shape | who is right, and why | the two |\n|---|---|---|\n"


def test_the_table_in_the_docs(request: pytest.FixtureRequest) -> None:
    rows = [f"| {g.name} | {g.why} | {'agree' if g.agree else 'differ'} |\n" for g in GOLDENS]
    text = DOCUMENT.read_text("utf-8")
    head, found, rest = text.partition(TABLE)
    assert found
    tail = rest[rest.index("\n\n") + 1 :]
    wanted = head + TABLE + "".join(rows) + tail
    if request.config.getoption("--write-golden"):
        DOCUMENT.write_text(wanted, "utf-8")
    assert DOCUMENT.read_text("utf-8") == wanted, "run pytest tests/message/test_two_parsers.py --write-golden"


@pytest.fixture(scope="module")
def torture(corpus: Path) -> list[tuple[str, bytes]]:
    with tarfile.open(corpus / "torture-mime-dev.tar.xz") as archive:
        return [(m.name, archive.extractfile(m).read()) for m in archive if m.isfile()]


def test_no_message_of_the_torture_set_breaks_the_digest(torture: list[tuple[str, bytes]]) -> None:
    found = [ours(raw) for _, raw in torture]
    assert len(found) > 900
    assert not [name for (name, _), facts in zip(torture, found, strict=True) if "parser_panic" in facts["defects"]]


@pytest.mark.proof
def test_the_two_parsers_on_the_torture_set(torture: list[tuple[str, bytes]]) -> None:
    mail = [
        (n, raw) for n, raw in torture if n.rsplit(".", 1)[-1] not in ("ref", "json", "gif", "png", "jpg", "bmp", "uu")
    ]
    count: Counter[str] = Counter()
    for (_, raw), other in zip(mail, theirs([raw for _, raw in mail], 600), strict=True):
        found = ours(raw)
        count["messages"] += 1
        if "error" in other:
            count["email gave up"] += 1
            continue
        count["subject differs"] += words(other["subject"]) != words(found["subject"])
        count["text differs"] += not other["html"] and words(other["text"]) != words(found["text"])
        count["attachments differ"] += other["attachments"] != found["attachments"]
    print("\n" + "; ".join(f"{k} {v}" for k, v in count.items()))
    assert count["text differs"] < 0.15 * count["messages"]
