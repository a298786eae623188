"""*Watch*: what may be said of what is watched, and the alarm's statistic against its threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spamtide.app.instants import format_instant
from spamtide.app.serving.asking import Asker
from spamtide.app.serving.params import Params
from spamtide.app.serving.values import How, Page, PageValue
from spamtide.app.watching import WatchBook, status_of_watch, trace_watch
from spamtide.errors import SpamtideError, WrongUse
from spamtide.measure import HOUR_US
from spamtide.report import watch_document, watches_sentence

if TYPE_CHECKING:
    from spamtide.app.watching import Watch

_DEFINITION = (
    "Active, declining, silent, returned or unknown: the status words of the glossary. Silent means: at most a hundredth of the old rate by its "
    "upper bound. Returned means: an alarm, and behind it messages of enough peers, networks and trap addresses."
)
_METHOD = "A restarting e-detector steps hour by hour; its statistic is held against a threshold that bounds false alarms. docs/explanation/watch.md."


def show_list(asker: Asker, params: Params) -> PageValue:
    """Every watch with its status."""
    _no_narrowing(params)
    rows: list[dict[str, Any]] = []
    for watch in WatchBook(asker.workspace).watches():
        if params.feeds and not set(params.feeds) & set(watch.feeds):
            continue
        rows.append(_status(asker, watch))
    return PageValue(
        title="Watch", sentence=watches_sentence(rows), facts={"watches": rows},
        how=How(_DEFINITION, _METHOD, "spamtide watch status --jsonl", files=("message", "exposure (journal)", "watch (journal)")),
        table="watches", columns=("name", "measure", "feeds", "status", "count", "live_days", "upper_bound", "at"),
    )  # fmt: skip


def _no_narrowing(params: Params) -> None:
    if params.narrowed or params.window is not None or params.listed("origin"):
        raise WrongUse(
            "filter_not_possible",
            "A watch has its own measure, feeds and windows.",
            "Take these filters away, or make another watch.",
        )


def _now_hour(asker: Asker) -> int:
    return asker.now() // HOUR_US * HOUR_US


def _status(asker: Asker, watch: Watch) -> dict[str, Any]:
    """The document of a watch, or why there is none; found once an hour and whenever the tables change."""
    now = _now_hour(asker)

    def find() -> dict[str, Any]:
        try:
            stepped = status_of_watch(asker.observatory, watch, now=now)
        except SpamtideError as error:
            return {
                **watch.document(),
                "status": "unknown: cannot be asked",
                "status_code": "unknown",
                "sentence": error.message,
                "document": None,
            }
        document = watch_document(stepped.status, name=watch.name, feeds=watch.feeds)
        raised = stepped.alarm
        decided = None if raised is None else raised.decided
        return {
            **watch.document(),
            **{k: v for k, v in document.items() if k != "schema"},
            "decided": decided,
            "document": document,
        }

    found: dict[str, Any] = asker.kept(("watch", watch.name, watch.key, now), find)
    return {k: v for k, v in found.items() if k != "document"}


def show_one(asker: Asker, params: Params) -> PageValue:
    """One watch: its status, and day by day the highest statistic. Raises WrongUse ``unknown_watch``."""
    _no_narrowing(params)
    watch = WatchBook(asker.workspace).watch(params.get("watch"))
    status = _status(asker, watch)
    now = _now_hour(asker)
    days: list[dict[str, Any]] = asker.kept(
        ("trace", watch.name, watch.key, now), lambda: trace_watch(asker.observatory, watch, now=now)
    )
    alarms = [
        {"at": format_instant(a.alarm.at), "since": format_instant(a.alarm.since), "statistic": float(f"{a.alarm.statistic:.6g}"), "decided": a.decided}
        for a in WatchBook(asker.workspace).alarms() if a.watch == watch.name
    ]  # fmt: skip
    threshold = next((d["threshold"] for d in reversed(days)), None)
    return PageValue(
        title=f"Watch {watch.name}", sentence=status["sentence"],
        facts={"watch": status, "days": days, "alarms": alarms, "threshold": threshold},
        how=How(_DEFINITION, _METHOD, f"spamtide watch status {watch.name} --json", query=watch.measure, files=("message", "exposure (journal)", "watch (journal)")),
        table="days", columns=("time", "count", "exposure", "statistic", "threshold"),
    )  # fmt: skip


PAGES = (
    Page("watches", "/watch", "Watch", show_list, "watches.html", nav="Watch", meaning="What is watched, with its status.", offers=("feed",)),
    Page("watch", "/watch/{watch}", "Watch", show_one, "watch.html", nav="Watch", meaning="One watch: status, and the alarm's statistic against its threshold.", offers=("feed",)),
)  # fmt: skip
