"""*Senders*: groups of senders and the botnets that people named: share, dialects, size, and what is of no group."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from spamtide.app.botnets import AmongMessages, Senders
from spamtide.app.searching import resolved
from spamtide.app.serving.asking import Asker
from spamtide.app.serving.params import Params
from spamtide.app.serving.values import How, Page, PageValue, Taken
from spamtide.archive import Generation, Generations
from spamtide.errors import SpamtideError, Unanswerable
from spamtide.measure import DAY_US, senders_among, sendings_by_week
from spamtide.report import group_sentence, senders_sentence, size_document, size_rows

_EPOCH = date(1970, 1, 1).toordinal()
# Groups that have a layer of their own.
_LAYERS = 4
_METHOD = (
    "Campaigns that share dialects and more hosts on the same days than chance explains are one group; a message belongs to a group with a "
    "membership, and to none where none is likely enough. docs/explanation/botnets.md."
)
_NARROWED = " Within filters, messages, shares, peers and times are counted anew, by whole UTC days; campaigns and dialects are those of the group."
_DEFINITION = "A sender group is a set of sendings, pairs of campaign and dialect, that the same hosts send. A botnet is a group that a person named, with evidence. Share is of unsolicited messages."


def settled(asker: Asker) -> Generation | None:
    """The grouping of senders that counts now; the dashboard makes none."""
    return Generations(asker.workspace.archive.root, "group").current()


def _senders(asker: Asker) -> Senders:
    generation = settled(asker)
    if generation is None:
        raise Unanswerable("no_groups", "No sender group is settled yet.", "'spamtide botnets list' settles them.")
    if "group_day" not in generation.tables:
        raise Unanswerable(
            "no_groups",
            "The sender groups are those of an older program.",
            "'spamtide botnets list' settles them anew.",
        )
    found: Senders = asker.kept(("senders", generation.number), lambda: Senders(asker.workspace, generation))
    return found


def _days_asked(params: Params) -> tuple[int, int] | None:
    """The UTC days that a window touches, the first and the one after the last."""
    window = params.window
    return None if window is None else (window.start // DAY_US, -(-window.end // DAY_US))


def _among(asker: Asker, params: Params) -> AmongMessages | None:
    """What groups have within the filters; None without one."""
    days = _days_asked(params)
    if not params.feeds and not params.narrowed and days is None:
        return None
    feeds = asker.workspace.require_feeds(list(params.feeds)) if params.feeds else []
    tree = resolved(asker.workspace, params.tree(window=False), None)
    return AmongMessages.of(asker.ask(senders_among(tree, feeds=feeds, days=days)))


def _said(params: Params) -> list[dict[str, str]]:
    """What the filters mean here that one would not guess."""
    window = params.window
    if window is None or not (window.start % DAY_US or window.end % DAY_US):
        return []
    text = "The window is widened to whole UTC days: members are counted by day."
    return [{"code": "window_widened", "text": text}]


def show_list(asker: Asker, params: Params) -> PageValue:
    """Groups, most messages first, of what is within the filters."""
    groups: list[dict[str, Any]] = []
    unknown, whole, after = 0, 0, None
    stack = None
    if settled(asker) is not None:
        senders = _senders(asker)
        among = _among(asker, params)
        every = senders.groups(among)
        unknown = senders.unknown() if among is None else among.counts[None].total()
        whole = unknown + sum(g["messages"] for g in every)
        narrowed = str(params.tree()), params.feeds
        stack = asker.kept(
            ("sender weeks", senders.generation.number, *narrowed), lambda: _weeks(asker, params, senders, every)
        )
        start = next((i + 1 for i, g in enumerate(every) if g["group"] == params.get("after")), 0)
        groups = [_shown(asker, g) for g in every[start : start + params.limit]]
        after = groups[-1]["group"] if start + params.limit < len(every) else None
    facts = {
        "groups": groups, "unknown": {"messages": unknown, "share": unknown / whole if whole else None}, "weeks": stack,
        "settled": settled(asker) is not None,
    }  # fmt: skip
    return PageValue(
        title="Senders", sentence=senders_sentence(facts, after is not None), facts=facts, next=after, warnings=_said(params),
        how=How(
            _DEFINITION, _METHOD + _NARROWED, "spamtide botnets list --jsonl", query=str(params.tree()),
            files=("sender_group", "group_day", "dialect"),
        ),
        table="groups",
        columns=("group", "botnet", "named_by", "messages", "share", "peers", "dialects", "campaigns", "first_seen", "last_seen"),
    )  # fmt: skip


def _shown(asker: Asker, group: dict[str, Any]) -> dict[str, Any]:
    return {**group, "evidence": asker.text(group["evidence"], 300)}


def _weeks(asker: Asker, params: Params, senders: Senders, groups: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Messages of the largest groups' sendings by week, and below them all else."""
    top = groups[:_LAYERS]
    paths = {path: d["dialect"] for d in senders.dialects() for path in d["paths"]}
    owner = {sending: g["group"] for g in top for sending in senders.sendings(g["group"])}
    counted: dict[str | None, Counter[int]] = {None: Counter()}
    counted.update((g["group"], Counter()) for g in top)
    tree = resolved(asker.workspace, params.tree(), None)
    for row in asker.rows(sendings_by_week([g["group"] for g in top], feeds=params.feeds, tree=tree)):
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
    """One group: why it is one, its dialects, how many hosts. Raises WrongUse ``unknown_group``, Unanswerable ``not_in_population``."""
    senders = _senders(asker)
    shown = senders.shown(params.get("group"), _among(asker, params))
    group = shown["group"]
    explained = senders.explained(group)
    facts = {k: v for k, v in shown.items() if k != "schema"}
    facts |= {
        "evidence": asker.text(shown["evidence"], 300),
        "explained_dialects": explained["dialects"],
        "merges": explained["merges"],
    }
    key = ("size", senders.generation.number, group, params.feeds)
    if params.get("size") == "1" or asker.knows(key):
        facts["size"] = asker.kept(key, lambda: _size(asker, group, params))
    else:
        facts["size"] = _NOT_ASKED
    return PageValue(
        title=f"Sender group {shown['botnet'] or group}", sentence=group_sentence(facts), facts=facts,
        warnings=[*_said(params), *_whole_size(params)],
        how=How(_DEFINITION, _METHOD + _NARROWED, f"spamtide botnets show {group} --json", query=str(params.tree()), files=("sender_group", "group_sending", "group_merge", "dialect")),
        table="merges", columns=("one", "other", "shared_host_days", "expected_by_chance", "log_tail"),
    )  # fmt: skip


def _whole_size(params: Params) -> list[dict[str, str]]:
    if not params.narrowed and params.window is None:
        return []
    text = "Network, country and window narrow messages, share, peers and times. Evidence, dialects and size are of the whole group."
    return [{"code": "partly_narrowed", "text": text}]


_NOT_ASKED: dict[str, Any] = {
    "sentence": "How many hosts sent of late is estimated when somebody asks: every member of the group is looked at.",
    "rows": [], "document": None, "refused": "not_asked",
}  # fmt: skip


def _size(asker: Asker, group: str, params: Params) -> dict[str, Any]:
    """Hosts in the group's last seven days, or why none is told."""
    from spamtide.app.sizing import sizes_of_workspace

    try:
        found = sizes_of_workspace(asker.observatory, f"botnet:{group}", params.feeds)
    except SpamtideError as error:
        return {"sentence": error.message, "rows": [], "document": None, "refused": error.code}
    document = size_document(found.populations, target=f"botnet:{group}", feeds=found.feeds, parts=())
    return {"sentence": document["sentence"], "rows": size_rows(document), "document": document, "refused": None}


_OFFERS = ("feed", "country", "network", "window")
_WHY_NOT = {"origin": "Sender groups are of unsolicited messages."}
PAGES = (
    Page(
        "senders", "/senders", "Senders", show_list, "senders.html", nav="Senders",
        meaning="Sender groups and named botnets.", offers=_OFFERS, why_not=_WHY_NOT,
    ),
    Page(
        "sender", "/senders/{group}", "Sender group", show_group, "sender.html", nav="Senders",
        meaning="One sender group: evidence, dialects, size.",
        takes=(Taken("size", "1: estimate how many hosts there are, which takes some seconds in a large archive", ("1",)),), offers=_OFFERS, why_not=_WHY_NOT,
    ),
)  # fmt: skip
