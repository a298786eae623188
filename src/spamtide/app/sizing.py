"""Sizes of what was seen: sightings of a workspace, or of a CSV, made into numbers and estimated by family, country, week or feed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spamtide.errors import BrokenWorld, Unanswerable, WrongUse
from spamtide.measure import (
    DAY_US,
    Factor,
    Interval,
    Note,
    Population,
    Refusal,
    Sightings,
    Window,
    by_factor,
    estimate_population,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.app.observatory import Observatory

FAMILIES = ("IPv4", "IPv6")
WEEK_US = 7 * DAY_US
SPANS = {"day": DAY_US, "week": WEEK_US}


@dataclass(frozen=True, slots=True)
class Rows:
    """Sightings as text, n rows in order of time; an empty mark is none. ``part``: what the parts are told by: a country, a sender group."""

    at: NDArray[np.int64]
    feed: NDArray[np.object_]
    address: NDArray[np.object_]
    network: NDArray[np.object_]
    mark: NDArray[np.object_]
    part: NDArray[np.object_]

    def taken(self, kept: NDArray[np.bool_]) -> Rows:
        """Some of the rows."""
        columns = (self.feed, self.address, self.network, self.mark, self.part)
        return Rows(self.at[kept], *(c[kept] for c in columns))

    @property
    def wide(self) -> NDArray[np.bool_]:
        """Which are IPv6."""
        return np.array([":" in a for a in self.address.tolist()], dtype=bool)

    def numbered(self, family: str) -> Sightings:
        """Those of one family, as numbers."""
        rows = self.taken(self.wide if family == "IPv6" else ~self.wide)

        def numbers(values: NDArray[np.object_]) -> NDArray[np.int64]:
            if not len(values):
                return np.zeros(0, dtype=np.int64)
            return np.unique(values.astype(str), return_inverse=True)[1].astype(np.int64)

        mark = np.where(rows.mark.astype(str) == "", -1, numbers(rows.mark))
        return Sightings(rows.at, numbers(rows.address), numbers(rows.network), mark, numbers(rows.feed), family)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Populations by family, the larger first, and parts by name."""

    populations: tuple[Population, ...]
    parts: tuple[tuple[str, Population], ...]
    feeds: tuple[str, ...]

    def by_factor(self, factor: Factor) -> Sizes:
        """With the output times a factor that somebody states."""
        parts = tuple((name, by_factor(p, factor)) for name, p in self.parts)
        return replace(self, populations=tuple(by_factor(p, factor) for p in self.populations), parts=parts)


def read_factor(times: str | None, stated_by: str | None) -> Factor | None:
    """A factor as typed: ``2000000``, or ``2000000,500000,8000000`` with its bounds. Raises WrongUse ``bad_factor``."""
    if times is None and stated_by is None:
        return None
    try:
        numbers = [float(part) for part in (times or "").split(",")]
    except ValueError:
        numbers = []
    value, low, high = numbers * 3 if len(numbers) == 1 else numbers if len(numbers) == 3 else (0.0, 0.0, 0.0)
    if not 0 < low <= value <= high < float("inf"):
        raise WrongUse(
            "bad_factor", f"{times or 'nothing'} is no factor.", "Give one number above 0, or three: value,low,high, as --factor 2e6,5e5,8e6."
        )  # fmt: skip
    if not (stated_by or "").strip():
        raise WrongUse(
            "bad_factor", "Nobody is named who states this factor.", 'Say who: --factor-by "Lab N, report of 2011".'
        )
    return Factor(Interval(value, low, high), " ".join((stated_by or "").split()))


def sizes_of_file(path: Path, *, window: Window | None = None, by: str | None = None) -> Sizes:
    """Sizes of a CSV of sightings; no workspace is needed. Raises BadCounts, BrokenWorld ``unreadable``, WrongUse ``no_countries``."""
    from spamtide.capture import read_sightings

    try:
        found = read_sightings(path)
    except OSError as error:
        raise BrokenWorld(
            "unreadable", f"{path} cannot be read: {error.strerror or error}.", "Check the path and its permissions."
        ) from None
    rows = Rows(
        np.array([s.at for s in found], dtype=np.int64),
        *(
            np.array([getattr(s, n) for s in found], dtype=object)
            for n in ("feed", "address", "network", "mark", "feed")
        ),
    )
    if not len(rows.at):
        raise Unanswerable("no_data", "There is no sighting in this file.", "Give rows of time,feed,address,network.")
    whole = window or _days(int(rows.at[0]), int(rows.at[-1]) + 1)
    return _sizes(rows, whole, by, None)


def sizes_of_workspace(
    observatory: Observatory, measure: str, feeds: Sequence[str], *, window: Window | None = None, by: str | None = None
) -> Sizes:
    """Sizes of who sent what a target of watches names (``botnet:G``, ``dialect:D``, any MEASURE), by default in its last seven days.

    Raises WrongUse ``unknown_feed``, ``no_countries``, and as ``check_target``.
    """
    from spamtide.app.watching.targets import check_target, seen

    target = check_target(observatory, measure, feeds)
    # The last seven days begin at midnight: eight hold them.
    table = seen(observatory, target, window, lately_us=None if window is not None else WEEK_US + DAY_US)
    if not table.num_rows:
        raise Unanswerable("no_data", f"Nothing was seen of {measure}.", "Ask for another window, feed or target.")
    helo, path = table["helo"].to_pylist(), table["dialect_path"].to_pylist()
    marks = [f"{h.lower()} {p or ''}" if h else "" for h, p in zip(helo, path, strict=True)]
    parts = _labels(observatory, table, by)
    columns = (table["feed"].to_pylist(), table["peer_unit"].to_pylist(), table["network"].to_pylist(), marks, parts)
    rows = Rows(
        table["received_at"].to_numpy(), *(np.array([v or "" for v in values], dtype=object) for values in columns)
    )
    rows = rows.taken(rows.address.astype(str) != "")
    whole = window or _last_week(int(table["received_at"][-1].as_py()) + 1)
    peers = observatory.series("peers", target.feeds, anchor=whole.start, window=whole)
    hidden = peers.missing & (peers.exposures > 0)
    if len(hidden) and hidden.mean() > 0.5:
        return Sizes((_unreliable(whole, len(rows.at), int(hidden.sum()), len(hidden)),), (), target.feeds)
    live = np.where(hidden, 0.0, peers.exposures)
    rows = _without_days(rows, whole, hidden)
    found = _sizes(rows, whole, by, live)
    notes = peers.warnings
    return Sizes(tuple(_noted(p, notes) for p in found.populations), found.parts, target.feeds)


def _labels(observatory: Observatory, table: pa.Table, by: str | None) -> list[str]:
    """What each row's part is, by country or sender group; its feed otherwise. Raises WrongUse ``no_countries``."""
    if by == "group":
        from spamtide.app.sendershares import settled_groups

        return [str(g) for g in settled_groups(observatory, None)[1](table).tolist()]
    if by != "country":
        return [str(f) for f in table["feed"].to_pylist()]
    networks = observatory.workspace.networks
    if networks.table is None:
        raise WrongUse(
            "no_countries", "Countries need a table of networks, and there is none.", "docs/howto/networks.md shows how to name one."
        )  # fmt: skip
    units = table["peer_unit"].to_pylist()
    known = {u: networks.of(u) for u in set(units)}
    return [(n.country if (n := known[u]) is not None else None) or "unknown" for u in units]


def _sizes(rows: Rows, window: Window, by: str | None, live: NDArray[np.float64] | None) -> Sizes:
    """IPv4 and IPv6 apart, the one that more was seen of first."""
    inside = rows.taken((rows.at >= window.start) & (rows.at < window.end))
    wide = inside.wide
    families = [f for f in FAMILIES if (wide if f == "IPv6" else ~wide).any()] or ["IPv4"]
    families.sort(key=lambda f: -int((wide if f == "IPv6" else ~wide).sum()))
    populations = tuple(estimate_population(inside.numbered(f), window, live) for f in families)
    parts = tuple(
        (name, estimate_population(part.numbered(families[0]), span, exposure))
        for name, part, span, exposure in _parts(inside, window, by, live)
    )
    return Sizes(populations, parts, tuple(sorted(set(inside.feed.tolist()))))


def _parts(
    rows: Rows, window: Window, by: str | None, live: NDArray[np.float64] | None
) -> Iterator[tuple[str, Rows, Window, NDArray[np.float64] | None]]:
    """Whole spans of time in order, or parts by what their rows are labelled."""
    if by in SPANS:
        length = SPANS[by]
        days = length // DAY_US
        for number in range(int((window.end - window.start) // length)):
            span = Window(window.start + number * length, window.start + (number + 1) * length)
            part = rows.taken((rows.at >= span.start) & (rows.at < span.end))
            exposure = None if live is None else live[number * days : (number + 1) * days]
            yield f"{by} {number + 1}", part, span, exposure
    elif by is not None:
        for name in sorted(set(rows.part.tolist())):
            yield str(name), rows.taken(rows.part == name), window, live


def _without_days(rows: Rows, window: Window, hidden: NDArray[np.bool_]) -> Rows:
    """The rows of days on which peers are who sent."""
    day = np.clip((rows.at - window.start) // DAY_US, 0, max(len(hidden) - 1, 0))
    return rows.taken(~hidden[day]) if len(hidden) else rows


def _unreliable(window: Window, sightings: int, days: int, of: int) -> Population:
    refused = Refusal("peer_unreliable", {"live_days": 7}, {"live_days": of - days})
    return Population(
        window, "IPv4", sightings, (), refused, None, None, False, (Note("peer_unreliable", {"bins": days, "of": of}),)
    )


def _noted(population: Population, notes: Sequence[Note]) -> Population:
    return replace(population, warnings=(*notes, *population.warnings))


def _days(first: int, last: int) -> Window:
    """Whole UTC days around two instants."""
    return Window(first // DAY_US * DAY_US, -(-last // DAY_US) * DAY_US)


def _last_week(end: int) -> Window:
    until = -(-end // DAY_US) * DAY_US
    return Window(until - WEEK_US, until)
