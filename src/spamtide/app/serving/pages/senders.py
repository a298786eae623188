"""*Senders*: groups of senders and the botnets that people named: share, dialects, size, and what is of no group."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from spamtide.app.botnets import Senders
from spamtide.app.serving.asking import Asker
from spamtide.app.serving.params import Params
from spamtide.app.serving.values import How, Page, PageValue
from spamtide.archive import Generation, Generations
from spamtide.errors import SpamtideError, Unanswerable, WrongUse
from spamtide.measure import sendings_by_week
from spamtide.report import group_sentence, senders_sentence, size_document, size_rows

_EPOCH = date(1970, 1, 1).toordinal()
# Groups that have a layer of their own.
_LAYERS = 4
_METHOD = (
    "Campaigns that share dialects and more hosts on the same days than chance explains are one group; a message belongs to a group with a "
    "membership, and to none where none is likely enough. docs/explanation/botnets.md."
)
_DEFINITION = "A sender group is a set of sendings, pairs of campaign and dialect, that the same hosts send. A botnet is a group that a person named, with evidence. Share is of unsolicited messages."


def settled(asker: Asker) -> Generation | None:
    """The grouping of senders that counts now; the dashboard makes none."""
    return Generations(asker.workspace.archive.root, "group").current()


def _senders(asker: Asker) -> Senders:
    generation = settled(asker)
    if generation is None:
        raise Unanswerable("no_groups", "No sender group is settled yet.", "'spamtide botnets list' settles them.")
    found: Senders = asker.kept(("senders", generation.number), lambda: Senders(asker.workspace, generation))
    return found


def show_list(asker: Asker, params: Params) -> PageValue:
    """Groups, most messages first. Raises WrongUse ``bad_filter`` for filters of single messages."""
    _no_narrowing(params)
    groups: list[dict[str, Any]] = []
    unknown, whole, after = 0, 0, None
    stack = None
    if settled(asker) is not None:
        senders = _senders(asker)
        every = senders.groups()
        unknown = senders.unknown()
        whole = unknown + sum(g["messages"] for g in every)
        if params.feeds:
            every = [g for g in every if set(params.feeds) & {f["feed"] for f in g["feeds"]}]
        stack = asker.kept(
            ("sender weeks", senders.generation.number, params.feeds), lambda: _weeks(asker, params, senders, every)
        )
        start = next((i + 1 for i, g in enumerate(every) if g["group"] == params.get("after")), 0)
        groups = [_shown(asker, g) for g in every[start : start + params.limit]]
        after = groups[-1]["group"] if start + params.limit < len(every) else None
    facts = {
        "groups": groups, "unknown": {"messages": unknown, "share": unknown / whole if whole else None}, "weeks": stack,
        "settled": settled(asker) is not None,
    }  # fmt: skip
    return PageValue(
        title="Senders", sentence=senders_sentence(facts, after is not None), facts=facts, next=after,
        how=How(_DEFINITION, _METHOD, "spamtide botnets list --jsonl", files=("sender_group", "group_member", "dialect")),
        table="groups",
        columns=("group", "botnet", "named_by", "messages", "share", "peers", "dialects", "campaigns", "first_seen", "last_seen"),
    )  # fmt: skip


def _no_narrowing(params: Params) -> None:
    if params.narrowed or params.window is not None:
        raise WrongUse(
            "filter_not_possible", "Sender groups are of all messages; network, country and window do not narrow them.",
            "Take these filters away, or ask a series of botnet:NAME.",
        )  # fmt: skip


def _shown(asker: Asker, group: dict[str, Any]) -> dict[str, Any]:
    return {**group, "evidence": asker.text(group["evidence"], 300)}


def _weeks(asker: Asker, params: Params, senders: Senders, groups: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Messages of the largest groups' sendings by week, and below them all else."""
    top = groups[:_LAYERS]
    paths = {path: d["dialect"] for d in senders.dialects() for path in d["paths"]}
    owner = {sending: g["group"] for g in top for sending in senders.sendings(g["group"])}
    campaigns = sorted({c for c, _ in owner})
    counted: dict[str | None, Counter[int]] = {None: Counter()}
    counted.update((g["group"], Counter()) for g in top)
    for row in asker.rows(sendings_by_week(campaigns, feeds=params.feeds)):
        sending = (row["campaign"], paths.get(row["dialect_path"] or "", ""))
        counted[owner.get(sending)][row["week"]] += row["messages"]
    weeks = sorted({week for one in counted.values() for week in one})
    if len(weeks) < 2:
        return None
    every = range(weeks[0], weeks[-1] + 1)
    names = {g["group"]: g["botnet"] or g["group"] for g in top}
    layers: list[dict[str, Any]] = [
        {"label": "unknown and smaller groups", "values": [counted[None][w] for w in every]}
    ]
    layers += [{"label": names[g["group"]], "values": [counted[g["group"]][w] for w in every]} for g in top]
    # Weeks of the table begin on Mondays; day 4 since 1970 was one.
    times = [date.fromordinal(_EPOCH + 7 * w + 4).isoformat() for w in every]
    alt = "; ".join(f"{layer['label']} {sum(layer['values'])}" for layer in layers)
    return {
        "times": times,
        "layers": layers,
        "title": "Unsolicited messages a week, by sender group",
        "alt": f"Messages in all: {alt}.",
    }


def show_group(asker: Asker, params: Params) -> PageValue:
    """One group: why it is one, its dialects, how many hosts. Raises WrongUse ``unknown_group``."""
    _no_narrowing(params)
    senders = _senders(asker)
    shown = senders.shown(params.get("group"))
    group = shown["group"]
    explained = senders.explained(group)
    facts = {k: v for k, v in shown.items() if k != "schema"}
    facts |= {
        "evidence": asker.text(shown["evidence"], 300),
        "explained_dialects": explained["dialects"],
        "merges": explained["merges"],
    }
    facts["size"] = asker.kept(
        ("size", senders.generation.number, group, params.feeds), lambda: _size(asker, group, params)
    )
    return PageValue(
        title=f"Sender group {shown['botnet'] or group}", sentence=group_sentence(facts), facts=facts,
        how=How(_DEFINITION, _METHOD, f"spamtide botnets show {group} --json", files=("sender_group", "group_sending", "group_merge", "dialect")),
        table="merges", columns=("one", "other", "shared_host_days", "expected_by_chance", "log_tail"),
    )  # fmt: skip


def _size(asker: Asker, group: str, params: Params) -> dict[str, Any]:
    """Hosts in the group's last seven days, or why none is told."""
    from spamtide.app.sizing import sizes_of_workspace

    try:
        found = sizes_of_workspace(asker.observatory, f"botnet:{group}", params.feeds)
    except SpamtideError as error:
        return {"sentence": error.message, "rows": [], "document": None, "refused": error.code}
    document = size_document(found.populations, target=f"botnet:{group}", feeds=found.feeds, parts=())
    return {"sentence": document["sentence"], "rows": size_rows(document), "document": document, "refused": None}


PAGES = (
    Page(
        "senders", "/senders", "Senders", show_list, "senders.html", nav="Senders",
        meaning="Sender groups and named botnets.", offers=("feed", "origin"),
    ),
    Page(
        "sender", "/senders/{group}", "Sender group", show_group, "sender.html", nav="Senders",
        meaning="One sender group: evidence, dialects, size.", offers=("feed", "origin"),
    ),
)  # fmt: skip
