"""*Feeds*: the instrument, card by card."""

from __future__ import annotations

from spamtide.app.serving.asking import Asker
from spamtide.app.serving.params import Params
from spamtide.app.serving.values import How, Page, PageValue


def list_feeds(asker: Asker, params: Params) -> PageValue:
    """The feeds with what they hold."""
    from spamtide.app.health import describe

    found = describe(asker.workspace)
    names = asker.workspace.require_feeds(list(params.feeds))
    feeds = [f for f in found["feeds"] if f["feed"] in names]
    total = sum(f["messages"] for f in feeds)
    return PageValue(
        title="Feeds",
        sentence=f"{len(feeds)} feeds hold {total} messages.",
        facts={"feeds": feeds, "disk": found["disk"]},
        how=How(
            definition="A feed is one instrument: the addresses of one vantage, with one persona.",
            method="Messages and bytes are those of the segments; erased messages are counted.",
            command="spamtide status --json",
        ),
        table="feeds",
        columns=("feed", "messages", "bytes", "segments", "first_received_at", "last_received_at"),
    )


PAGES = (
    Page(
        "feeds", "/feeds", "Feeds", list_feeds, "feeds.html", nav="Feeds",
        meaning="The feeds with what they hold.",
    ),
)  # fmt: skip
