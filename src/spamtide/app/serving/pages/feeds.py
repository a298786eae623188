"""*Feeds*: the instrument, card by card: addresses by state, exposure, disk, retention."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from spamtide.app.instants import format_instant
from spamtide.app.serving.asking import Asker
from spamtide.app.serving.params import Params
from spamtide.app.serving.timing import newest
from spamtide.app.serving.values import How, Page, PageValue
from spamtide.report import feed_sentence, feeds_sentence

# Days of exposure shown of one feed.
DAYS = 90
_COLUMNS = (
    "feed", "messages", "bytes", "disk_bytes", "segments", "first_received_at", "last_received_at", "trap", "vantage",
    "not_settled", "raw_days", "keep_per_group_day",
)  # fmt: skip


def list_feeds(asker: Asker, params: Params) -> PageValue:
    """The feeds with what they hold, and the disk that they are on."""
    names = asker.workspace.require_feeds(list(params.feeds))
    state = described(asker)
    by_name = {f["feed"]: f for f in state["feeds"]}
    rows = [_row(asker, by_name[name]) for name in names]
    people = msgspec.structs.asdict(asker.workspace.settings.people)
    facts = {
        "feeds": rows, "disk": state["disk"], "digest": state["digest"], "problems": state["problems"],
        "people": {k: v or None for k, v in people.items()},
    }  # fmt: skip
    return PageValue(
        title="Feeds",
        sentence=feeds_sentence(rows),
        facts=facts,
        how=How(
            definition="A feed is one instrument: the addresses of one vantage, with one persona. Its card opens every report.",
            method=(
                "Messages and bytes are those of the segments, erased messages among them; the disk is that of segments and their indexes. "
                "Retention is the written policy of spamtide.toml; 0 means that nothing is dropped."
            ),
            command="spamtide status --json; spamtide feeds list --json",
            files=("segments", "journal"),
        ),
        table="feeds",
        columns=_COLUMNS,
    )


def show_feed(asker: Asker, params: Params) -> PageValue:
    """The instrument card of one feed, day by day."""
    from spamtide.app.instruments import instrument_card

    name = params.get("name")
    asker.workspace.require_feeds([name])
    card = asker.kept(
        ("card", name, asker.local),
        lambda: instrument_card(asker.workspace, name, now=asker.now(), public=not asker.local),
        seconds=60.0,
    )
    row = _row(asker, next(f for f in described(asker)["feeds"] if f["feed"] == name))
    days = _days(asker, name, params)
    known = [d["exposure"] for d in days if d["exposure"] is not None]
    return PageValue(
        title=f"Feed {name}",
        sentence=feed_sentence(card, row["messages"], sum(known) if known else None),
        facts={
            "feed": name, "simulated": card["simulated"], "instrument": card["instrument"], "holds": row, "days": days,
            "basis": _basis(asker, name),
        },
        how=How(
            definition=(
                "Exposure is the time in which a message to the panel would have been accepted, as a share of the day. Addresses that are live "
                "count; those that are bouncing, conditioning or in their first 90 days do not."
            ),
            method="From the journal: uptime of the trap less its own refusals, or what was declared; else from the first to the last arrival.",
            command=f"spamtide feeds show {name} --json",
            files=("journal", "message"),
        ),
        table="days",
        columns=("time", "messages", "exposure"),
    )  # fmt: skip


def described(asker: Asker) -> dict[str, Any]:
    """The status of the workspace, at most some seconds old."""
    from spamtide.app.health import describe

    found: dict[str, Any] = asker.kept("status", lambda: describe(asker.workspace), seconds=30.0)
    return found


def _row(asker: Asker, feed: Mapping[str, Any]) -> dict[str, Any]:
    name = feed["feed"]
    settings = asker.workspace.settings.feeds.get(name)
    folder = asker.workspace.archive.root / "segments" / name
    from spamtide.app.lives import stated_vantage

    return {
        **feed,
        "vantage": asker.kept(("vantage", name), lambda: stated_vantage(asker.workspace, name)),
        "disk_bytes": asker.kept(("disk", name), lambda: _size(folder), seconds=60.0),
        "raw_days": settings.retention.raw_days if settings else 0,
        "keep_per_group_day": settings.retention.keep_per_group_day if settings else 0,
        "note": (settings.note if settings else "") or None,
    }


def _size(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.iterdir()) if folder.is_dir() else 0


def _basis(asker: Asker, feed: str) -> str:
    from spamtide.app.serving.pages.now import exposures_of
    from spamtide.measure import weakest_basis

    return weakest_basis(exposures_of(asker, feed))


def _days(asker: Asker, feed: str, params: Params) -> list[dict[str, Any]]:
    """The last days of a feed, or of a window: messages within the filters, of every origin where none is asked for, and exposure."""
    import numpy as np

    from spamtide.app.searching import resolved
    from spamtide.app.serving.pages.now import exposures_of
    from spamtide.measure import DAY_US, Among, Window, counts_by_feed, exposure_shares

    last = newest(asker)
    if last is None:
        return []
    asked = params.window
    until = last if asked is None else min(last, asked.end - 1)
    end = (until // DAY_US + 1) * DAY_US
    start = end - DAYS * DAY_US if asked is None else max(end - DAYS * DAY_US, asked.start // DAY_US * DAY_US)
    if start >= end:
        return []
    tree = resolved(asker.workspace, params.tree(), asker.generation())
    among = Among(tree, [feed], params.origins())
    rows = asker.ask(counts_by_feed(among, bin_us=DAY_US, anchor=0, window=Window(start, end)))
    counts = {row["bin"]: row["n"] for row in rows}
    starts = np.arange(start, end, DAY_US, dtype=np.int64)
    shares = exposure_shares(exposures_of(asker, feed), starts, DAY_US)
    return [
        {
            "time": format_instant(int(day)), "messages": counts.get(int(day) // DAY_US, 0),
            "exposure": float(f"{share:.6g}"),
        }
        for day, share in zip(starts, shares, strict=True)
    ]  # fmt: skip


PAGES = (
    Page(
        "feeds", "/feeds", "Feeds", list_feeds, "feeds.html", nav="Feeds", ages=True,
        meaning="The feeds with what they hold, their vantage, disk and retention.", offers=("feed",),
        why_not=dict.fromkeys(("origin", "country", "network", "window"), "It shows what the instruments hold and keep, which is of all mail."),
    ),
    Page(
        "feed", "/feeds/{name}", "Feed", show_feed, "feed.html", ages=True,
        meaning="The instrument card of one feed: addresses by state, messages and exposure day by day, disk, retention.",
        offers=("origin", "country", "network", "window"), why_not={"feed": "It is the card of one feed, which its address names."},
    ),
)  # fmt: skip
