"""*Search*: the search language, and the searches that were saved."""

from __future__ import annotations

import shlex
from typing import Any

from spamtide.app.serving.asking import Asker
from spamtide.app.serving.params import Params
from spamtide.app.serving.values import How, Page, PageValue, Taken
from spamtide.report import search_sentence

_COLUMNS = (
    "id", "received_at", "feed", "peer_address", "network", "country", "from", "subject", "campaign", "topic", "language",
    "origin", "defects",
)  # fmt: skip
HELP = (
    ("subject:viagra", "the word in the subject, folded: V1agra too"),
    ("subject:(viagra OR cialis)", "one of several"),
    ("text:cialis*", "a beginning, in the visible text"),
    ("from:example.org after:2011-03-16", "side by side means AND"),
    ("NOT topic:pharma", "all but those"),
    ("campaign:ID", "a campaign, by any id it ever had"),
    ("peer:192.0.2.1", "a peer"),
)


def show_search(asker: Asker, params: Params) -> PageValue:
    """Messages that match, in order of feed and arrival."""
    from spamtide.app.saved import saved_query, saved_searches
    from spamtide.app.searching import search_messages
    from spamtide.measure import parse_query

    held = asker.kept("searches", lambda: [s.document() for s in saved_searches(asker.workspace)])
    query = params.get("q")
    if params.get("saved"):
        saved = saved_query(asker.workspace, params.get("saved"))
        query = f"({saved}) AND ({query})" if saved and query else saved or query
    if query:
        parse_query(query)
    tree = str(params.tree(query))
    limit, live = params.limit, params.get("live") == "1"
    found = list(
        search_messages(
            asker.workspace, tree, params.feeds, origins=params.origins(), limit=limit + 1,
            after_id=params.get("after") or None, live=live,
        )
    )  # fmt: skip
    rows = [message_row(asker, row) for row in found[:limit]]
    more = len(found) > limit
    feeds = f" --feed {','.join(params.feeds)}" if params.feeds else ""
    return PageValue(
        title="Search" if not query else f"Search: {query}",
        sentence=search_sentence(query, len(rows), more, not params.get("after")),
        facts={
            "query": query, "canonical": tree, "messages": rows, "searches": held,
            "help": [{"query": q, "meaning": m} for q, m in HELP],
        },
        next=rows[-1]["id"] if more else None,
        how=How(
            definition=(
                "A term matches a whole folded token: case, look-alike letters and digits for letters are folded in the query and in the mail. "
                "All origins are shown unless one is asked for."
            ),
            method=(
                "Messages are read in order of feed and arrival, one span of time after another, until the page is full; campaigns are those of "
                "the settled grouping."
            ),
            command=f"spamtide search {shlex.quote(tree)}{feeds} --limit {limit} --json",
            query=tree,
            files=("message", "campaign_member"),
        ),
        table="messages",
        columns=_COLUMNS,
    )  # fmt: skip


def message_row(asker: Asker, row: dict[str, Any]) -> dict[str, Any]:
    """A message of a list, as it may be shown here."""
    return {
        "id": row["id"], "received_at": row["received_at"], "time_origin": row["time_origin"], "feed": row["feed"],
        "peer_address": asker.peer(row["peer_address"]), "network": row["network"], "country": row["country"],
        "from": asker.address(row["envelope"]["from"]), "subject": asker.subject(row),
        "campaign": row["campaign"], "exact": row["exact"], "sha256": row["sha256"], "topic": row["topic"],
        "language": row["language"], "origin": row["origin"], "defects": row["defects"],
        **({"provisional": row["provisional"]} if "provisional" in row else {}),
    }  # fmt: skip


PAGES = (
    Page(
        "search", "/search", "Search", show_search, "search.html", nav="Search",
        meaning="Messages that match a query, in order of feed and arrival.",
        takes=(
            Taken("q", "a query; docs/reference/query.md", example="subject:(viagra OR cialis)"),
            Taken("saved", "the name of a saved search, narrowed by q"),
            Taken("live", "1: also what a following digest has read and not settled", ("1",)),
        ),
    ),
)  # fmt: skip
