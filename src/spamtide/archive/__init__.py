"""archive: where it is kept. Segments, journal, tables, manifests; runs the expressions that measure builds."""

from spamtide.archive.archive import Archive, StoredMessage, fresh_salts
from spamtide.archive.beside import keep_beside, kept_beside, names_beside
from spamtide.archive.campaignids import FoundId, aliases_of, campaign_ids, find_campaign
from spamtide.archive.compaction import MANY_PARTS, Compacted, compact
from spamtide.archive.compiling import compile_expression
from spamtide.archive.content import raw_content
from spamtide.archive.durable import Durable, durable_part, mark_path, read_mark
from spamtide.archive.engine import Engine, EngineOptions
from spamtide.archive.erase import Erasure, erase_messages
from spamtide.archive.exactgroups import ExactGroups
from spamtide.archive.generations import Basis, Draft, Generation, Generations, GenerationTable, generation_views
from spamtide.archive.journal import SESSION_WRITER, Journal, JournalRecord, note_kinds, noting_kinds
from spamtide.archive.journalkinds import JournalKinds, Standing
from spamtide.archive.kernel import CaptureBatch, CopyCounter, RecordBatch
from spamtide.archive.layout import Place, check_feed, file_stamp, format_id, parse_id, segment_base, segment_name
from spamtide.archive.listing import messages_digested, run_listing
from spamtide.archive.locks import hold_follow_lock, hold_watch_lock, is_followed, lock_is_free
from spamtide.archive.narrowing import Narrowing, narrow_to_campaigns, run_of_days
from spamtide.archive.parts import Part, write_part
from spamtide.archive.provisional import Provisional, gathered, that_count
from spamtide.archive.resume import ResumePoint
from spamtide.archive.segments import FeedWriter, SegmentInfo, read_segment, sealed_segment, segment_bases
from spamtide.archive.spans import Span, parts_by_segment, read_spans
from spamtide.archive.tables import Snapshot, Tables
from spamtide.archive.thinning import (
    ThinningPolicy,
    due_messages,
    kept_facts,
    rewriting_lock,
    settle_rewritten,
    thin_segment,
    thinned_already,
)
from spamtide.archive.verify import Problem, Verification, confirmed_copies, verify_archive

__all__ = [
    "MANY_PARTS",
    "SESSION_WRITER",
    "Archive",
    "Basis",
    "CaptureBatch",
    "Compacted",
    "CopyCounter",
    "Draft",
    "Durable",
    "Engine",
    "EngineOptions",
    "Erasure",
    "ExactGroups",
    "FeedWriter",
    "FoundId",
    "Generation",
    "GenerationTable",
    "Generations",
    "Journal",
    "JournalKinds",
    "JournalRecord",
    "Narrowing",
    "Part",
    "Place",
    "Problem",
    "Provisional",
    "RecordBatch",
    "ResumePoint",
    "SegmentInfo",
    "Snapshot",
    "Span",
    "Standing",
    "StoredMessage",
    "Tables",
    "ThinningPolicy",
    "Verification",
    "aliases_of",
    "campaign_ids",
    "check_feed",
    "compact",
    "compile_expression",
    "confirmed_copies",
    "due_messages",
    "durable_part",
    "erase_messages",
    "file_stamp",
    "find_campaign",
    "format_id",
    "fresh_salts",
    "gathered",
    "generation_views",
    "hold_follow_lock",
    "hold_watch_lock",
    "is_followed",
    "keep_beside",
    "kept_beside",
    "kept_facts",
    "lock_is_free",
    "mark_path",
    "messages_digested",
    "names_beside",
    "narrow_to_campaigns",
    "note_kinds",
    "noting_kinds",
    "parse_id",
    "parts_by_segment",
    "raw_content",
    "read_mark",
    "read_segment",
    "read_spans",
    "rewriting_lock",
    "run_listing",
    "run_of_days",
    "sealed_segment",
    "segment_base",
    "segment_bases",
    "segment_name",
    "settle_rewritten",
    "that_count",
    "thin_segment",
    "thinned_already",
    "verify_archive",
    "write_part",
]
