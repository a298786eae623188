"""Changes that nobody asked about: the document of ``changes`` and its sentences. And what changed of a total, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spamtide.measure import Change, Changes, Contribution, Contributions, Interval, Refusal, Window
from spamtide.message import PublicText
from spamtide.report.documents import instant, interval, number, refusal, window
from spamtide.report.words import change_span, change_words, day_words, fell_or_rose, measure_words

METHOD = "scan-ar1-bh/1"
Event = tuple[str, str, float]


def changes_document(
    feed: str | None,
    whole: Window,
    found: Changes,
    nearby: Sequence[tuple[Sequence[Event], Contributions | None, Sequence[str]]],
    population: str = "unsolicited",
) -> dict[str, Any]:
    """The document ``spamtide.changes/1``; ``nearby``: of each change events (id, title, days from it), campaigns, other series."""
    return {
        "schema": "spamtide.changes/1",
        "feed": feed,
        "window": window(whole),
        "method": METHOD,
        "looked_at": len(found.looked_at),
        "not_looked_at": [{"series": name, "refused": refusal(why)} for name, why in found.left_out],
        "false_discovery_rate": number(found.rate),
        "changes": [
            {
                "series": change.series,
                "at": {
                    "value": instant(int(change.at.value)), "low": instant(int(change.at.low)), "high": instant(int(change.at.high)),
                    "level": change.at.level,
                },
                "ratio": interval(change.ratio),
                "p": number(change.p),
                "windows": {"before": window(change.before), "after": window(change.after)},
                "explanations": _explanations(*near),
                "sentence": change_sentence(change, whole, near[0], "as given" if feed is None else population),
            }
            for change, near in zip(found.changes, nearby, strict=True)
        ],
        "sentence": changes_sentence(found),
    }  # fmt: skip


def _explanations(
    events: Sequence[Event], campaigns: Contributions | None, series: Sequence[str]
) -> list[dict[str, Any]]:
    """Everything that lies near, told apart by ``kind``: event, campaign, series. Near is no cause."""
    said: list[dict[str, Any]] = [
        {"kind": "event", "event": id, "title": title, "days_from_change": number(round(days, 2))}
        for id, title, days in events
    ]
    if campaigns is not None:
        said += [
            {"kind": "all-else" if part.name == "all else" else "campaign", **contribution(part)}
            for part in campaigns.parts
        ]
    return [*said, *({"kind": "series", "series": name} for name in series)]


def contribution(part: Contribution) -> dict[str, Any]:
    """One part of a change of a total, in messages a live day."""
    return {
        "part": PublicText.stated(part.name, 80).text, "before": number(part.before), "after": number(part.after),
        "moved": interval(part.moved), "share_of_change": number(part.share),
    }  # fmt: skip


def contributions_document(said: Contributions | Refusal | None) -> dict[str, Any] | None:
    """``{by, windows, parts, total, refused}``: the parts add up to the total."""
    if said is None:
        return None
    if isinstance(said, Refusal):
        return {"by": None, "windows": None, "parts": [], "total": None, "refused": refusal(said)}
    return {
        "by": said.by,
        "windows": {"before": window(said.before), "after": window(said.after)},
        "parts": [contribution(part) for part in said.parts],
        "total": contribution(said.total),
        "refused": None,
    }


def change_sentence(change: Change, whole: Window, events: Sequence[Event], population: str) -> str:
    """``volume fell by 74 % (68 to 78 %) about 16 March 2011 (15 to 17 March ...)``; an event near is named, as near and no more."""
    at = Interval(change.at.value, change.at.low, change.at.high)
    when = f"on about {day_words(int(at.value), clock=False)} (95 % interval: {day_words(int(at.low), clock=False)} to {day_words(int(at.high), clock=False)})"
    ends = "" if change.after.end >= whole.end else f", until {day_words(change.after.end, clock=False)}"
    what = measure_words(change.series, "" if change.series.startswith("messages:origin:") else population)
    moved = fell_or_rose(change.ratio)
    if change.ratio.low <= 1 <= change.ratio.high:
        # That it changed was told from its own noise over the whole series; by how much, from the days beside it alone.
        moved = f"changed, by {change_words(change.ratio)} (95 % interval: {change_span(change.ratio)}),"
    text = f"{what} {moved} {when}{ends}"
    if events:
        id, _, days = events[0]
        side = "before it" if days < 0 else "after it"
        text += (
            f"; the registry has {id} {abs(days):.0f} days {side}"
            if round(abs(days))
            else f"; the registry has {id} on that day"
        )
    return text[0].upper() + text[1:] + "."


def changes_sentence(found: Changes) -> str:
    """How many changes of how many series, and how many of them may be false."""
    n, series = len(found.changes), len(found.looked_at)
    if not series:
        return "No series holds enough to be looked at."
    if not n:
        return f"Of {series} series that were looked at none changed so that it could be told from their own noise."
    of = len({c.series for c in found.changes})
    return (
        f"{n} change{'s' if n > 1 else ''} in {of} of {series} series that were looked at; "
        f"of such findings at most {found.rate:.0%} are false in expectation."
    ).replace("%", " %")
