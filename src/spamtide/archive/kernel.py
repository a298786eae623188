"""The one file of this room that opens the kernel's door."""

from spamtide._kernel import (
    CaptureBatch,
    CopyCounter,
    CorruptSegment,
    RecordBatch,
    SegmentWriter,
    erase_records,
    raw_digests,
    read_records,
    read_seal,
    scan_open,
    settle_segment,
    thin_records,
    verify_segment,
)

__all__ = [
    "CaptureBatch",
    "CopyCounter",
    "CorruptSegment",
    "RecordBatch",
    "SegmentWriter",
    "erase_records",
    "raw_digests",
    "read_records",
    "read_seal",
    "scan_open",
    "settle_segment",
    "thin_records",
    "verify_segment",
]
