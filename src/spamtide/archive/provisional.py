"""Provisional parts: facts of the tails of open segments, for who looks on while mail arrives. Reports never see them.

They have a manifest of their own, ``tables/provisional.json``, beside the root: what reads a snapshot of the root cannot
meet them. They are written by the one process that holds the lock ``follow``, need not be durable, and can be deleted at any
time; a manifest that does not hold counts as empty.

A part counts while it starts at or after the place up to which the root has its segment; so a message is never there
twice. Where another process has settled half of a part, the other half is missing until the follower's next look.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from spamtide.archive.manifests import read_manifest, write_manifest
from spamtide.archive.parts import Part, write_part
from spamtide.errors import BrokenWorld

FORMAT = 1
# As long as files that the root names no more: for readers that have the older manifest.
_GRACE_SECONDS = 15 * 60

Ends = dict[tuple[str, str, int], int]


class Provisional:
    """The provisional parts of one archive; ``root`` is ``archive/tables``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / "provisional.json"

    def stage(self, facts_version: int) -> Path:
        """The folder into which provisional parts of a facts version are written."""
        folder = self._root / f"provisional-{facts_version}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def named(self, facts_version: int) -> list[Part]:
        """All that the manifest names, in order of segment and place."""
        if not self._path.exists():
            return []
        try:
            body = read_manifest(self._path)
        except BrokenWorld:
            return []
        if body["format"] != FORMAT or body["facts_version"] != facts_version:
            return []
        return sorted((Part(**p) for p in body["parts"]), key=lambda p: (p.feed, p.writer, p.segment, p.start, p.table))

    def replace(self, facts_version: int, parts: Iterable[Part]) -> None:
        """Name these parts and no others; files long unnamed go. Called by the holder of the lock ``follow``."""
        new = list(parts)
        body = {"format": FORMAT, "facts_version": facts_version, "parts": [asdict(p) for p in new]}
        write_manifest(self._path, body, durable=False)
        self._sweep({p.path for p in new}, _GRACE_SECONDS)

    def clear(self) -> None:
        """Forget all and delete the files at once: something was erased."""
        self._path.unlink(missing_ok=True)
        self._sweep(set(), 0)

    def _sweep(self, named: set[str], grace_seconds: float) -> None:
        for path in self._root.glob("provisional-*/*"):
            if f"{path.parent.name}/{path.name}" in named:
                continue
            try:
                if time.time() - path.stat().st_mtime >= grace_seconds:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            except FileNotFoundError:
                continue


def that_count(parts: Iterable[Part], digested: Ends) -> list[Part]:
    """Of provisional parts, those whose messages the root does not have. Read the parts before ``digested``."""
    return [p for p in parts if p.start >= digested.get((p.feed, p.writer, p.segment), 0)]


def gathered(stage: Path, parts: Iterable[Part]) -> list[Part]:
    """The parts of one segment with small neighbouring ranges put together, so that there are few however long it is open.

    As a binary counter does: a range swallows the one before it unless that is larger, so each row is copied a few times.
    """
    ranges: list[list[Part]] = []
    for part in sorted(parts, key=lambda p: (p.start, p.stop)):
        if ranges and ranges[-1][0].start == part.start:
            ranges[-1].append(part)
        else:
            ranges.append([part])
    while len(ranges) > 1 and _length(ranges[-2]) <= _length(ranges[-1]):
        last = ranges.pop()
        ranges[-1] = _put_together(stage, ranges[-1], last)
    return [part for one in ranges for part in one]


def _length(parts: list[Part]) -> int:
    return parts[0].stop - parts[0].start


def _put_together(stage: Path, earlier: list[Part], later: list[Part]) -> list[Part]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    root = stage.parent
    whole = []
    for table in sorted({p.table for p in (*earlier, *later)}):
        mine = [p for p in (*earlier, *later) if p.table == table]
        data = pa.concat_tables([pq.read_table(root / p.path) for p in mine])
        # Feed and writer are put on again by who writes the part.
        data = data.drop_columns(["feed", "writer"])
        first = mine[0]
        part = write_part(
            stage, table, data, feed=first.feed, writer=first.writer, segment=first.segment,
            start=earlier[0].start, stop=later[0].stop, durable=False,
        )  # fmt: skip
        whole.append(part)
    return whole
