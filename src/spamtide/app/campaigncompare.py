"""Two campaigns side by side: what they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spamtide.app.campaigns import found_campaign, word_diff, words_of
from spamtide.app.engines import open_engine
from spamtide.app.firsts import first_of_each
from spamtide.app.instants import format_instant
from spamtide.archive import Generation
from spamtide.measure import (
    campaign_facts,
    campaign_links,
    campaign_values,
)

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace
    from spamtide.archive import Engine

# What two campaigns are compared by, and how many shared values are shown of each.
COMPARED = ("peers", "networks", "senders", "subjects", "hours", "feeds", "hosts", "domains")
SHOWN = 20


def diff_campaigns(workspace: Workspace, generation: Generation | None, one: str, other: str) -> dict[str, Any]:
    """The document of ``campaigns diff``; older ids are followed. Raises WrongUse ``unknown_campaign``, Unanswerable ``campaign_gone``."""
    generation, found = found_campaign(generation, one)
    ids = [found.now, found_campaign(generation, other)[1].now]
    with open_engine(workspace, generation) as engine:
        rows = [engine.run(campaign_facts(campaigns=now)).to_pylist()[0] for now in ids]
        exacts = sorted({r["first_exact"] for r in rows})
        firsts = first_of_each(engine, exacts)
        shared = []
        for what in COMPARED:
            a, b = (_values(engine, what, now) for now in ids)
            both = sorted(a & b, key=str)
            shown = [format_instant(h * 3_600_000_000) for h in both] if what == "hours" else both
            shared.append(
                {"what": what, "a": len(a), "b": len(b), "both": len(both), "values": shown[:SHOWN]}
            )  # fmt: skip
    sides = [
        {
            "asked": asked, "campaign": r["campaign"], "messages": r["messages"],
            "first_seen": format_instant(r["first_seen"]), "last_seen": format_instant(r["last_seen"]),
            "topic": r["topic"], "language": r["language"], "subject": firsts[r["first_exact"]]["subject"],
        }
        for asked, r in zip((one, other), rows, strict=True)
    ]  # fmt: skip
    texts = [words_of(firsts[r["first_exact"]]) for r in rows]
    return {
        "schema": "spamtide.campaign-diff/1", "a": sides[0], "b": sides[1], "same": rows[0]["campaign"] == rows[1]["campaign"],
        "shared": shared, "diff": word_diff(*texts), "generation": generation.number,
    }  # fmt: skip


def _values(engine: Engine, what: str, ids: tuple[str, ...]) -> set[Any]:
    if what in ("hosts", "domains"):
        expression = campaign_links(by=what[:-1], campaigns=ids)
    else:
        expression = campaign_values(what, campaigns=ids)
    return set(engine.run(expression)["value"].to_pylist())
