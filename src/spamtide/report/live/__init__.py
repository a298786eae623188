"""The live pages: templates, static files, and what renders them. Values come in, HTML goes out."""

from spamtide.report.live.eventview import effect_figures
from spamtide.report.live.inert import POLICY as FRAME_POLICY
from spamtide.report.live.inert import inert_html
from spamtide.report.live.rendering import live_static, render_live
from spamtide.report.live.words import (
    campaign_sentence,
    campaigns_sentence,
    feed_sentence,
    feeds_sentence,
    group_sentence,
    now_sentence,
    search_sentence,
    senders_sentence,
    series_sentence,
    watches_sentence,
)

__all__ = [
    "FRAME_POLICY",
    "campaign_sentence",
    "campaigns_sentence",
    "effect_figures",
    "feed_sentence",
    "feeds_sentence",
    "group_sentence",
    "inert_html",
    "live_static",
    "now_sentence",
    "render_live",
    "search_sentence",
    "senders_sentence",
    "series_sentence",
    "watches_sentence",
]
