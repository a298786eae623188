"""The pages of the dashboard, in the order of its navigation. A page that is not here is not served."""

from __future__ import annotations

from spamtide.app.serving.pages import campaigns, event, feeds, message, now, search, senders, series, watch
from spamtide.app.serving.values import Page

PAGES: tuple[Page, ...] = (
    *now.PAGES, *series.PAGES, *campaigns.PAGES, *senders.PAGES, *event.PAGES, *watch.PAGES, *search.PAGES, *message.PAGES, *feeds.PAGES,
)  # fmt: skip

# What a page can be reached by at once; the others are reached from these.
_ORDER = ("Now", "Series", "Campaigns", "Senders", "Event", "Watch", "Search", "Message", "Feeds")
NAVIGATION: tuple[tuple[str, str], ...] = tuple(
    (name, page.path) for name in _ORDER for page in PAGES if page.nav == name and "{" not in page.path
)
