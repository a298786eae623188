"""report: how we say it. Turns values into sentences, tables, figures and pages; it never reads the archive."""

from spamtide.report.build import Finding, ReportInput, build_report
from spamtide.report.documents import duplicates_document, effect_document, series_document
from spamtide.report.sentences import duplicates_sentence, effect_sentence, note_text, refusal_text

__all__ = [
    "Finding",
    "ReportInput",
    "build_report",
    "duplicates_document",
    "duplicates_sentence",
    "effect_document",
    "effect_sentence",
    "note_text",
    "refusal_text",
    "series_document",
]
