"""What stands around a page: the navigation, its filters, links to its twins, what a script needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spamtide.app.serving.asking import Asker
from spamtide.app.serving.catalogue import NAVIGATION, PAGES
from spamtide.app.serving.entrance import Entrance
from spamtide.app.serving.params import FILTERS, Params
from spamtide.app.serving.values import Page


def frame_of(asker: Asker | None, entrance: Entrance, params: Params, page: Page | None) -> dict[str, Any]:
    """The frame of a page; without ``asker`` that of one that shows nothing of the workspace.

    ``link(path, **changes)`` and ``here(suffix, **changes)`` make URLs that keep the filters; ``goto[NAME]`` is the path of a page.
    """
    return {
        "navigation": [
            {"title": title, "href": params.link(path), "current": page is not None and page.nav == title}
            for title, path in NAVIGATION
        ] if asker is not None else [],
        "page": "" if page is None else page.name,
        "filters": _filters(asker, params, page.offers) if page is not None and page.filters else [],
        "hidden": [] if page is None else [
            (t.name, params.given[t.name]) for t in page.takes if params.given.get(t.name)
        ],
        "twins": {} if page is None else {"json": params.here(".json"), "csv": params.here(".csv")},
        "link": params.link,
        "here": params.here,
        "get": params.get,
        "simulated": [] if asker is None else asker.kept("simulated", lambda: simulated_feeds(asker)),
        "local": asker is not None and asker.local,
        "closed": entrance.closed,
        "goto": {p.name: p.path for p in PAGES},
    }  # fmt: skip


def simulated_feeds(asker: Asker) -> list[str]:
    """Feeds that nobody sent to: made worlds. Every page says so."""
    from spamtide.app.instruments import instrument_card

    feeds = asker.workspace.archive.feeds()
    return [feed for feed in feeds if instrument_card(asker.workspace, feed).get("simulated")]


def _filters(asker: Asker | None, params: Params, offered: Sequence[str]) -> list[dict[str, Any]]:
    from spamtide.message import ORIGINS

    if asker is None:
        return []
    choices: dict[str, list[str]] = {
        "feed": asker.kept("feeds", asker.workspace.archive.feeds),
        "origin": [*ORIGINS, "all"],
    }
    return [
        {"name": name, "meaning": meaning, "value": params.given.get(name, ""), "choices": choices.get(name, [])}
        for name, meaning in FILTERS.items()
        if name in offered or params.given.get(name)
    ]
