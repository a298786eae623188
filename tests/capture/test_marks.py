"""Marks of a capture: what a reader must know of how the bytes came."""

import json

from spamtide.archive import Archive, fresh_salts
from spamtide.capture import capture_message

NOW = 1_400_000_000_000_000


def test_marks_are_kept_beside_the_bytes_and_do_not_change_them(tmp_path) -> None:
    raw = b"Subject: x\r\n\r\nbody\r\n"
    archive = Archive.create(tmp_path / "archive", bytes(32))
    with archive.writer("f", "import") as writer:
        for marks in ([], ["line_ends_not_evidence"]):
            writer.append(capture_message(raw, "a place", 7, "auto", NOW, NOW, marks), fresh_salts(1))
    plain, marked = (archive.read(f"f/import-000001/{n}") for n in (0, 1))
    assert plain.raw == marked.raw == raw
    assert "marks" not in plain.meta
    assert marked.meta["marks"] == ["line_ends_not_evidence"]
    assert {k: v for k, v in marked.meta.items() if k != "marks"} == plain.meta
    assert json.dumps(plain.meta["source"]) == '{"path": "a place", "ordinal": 7}'
