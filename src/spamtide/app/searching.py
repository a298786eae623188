"""Search: the messages that match a query, as the contract's rows, page by page. Loads neither numpy nor Ibis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from spamtide.app.campaignids import resolve_campaigns
from spamtide.app.engines import campaign_generations, engine_options, open_engine
from spamtide.app.instants import format_instant
from spamtide.app.networks import FIELDS as NETWORK_FIELDS
from spamtide.app.networks import Networks
from spamtide.archive import Generation, format_id, messages_digested, parse_id, read_spans, run_listing
from spamtide.fingerprint import FACTS_VERSION
from spamtide.measure import (
    Count,
    DuplicateMeasure,
    Listing,
    ListingAfter,
    Share,
    Tree,
    arrival_bounds,
    list_messages,
    parse_measure,
    parse_query,
    peer_units_seen,
    uses,
)

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace


class Page:
    """At most ``limit`` rows of an iterable that gives one more where there is more; ``next_id`` is known at its end."""

    def __init__(self, rows: Iterable[dict[str, Any]], limit: int | None) -> None:
        self._rows = rows
        self._limit = limit
        self.next_id: str | None = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        last = None
        for n, row in enumerate(self._rows):
            if n == self._limit:
                self.next_id = last
                return
            yield row
            last = row["id"]


def search_messages(
    workspace: Workspace,
    query: str,
    feeds: Sequence[str] = (),
    *,
    origins: Sequence[str] = (),
    limit: int | None = None,
    after_id: str | None = None,
    live: bool = False,
    generation: Generation | None = None,
    progress: Callable[[float, float | None], None] | None = None,
) -> Iterator[dict[str, Any]]:
    """Messages that match, in order of feed and arrival, after ``after_id`` if given; read as they are asked for (the query is checked now).

    Campaigns are those of ``generation``, else of the one that counts. With ``live`` also those of open segments that a following digest has read, and each row says whether it is ``provisional``.

    Raises BadQuery, WrongUse ``unknown_feed``, ``unknown_campaign``, ``bad_message_id``, ``unknown_message``.
    """
    generation = generation or campaign_generations(workspace).current()
    tree = resolved(workspace, parse_query(query), generation)
    names = workspace.require_feeds(list(feeds)) if feeds else []
    after = None
    if after_id is not None:
        place = parse_id(after_id)
        received_at = workspace.archive.read(after_id).received_at
        after = ListingAfter(place.feed, received_at, place.writer, place.segment, place.ordinal)
    networks = workspace.networks
    listing = list_messages(tree, feeds=names, origins=origins, after=after)
    since, until = arrival_bounds(tree)
    root = workspace.tables.root
    settled = workspace.tables.digested(FACTS_VERSION) if live else None
    spans = read_spans(root, FACTS_VERSION, feeds=names, since=since, until=until, live=live)
    if after is not None:
        spans = [s for s in spans if (s.feed, s.last) >= (after.feed, after.received_at)]
    whole = None if since or until or after else messages_digested(root, FACTS_VERSION, names)
    members = generation.tables["campaign_member"].path if generation is not None else None

    def tick(done: float) -> None:
        if progress is not None:
            progress(done, whole)

    options = engine_options(workspace)
    found = run_listing(root, spans, listing, options, members=members, limit=limit, progress=tick)
    return (_document(listing, row, networks, settled) for row in found)


def resolved(workspace: Workspace, tree: Tree, generation: Generation | None) -> Tree:
    """The query with what it says of campaigns and of networks looked up. Raises BadNetworks, WrongUse ``unknown_campaign``."""
    if uses(tree, "campaign"):
        tree = resolve_campaigns(generation, tree)
    if not any(uses(tree, field) for field in NETWORK_FIELDS):
        return tree

    def units() -> list[str]:
        with open_engine(workspace) as engine:
            return [str(unit) for unit in engine.run(peer_units_seen())["peer_unit"].to_pylist()]

    return workspace.networks.resolve(tree, units)


def asks_for_campaigns(measure: str) -> bool:
    """Whether a measure needs the settled grouping: campaigns, or near-duplicates."""
    parsed = parse_measure(measure)
    if isinstance(parsed, DuplicateMeasure):
        return parsed.rule == "near"
    return any(
        uses(c.tree, "campaign") for c in ((parsed.part, parsed.whole) if isinstance(parsed, Share) else (parsed,))
    )


def generation_behind(workspace: Workspace, measure: str) -> int | None:
    """The number of the generation that a measure reads; None where it reads none."""
    if not asks_for_campaigns(measure):
        return None
    current = campaign_generations(workspace).current()
    return current.number if current is not None else None


def networks_behind(workspace: Workspace, measure: str) -> dict[str, Any] | None:
    """The table of networks that a measure was counted by; None where it asks for none."""
    parsed = parse_measure(measure)
    counts = (parsed.part, parsed.whole) if isinstance(parsed, Share) else (parsed,)
    asked = any(uses(c.tree, f) for c in counts if isinstance(c, Count) for f in NETWORK_FIELDS)
    return workspace.networks.document() if asked else None


def _document(
    listing: Listing, row: tuple[Any, ...], networks: Networks, settled: dict[tuple[str, str, int], int] | None
) -> dict[str, Any]:
    r = dict(zip((*listing.columns, "campaign"), row, strict=True))
    source = None if r["source_path"] is None else {"path": r["source_path"], "ordinal": r["source_ordinal"]}
    known = networks.of(r["peer_unit"])
    place = r["feed"], r["writer"], r["segment"]
    live = {} if settled is None else {"provisional": r["ordinal"] >= settled.get(place, 0)}
    return {
        "id": format_id(r["feed"], r["writer"], r["segment"], r["ordinal"]),
        "feed": r["feed"],
        "source": source,
        "received_at": format_instant(r["received_at"]),
        "time_origin": r["time_origin"],
        "peer_address": r["peer_address"],
        "network": known.name if known is not None else r["network"],
        "country": known.country if known is not None else None,
        "envelope": {"from": r["envelope_from"], "to": r["recipients"].split("\n") if r["recipients"] else []},
        "subject": r["subject"],
        "sha256": r["sha256"],
        "exact": r["exact"],
        "campaign": r["campaign"],
        "origin": r["origin"],
        "language": r["language"],
        "topic": r["topic"],
        "defects": r["defects"].split(),
        **live,
    }
