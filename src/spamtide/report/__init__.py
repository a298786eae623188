"""report: how we say it. Turns values into sentences, tables, figures and pages; it never reads the archive."""

from spamtide.report.agreement import corroborate_document
from spamtide.report.build import build_report
from spamtide.report.catalogue import AUDIENCES
from spamtide.report.changes import changes_document, contributions_document
from spamtide.report.claimwords import claim_line, claims_document
from spamtide.report.documents import duplicates_document, effect_document, sender_lines, series_document
from spamtide.report.forestplot import method_words
from spamtide.report.identity import REPORT_ID
from spamtide.report.live import (
    FRAME_POLICY,
    campaign_sentence,
    campaigns_sentence,
    effect_figures,
    feed_sentence,
    feeds_sentence,
    group_sentence,
    inert_html,
    live_static,
    now_sentence,
    render_live,
    search_sentence,
    senders_sentence,
    series_sentence,
    watches_sentence,
)
from spamtide.report.notebook import (
    agreement_html,
    campaigns_html,
    duplicates_html,
    effect_html,
    population_html,
    series_html,
)
from spamtide.report.parts import few_addresses
from spamtide.report.pdf import write_pdf
from spamtide.report.returns import returns_document
from spamtide.report.sentences import (
    duplicates_sentence,
    effect_sentence,
    note_text,
    planted_sentence,
    refusal_text,
    share_phrase,
)
from spamtide.report.sizes import part_rows, size_document, size_rows, size_sentence
from spamtide.report.values import TLP, Finding, ReportInput, SharesFinding
from spamtide.report.watches import status_words, watch_document, watch_lines, watch_sentence
from spamtide.report.words import change_span, change_words, day_words, thousands

__all__ = [
    "AUDIENCES",
    "FRAME_POLICY",
    "REPORT_ID",
    "TLP",
    "Finding",
    "ReportInput",
    "SharesFinding",
    "agreement_html",
    "build_report",
    "campaign_sentence",
    "campaigns_html",
    "campaigns_sentence",
    "change_span",
    "change_words",
    "changes_document",
    "claim_line",
    "claims_document",
    "contributions_document",
    "corroborate_document",
    "day_words",
    "duplicates_document",
    "duplicates_html",
    "duplicates_sentence",
    "effect_document",
    "effect_figures",
    "effect_html",
    "effect_sentence",
    "feed_sentence",
    "feeds_sentence",
    "few_addresses",
    "group_sentence",
    "inert_html",
    "live_static",
    "method_words",
    "note_text",
    "now_sentence",
    "part_rows",
    "planted_sentence",
    "population_html",
    "refusal_text",
    "render_live",
    "returns_document",
    "search_sentence",
    "sender_lines",
    "senders_sentence",
    "series_document",
    "series_html",
    "series_sentence",
    "share_phrase",
    "size_document",
    "size_rows",
    "size_sentence",
    "status_words",
    "thousands",
    "watch_document",
    "watch_lines",
    "watch_sentence",
    "watches_sentence",
    "write_pdf",
]
