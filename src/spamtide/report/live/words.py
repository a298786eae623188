"""The sentences that open the live pages. They are made of the page's own facts, so that no number stands in one that is not in the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spamtide.report.live.rendering import said
from spamtide.report.words import thousands


def plural(n: int, one: str, many: str = "") -> str:
    """``1 campaign``, ``7 023 campaigns``, ``no campaign``."""
    return f"{'no' if not n else thousands(n)} {one if n in (0, 1) else many or one + 's'}"


def now_sentence(facts: Mapping[str, Any]) -> str:
    """What is new since yesterday."""
    if facts["until"] is None:
        return "There is no message yet: 'spamtide import PATH --feed NAME' or 'spamtide trap --feed NAME' brings some."
    n = facts["new_campaigns_total"]
    messages = sum(f["messages"] for f in facts["feeds"])
    first = (
        f"In the 24 hours to {said(facts['until'])}, {plural(messages, 'message')} came in "
        f"{plural(len(facts['feeds']), 'feed')}, and {plural(n, 'campaign')} never seen before began."
    )
    late = " Nothing has come since." if facts.get("behind") and not facts["unsettled"] else ""
    raised = [a for a in facts["alarms"] if a["decided"] is None]
    alarm = f" {plural(len(raised), 'alarm').capitalize()} waits for a decision." if len(raised) == 1 else ""
    if len(raised) > 1:
        alarm = f" {plural(len(raised), 'alarm').capitalize()} wait for a decision."
    odd = [
        f"{f['feed']} is {f['status']}"
        for f in facts["feeds"]
        if f["status"] in ("silent", "below its week", "above its week")
    ]
    return first + late + (f" {'; '.join(odd[:3])}." if odd else "") + alarm


def series_sentence(
    measure: str, feeds: Sequence[str], total: float, unit: str, rows: Sequence[Mapping[str, Any]]
) -> str:
    """What a series holds, in one sentence."""
    known = [r for r in rows if r["count"] is not None and r["exposure"]]
    where = ", ".join(feeds)
    if not known:
        return f"Of {measure} at {where} nothing is known in this window: there is no exposure."
    top = max(known, key=lambda r: r["count"])
    live = f" in {plural(len(known), 'bin')} with exposure of {thousands(len(rows))}" if len(known) < len(rows) else ""
    if unit == "share":
        return f"{measure} at {where}: between {min(r['count'] for r in known):.3g} and {top['count']:.3g}{live}."
    return (
        f"{measure} at {where}: {plural(round(total), unit)}{live}, from {said(known[0]['time'])} to {said(known[-1]['time'])}; "
        f"the most, {thousands(top['count'])}, from {said(top['time'])} on."
    )


def search_sentence(query: str, shown: int, more: bool, first: bool) -> str:
    """How many messages a page of a search shows."""
    what = f"match {query}" if query else "are there"
    if not shown:
        return f"No message {'matches ' + query if query else 'is there'}{'' if first else ' any more'}."
    if more:
        return f"{plural(shown, 'message')} that {what}, in order of feed and arrival; there are more."
    return f"{plural(shown, 'message').capitalize()} {'more ' if not first else ''}that {what}, in order of feed and arrival."


def feeds_sentence(feeds: Sequence[Mapping[str, Any]]) -> str:
    """What all feeds hold."""
    if not feeds:
        return "There is no feed yet: 'spamtide import PATH --feed NAME' makes one."
    total = sum(f["messages"] for f in feeds)
    return f"{plural(len(feeds), 'feed').capitalize()} {'holds' if len(feeds) == 1 else 'hold'} {plural(total, 'message')}."


def feed_sentence(card: Mapping[str, Any], messages: int, days: float | None) -> str:
    """What one feed is."""
    i = card["instrument"]
    vantage = ", ".join(i["addresses_by_vantage"]) or "unknown"
    since = f" since {said(i['since'])}" if i["since"] else ""
    live = "" if days is None else f", in {days:.1f} live days"
    made = " It is simulated." if card["simulated"] else ""
    return f"{card['feed']} has received {plural(messages, 'message')}{since}{live}; its vantage: {vantage}.{made}"


def campaigns_sentence(rows: Sequence[Mapping[str, Any]], more: bool, *, grouped: bool) -> str:
    """What a page of the list of campaigns holds."""
    if not grouped:
        return "Nothing is grouped yet: 'spamtide campaigns settle' groups what is there."
    if not rows:
        return "No campaign is within these filters."
    top = rows[0]
    n = f"The {thousands(len(rows))} largest campaigns" if more else plural(len(rows), "campaign").capitalize()
    return f"{n}; the first has {plural(top['messages'], 'message')} in {plural(top['exact_groups'], 'wording')}."


def campaign_sentence(facts: Mapping[str, Any]) -> str:
    """What one campaign is."""
    where = "one feed" if len(facts["feeds"]) == 1 else plural(len(facts["feeds"]), "feed")
    return (
        f"{plural(facts['messages'], 'message').capitalize()} in {plural(facts['exact_groups'], 'wording')} came to {where} from "
        f"{plural(facts['peers'], 'peer')} in {plural(facts['networks'], 'network')}, from {said(facts['first_seen'])} to {said(facts['last_seen'])}."
    )


def percent(share: float | None) -> str:
    """A share as a count of a hundred: what was counted, no estimate."""
    return "unknown" if share is None else f"{100 * share:.3g} %"


def senders_sentence(facts: Mapping[str, Any], more: bool) -> str:
    """What a page of sender groups holds."""
    if not facts["settled"]:
        return "No sender group is settled yet: 'spamtide botnets list' settles them."
    groups = facts["groups"]
    named = sum(g["botnet"] is not None for g in groups)
    head = f"{'The largest ' if more else ''}{plural(len(groups), 'sender group')}, {named or 'none'} of them named"
    return f"{head[0].upper()}{head[1:]}; {percent(facts['unknown']['share'])} of unsolicited messages are of no group."


def group_sentence(facts: Mapping[str, Any]) -> str:
    """What one sender group is."""
    who = f"{facts['botnet']} ({facts['named_by']})" if facts["botnet"] else "A group that nobody named"
    return (
        f"{who}: {plural(facts['messages'], 'message')}, {percent(facts['share'])} of unsolicited mail, from {plural(facts['peers'], 'peer')}, "
        f"in {plural(len(facts['campaigns']), 'campaign')}, from {said(facts['first_seen'])} to {said(facts['last_seen'])}."
    )


def watches_sentence(rows: Sequence[Mapping[str, Any]]) -> str:
    """What is watched, by status."""
    if not rows:
        return "Nothing is watched yet: 'spamtide watch add NAME --measure M --feed F' watches something."
    waiting = sum(r["status_code"] in ("alarm", "returned") and r.get("decided") is None for r in rows)
    told = (
        f"; {plural(waiting, 'alarm')} {'waits' if waiting == 1 else 'wait'} for a decision"
        if waiting
        else "; no alarm waits for a decision"
    )
    return f"{plural(len(rows), 'watch', 'watches').capitalize()}{told}."
