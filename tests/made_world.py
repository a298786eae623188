"""A made world: the truth of each message, and beside it what was written and what is found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from spamtide.archive import Archive
from spamtide.fingerprint import digest


@dataclass(frozen=True)
class Made:
    """A world's folder, the truth of each message, and beside it what was written and what is found."""

    folder: Path
    truth: list[dict[str, Any]]
    facts: list[dict[str, Any]]

    def table(self, name: str) -> list[dict[str, Any]]:
        """Rows of one table of the truth."""
        return pq.read_table(self.folder / "truth" / f"{name}.parquet").to_pylist()


def read_world(folder: Path) -> Made:
    """The truth and the facts of each message, in the same order: feed and place."""
    archive = Archive.open(folder / "workspace" / "archive")
    facts: list[dict[str, Any]] = []
    for feed in archive.feeds():
        for segment in archive.segments(feed):
            found = digest(segment.number, archive.records(segment))["message"]
            facts += [{"feed": feed, **row} for row in found.to_pylist()]
    truth = pq.read_table(folder / "truth" / "messages.parquet").to_pylist()
    order = {feed: i for i, feed in enumerate(archive.feeds())}
    return Made(folder, sorted(truth, key=lambda t: (order[t["feed"]], t["place"])), facts)
