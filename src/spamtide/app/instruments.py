"""Instrument cards: what is stated of each feed in the journal and in ``spamtide.toml``, "not stated" (None) elsewhere."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from spamtide.app.instants import format_instant
from spamtide.measure import DAY_US, Note, Window

if TYPE_CHECKING:
    from spamtide.app.lives import Life
    from spamtide.app.workspace import Workspace

# What of a card says how and whom it measures: a change of these is a changed instrument.
_OF_THE_INSTRUMENT = {"persona", "vantage", "mx_position", "upstream_filter", "treatment", "behind_relays", "starttls"}


def instrument_card(workspace: Workspace, feed: str, *, now: int | None = None, public: bool = False) -> dict[str, Any]:
    """The card of one feed as the contract has it: ``{feed, simulated, instrument: {...}}``.

    Later statements stand beside earlier ones in ``changes``; the card shows the latest. ``now`` is the clock by which a ramp
    is over. With ``public`` the domains of a real trap are counted only, and times are days: who reads a report must not learn
    where it is, and the second of a message would name its address to whoever sent it.
    """
    from spamtide.app.lives import read_lives
    from spamtide.app.workspace import now_us

    now = now_us() if now is None else now
    facts, changes = _stated(workspace, feed)
    lives = read_lives(workspace, feed)
    simulated = bool(facts.get("simulated", False))
    first = [s.first_received_at for s in workspace.archive.segments(feed) if s.records]
    settings = workspace.settings.feeds.get(feed)
    domains = facts.get("domains") or sorted({life.address.rpartition("@")[2] for life in lives.values()}) or None
    return {
        "feed": feed,
        "simulated": simulated,
        "instrument": {
            "since": format_instant(_shown(min(first), public)) if first else None,
            "addresses_by_vantage": _by_vantage(facts, lives, now),
            "addresses_by_state": dict(sorted(Counter(life.state_at(now) for life in lives.values()).items())),
            "domains": domains if simulated or not public else None,
            "domain_count": len(domains) if domains else None,
            "mx_position": facts.get("mx_position") or (settings.mx_position if settings else "") or None,
            "upstream_filter": facts.get("upstream_filter") or (settings.upstream_filter if settings else "") or None,
            "persona": facts.get("persona"),
            "panel": facts.get("panel"),
            "treatment": facts.get("treatment"),
            "starttls": facts.get("starttls"),
            "clock": facts.get("clock"),
            "changes": [
                {"at": format_instant(_shown(at, public)), **what} for at, what in sorted(changes, key=lambda c: c[0])
            ],
        },
    }


def _shown(at: int, public: bool) -> int:
    return at // DAY_US * DAY_US if public else at


def instrument_notes(workspace: Workspace, feed: str, window: Window) -> list[Note]:
    """Warnings where the instrument was not one and the same through a window, or is none that measures."""
    from spamtide.app.lives import read_lives

    facts, changes = _stated(workspace, feed)
    notes = [Note("instrument_changed")] if _moments(changes, read_lives(workspace, feed), window) else []
    if facts.get("panel", "measuring") != "measuring":
        notes.append(Note("not_measuring"))
    return notes


def changes_within(workspace: Workspace, feed: str, window: Window) -> list[int]:
    """When the instrument changed within a window: instants, in order."""
    from spamtide.app.lives import read_lives

    _, changes = _stated(workspace, feed)
    return _moments(changes, read_lives(workspace, feed), window)


def _moments(changes: list[tuple[int, dict[str, Any]]], lives: dict[str, Life], window: Window) -> list[int]:
    # A ramp that is over changes the panel, and nobody wrote that down at the time.
    moments = [at for at, what in changes if _OF_THE_INSTRUMENT & set(what)]
    moments += [at for life in lives.values() for at in (life.live_from, life.live_to) if at is not None]
    return sorted({at for at in moments if window.start < at < window.end})


def _stated(workspace: Workspace, feed: str) -> tuple[dict[str, Any], list[tuple[int, dict[str, Any]]]]:
    """The latest of each fact that the journal states, and what was stated anew, with its instant."""
    facts: dict[str, Any] = {}
    changes: list[tuple[int, dict[str, Any]]] = []
    moved: dict[tuple[int, str], int] = {}
    for record in workspace.archive.journal.read("feed", "address"):
        if record.body.get("feed") != feed:
            continue
        if record.kind == "feed":
            new = {k: v for k, v in record.body.items() if k != "feed" and v is not None and facts.get(k) != v}
            if facts and new:
                changes.append((record.at, new))
            facts.update(new)
        elif record.kind == "address":
            place = (record.at, record.body["state"])
            moved[place] = moved.get(place, 0) + 1
    # How many, never which: a card opens every report.
    changes += [(at, {"addresses_now": {state: n}}) for (at, state), n in moved.items()]
    return facts, changes


def _by_vantage(facts: dict[str, Any], lives: dict[str, Life], now: int) -> dict[str, int | None]:
    """Addresses that count, by vantage; None where nobody said how many."""
    vantage = facts.get("vantage", "unknown")
    if not lives:
        return facts.get("addresses_by_vantage") or {vantage: facts.get("addresses")}
    live = Counter(
        life.vantage if life.vantage != "unknown" else vantage
        for life in lives.values()
        if life.state_at(now) == "live"
    )
    return {name: live[name] for name in sorted({vantage} | {life.vantage for life in lives.values()} - {"unknown"})}
