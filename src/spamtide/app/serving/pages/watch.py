"""*Watch*: what may be said of what is watched, and the alarm's statistic against its threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spamtide.app.instants import format_instant
from spamtide.app.serving.asking import Asker
from spamtide.app.serving.params import Params
from spamtide.app.serving.values import How, Page, PageValue
from spamtide.app.watching import WatchBook, status_of_watch, trace_watch
from spamtide.errors import SpamtideError
from spamtide.measure import DAY_US, HOUR_US
from spamtide.report import watch_document, watches_sentence

if TYPE_CHECKING:
    from spamtide.app.watching import Watch

_DEFINITION = (
    "Active, declining, silent, returned or unknown: the status words of the glossary. Silent means: at most a hundredth of the old rate by its "
    "upper bound. Returned means: an alarm, and behind it messages of enough peers, networks and trap addresses."
)
_METHOD = "A restarting e-detector steps hour by hour; its statistic is held against a threshold that bounds false alarms. docs/explanation/watch.md."


_NARROWED = " Within networks or countries the same is done with the messages of these peers alone, and the background is learnt from them."


def show_list(asker: Asker, params: Params) -> PageValue:
    """Every watch with its status."""
    rows: list[dict[str, Any]] = []
    for watch in WatchBook(asker.workspace).watches():
        if params.feeds and not set(params.feeds) & set(watch.feeds):
            continue
        rows.append(_status(asker, watch, params))
    return PageValue(
        title="Watch", sentence=watches_sentence(rows), facts={"watches": rows}, warnings=_said(params),
        how=How(
            _DEFINITION, _METHOD + _NARROWED, "spamtide watch status --jsonl", query=str(params.tree(window=False)),
            files=("message", "exposure (journal)", "watch (journal)"),
        ),
        table="watches", columns=("name", "measure", "feeds", "status", "count", "live_days", "upper_bound", "at"),
    )  # fmt: skip


def _said(params: Params) -> list[dict[str, str]]:
    """What the filters mean here that one would not guess."""
    said = []
    if params.narrowed:
        said.append("Told as if each watch watched the messages of these networks or countries alone, from its beginning; alarms that are written down are of all its messages.")  # fmt: skip
    if params.window is not None:
        said.append("Told as of the end of the window.")
    if params.feeds:
        said.append("Those watches are shown that watch one of these feeds; each counts all of its own.")
    return [{"code": "watch_narrowed", "text": text} for text in said]


def _now_hour(asker: Asker, params: Params) -> int:
    window = params.window
    until = asker.now() if window is None else min(window.end, asker.now())
    return until // HOUR_US * HOUR_US


def _status(asker: Asker, watch: Watch, params: Params) -> dict[str, Any]:
    """The document of a watch, or why there is none; found once an hour and whenever the tables change."""
    now, filters = _now_hour(asker, params), params.tree(window=False)

    def find() -> dict[str, Any]:
        try:
            stepped = status_of_watch(
                asker.observatory, watch, now=now, filters=filters, anew=params.window is not None
            )
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

    key = ("watch", watch.name, watch.key, now, str(filters), params.window is not None)
    found: dict[str, Any] = asker.kept(key, find)
    return {k: v for k, v in found.items() if k != "document"}


def show_one(asker: Asker, params: Params) -> PageValue:
    """One watch: its status, and day by day the highest statistic. Raises WrongUse ``unknown_watch``."""
    watch = WatchBook(asker.workspace).watch(params.get("watch"))
    status = _status(asker, watch, params)
    now, filters, window = _now_hour(asker, params), params.tree(window=False), params.window
    days: list[dict[str, Any]] = asker.kept(
        ("trace", watch.name, watch.key, now, str(filters)),
        lambda: trace_watch(asker.observatory, watch, now=now, filters=filters),
    )
    if window is not None:
        days = [d for d in days if d["time"] >= format_instant(window.start // DAY_US * DAY_US)]
    alarms = [
        {"at": format_instant(a.alarm.at), "since": format_instant(a.alarm.since), "statistic": float(f"{a.alarm.statistic:.6g}"), "decided": a.decided}
        for a in WatchBook(asker.workspace).alarms() if a.watch == watch.name
    ]  # fmt: skip
    threshold = next((d["threshold"] for d in reversed(days)), None)
    return PageValue(
        title=f"Watch {watch.name}", sentence=status["sentence"],
        facts={"watch": status, "days": days, "alarms": alarms, "threshold": threshold}, warnings=_said(params),
        how=How(_DEFINITION, _METHOD + _NARROWED, f"spamtide watch status {watch.name} --json", query=watch.measure, files=("message", "exposure (journal)", "watch (journal)")),
        table="days", columns=("time", "count", "exposure", "statistic", "threshold"),
    )  # fmt: skip


_OFFERS = ("feed", "country", "network", "window")
_WHY_NOT = {"origin": "A watch counts unsolicited messages."}
PAGES = (
    Page("watches", "/watch", "Watch", show_list, "watches.html", nav="Watch", meaning="What is watched, with its status.", offers=_OFFERS, why_not=_WHY_NOT),
    Page("watch", "/watch/{watch}", "Watch", show_one, "watch.html", nav="Watch", meaning="One watch: status, and the alarm's statistic against its threshold.", offers=_OFFERS, why_not=_WHY_NOT),
)  # fmt: skip
