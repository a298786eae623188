"""Instrument cards: what is stated of each feed in the journal, "not stated" (None) elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spamtide.app.instants import format_instant

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace


def instrument_card(workspace: Workspace, feed: str) -> dict[str, Any]:
    """The card of one feed as the contract has it: ``{feed, simulated, instrument: {...}}``.

    Later statements stand beside earlier ones in ``changes``; the card shows the latest.
    """
    stated = [r for r in workspace.archive.journal.read("feed") if r.body.get("feed") == feed]
    facts: dict[str, Any] = {}
    changes = []
    for record in stated:
        new = {k: v for k, v in record.body.items() if k != "feed" and v is not None and facts.get(k) != v}
        if facts and new:
            changes.append({"at": format_instant(record.at), **new})
        facts.update(new)
    vantage = facts.get("vantage", "unknown")
    addresses = facts.get("addresses")
    by_vantage = facts.get("addresses_by_vantage") or {vantage: addresses}
    first = [s.first_received_at for s in workspace.archive.segments(feed) if s.records]
    settings = workspace.settings.feeds.get(feed)
    return {
        "feed": feed,
        "simulated": bool(facts.get("simulated", False)),
        "instrument": {
            "since": format_instant(min(first)) if first else None,
            "addresses_by_vantage": by_vantage,
            "domains": facts.get("domains"),
            "mx_position": facts.get("mx_position"),
            "upstream_filter": facts.get("upstream_filter") or (settings.upstream_filter if settings else "") or None,
            "persona": facts.get("persona"),
            "clock": facts.get("clock"),
            "changes": changes,
        },
    }
