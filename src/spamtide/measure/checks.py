"""Full diagnostics of an effect, on the series alone: each a value with its answers, none of them moves the headline.

What the headline's own windows say (dates, windows), days on which nothing happened (placebo dates), series that the event cannot
have touched (placebo targets), rhythm (each weekday left out, a two-day phase), and what dead or half-dead days do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spamtide.measure.beside import Bins, fit_bins, interval_of
from spamtide.measure.enough import refusal_of
from spamtide.measure.methods import fit_default, live_days
from spamtide.measure.values import DAY_US, Check, Fact, Interval, Neighbour, Note, Series, Window

# Placebo cuts need this much history before them, and at most so many are asked.
PLACEBO_HISTORY_DAYS, MAX_PLACEBO_DATES = 28, 12


def checks_of(
    series: Series,
    cut: int,
    before: Window,
    after: Window,
    ratio: Interval,
    around: Sequence[Neighbour],
    controls: Sequence[Series],
) -> tuple[Check, ...]:
    """All of them, in the order in which a reader should look."""
    in_before = (series.starts >= before.start) & (series.starts < before.end)
    in_after = (series.starts >= after.start) & (series.starts < after.end)
    return (
        _around("date", Note("dates_check"), cut, around, ratio),
        _around("window", Note("windows_check"), cut, around, ratio),
        placebo_dates(series, in_before, after, ratio),
        placebo_targets(controls, before, after),
        weekdays(series, in_before, in_after, ratio),
        two_day_phase(series, in_before, in_after, ratio),
        outages(series, in_before, in_after, ratio),
    )


def check_rows(
    note: Note, rows: Sequence[tuple[str, Interval | None]], ratio: Interval, *, apart: bool = True
) -> Check:
    """A check that stands on other answers to the headline's question: their lowest and highest value go into the note.

    ``doubt`` where an answer lies on the other side of 1 from a headline that leaves 1 out, or, with ``apart``, where its
    interval does not meet the headline's; ``not_possible``, with a note of its own, where all were refused.
    """
    given = [r for _, r in rows if r is not None]
    if not given:
        return Check(Note("check_not_possible", {"check": _name(note)}), "not_possible", tuple(rows))
    values = [r.value for r in given]
    sides = any((v < 1) != (ratio.value < 1) for v in values) and not ratio.low <= 1 <= ratio.high
    far = apart and any(r.high < ratio.low or r.low > ratio.high for r in given)
    facts = {**note.facts, "lowest": min(values), "highest": max(values), "answers": len(given)}
    return Check(replace(note, facts=facts), "doubt" if sides or far else "quiet", tuple(rows))


def _name(note: Note) -> str:
    return note.code.removesuffix("_check").replace("_", " ")


def _around(kind: str, note: Note, cut: int, around: Sequence[Neighbour], ratio: Interval) -> Check:
    rows = []
    for n in around:
        if n.kind == kind:
            label = f"{n.before.days:.0f} days before, {n.after.days:.0f} after"
            if kind == "date":
                label = f"{round((n.cut - cut) / DAY_US):+d} d"
            rows.append((label, n.ratio))
    # A cut that is days off mixes days with and without the event: its answer is nearer to 1, and no doubt for that.
    return check_rows(note, rows, ratio, apart=False)


def placebo_dates(series: Series, in_before: Bins, after: Window, ratio: Interval) -> Check:
    """The headline's method at days before the cut on which nothing is known to have happened; their after windows do not overlap.

    Facts: ``of`` dates, ``changed`` how many leave out 1, ``larger`` how many moved at least as far as the event did.
    """
    place = np.flatnonzero(in_before)
    post = max(1, round(after.days))
    rows: list[tuple[str, Interval | None]] = []
    at = len(place) - post
    while at >= PLACEBO_HISTORY_DAYS and len(rows) < MAX_PLACEBO_DATES:
        early, late = np.zeros_like(in_before), np.zeros_like(in_before)
        early[place[:at]], late[place[at : at + post]] = True, True
        shown = None
        if refusal_of(series, early, late) is None:
            shown = interval_of(fit_bins(series, early, late))
        day = np.datetime_as_string(np.datetime64(int(series.starts[place[at]]), "us"), unit="D")
        rows.append((str(day), shown))
        at -= post
    given = [r for _, r in rows if r is not None]
    if not given:
        return Check(Note("check_not_possible", {"check": "placebo dates"}), "not_possible", tuple(rows))
    changed = sum(not r.low <= 1 <= r.high for r in given)
    larger = sum(bool(abs(np.log(r.value)) >= abs(np.log(ratio.value))) for r in given)
    doubt = changed > 0.2 * len(given) or (larger > 0 and not ratio.low <= 1 <= ratio.high)
    facts: dict[str, Fact] = {"of": len(given), "changed": changed, "larger": larger}
    return Check(Note("placebo_dates", facts), "doubt" if doubt else "quiet", tuple(rows))


def placebo_targets(others: Sequence[Series], before: Window, after: Window) -> Check:
    """The same cut on series that the event cannot have touched: a change there speaks for something else."""
    rows: list[tuple[str, Interval | None]] = []
    for other in others:
        early, late = ((other.starts >= w.start) & (other.starts < w.end) for w in (before, after))
        fits = refusal_of(other, early, late) is None
        rows.append((other.name, interval_of(fit_bins(other, early, late)) if fits else None))
    given = [r for _, r in rows if r is not None]
    if not given:
        return Check(Note("check_not_possible", {"check": "placebo targets"}), "not_possible", tuple(rows))
    changed = sum(not r.low <= 1 <= r.high for r in given)
    note = Note("placebo_targets", {"of": len(given), "changed": changed})
    return Check(note, "doubt" if changed else "quiet", tuple(rows))


def weekdays(series: Series, in_before: Bins, in_after: Bins, ratio: Interval) -> Check:
    """The headline without each weekday in turn."""
    of_bin = ((series.starts + series.bin_us // 2) // DAY_US + 3) % 7
    rows: list[tuple[str, Interval | None]] = []
    for number, name in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")):
        kept = of_bin != number
        fits = refusal_of(series, in_before & kept, in_after & kept) is None
        rows.append(
            (f"without {name}", interval_of(fit_bins(series, in_before & kept, in_after & kept)) if fits else None)
        )
    return check_rows(Note("weekdays_check"), rows, ratio)


def two_day_phase(series: Series, in_before: Bins, in_after: Bins, ratio: Interval) -> Check:
    """The headline with a factor for every second day: senders that work in two-day batches."""
    days = live_days(series, in_before, in_after)
    phase = np.where(days.day % 2 == 0, 1.0, -1.0)[:, None]
    return check_rows(Note("phase_check"), [("with a two-day phase", interval_of(fit_default(days, phase)))], ratio)


def outages(series: Series, in_before: Bins, in_after: Bins, ratio: Interval) -> Check:
    """The headline on whole days alone, and without the neighbours of dead days: an outage rarely starts on time."""
    whole = series.exposures >= 0.999
    dead = ~series.live
    beside = np.convolve(dead.astype(int), [1, 1, 1], "same") > 0
    gone = int(dead[in_before | in_after].sum())
    partial = int((series.live & ~whole & (in_before | in_after)).sum())
    rows: list[tuple[str, Interval | None]] = []
    for label, kept, applies in (
        ("whole days only", whole, partial > 0),
        ("without days beside dead ones", ~beside, gone > 0),
    ):
        if applies:
            fits = refusal_of(series, in_before & kept, in_after & kept) is None
            rows.append((label, interval_of(fit_bins(series, in_before & kept, in_after & kept)) if fits else None))
    if not rows:
        return Check(Note("no_outages"), "quiet")
    return check_rows(Note("outages_check", {"dead": gone, "partial": partial}), rows, ratio)
