"""Counts that somebody else made: a CSV's rows become series on one grid, in the bins they came in.

Daily counts keep their days; the one that straddles the cut is in neither window. Shorter bins are gathered into
24-hour days that end or start at the edge of the straddling bin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spamtide.errors import WrongUse
from spamtide.measure.beside import INSTANTS, at_cut
from spamtide.measure.checks import check_rows
from spamtide.measure.cuts import Cut
from spamtide.measure.displacement import added
from spamtide.measure.effect import default_windows, estimate_effect
from spamtide.measure.months import MONTH_US, effect_of_months, month_numbers
from spamtide.measure.values import DAY_US, HOUR_US, Check, Effect, Interval, Note, Series, Window

# One row: start of the bin, name of the series, count (None: missing), exposure as a share of the bin.
Row = tuple[int, str, float | None, float]


class BadGivenSeries(WrongUse):
    """Given counts that cannot be read as series on one grid, or a name that is not among them."""


def given_series(rows: Sequence[Row], *, basis: str = "declared", months: bool = False) -> dict[str, Series]:
    """Series by name, all on the grid of the shortest step in ``rows``; a bin without a row is missing.

    ``months``: times that are all the first of a month are bins of calendar months. Raises BadGivenSeries ``uneven_bins`` when times
    do not lie on one grid or bins are longer than a day.
    """
    times = np.array(sorted({r[0] for r in rows}), dtype=np.int64)
    if months and (numbers := month_numbers(times)) is not None:
        every = np.arange(numbers[0], numbers[-1] + 1).astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
        return _laid(rows, every, np.searchsorted(every, times), times, MONTH_US, basis)
    bin_us = int(np.diff(times).min()) if len(times) > 1 else DAY_US
    if bin_us > DAY_US or DAY_US % bin_us or ((times - times[0]) % bin_us).any():
        hint = " Counts by month are asked with --method quasi-poisson." if month_numbers(times) is not None else ""
        raise BadGivenSeries("uneven_bins", f"The times do not lie on one grid of days, hours or other equal parts of a day{_off(times)}.", f"Give one row a bin, all in one zone; leave the count empty where it is missing.{hint}")  # fmt: skip
    starts = np.arange(times[0], times[-1] + bin_us, bin_us, dtype=np.int64)
    return _laid(rows, starts, (times - times[0]) // bin_us, times, bin_us, basis)


def _laid(
    rows: Sequence[Row],
    starts: NDArray[np.int64],
    places: NDArray[np.int64],
    times: NDArray[np.int64],
    bin_us: int,
    basis: str,
) -> dict[str, Series]:
    """Rows laid on the bins that begin at ``starts``; ``places``: of each of the ``times`` there are."""
    place = dict(zip(times.tolist(), places.tolist(), strict=True))
    found: dict[str, Series] = {}
    for name in dict.fromkeys(r[1] for r in rows):
        counts, exposures = np.zeros(len(starts)), np.zeros(len(starts))
        missing = np.ones(len(starts), dtype=bool)
        for start, of, count, exposure in rows:
            if of == name:
                i = place[start]
                counts[i], exposures[i], missing[i] = count or 0.0, exposure, count is None
        found[name] = Series(name, name, "message", bin_us, starts, counts, exposures, missing, basis)
    return found


def _off(times: NDArray[np.int64]) -> str:
    """The usual step and the first time that does not keep it, in words."""
    steps = np.diff(times)
    usual = int(np.median(steps))
    odd = np.flatnonzero(steps % usual)
    text = f": most follow by {usual / HOUR_US:g} hours"
    if not len(odd):
        return f"{text}, and a bin is at most a day"
    wrong = np.datetime_as_string(np.datetime64(int(times[odd[0] + 1]), "us"), unit="s")
    return f"{text}, {wrong}Z follows by {steps[odd[0]] / HOUR_US:g}"


def series_named(series: dict[str, Series], measure: str) -> Series:
    """The one that a measure means: of its name, or for ``volume`` the only one there is.

    Raises BadGivenSeries ``unknown_series``.
    """
    if measure in series:
        return series[measure]
    if measure == "volume" and len(series) == 1:
        return next(iter(series.values()))
    raise BadGivenSeries(
        "unknown_series", f"There is no series {measure!r} in these counts.", f"There are: {', '.join(series)}."
    )


def rebinned(series: Series, bin_us: int, anchor: int) -> Series:
    """In bins of ``bin_us`` that start at ``anchor`` plus multiples: counts of live bins added, exposure likewise.

    Raises BadGivenSeries ``coarse_counts`` where a given bin does not lie within one of those asked for.
    """
    bins = (series.starts - anchor) // bin_us
    if (bins != (series.starts + series.bin_us - 1 - anchor) // bin_us).any():
        raise BadGivenSeries(
            "coarse_counts", "These counts came in bins that do not fit into those asked for.",
            "Ask --by day, or give counts in shorter bins.",
        )  # fmt: skip
    numbers = np.arange(bins[0], bins[-1] + 1)
    place = bins - bins[0]
    counts, exposures, known = np.zeros(len(numbers)), np.zeros(len(numbers)), np.zeros(len(numbers), dtype=bool)
    np.add.at(counts, place[series.live], series.counts[series.live])
    np.add.at(exposures, place[series.live], series.exposures[series.live] * series.bin_us / bin_us)
    known[place[~series.missing]] = True
    starts = (anchor + numbers * bin_us).astype(np.int64)
    return replace(series, bin_us=bin_us, starts=starts, counts=counts, exposures=exposures, missing=~known)


def straddling(series: Series, start: int, end: int) -> Window | None:
    """The bins that the cut may lie in (``start`` to ``end``, equal when it is exact); None for an exact cut at an edge."""
    first, bin_us = int(series.starts[0]), series.bin_us
    low = first + (start - first) // bin_us * bin_us
    high = first - (first - end) // bin_us * bin_us
    return Window(low, high) if high > low else None


def _gathered(series: Series, edges: tuple[int, int]) -> Series:
    """In 24-hour days: back from the first edge, on from the second. A day that lacks bins has that much less exposure."""
    if series.bin_us == DAY_US:
        return series
    end_before, start_after = edges
    side = np.where(series.starts < end_before, 0, 1)
    day = np.where(
        side == 0, -((end_before - series.starts - 1) // DAY_US) - 1, (series.starts - start_after) // DAY_US
    )
    inside = (series.starts < end_before) | (series.starts >= start_after)
    live = series.live & inside
    numbers = np.arange(day[inside].min(), day[inside].max() + 1)
    starts = np.where(numbers < 0, end_before + numbers * DAY_US, start_after + numbers * DAY_US)
    position = day - numbers[0]
    counts, exposures = np.zeros(len(numbers)), np.zeros(len(numbers))
    known = np.zeros(len(numbers), dtype=bool)
    np.add.at(counts, position[live], series.counts[live])
    np.add.at(exposures, position[live], series.exposures[live] * series.bin_us / DAY_US)
    known[position[inside & ~series.missing]] = True
    return Series(
        series.name, series.measure, series.unit, DAY_US, starts.astype(np.int64), counts, exposures, ~known, series.basis
    )  # fmt: skip


def effect_of_given(
    series: dict[str, Series],
    cut: Cut | int,
    *,
    target: str | None = None,
    controls: Sequence[str] | None = None,
    before: Window | None = None,
    after: Window | None = None,
    also_at: Sequence[int] = (),
    diagnostics: str = "standard",
    method: str = "latent-ar1",
    shape: str = "averaged",
    net: bool = False,
    per: str | None = None,
    harmonics: int = 2,
    doses: Mapping[str, float] | None = None,
) -> Effect:
    """The effect at ``cut``, an instant or what is known of it, on the series named ``target`` (None: the only one that is no control).

    ``controls`` None means every other series of the file; they enter a second opinion, never the headline.
    ``per``: a series whose share of its largest value is the exposure of each bin, a population. ``harmonics``: of the year, for counts by month.
    ``doses``: series that are parts of the mail, with the target's share of each before the cut. ``net``: the controls together are all else, for the table of direct, displacement and net.
    Raises BadGivenSeries ``unknown_series`` or ``which_series``.
    """
    cut = Cut.exact(cut) if isinstance(cut, int) else cut
    for name in [n for n in (target, per, *(controls or ()), *(doses or {})) if n is not None]:
        if name not in series:
            raise BadGivenSeries(
                "unknown_series", f"There is no series {name!r} in these counts.", f"There are: {', '.join(series)}."
            )
    shares = doses or {}
    left = [n for n in series if n not in (controls or ()) and n not in shares and n != per]
    if target is None:
        if len(left) != 1:
            raise BadGivenSeries(
                "which_series", f"These counts hold {len(series)} series.", f"Say --target: {', '.join(series)}."
            )
        target = left[0]
    others = [n for n in series if n not in (target, per) and n not in shares]
    names = others if controls is None else [n for n in controls if n != target]
    raw = series[target] if per is None else _shared_out(series[target], series[per])
    if raw.bin_us > DAY_US:
        return effect_of_months(raw, cut, target=target, harmonics=harmonics, before=before, after=after)
    hole = straddling(raw, *cut.touched)
    edges = (hole.start, hole.end) if hole is not None else (cut.at, cut.at)
    whole = _gathered(raw, edges)
    live = np.flatnonzero(raw.live)
    first = int(raw.starts[live[0]]) if len(live) else edges[0]
    last = int(raw.starts[live[-1]]) + raw.bin_us if len(live) else edges[1]
    usual = default_windows(edges[0], first, last, cut.earlier_end, cut.next_start)
    b = before or usual[0]
    a = after or Window(edges[1], max(edges[1], usual[1].end))
    notes = list(cut.notes)
    if before is not None or after is not None:
        notes.append(Note("window_chosen"))
    beside = [_gathered(series[n], edges) for n in names]
    value = estimate_effect(
        whole, cut.at, before=b, after=a, target=target, event=cut.event, excluded=[hole] if hole is not None else [],
        also_at=also_at, warnings=notes, competing=cut.competing, diagnostics=diagnostics, population="as given",
        controls=beside, method=method, shape=shape, rest=added(beside, "all else") if net and beside else None,
        # Every other series is a control by default, but none of them was said to be out of the event's reach.
        placebos=[] if controls is None else beside, doses=[(share, _gathered(series[n], edges)) for n, share in shares.items()],
        rivals=_rivals(series, edges, notes),
    )  # fmt: skip
    if diagnostics == "full" and value.ratio is not None and raw.bin_us < DAY_US:
        return replace(value, checks=(*value.checks, _instants(raw, cut.at, b, a, value.ratio)))
    return value


def _shared_out(series: Series, population: Series) -> Series:
    """With the exposure of each bin times its share of the largest population; without one a bin is missing."""
    largest = float(population.counts[~population.missing].max(initial=0.0))
    if largest <= 0:
        raise BadGivenSeries(
            "no_population", f"The series {population.name!r} is nowhere above zero.", "Name another with --per."
        )
    unknown = population.missing | (population.counts <= 0)
    return replace(series, exposures=series.exposures * population.counts / largest, missing=series.missing | unknown)


def _rivals(series: dict[str, Series], edges: tuple[int, int], notes: Sequence[Note]) -> dict[str, Series]:
    """By competing event the series that has the name of its target."""
    events = {str(n.facts["event"]): str(n.facts.get("target")) for n in notes if n.code == "competing_event"}
    return {event: _gathered(series[target], edges) for event, target in events.items() if target in series}


def _instants(raw: Series, cut: int, before: Window, after: Window, ratio: Interval) -> Check:
    """The headline with the cut moved by hours: what the instant within the day does."""
    rows: list[tuple[str, Interval | None]] = []
    for hours in INSTANTS:
        at = cut + hours * HOUR_US
        hole = straddling(raw, at, at)
        edges = (hole.start, hole.end) if hole is not None else (at, at)
        windows = Window(before.start, edges[0]), Window(edges[1], after.end)
        found = at_cut(_gathered(raw, edges), edges[1], *windows)
        rows.append((f"{hours:+d} h", found if isinstance(found, Interval) else None))
    return check_rows(Note("instants_check"), rows, ratio, apart=False)
