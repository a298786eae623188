"""The labelled sample of topics: digests and labels only, each message once, both halves filled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from doc_tables import ROOT, codes, section, tables

DOCUMENT = ROOT / "docs" / "explanation" / "topics.md"
LABELLED = {name: Path(__file__).with_name(name) for name in ("topic_labels.tsv", "topic_labels_rare.tsv")}


def labels(name: str) -> list[tuple[str, str, str]]:
    """Rows ``(SHA-256 of the raw bytes, topic, dev or test)``."""
    rows = [line.split("\t") for line in LABELLED[name].read_text("ascii").splitlines()]
    return [(digest, topic, half) for digest, topic, half in rows]


@pytest.mark.parametrize("name", list(LABELLED))
def test_a_label_is_a_digest_a_topic_of_the_document_and_a_half(name: str) -> None:
    defined = {codes(row[0])[0] for row in tables(section(DOCUMENT, "What counts as what"))[0]}
    rows = labels(name)
    assert rows == sorted(rows)
    for digest, topic, half in rows:
        assert re.fullmatch(r"[0-9a-f]{64}", digest) and topic in defined and half in ("dev", "test")


def test_no_message_is_labelled_twice() -> None:
    digests = [digest for name in LABELLED for digest, _, _ in labels(name)]
    assert len(set(digests)) == len(digests) == 1_190


def test_the_document_states_the_size_of_both_halves() -> None:
    halves = [half for _, _, half in labels("topic_labels.tsv")]
    text = DOCUMENT.read_text("utf-8")
    assert f"{halves.count('dev')} messages are in `dev`, {halves.count('test')} in `test`" in text
