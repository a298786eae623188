"""archive: where it is kept. Segments, journal, tables, manifests; runs the expressions that measure builds."""

from spamtide.archive.archive import Archive, StoredMessage, fresh_salts
from spamtide.archive.compaction import MANY_PARTS, Compacted, compact
from spamtide.archive.engine import Engine, EngineOptions
from spamtide.archive.erase import Erasure, erase_messages
from spamtide.archive.journal import Journal, JournalRecord
from spamtide.archive.kernel import CaptureBatch, CopyCounter, RecordBatch
from spamtide.archive.layout import Place, check_feed, format_id, parse_id
from spamtide.archive.listing import messages_digested, run_listing
from spamtide.archive.parts import Part, write_part
from spamtide.archive.resume import ResumePoint
from spamtide.archive.segments import FeedWriter, SegmentInfo, read_segment
from spamtide.archive.spans import Span, read_spans
from spamtide.archive.tables import Snapshot, Tables
from spamtide.archive.verify import Problem, Verification, confirmed_copies, verify_archive

__all__ = [
    "MANY_PARTS",
    "Archive",
    "CaptureBatch",
    "Compacted",
    "CopyCounter",
    "Engine",
    "EngineOptions",
    "Erasure",
    "FeedWriter",
    "Journal",
    "JournalRecord",
    "Part",
    "Place",
    "Problem",
    "RecordBatch",
    "ResumePoint",
    "SegmentInfo",
    "Snapshot",
    "Span",
    "StoredMessage",
    "Tables",
    "Verification",
    "check_feed",
    "compact",
    "confirmed_copies",
    "erase_messages",
    "format_id",
    "fresh_salts",
    "messages_digested",
    "parse_id",
    "read_segment",
    "read_spans",
    "run_listing",
    "verify_archive",
    "write_part",
]
