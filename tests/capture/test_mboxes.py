"""What an mbox says of its own lengths: believed where it is true, a defect where it is not, the messages kept either way."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Spamtide
from spamtide._kernel import DEFECTS
from spamtide.capture import CaptureBatch, Refused, SourceOptions, read_source, sources

FROM = b"From x Mon Mar  7 10:00:00 2011\n"
OPTIONS = SourceOptions("auto", 1_400_000_000_000_000)
INNER = b"hello\n\n" + FROM + b"Subject: not a message\n\n>From here\n"


def cl(subject: bytes, body: bytes, length: int | None = None) -> bytes:
    stated = len(body) if length is None else length
    return FROM + b"From: a@b.example\nSubject: %b\nContent-Length: %d\n\n%b\n" % (subject, stated, body)


def test_a_true_length_keeps_a_message_whole_and_a_false_one_is_a_defect(spamtide: Spamtide, tmp_path: Path) -> None:
    box = tmp_path / "box"
    box.write_bytes(cl(b"true", INNER) + cl(b"false", b"bye\n", 2000) + cl(b"plain", b"last\n"))
    spamtide("init", tmp_path / "w")
    use = ("--workspace", tmp_path / "w")
    done = spamtide(*use, "import", box, "--feed", "f", "--json").json
    assert (done["messages"], done["refused"]) == (3, [])
    assert done["defects"]["content_length_wrong"] == done["defects"]["from_line_in_body"] == 1
    rows = {r["subject"]: r for r in spamtide(*use, "search", "", "--jsonl").rows}
    assert "from_line_in_body" in rows["true"]["defects"]
    assert "content_length_wrong" in rows["false"]["defects"]
    assert not {"content_length_wrong", "from_line_in_body"} & set(rows["plain"]["defects"])
    found = spamtide(*use, "search", "defect:content_length_wrong", "--jsonl").rows
    assert [r["subject"] for r in found] == ["false"]


def test_the_two_defects_are_listed() -> None:
    assert {"content_length_wrong", "from_line_in_body"} <= {name for name, _ in DEFECTS}


def test_a_message_too_large_for_mail_is_named_and_those_after_it_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MESSAGE_BYTES", 2**20)
    box = tmp_path / "box"
    small = FROM + b"Subject: x\n\nhello\n\n"
    box.write_bytes(small + small[:-1] + b"hole" * 2**20 + b"\n\n" + small * 3)
    items = list(read_source(box, OPTIONS))
    assert sum(len(i) for i in items if isinstance(i, CaptureBatch)) == 4
    assert [(i.source, i.code) for i in items if isinstance(i, Refused)] == [(f"{box}#1", "too_large")]
