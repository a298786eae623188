"""Real mail: every message of every archive accounted for against its index, bytes and receive times among them."""

from __future__ import annotations

import csv
import hashlib
import lzma
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from spamtide.app.config import People
from spamtide.app.importing import import_sources
from spamtide.app.workspace import Workspace
from spamtide.archive import read_segment, verify_archive
from spamtide.fingerprint import FACTS_VERSION

NOW = 1_800_000_000_000_000  # 2027: after the newest message and the files


def listed(corpus: Path) -> dict[str, int]:
    """Archives and their number of messages, as the manifest states them."""
    text = (corpus / "MANIFEST.md").read_text("utf-8")
    return {name: int(n) for name, n in re.findall(r"^## (\S+)\n(?:- .*\n)*?- (\d+) messages", text, re.M)}


def index(corpus: Path, name: str) -> list[dict[str, str]]:
    with lzma.open(corpus / f"{name}.index.tsv.xz", "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def received(row: dict[str, str]) -> int | None:
    text = row["received_utc"]
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) if text else None


def account(corpus: Path, name: str, folder: Path) -> dict[str, object]:
    """Import one archive and compare it, message by message, with its index."""
    rows = index(corpus, name)
    workspace = Workspace.create(folder / name, People())
    outcome = import_sources(workspace, [corpus / f"{name}.mbox.xz"], "real", now=NOW)
    stored: list[tuple[str, int, str]] = []
    for segment in workspace.archive.segments("real"):
        batch = read_segment(segment.base, 0, segment.records)
        for i in range(len(batch)):
            _, at, meta, raw, _ = batch.get(i)
            stored.append((hashlib.sha1(raw).hexdigest(), at // 1_000_000, meta.decode()))
    origins = [re.search(r'"time_origin":"(\w+)"', meta)[1] for _, _, meta in stored]
    times = [(received(row), at) for row, (_, at, _) in zip(rows, stored, strict=True) if received(row)]
    digested = sum(workspace.tables.digested(FACTS_VERSION).values())
    return {
        "index": len(rows),
        "imported": outcome.messages,
        "refused": len(outcome.refused),
        "stored": len(stored),
        "digested": digested,
        "quarantined": outcome.quarantined,
        "same bytes": sum(row["sha1_raw"] == sha1 for row, (sha1, _, _) in zip(rows, stored, strict=True)),
        "times": len(times),
        "same time": sum(a == b for a, b in times),
        "by Received": origins.count("received"),
        "ok": verify_archive(workspace.archive).ok,
        "seconds": outcome.seconds,
    }


def check(found: dict[str, object], messages: int) -> None:
    assert found["index"] == found["imported"] == found["stored"] == found["digested"] == messages
    assert found["refused"] == found["quarantined"] == 0 and found["ok"]


def test_the_smallest_archive_is_accounted_for(corpus: Path, tmp_path: Path) -> None:
    found = account(corpus, "sisimai-bounces", tmp_path)
    check(found, listed(corpus)["sisimai-bounces"])


@pytest.mark.proof
def test_every_archive_is_accounted_for(corpus: Path, tmp_path: Path) -> None:
    print()
    for name, messages in listed(corpus).items():
        found = account(corpus, name, tmp_path)
        print(f"{name}: manifest {messages}; " + "; ".join(f"{k} {v}" for k, v in found.items()), flush=True)
        check(found, messages)
