"""What the fuzzer of the digest ended at is read like any other message."""

from __future__ import annotations

from pathlib import Path

import pytest

from spamtide.fingerprint import digest
from spamtide.fingerprint.kernel import RecordBatch

FINDINGS = sorted((Path(__file__).resolve().parents[2] / "fuzz" / "findings" / "digest").iterdir())


@pytest.mark.parametrize("path", FINDINGS, ids=lambda p: p.name)
def test_it_has_facts(path: Path) -> None:
    batch = RecordBatch()
    # The first byte says what is known beside the message.
    batch.push(0, 0, b"{}", path.read_bytes()[1:])
    (row,) = digest(1, batch)["message"].to_pylist()
    assert "parser_panic" not in row["defects"] and row["subject"] == "i"
