"""What stands in a report beside effects and duplicates: sizes before and after the cut, watches, and the feeds side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spamtide.app.grading import stated_effect
from spamtide.app.observatory import Observatory
from spamtide.app.sizing import sizes_of_workspace
from spamtide.app.watching import Watch, WatchBook, status_of_watch
from spamtide.errors import Unanswerable
from spamtide.measure import DAY_US, Effect, Window, agree, span
from spamtide.report import corroborate_document, size_document, watch_document
from spamtide.watch import BadWatch

# A size is of so many days right before the cut: long enough for pairs, short enough for hosts to be the same.
SIZE_DAYS = 28


def data_end(observatory: Observatory, feeds: Sequence[str]) -> int:
    """The end of what the feeds cover: the clock of a report, which has none of its own."""
    covered = span(observatory.exposures(feeds))
    return 0 if covered is None else covered[1]


def sizes_of(observatory: Observatory, effects: Sequence[Effect]) -> list[dict[str, Any]]:
    """Documents of ``size``: who sent what the first measure counts, at its feed, in the weeks before the cut and in the days after.

    None of a feed of counts, of one whose measure counts something else than messages, or where nothing was seen.
    """
    first = effects[0]
    if first.feed is None or first.unit != "message" or observatory.holds_counts(first.feed):
        return []
    windows = [Window(max(first.before.start, first.cut - SIZE_DAYS * DAY_US), first.cut), first.after]
    documents = []
    for window in windows:
        if window.days < 1:
            continue
        try:
            found = sizes_of_workspace(observatory, first.measure, [first.feed], window=window)
        except Unanswerable:
            continue
        documents.append(size_document(found.populations, target=first.measure, feeds=found.feeds))
    return documents


def watches_of(observatory: Observatory, event_id: str, effects: Sequence[Effect]) -> list[dict[str, Any]]:
    """Documents of ``watch``: those of the workspace on these feeds, else one of the first measure since the cut.

    Each is judged at the end of the data, not at the clock's time.
    """
    first = effects[0]
    assert first.feed is not None
    feeds = {e.feed for e in effects}
    watches = [w for w in WatchBook(observatory.workspace).watches() if set(w.feeds) <= feeds]
    if not watches and first.unit == "message" and not observatory.holds_counts(first.feed):
        watches = [
            Watch(event_id, first.measure, (first.feed,), first.cut, None, None, None, None, None, 0, f"report {first.cut}")
        ]  # fmt: skip
    documents = []
    for watch in watches:
        try:
            status = status_of_watch(observatory, watch, now=data_end(observatory, watch.feeds)).status
        except BadWatch as error:
            # Data that end where the watch would begin: there is nothing to say yet.
            if error.code != "no_hours":
                raise
            continue
        documents.append(watch_document(status, name=watch.name, feeds=watch.feeds))
    return documents


def agreements_of(effects: Sequence[Effect], groups: Mapping[str, str]) -> list[dict[str, Any]]:
    """Documents of ``corroborate``, one a measure that was asked of two feeds or more."""
    documents = []
    for measure in dict.fromkeys(e.measure for e in effects):
        same = [e for e in effects if e.measure == measure]
        if len(same) > 1:
            stated = [stated_effect(e, groups) for e in same]
            documents.append(corroborate_document(agree(stated), same, {}, None, ()))
    return documents
