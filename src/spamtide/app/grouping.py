"""Grouping alone: a file of messages or of texts, without a workspace of one's own.

Runs the same way as any mail: captures into segments of a passing workspace, worker processes, tables.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spamtide.app.config import People
from spamtide.app.digesting import digest_workspace
from spamtide.app.quarantine import in_quarantine
from spamtide.app.workspace import Workspace
from spamtide.archive import fresh_salts
from spamtide.campaign import campaign_id, lowest_of_each
from spamtide.capture import CaptureBatch, LeftOut, Refused, SourceOptions, capture_message, read_source
from spamtide.errors import BrokenWorld, WrongUse
from spamtide.fingerprint import FACTS_VERSION

FEED = "group"


def _encoded(kind: str, text: str) -> bytes:
    body = base64.encodebytes(text.encode("utf-8", "replace"))
    return f"Content-Type: text/{kind}; charset=utf-8\nContent-Transfer-Encoding: base64\n\n".encode() + body


def as_message(row: dict[str, Any], where: str) -> bytes:
    """A text as the message that would have carried it, so that it meets the same rules."""
    given = {k: row[k] for k in ("text", "html", "subject") if row.get(k) is not None}
    if not ({"text", "html"} & given.keys()) or not all(isinstance(v, str) for v in given.values()):
        raise WrongUse(
            "bad_row", f"{where} lacks a 'text', or a value is no string.", 'Write {"text": "...", "subject": "..."}.'
        )
    subject = base64.b64encode(given.get("subject", "").encode("utf-8", "replace")).decode()
    parts = [_encoded(kind, given[key]) for key, kind in (("text", "plain"), ("html", "html")) if key in given]
    head = f"From: nobody@example.invalid\nSubject: =?utf-8?B?{subject}?=\nMIME-Version: 1.0\n".encode()
    if len(parts) == 1:
        return head + parts[0]
    cut = b"--spamtide\n"
    return (
        head
        + b"Content-Type: multipart/alternative; boundary=spamtide\n\n"
        + b"".join(cut + part for part in parts)
        + b"--spamtide--\n"
    )


def _rows(path: Path, now: int) -> Iterator[CaptureBatch]:
    with path.open(encoding="utf-8") as file:
        for index, line in enumerate(file):
            where = f"{path}, line {index + 1},"
            try:
                row = json.loads(line)
            except ValueError as error:
                raise WrongUse(
                    "bad_row", f"{where} is not JSON: {error}.", "Give an mbox or a file of JSON lines."
                ) from None
            if not isinstance(row, dict):
                raise WrongUse("bad_row", f"{where} is no object.", 'Write {"text": "..."}.')
            yield capture_message(as_message(row, where), str(path), index, "file", now, now)


def group_file(path: Path, *, now: int) -> tuple[list[dict[str, Any]], list[Refused]]:
    """``index``, ``exact`` and ``campaign`` of each message of an mbox, or of each JSON line.

    ``exact`` and ``campaign`` are null for a message that no worker survives. Raises WrongUse ``bad_row`` naming the line, BrokenWorld
    ``unreadable``.
    """
    try:
        with path.open("rb") as file:
            as_rows = file.read(64).lstrip()[:1] == b"{"
    except OSError as error:
        raise BrokenWorld("unreadable", f"{path} cannot be read: {error.strerror}.", "Check the path.") from None
    items = _rows(path, now) if as_rows else read_source(path, SourceOptions("file", now))
    refused: list[Refused] = []
    with tempfile.TemporaryDirectory(prefix="spamtide-group-") as folder:
        workspace = Workspace.create(Path(folder) / "w", People())
        try:
            with workspace.archive.writer(FEED, "group") as writer:
                for item in items:
                    if isinstance(item, Refused):
                        refused.append(item)
                    elif not isinstance(item, LeftOut):
                        writer.append(item, fresh_salts(len(item)))
        except UnicodeDecodeError:
            raise WrongUse("bad_row", f"{path} is not UTF-8 text.", "Give an mbox or a file of JSON lines.") from None
        digest_workspace(workspace, now=now)
        return _grouped(workspace), refused


def _grouped(workspace: Workspace) -> list[dict[str, Any]]:
    """Rows in input order; a campaign's id is that of its earliest exact group, ties by digest, as it is after an import."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from spamtide.campaign import LISTS, settle

    files = workspace.tables.snapshot(FACTS_VERSION).files
    found: dict[int, tuple[int, str] | None] = {}
    for path in files.get("message", ()):
        table = pq.read_table(path, columns=["source_ordinal", "received_at", "exact"])
        places, times, exacts = (table[name].to_pylist() for name in table.column_names)
        found.update(zip(places, zip(times, exacts, strict=True), strict=True))
    for ordinal in (place.ordinal for place in in_quarantine(workspace)):
        found[ordinal] = None
    group_of: dict[str, str] = {}
    if files.get("sketch"):
        prints = pa.concat_tables(pq.read_table(path, columns=["exact", *LISTS]) for path in files["sketch"])
        prints = lowest_of_each(prints)
        exacts = prints["exact"].to_pylist()
        group_of = {e: exacts[i] for e, i in zip(exacts, settle(prints).label.to_pylist(), strict=True)}
    first: dict[str, tuple[int, str]] = {}
    for arrival in filter(None, found.values()):
        group = group_of[arrival[1]]
        first[group] = min(first.get(group, arrival), arrival)
    rows = []
    for index in sorted(found):
        held = found[index]
        exact = None if held is None else held[1]
        campaign = None if exact is None else campaign_id(first[group_of[exact]][1])
        rows.append({"index": index, "exact": exact, "campaign": campaign})
    return rows
