"""What a live page draws: plain data for the script of the page, from the document of the page alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

_ROLES = ("observed", "controls", "counterfactual", "quiet", "ink")


def seconds(text: str) -> int:
    """An RFC 3339 instant as seconds since 1970."""
    return int((datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())


def series_chart(page: Mapping[str, Any], zoom: str) -> dict[str, Any]:
    """A series by time: per live day where exposure varies, unknown where there is none; the compared window under the same axis, dashed."""
    rows = page["rows"]
    names = list(dict.fromkeys(r["series"] for r in rows))
    times = list(dict.fromkeys(r["time"] for r in rows))
    exposure = [r["exposure"] for r in rows if r["series"] == names[0]] if names else []
    varies = page["unit"] != "share" and any(0 < e < 1 for e in exposure)
    at = [seconds(t) for t in times]
    series = []
    for i, name in enumerate(names):
        values = [_value(r, varies) for r in rows if r["series"] == name]
        series.append({"label": name, "role": _ROLES[min(i, 4)], "values": values, "dash": i > 0})
    if page["compare_rows"]:
        other = [_value(r, varies) for r in page["compare_rows"]][: len(at)]
        other += [None] * (len(at) - len(other))
        label = f"from {page['compare']['start'][:10]} on"
        series.append({"label": label, "role": "controls", "values": other, "dash": True})
    unit = page["unit"] if page["unit"] == "share" else f"{page['unit']}s"
    return {
        "time": at, "series": series, "unit": f"{unit} a live {page['by']}" if varies else f"{unit} a {page['by']}",
        "exposure": exposure if any(e < 1 for e in exposure) else None, "band": None,
        "events": [{"at": seconds(e["at"]), "label": e["title"]} for e in page["events"]],
        "zoom": zoom,
    }  # fmt: skip


def days_chart(days: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Messages of a feed by day, with its exposure."""
    exposure = [d["exposure"] for d in days]
    values = [d["messages"] if d["exposure"] else None for d in days]
    return {
        "time": [seconds(d["time"]) for d in days],
        "series": [{"label": "messages", "role": "observed", "values": values, "dash": False}],
        "unit": "messages a day", "exposure": exposure if any(e < 1 for e in exposure) else None, "band": None,
        "events": [], "zoom": None,
    }  # fmt: skip


def _value(row: Mapping[str, Any], varies: bool) -> float | None:
    if row["count"] is None or not row["exposure"]:
        return None
    return float(f"{row['count'] / row['exposure']:.6g}") if varies else row["count"]


# A statistic below one is no evidence; a logarithm needs more than nothing.
_LEAST = 0.1


def watch_chart(days: Sequence[Mapping[str, Any]], alarms: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The alarm's statistic against its threshold, on a logarithmic axis."""
    shown = [None if d["statistic"] is None else max(_LEAST, d["statistic"]) for d in days]
    exposure = [d["exposure"] for d in days]
    return {
        "time": [seconds(d["time"]) for d in days],
        "series": [
            {"label": "statistic", "role": "observed", "values": shown, "dash": False},
            {"label": "threshold", "role": "event", "values": [d["threshold"] for d in days], "dash": True},
        ],
        "unit": "statistic", "exposure": exposure if any(e < 1 for e in exposure) else None, "band": None, "log": True,
        "events": [{"at": seconds(a["at"]), "label": f"alarm, {a['decided'] or 'not decided'}"} for a in alarms], "zoom": None,
    }  # fmt: skip


def count_chart(days: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What was counted of a watched signature, by day."""
    return days_chart([{"time": d["time"], "messages": d["count"], "exposure": d["exposure"]} for d in days])
