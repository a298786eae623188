"""Campaigns as documents: the list, and one with everything that is known of it. What is counted is of one generation."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from spamtide.app.campaignids import known_campaign
from spamtide.app.engines import open_engine
from spamtide.app.firsts import first_of_each
from spamtide.app.instants import format_instant
from spamtide.app.narrowings import left_to_ask, narrowing
from spamtide.app.templates import LISTED, inferred_campaigns, inferred_template, no_template, template_of
from spamtide.archive import Generation, aliases_of, format_id, narrow_to_campaigns
from spamtide.errors import Unanswerable
from spamtide.measure import (
    EVERYTHING,
    Tree,
    by_campaign,
    campaign_facts,
    campaign_groups,
    campaign_links,
    campaign_listing,
    campaign_order,
    campaign_values,
)

if TYPE_CHECKING:
    from spamtide.app.networks import Networks
    from spamtide.app.workspace import Workspace
    from spamtide.archive import Engine, FoundId

# Values shown of each kind in the document of one campaign; the counts beside them are of all.
SHOWN = 20
VARIANTS = 10
# A template needs so many.
MESSAGES = 5
# Words of a text that a diff looks at, and characters of an example.
_WORDS, _CHARACTERS = 400, 4_000
# Messages of campaigns that are put into memory at most, and what a list needs of them.
_IN_MEMORY = 1_000_000
_LISTED = ("campaign", "received_at", "exact", "peer_unit", "network", "language", "topic", "subject")
_HOUR_US = 3_600_000_000


def list_campaigns(
    workspace: Workspace,
    generation: Generation,
    *,
    feeds: Sequence[str] = (),
    origins: Sequence[str] = (),
    since: int | None = None,
    at_least: int = 1,
    limit: int | None = None,
    after: str | None = None,
    tree: Tree = EVERYTHING,
) -> Iterator[dict[str, Any]]:
    """Rows of ``campaigns list``, most messages first; no feed and no origin means all; of what matches ``tree``. ``template`` where it was inferred already.

    ``after``: those that follow this campaign. Raises WrongUse ``unknown_feed``, ``unknown_campaign``, Unanswerable ``campaign_gone``,
    ``not_in_population``.
    """
    names = workspace.require_feeds(list(feeds)) if feeds else []
    place = None if after is None else _place_of(workspace, generation, after, names, origins, tree)
    among: dict[str, Any] = {
        "stored": not names and not origins and tree == EVERYTHING,
        "feeds": names, "origins": origins, "since": since, "at_least": at_least, "limit": limit, "after": place, "tree": tree,
    }  # fmt: skip
    return _listed(workspace, generation, among)


def _listed(workspace: Workspace, generation: Generation, among: dict[str, Any]) -> Iterator[dict[str, Any]]:
    inferred = inferred_campaigns(generation)
    with open_engine(workspace, generation) as engine:
        if among["limit"] is not None and not among["stored"]:
            # What is known of a few is looked for once they are known.
            asked = {name: value for name, value in among.items() if name != "stored"}
            among["campaigns"] = engine.answer(campaign_order, **asked)["campaign"].to_pylist()
            if not among["campaigns"]:
                return
            among = {name: among[name] for name in ("stored", "feeds", "origins", "tree", "campaigns")}
            if by_campaign(among["tree"]):
                to = narrowing(among["campaigns"], among["feeds"], among["origins"], among["tree"])
                if narrow_to_campaigns(engine, to, at_most=_IN_MEMORY, columns=_LISTED):
                    among = {"stored": False, "narrowed": True}
        for batch in engine.stream(campaign_listing, **among):
            for r in batch.to_pylist():
                known = inferred_template(generation, r["campaign"]) if r["campaign"] in inferred else None
                yield {
                    **_head(r),
                    "subjects": [r[f"subject_{i}"] for i in range(3) if r[f"subject_{i}"] is not None],
                    "feeds": r["feeds"].split(" "),
                    **{key: None if known is None else known[key] for key in LISTED},
                    "generation": generation.number,
                }


def _place_of(
    workspace: Workspace, generation: Generation, text: str, feeds: Sequence[str], origins: Sequence[str], tree: Tree
) -> tuple[int, int, str]:
    """Where a campaign stands in the list: its messages, when it was first seen, its id."""
    _, found = found_campaign(generation, text)
    with open_engine(workspace, generation) as engine:
        rows = engine.run(campaign_facts(campaigns=found.now, feeds=feeds, origins=origins, tree=tree)).to_pylist()
    if not rows:
        raise _not_there(text)
    return rows[-1]["messages"], rows[-1]["first_seen"], rows[-1]["campaign"]


def _not_there(text: str) -> Unanswerable:
    return Unanswerable(
        "not_in_population", f"The campaign {text} has no message of these feeds and origins.",
        "Leave out --feed and --origin.", campaign=text,
    )  # fmt: skip


def _head(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "campaign": row["campaign"],
        "messages": row["messages"],
        "exact_groups": row["exact_groups"],
        "first_seen": format_instant(row["first_seen"]),
        "last_seen": format_instant(row["last_seen"]),
        "peers": row["peers"],
        "networks": row["networks"],
        "language": row["language"],
        "topic": row["topic"],
    }


def found_campaign(generation: Generation | None, text: str) -> tuple[Generation, FoundId]:
    """An id that leads somewhere, and the generation that says so. Raises WrongUse ``unknown_campaign``, Unanswerable ``campaign_gone``."""
    found = known_campaign(generation, text)
    if not found.now:
        at = format_instant(found.at) if found.at is not None else "?"
        raise Unanswerable(
            "campaign_gone", f"No message of the campaign {text} is left; that was found at {at}.",
            "'spamtide archive verify' says what was erased.", campaign=text,
        )  # fmt: skip
    assert generation is not None
    return generation, found


def show_campaign(
    workspace: Workspace,
    generation: Generation | None,
    text: str,
    *,
    feeds: Sequence[str] = (),
    origins: Sequence[str] = (),
    template: bool = True,
    tree: Tree = EVERYTHING,
) -> dict[str, Any]:
    """The document of ``campaigns show``. An older id is answered by the campaign that has its messages, after a split by the largest.

    ``template`` (of the whole campaign, whatever the feeds and origins) takes a second or more. Raises WrongUse ``unknown_campaign``, ``unknown_feed``; Unanswerable ``campaign_gone``, ``not_in_population``.
    """
    generation, found = found_campaign(generation, text)
    names = workspace.require_feeds(list(feeds)) if feeds else []
    how: dict[str, Any] = {"feeds": names, "origins": origins, "tree": tree}
    with open_engine(workspace, generation) as engine:
        among = left_to_ask(engine, {**how, "campaigns": found.now})
        rows = engine.answer(campaign_facts, **among).to_pylist()
        if not rows:
            raise _not_there(text)
        row = next((r for r in rows if r["campaign"] == text), rows[0])
        how = left_to_ask(engine, {**how, "campaigns": (row["campaign"],)})
        return {
            "schema": "spamtide.campaign/1",
            "asked": text,
            **_head(row),
            "became": _became(found),
            "aliases": [_alias(a) for a in aliases_of(generation, row["campaign"])],
            "generation": generation.number,
            "method": generation.basis.method,
            **_values(engine, workspace.networks, how),
            **_links(engine, how),
            **_variants(engine, row["first_exact"], how),
            **(template_of(engine, generation, row["campaign"]) if template else no_template()),
        }


def infer_templates(
    workspace: Workspace, generation: Generation, *, limit: int, tick: Callable[[int], None]
) -> dict[str, Any]:
    """Infer the templates of the largest campaigns of two wordings or more, those that nobody did yet; the document of ``campaigns templates``."""
    known = inferred_campaigns(generation)
    wanted = [r["campaign"] for r in list_campaigns(workspace, generation, at_least=MESSAGES) if r["exact_groups"] > 1][
        :limit
    ]
    found = []
    with open_engine(workspace, generation) as engine:
        for n, campaign in enumerate(wanted):
            document = template_of(engine, generation, campaign)
            refused = document["template_refused"]
            found.append(
                {
                    "campaign": campaign, "new": campaign not in known, "templates": len(document["templates"]),
                    "template": document["template"], "refused": None if refused is None else refused["reason"],
                }
            )  # fmt: skip
            tick(n + 1)
    return {"schema": "spamtide.campaign-templates/1", "generation": generation.number, "items": found, "next": None}


def _became(found: FoundId) -> dict[str, Any] | None:
    return None if found.why is None else {"why": found.why, "at": _instant(found.at), "now": list(found.now)}


def _alias(found: FoundId) -> dict[str, Any]:
    return {"campaign": found.id, "why": found.why, "at": _instant(found.at)}


def _instant(at: int | None) -> str | None:
    return None if at is None else format_instant(at)


def _counted(rows: Iterable[dict[str, Any]], name: str, key: str = "value") -> list[dict[str, Any]]:
    return [
        {
            name: r[key],
            "messages": r["messages"],
            "first_seen": format_instant(r["first_seen"]),
            "last_seen": format_instant(r["last_seen"]),
        }
        for r in rows
    ]


def _values(engine: Engine, networks: Networks, how: dict[str, Any]) -> dict[str, Any]:
    """What its messages have, value by value; peers by the operator's table of networks where there is one."""

    def rows(what: str, at_most: int | None = SHOWN) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = engine.answer(campaign_values, what=what, at_most=at_most, **how).to_pylist()
        return found

    subjects = _counted(rows("subjects"), "subject")
    feeds = _counted(rows("feeds", None), "feed")
    hours = sorted(rows("hours", None), key=lambda r: int(r["value"]))
    peers = rows("peers", SHOWN if networks.table is None else None)
    by_network, by_country = _counted(rows("networks"), "network"), list[dict[str, Any]]()
    if networks.table is not None:
        named, countries = Counter[str](), Counter[str]()
        for r in peers:
            known = networks.of(r["value"])
            named[known.name if known is not None else "unknown"] += r["messages"]
            countries[(known.country if known is not None else None) or "unknown"] += r["messages"]
        by_network = [{"network": n, "messages": k} for n, k in _ranked(named)[:SHOWN]]
        by_country = [{"country": n, "messages": k} for n, k in _ranked(countries)[:SHOWN]]
    return {
        "subjects": [r["subject"] for r in subjects[:3]],
        "feeds": sorted(r["feed"] for r in feeds),
        "by_hour": [{"time": format_instant(r["value"] * _HOUR_US), "count": r["messages"]} for r in hours],
        "by_feed": feeds,
        "by_subject": subjects,
        "by_topic": [{"topic": r["value"], "messages": r["messages"]} for r in rows("topics")],
        "by_language": [{"language": r["value"], "messages": r["messages"]} for r in rows("languages")],
        "by_origin": [{"origin": r["value"], "messages": r["messages"]} for r in rows("origins")],
        "by_sender": _counted(rows("senders"), "from"),
        "by_peer": _counted(peers[:SHOWN], "peer"),
        "by_network": by_network,
        "by_country": by_country,
        "networks_table": networks.document(),
    }


def _ranked(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))


def _links(engine: Engine, how: dict[str, Any]) -> dict[str, Any]:
    rows = engine.answer(campaign_links, by="host", **how).to_pylist()
    domains = engine.answer(campaign_links, by="domain", **how).to_pylist()
    return {
        "hosts": len(rows),
        "domains": len(domains),
        "by_host": _counted(rows[:SHOWN], "host"),
        "by_domain": _counted(domains[:SHOWN], "domain"),
    }


def _variants(engine: Engine, first_exact: str, how: dict[str, Any]) -> dict[str, Any]:
    """The first message of the campaign, and its largest exact groups with what differs from that one, word by word."""
    groups = engine.answer(campaign_groups, at_most=VARIANTS, **how).to_pylist()
    exacts = sorted({first_exact, *(g["exact"] for g in groups)})
    firsts = first_of_each(engine, exacts, **how)
    example = firsts[first_exact]
    return {
        "example": {
            "id": _id(example),
            "received_at": format_instant(example["received_at"]),
            "exact": first_exact,
            "from": example["from_address"],
            "subject": example["subject"],
            "text": (example["text"] or "")[:_CHARACTERS],
        },
        "variants": [
            {
                "exact": g["exact"],
                "messages": g["messages"],
                "first_seen": format_instant(g["first_seen"]),
                "last_seen": format_instant(g["last_seen"]),
                "id": _id(firsts[g["exact"]]),
                "subject": firsts[g["exact"]]["subject"],
                "diff": word_diff(words_of(example), words_of(firsts[g["exact"]])),
            }
            for g in groups
        ],
    }


def _id(row: dict[str, Any]) -> str:
    return format_id(row["feed"], row["writer"], row["segment"], row["ordinal"])


def words_of(row: dict[str, Any]) -> list[str]:
    """Subject and masked text of a message as words, the first few hundred."""
    return f"{row['subject'] or ''} {row['text'] or ''}".split()[:_WORDS]


def word_diff(one: Sequence[str], other: Sequence[str]) -> list[list[str]]:
    """What turns one text into another: pairs of ``=``, ``-`` or ``+`` and words, in order; empty where they are equal."""
    if one == other:
        return []
    found: list[list[str]] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(["=", " ".join(one[a:b])])
            continue
        found += [["-", " ".join(one[a:b])]] if b > a else []
        found += [["+", " ".join(other[c:d])]] if d > c else []
    return found
