"""Import: captures of others go into segments, the copies that the feed has already are left out, and all is digested.

An import adds, for each raw-byte digest, the copies in this command's sources less the copies already in the feed: so
it can be stopped, killed and repeated, under other names and packings, and ends with the same messages.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spamtide.app.digesting import TASK_BYTES, Digester, split_evenly
from spamtide.app.instants import format_instant
from spamtide.archive import check_feed, fresh_salts
from spamtide.capture import (
    CaptureBatch,
    CountOptions,
    CountRow,
    LeftOut,
    NotOpened,
    Refused,
    SourceOptions,
    read_counts,
    read_source,
)
from spamtide.errors import WrongUse

if TYPE_CHECKING:
    from spamtide.app.imap import ImapOutcome, ImapSource
    from spamtide.app.workspace import Workspace
    from spamtide.archive import FeedWriter

WRITER = "import"
# Captures are gathered to about this many bytes before they are appended and made durable together.
GATHER_BYTES = 8 * 1024 * 1024


@dataclass(slots=True)
class ImportOutcome:
    """The contract's document of ``import``."""

    feed: str
    messages: int = 0
    new: int = 0
    bytes: int = 0
    first: int | None = None
    last: int | None = None
    refused: list[Refused] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    defects: dict[str, int] = field(default_factory=dict)
    counts: int = 0
    quarantined: int = 0
    imap: ImapOutcome | None = None
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "schema": "spamtide.import/1",
            "feed": self.feed,
            "messages": self.messages,
            "new": self.new,
            "bytes": self.bytes,
            "first_received_at": None if self.first is None else format_instant(self.first),
            "last_received_at": None if self.last is None else format_instant(self.last),
            "refused": [{"source": r.source, "code": r.code, "reason": r.reason} for r in self.refused],
            "left_out": [
                {"source": r.source, "code": r.code, "reason": r.reason, "count": r.count} for r in self.left_out
            ],
            "defects": dict(sorted(self.defects.items())),
            "counts": self.counts,
            "quarantined": self.quarantined,
            "imap": None if self.imap is None else self.imap.document(),
            "seconds": self.seconds,
        }


class Importer:
    """Takes batches from sources, leaves out what the feed has, and makes the rest durable."""

    def __init__(
        self, workspace: Workspace, outcome: ImportOutcome, append: bool, writer: FeedWriter, digester: Digester | None
    ) -> None:
        self.archive, self.outcome = workspace.archive, outcome
        self.copies = None if append else self.archive.copies(outcome.feed)
        self.erased = self.archive.erased_marks()
        self.writer, self.digester = writer, digester
        self.gathered = CaptureBatch()
        self.span: tuple[int, int, int] | None = None  # segment, start, stop not yet given to the digester
        self.span_bytes = 0

    def take(self, batch: CaptureBatch) -> None:
        """One batch from a source."""
        self.outcome.messages += len(batch)
        self.outcome.bytes += batch.size_bytes
        seen = batch.span
        if seen is not None:
            self.outcome.first = seen[0] if self.outcome.first is None else min(self.outcome.first, seen[0])
            self.outcome.last = seen[1] if self.outcome.last is None else max(self.outcome.last, seen[1])
        if self.copies is not None:
            self.copies.retain_new(batch)
        if self.erased:
            self._leave_erased(batch)
        self.gathered.extend(batch)
        if self.gathered.size_bytes >= GATHER_BYTES:
            self.put()

    def _leave_erased(self, batch: CaptureBatch) -> None:
        digests = batch.raw_digests()
        gone = [i for i in range(len(batch)) if self.archive.erasure_mark(digests[32 * i : 32 * i + 32]) in self.erased]
        if gone:
            batch.remove(gone)
            self.outcome.refused.append(Refused(f"{len(gone)} messages", "were erased from this archive", "erased"))

    def put(self) -> None:
        """Append what was gathered, make it durable, and hand it to the digest."""
        if not len(self.gathered):
            return
        size = self.gathered.size_bytes
        number, start, stop = self.writer.append(self.gathered, fresh_salts(len(self.gathered)))
        self.writer.commit()
        self.outcome.new += stop - start
        self.gathered = CaptureBatch()
        if self.span is not None and (self.span[0] != number or self.span_bytes >= TASK_BYTES):
            self.hand_over()
        self.span = (number, start if self.span is None else self.span[1], stop)
        self.span_bytes += size

    def hand_over(self) -> None:
        """Give the digest the records appended since the last time."""
        if self.span is None:
            return
        number, start, stop = self.span
        self.span, self.span_bytes = None, 0
        if self.digester is not None:
            base = str(self.archive.root / "segments" / self.outcome.feed / f"{WRITER}-{number:06d}")
            for first, last in split_evenly(start, stop):
                self.digester.submit(self.outcome.feed, WRITER, number, base, first, last)


def import_sources(
    workspace: Workspace,
    paths: Sequence[Path | ImapSource],
    feed: str,
    *,
    times: str = "auto",
    vantage: str | None = None,
    append: bool = False,
    digest: bool = True,
    counts: CountOptions | None = None,
    now: int,
    progress: Callable[[float, float | None], None] | None = None,
) -> ImportOutcome:
    """Import every path into ``feed``. What cannot be read is in ``refused``; the rest is kept.

    Raises WrongUse ``bad_feed_name``; BrokenWorld ``locked``, or OSError when the disk fails: what was made durable
    stays, and the same command goes on from there.
    """
    from spamtide.app.digesting import digest_workspace

    started = time.monotonic()
    outcome = ImportOutcome(check_feed(feed))
    archive = workspace.archive
    # All counts are read before anything is kept: what they leave open is asked about, and then nothing was done.
    sheets = [
        (p, _read_counts(p, counts, outcome))
        for p in paths
        if isinstance(p, Path) and p.suffix.lower() == ".csv" and not p.is_dir()
    ]
    stated = {"feed": feed, "vantage": vantage or "unknown", "simulated": False, "clock": "as imported"}
    if vantage is not None or not any(r.body.get("feed") == feed for r in archive.journal.read("feed")):
        archive.journal.append("feed", stated, now)
    mail = [p for p in paths if p not in [path for path, _ in sheets]]
    for sheet, rows in sheets:
        if rows is not None:
            _import_counts(workspace, sheet, rows, feed, now, outcome)
    if mail and any(r.body["feed"] == feed for r in archive.journal.read("counts")):
        raise WrongUse("mixed_feed", f"The feed {feed} holds counts.", "Give messages a feed of their own.", feed=feed)
    if mail:
        if digest:
            digest_workspace(workspace, now=now)  # what an interrupted import left
        with archive.writer(feed, WRITER) as writer:
            digester = Digester(workspace, now=now) if digest else None
            try:
                importer = Importer(workspace, outcome, append, writer, digester)
                for path in mail:
                    if not isinstance(path, Path):
                        from spamtide.app.imap import read_mailboxes

                        read_mailboxes(path, importer, SourceOptions(times, now), progress)
                        continue
                    for item in read_source(path, SourceOptions(times, now)):
                        if isinstance(item, Refused):
                            outcome.refused.append(item)
                        elif isinstance(item, LeftOut):
                            outcome.left_out.append(item)
                        else:
                            importer.take(item)
                            if progress is not None:
                                progress(outcome.messages, None)
                importer.put()
                importer.hand_over()
                writer.close()
                if digester is not None:
                    done = digester.finish()
                    outcome.defects, outcome.quarantined = done.defects, done.quarantined
            finally:
                if digester is not None:
                    digester.__exit__()
    outcome.seconds = float(f"{time.monotonic() - started:.6g}")
    return outcome


def _read_counts(path: Path, options: CountOptions | None, outcome: ImportOutcome) -> list[CountRow] | None:
    try:
        return read_counts(path, options)
    except NotOpened as error:
        outcome.refused.append(error.refused)
    except OSError as error:
        outcome.refused.append(Refused(str(path), error.strerror or str(error)))
    return None


def _import_counts(
    workspace: Workspace, path: Path, rows: list[CountRow], feed: str, now: int, outcome: ImportOutcome
) -> None:
    if any(s.records for s in workspace.archive.segments(feed)):
        outcome.refused.append(Refused(str(path), f"the feed {feed} holds messages; give counts a feed of their own"))
        return
    body = {"feed": feed, "rows": [[r.start, r.series, r.count, r.exposure] for r in rows]}
    held = [r.body for r in workspace.archive.journal.read("counts") if r.body["feed"] == feed]
    if body not in held:
        workspace.archive.journal.append("counts", body, now)
        outcome.counts += len(rows)
