"""*Series*: any measure by time, with its exposure, the events that fall into it, and two windows side by side."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from spamtide.app.instants import format_instant, parse_window
from spamtide.app.observatory import BINS, UNSOLICITED
from spamtide.app.searching import networks_behind
from spamtide.app.serving.asking import Asker
from spamtide.app.serving.params import Params
from spamtide.app.serving.values import How, Page, PageValue, Taken
from spamtide.errors import Unanswerable, WrongUse
from spamtide.report import series_document, series_sentence

if TYPE_CHECKING:
    from spamtide.measure import Series, Window

# Feeds drawn apart; what more there are is one line.
LINES = 5
EVENTS = 12
_MONDAY = 4


def show_series(asker: Asker, params: Params) -> PageValue:
    """A measure by hour, day or week over a window, or over all that the feeds have."""
    from spamtide.measure import span

    asked = params.get("measure", "volume")
    feeds = asker.workspace.require_feeds(list(params.feeds))
    origins = params.origins(UNSOLICITED)
    covered = span([e for feed in feeds for e in _exposures(asker, feed)])
    window = params.window or (None if covered is None else _whole(*covered))
    if window is None:
        raise Unanswerable("no_data", "There is nothing in these feeds yet.", "Run 'spamtide import PATH --feed NAME'.")
    by = params.get("by") or _usual(window)
    if by not in BINS:
        raise WrongUse("bad_bin", f"{by!r} is no bin.", f"Bins: {', '.join(BINS)}.", given=by)
    measure = narrowed(asked, params)
    how: dict[str, Any] = {"bin_us": BINS[by], "origins": origins}
    windows = [_aligned(window, by)]
    if params.get("compare"):
        windows.append(_aligned(parse_window(params.get("compare")), by))
    groups = [[feed] for feed in feeds] if params.get("split") == "feed" and len(feeds) > 1 else [feeds]
    rows: list[dict[str, Any]] = []
    found = [[asker.observatory.series(measure, g, window=w, **how) for g in groups] for w in windows]
    for series in found[0] if len(groups) <= LINES else _gathered(found[0]):
        name = str(measure) if len(groups) == 1 else series.name
        rows += [{"series": name, **row} for row in series_document(series)["rows"]]
    compared = (
        [{"series": str(measure), **row} for s in found[1] for row in series_document(s)["rows"]]
        if len(found) > 1
        else []
    )
    first = found[0][0]
    document = series_document(first)
    total = float(sum(float(s.counts[~s.missing].sum()) for s in found[0]))
    facts = {
        "measure": document["measure"], "asked": asked, "unit": first.unit, "by": by, "feeds": feeds,
        "origins": list(origins), "exposure_unit": "share of bin", "exposure_basis": first.basis,
        "window": _pair(windows[0]), "compare": _pair(windows[1]) if compared else None,
        "total": None if first.unit == "share" else total,
        "windows": [_summary(w, group) for w, group in zip(windows, found, strict=True)],
        "rows": rows, "compare_rows": compared, "events": _events(asker, windows[0]),
        "networks": networks_behind(asker.workspace, measure),
    }  # fmt: skip
    command = f"spamtide series {shlex.quote(measure)} --feed {','.join(feeds)} --by {by}"
    return PageValue(
        title=f"Series: {asked}",
        sentence=series_sentence(asked, feeds, total, first.unit, rows),
        facts=facts,
        warnings=document["warnings"],
        how=How(
            definition=(
                "The count of each bin, beside the share of the bin in which the feed would have accepted mail. A bin without exposure is "
                "unknown, never zero. A rate is the count over the live time."
            ),
            method=(
                "Windows are widened to whole bins, weeks from Monday. Bins of feeds whose exposure nobody stated count as live from the "
                "first to the last arrival. The lowest and the highest bin are a range seen, not an interval: 'spamtide effect' gives one."
            ),
            command=command + ("" if origins == UNSOLICITED else f" --origin {','.join(origins) or 'all'}"),
            query=measure,
            files=("message", *(("campaign_member",) if "campaign:" in measure or "near" in measure else ())),
        ),
        table="rows",
        columns=("time", "series", "count", "exposure"),
    )


def narrowed(asked: str, params: Params) -> str:
    """The measure with the filters of network and country in it. Raises BadMeasure, WrongUse ``filter_not_possible``."""
    from spamtide.measure import Count, Share, count_within, parse_measure

    measure = parse_measure(asked)
    if not params.narrowed:
        return str(measure)
    filters = params.tree(window=False)
    if isinstance(measure, Count) and not measure.peers:
        return str(count_within(measure, filters))
    if isinstance(measure, Share):
        return str(
            replace(measure, part=count_within(measure.part, filters), whole=count_within(measure.whole, filters))
        )
    raise WrongUse(
        "filter_not_possible", f"{asked} cannot be narrowed to a network or a country.",
        "Clear these filters, or ask for messages:QUERY.", measure=asked,
    )  # fmt: skip


def _exposures(asker: Asker, feed: str) -> Any:
    from spamtide.app.serving.pages.now import exposures_of

    return exposures_of(asker, feed)


def _whole(start: int, end: int) -> Window:
    from spamtide.measure import Window

    return Window(start, end)


def _usual(window: Window) -> str:
    return "hour" if window.days <= 4 else "day" if window.days <= 1100 else "week"


def _aligned(window: Window, by: str) -> Window:
    from spamtide.measure import DAY_US, Window

    size = BINS[by]
    anchor = _MONDAY * DAY_US if by == "week" else 0
    start = anchor + (window.start - anchor) // size * size
    end = anchor - (anchor - window.end) // size * size
    if (end - start) // size > 20_000:
        raise WrongUse("too_many_bins", "That are more than 20,000 bins.", "Ask for longer bins or a shorter window.")
    return Window(start, end)


def _pair(window: Window) -> dict[str, str]:
    return {"start": format_instant(window.start), "end": format_instant(window.end)}


def _gathered(series: Sequence[Series]) -> list[Series]:
    """The largest, and the rest as one."""
    import numpy as np

    ranked = sorted(series, key=lambda s: (-float(s.counts.sum()), s.name))
    kept, rest = ranked[: LINES - 1], ranked[LINES - 1 :]
    other = replace(
        rest[0], name="other", counts=np.sum([s.counts for s in rest], axis=0),
        exposures=np.max([s.exposures for s in rest], axis=0),
        missing=np.all([s.missing for s in rest], axis=0),
    )  # fmt: skip
    return [*kept, other]


def _summary(window: Window, group: Sequence[Series]) -> dict[str, Any]:
    """A window in a line: counted, live days, and the lowest and highest rate of its bins with a quarter of exposure or more."""
    first = group[0]
    live = first.live
    days = float((first.exposures * first.bin_us)[~first.missing].sum()) / 86_400_000_000
    enough = live & (first.exposures >= 0.25)
    rates = (sum(s.counts for s in group) / first.exposures.clip(1e-9))[enough]
    count = float(sum(float(s.counts[~s.missing].sum()) for s in group))
    shown = {"low": float(f"{rates.min():.6g}"), "high": float(f"{rates.max():.6g}")} if len(rates) else None
    return {
        **_pair(window), "count": count if first.unit != "share" else None, "live_days": float(f"{days:.6g}"),
        "a_live_day": float(f"{count / days:.6g}") if days and first.unit != "share" else None,
        "bins": len(first.starts), "bins_range": shown,
    }  # fmt: skip


def _events(asker: Asker, window: Window) -> list[dict[str, str]]:
    from spamtide.app.registry import workspace_registry

    registry = asker.kept("registry", lambda: workspace_registry(asker.workspace))
    inside = [e for e in registry.events if window.start <= e.started_at < window.end]
    inside.sort(key=lambda e: (e.pseudo, e.started_at))
    shown = sorted(inside[:EVENTS], key=lambda e: e.started_at)
    return [{"event": e.id, "title": e.title, "at": format_instant(e.started_at)} for e in shown]


PAGES = (
    Page(
        "series", "/series", "Series", show_series, "series.html", nav="Series",
        meaning="Any measure by time with its exposure, events annotated, two windows side by side.",
        takes=(
            Taken("measure", "what to count; docs/reference/query.md lists the measures", example="subject:viagra,cialis"),
            Taken("by", "the bin; by the length of the window where it is not said", ("hour", "day", "week")),
            Taken("compare", "a second window, START/END", example="2011-03-16/2011-03-22"),
            Taken("split", "feed: one line a feed", ("feed",)),
        ),
    ),
)  # fmt: skip
