"""*Now*: what is new since yesterday, how the feeds do, what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spamtide.app.instants import format_instant
from spamtide.app.observatory import UNSOLICITED
from spamtide.app.searching import resolved
from spamtide.app.serving.asking import Asker
from spamtide.app.serving.params import Params
from spamtide.app.serving.timing import Lately, lately
from spamtide.app.serving.values import How, Page, PageValue
from spamtide.app.serving.veiling import VEIL, personal_campaigns
from spamtide.errors import WrongUse
from spamtide.measure import Among
from spamtide.report import now_sentence

if TYPE_CHECKING:
    from spamtide.measure import Exposure

NETWORKS = 15
_COLUMNS = (
    "campaign", "messages", "exact_groups", "peers", "networks", "first_seen", "last_seen", "topic", "language", "subject",
)  # fmt: skip
# Below this share of a day nothing is said of its rate.
_ENOUGH = 0.25


def show_now(asker: Asker, params: Params) -> PageValue:
    """What is new since yesterday. The last day ends with the newest message that is digested."""
    feeds = asker.workspace.require_feeds(list(params.feeds))
    span = lately(asker, params.window)
    origins = params.origins(UNSOLICITED)
    facts: dict[str, Any] = {
        "since": None, "until": None, "new_campaigns": [], "new_campaigns_total": 0, "networks": [], "feeds": [],
        "alarms": alarms(asker), "health": health(asker), "unsettled": unsettled(asker),
    }  # fmt: skip
    after = None
    if span is not None:
        tree = resolved(asker.workspace, params.tree(window=False), asker.generation())
        among = Among(tree, feeds if params.feeds else (), origins)
        new, total, after = _new_campaigns(asker, params, among, span)
        facts |= {
            "since": format_instant(span.since), "until": format_instant(span.until), "behind": span.behind,
            "new_campaigns": new,
            "new_campaigns_total": total,
            "networks": _networks(asker, among, span),
            "feeds": _rates(asker, among, span, feeds),
        }  # fmt: skip
    return PageValue(
        title="Now",
        sentence=now_sentence(facts),
        facts=facts,
        next=after,
        how=How(
            definition=(
                "A campaign is new when none of its messages, at any feed, came before the last day. The last day is the 24 hours that end with "
                "the newest message that is digested. A rate is messages per live day: counts divided by the time in which the feed would have "
                "accepted mail."
            ),
            method=(
                "Campaigns are those of the settled grouping. The days before are seven spans of 24 hours; the lowest and the highest rate "
                "among them are shown, which is a range seen, not an interval."
            ),
            command=f"spamtide campaigns list --new-since {format_instant(span.since) if span else 'D'} --json",
            query=str(params.tree(window=False)),
            files=("message", "campaign", "campaign_member"),
        ),
        table="new_campaigns",
        columns=_COLUMNS,
    )


def _new_campaigns(
    asker: Asker, params: Params, among: Among, span: Lately
) -> tuple[list[dict[str, Any]], int, str | None]:
    """The rows of a page, how many there are in all within the filters, and the key of the page after."""
    from spamtide.measure import campaigns_lately

    if asker.generation() is None:
        return [], 0, None
    limit = params.limit
    place = _place(params.get("after"))
    rows = asker.ask(campaigns_lately(among, window=span.day, limit=limit + 1, after=place))
    shown = [
        {
            **{k: row[k] for k in _COLUMNS},
            "first_seen": format_instant(row["first_seen"]),
            "last_seen": format_instant(row["last_seen"]),
            "subject": VEIL if row["campaign"] in personal_campaigns(asker) else asker.text(row["subject"]),
        }
        for row in rows[:limit]
    ]
    total = int(rows[0]["total"]) if rows else 0
    return shown, total, f"{shown[-1]['messages']}.{shown[-1]['campaign']}" if len(rows) > limit else None


def _place(text: str) -> tuple[int, str] | None:
    if not text:
        return None
    messages, dot, campaign = text.partition(".")
    if not dot or not messages.isdigit() or len(messages) > 15:
        raise WrongUse("bad_place", f"{text!r} is no key of this list.", "Take 'next' of the page before.", given=text)
    return int(messages), campaign


def _networks(asker: Asker, among: Among, span: Lately) -> list[dict[str, Any]]:
    from spamtide.measure import networks_lately

    table = asker.workspace.networks
    rows = asker.ask(networks_lately(among, since=span.since, window=span.week, at_most=NETWORKS))
    found = []
    for row in rows:
        known = table.of(row["network"].partition("/")[0])
        found.append(
            {
                "network": row["network"], "name": None if known is None else known.name,
                "country": None if known is None else known.country, "messages": row["n"], "peers": row["peers"],
                "before_a_day": round(row["before"] / 7, 2),
            }
        )  # fmt: skip
    return found


def _rates(asker: Asker, among: Among, span: Lately, feeds: list[str]) -> list[dict[str, Any]]:
    """Of each feed: the last day, and the lowest and highest of the seven before."""
    import numpy as np

    from spamtide.measure import DAY_US, HOUR_US, counts_by_feed, exposure_shares

    anchor = span.week.start
    rows = asker.ask(counts_by_feed(among, bin_us=HOUR_US, anchor=anchor, window=span.week))
    counts: dict[str, list[int]] = {feed: [0] * 192 for feed in feeds}
    for row in rows:
        counts[row["feed"]][row["bin"]] = row["n"]
    found = []
    for feed in feeds:
        exposures = exposures_of(asker, feed)
        starts = anchor + np.arange(8, dtype=np.int64) * DAY_US
        shares = [float(s) for s in exposure_shares(exposures, starts, DAY_US)]
        days = [sum(counts[feed][d * 24 : d * 24 + 24]) for d in range(8)]
        rates = [n / share if share >= _ENOUGH else None for n, share in zip(days, shares, strict=True)]
        before = [r for r in rates[:7] if r is not None]
        found.append(
            {
                "feed": feed, "messages": days[7], "exposure": _six(shares[7]), "rate": _six(rates[7]),
                "before_low": _six(min(before, default=None)), "before_high": _six(max(before, default=None)),
                "before_days": len(before), "status": _status(rates[7], before), "hours": counts[feed],
            }
        )  # fmt: skip
    return found


def exposures_of(asker: Asker, feed: str) -> list[Exposure]:
    """The exposure intervals of one feed."""
    found: list[Exposure] = asker.kept(("exposure", feed), lambda: asker.observatory.exposures([feed]))
    return found


def _six(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def _status(rate: float | None, before: list[float]) -> str:
    if rate is None:
        return "unknown: too little exposure"
    if len(before) < 3:
        return "unknown: too few days before"
    if not rate:
        return "silent"
    return "below its week" if rate < min(before) else "above its week" if rate > max(before) else "as in its week"


def alarms(asker: Asker) -> list[dict[str, Any]]:
    """Alarms of watches that nobody has dismissed, newest first."""
    from spamtide.app.watching import WatchBook

    def find() -> list[dict[str, Any]]:
        book = WatchBook(asker.workspace)
        keys = {w.key for w in book.watches()}
        raised = [a for a in book.alarms() if a.decided != "dismissed" and a.key in keys]
        return [
            {
                "id": a.id, "watch": a.watch, "at": format_instant(a.alarm.at), "since": format_instant(a.alarm.since),
                "decided": a.decided,
            }
            for a in sorted(raised, key=lambda a: -a.alarm.at)
        ]  # fmt: skip

    found: list[dict[str, Any]] = asker.kept("alarms", find)
    return found


def health(asker: Asker) -> list[dict[str, str]]:
    """What a careful operator would mend."""
    from spamtide.app.health import find_problems

    def find() -> list[dict[str, str]]:
        problems = [p for p in find_problems(asker.workspace) if p.code != "not_stated"]
        return [{"code": p.code, "text": p.text, "next": p.next_step} for p in problems]

    found: list[dict[str, str]] = asker.kept("health", find, seconds=30.0)
    return found


def unsettled(asker: Asker) -> int:
    """Messages that a following digest has read and that are in no table yet: the live list has them."""
    from spamtide.archive import that_count
    from spamtide.fingerprint import FACTS_VERSION

    tables = asker.workspace.tables
    named = tables.provisional.named(FACTS_VERSION)
    if not named:
        return 0
    return sum(p.rows for p in that_count(named, tables.digested(FACTS_VERSION)) if p.table == "message")


PAGES = (
    Page(
        "now", "/now", "Now", show_now, "now.html", nav="Now", ages=True,
        meaning="What is new since yesterday: campaigns never seen, networks, rates by feed, health, alarms.",
    ),
)  # fmt: skip
