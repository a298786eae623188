"""Unknown changes in every series of a feed, or of a CSV of counts, and what lies near them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spamtide.app.given import read_series
from spamtide.app.partseries import Cells, cells_of, series_of_parts, written
from spamtide.app.zones import day_anchor
from spamtide.capture import CountOptions
from spamtide.errors import WrongUse
from spamtide.event import Registry, load_registry
from spamtide.measure import (
    DAY_US,
    RATE,
    Change,
    Changes,
    Contributions,
    Count,
    Series,
    Window,
    decompose,
    find_changes,
    parse_measure,
    rebinned,
)
from spamtide.message import ORIGINS

if TYPE_CHECKING:
    from spamtide.app.observatory import Observatory

# What series of a feed are looked at, and how many campaigns, languages, dialects, sender groups of each.
LOOKED_AT = ("volume", "topic", "language", "origin", "campaign", "dialect", "botnet")
# Asked for by name: it needs a table of networks.
BY_NAME = ("country",)
MOST = 20
# A registered event this near explains, perhaps; the days to each side over which campaigns are compared; how many are named.
EVENT_DAYS, COMPARED_DAYS, NAMED = 14, 28, 5


@dataclass(frozen=True, slots=True)
class Nearby:
    """What may explain a change: registered events by id with the days from the change's instant, campaigns, other series."""

    events: tuple[tuple[str, str, float], ...]
    campaigns: Contributions | None
    series: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Discovery:
    """Changes of a feed (or of a file, ``feed`` None), each with what lies near it."""

    feed: str | None
    window: Window
    found: Changes
    nearby: tuple[Nearby, ...]


def changes_of_file(
    path: Path, *, rate: float = RATE, options: CountOptions | None = None, zone: str | None = None
) -> Discovery:
    """Changes in the series of a CSV of counts; hours are gathered into days of ``zone``, UTC without one.

    Raises as ``read_series``, WrongUse ``bad_zone``, ``usage`` for a zone of counts that are by day already.
    """
    read = read_series(path, options)
    if zone is not None and all(series.bin_us == DAY_US for series in read.values()):
        raise WrongUse("usage", "These counts are by day already: no zone can part them anew.", "Leave --zone out.")
    first = min(int(series.starts[0]) for series in read.values())
    anchor = 0 if zone is None else day_anchor(zone, first)
    given = {
        name: series if series.bin_us == DAY_US else rebinned(series, DAY_US, anchor) for name, series in read.items()
    }
    found = find_changes(given, rate=rate)
    return Discovery(None, _window(next(iter(given.values()))), found, _nearby(load_registry(), found, {}))


def changes_of_feed(
    observatory: Observatory,
    feeds: Sequence[str],
    *,
    measures: Sequence[str] = (),
    of: Sequence[str] = LOOKED_AT,
    most: int = MOST,
    window: Window | None = None,
    origins: Sequence[str] = ("unsolicited",),
    rate: float = RATE,
    zone: str | None = None,
) -> Discovery:
    """Changes in ``measures`` of a feed, or without them in the series of every kind in ``of``, the ``most`` largest of each.

    ``zone``: whose days are counted, UTC's without one. Raises WrongUse ``unknown_feed``, ``bad_zone``, ``no_countries``, BadMeasure, Unanswerable ``no_data``.
    """
    from spamtide.app.registry import workspace_registry

    if len(feeds) == 1 and observatory.holds_counts(feeds[0]):
        raise WrongUse(
            "counts_only", f"The feed {feeds[0]} holds counts; its series are those of its file.", "Give --series FILE.csv."
        )  # fmt: skip
    how: Any = {"window": window, "origins": origins}
    volume = observatory.series("volume", feeds, **how)
    if zone is not None:
        how["anchor"] = day_anchor(zone, int(volume.starts[0]))
        volume = observatory.series("volume", feeds, **how)
    series: dict[str, Series] = {}
    cells: dict[str, Cells] = {}
    if measures:
        for measure in measures:
            parsed = parse_measure(measure)
            if not isinstance(parsed, Count):
                raise WrongUse("usage", f"{measure} is a share; changes are of counts.", "Ask 'spamtide duplicates'.")
            series[str(parsed)] = observatory.series(measure, feeds, **how)
            cells[str(parsed)] = cells_of(
                observatory, volume, ["campaign"], tree=observatory.counted(measure).tree, origins=origins
            )
    else:
        series, cells = _all(observatory, volume, of, most, origins)
    found = find_changes(series, rate=rate)
    near = _nearby(workspace_registry(observatory.workspace), found, {k: (series[k], c) for k, c in cells.items()})
    return Discovery(volume.name, _window(volume), found, near)


def _all(
    observatory: Observatory, volume: Series, of: Sequence[str], most: int, origins: Sequence[str]
) -> tuple[dict[str, Series], dict[str, Cells]]:
    """The series of each kind, and of each the cells by campaign that it is made of."""
    kinds = [kind for kind in of if kind not in ("volume", "origin", *BY_NAME)]
    whole = cells_of(observatory, volume, list(dict.fromkeys([*kinds, "campaign"])), origins=origins)
    series, cells = ({"volume": volume}, {"volume": whole}) if "volume" in of else ({}, {})
    for kind in kinds:
        for name, one in series_of_parts(volume, whole, kind, most).items():
            series[name] = one
            if kind != "campaign":
                mine = np.array([written(kind, v) == name for v in whole.values[kind].tolist()], dtype=bool)
                values = {"campaign": whole.values["campaign"][mine]}
                cells[name] = Cells(whole.bins[mine], whole.counts[mine], values)
    for kind in set(of) & set(BY_NAME):
        # By peer there are nearly as many cells as messages: apart, and without campaigns.
        series |= series_of_parts(volume, cells_of(observatory, volume, [kind], origins=origins), kind, most)
    if "origin" in of:
        by_origin = cells_of(observatory, volume, ["origin"], origins=ORIGINS)
        unsolicited = {written("origin", o) for o in origins}
        found = series_of_parts(volume, by_origin, "origin", most)
        series |= {name: one for name, one in found.items() if name not in unsolicited}
    return series, cells


def _window(series: Series) -> Window:
    return Window(int(series.starts[0]), int(series.starts[-1]) + series.bin_us)


def _nearby(registry: Registry, found: Changes, cells: Mapping[str, tuple[Series, Cells]]) -> tuple[Nearby, ...]:
    """What lies near each change, in their order."""
    return tuple(
        Nearby(_events(registry, change), _campaigns(change, cells), _at_the_same_time(change, found))
        for change in found.changes
    )


def _events(registry: Registry, change: Change) -> tuple[tuple[str, str, float], ...]:
    reach = EVENT_DAYS * DAY_US
    near = [
        (event.id, event.title, (event.started_at - change.at.value) / DAY_US)
        for event in registry.events
        if change.at.low - reach <= event.started_at <= change.at.high + reach
    ]
    return tuple(sorted(near, key=lambda e: (abs(e[2]), e[0])))


def _campaigns(change: Change, cells: Mapping[str, tuple[Series, Cells]]) -> Contributions | None:
    """The campaigns that moved most from the days before the change to those after it; the bin of the change itself is in neither."""
    if change.series not in cells:
        return None
    series, own = cells[change.series]
    low, high = int(change.at.low), int(change.at.high)
    before = Window(max(change.before.start, low - COMPARED_DAYS * DAY_US), low)
    after = Window(high, min(change.after.end, high + COMPARED_DAYS * DAY_US))
    parts = own.parts("campaign", len(series.starts))
    said = decompose(series, parts, before, after, by="campaign", most=NAMED)
    return said if isinstance(said, Contributions) else None


def _at_the_same_time(change: Change, found: Changes) -> tuple[str, ...]:
    others = [
        c.series
        for c in found.changes
        if c.series != change.series and c.at.low <= change.at.high and change.at.low <= c.at.high
    ]
    return tuple(dict.fromkeys(others))
