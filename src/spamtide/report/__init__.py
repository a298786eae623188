"""report: how we say it. Turns values into sentences, tables, figures and pages; it never reads the archive."""

from spamtide.report.build import Finding, ReportInput, SharesFinding, build_report
from spamtide.report.documents import duplicates_document, effect_document, series_document
from spamtide.report.sentences import (
    duplicates_sentence,
    effect_sentence,
    note_text,
    planted_sentence,
    refusal_text,
)
from spamtide.report.words import change_span, change_words, share_span, share_words

__all__ = [
    "Finding",
    "ReportInput",
    "SharesFinding",
    "build_report",
    "change_span",
    "change_words",
    "duplicates_document",
    "duplicates_sentence",
    "effect_document",
    "effect_sentence",
    "note_text",
    "planted_sentence",
    "refusal_text",
    "series_document",
    "share_span",
    "share_words",
]
