"""How low a signature's rate has fallen: its rate while active, and the upper bound of what it is now.

*Silent since T*: the upper 95 % bound of the rate since T is below 5 % of the rate in the 28 live days before T, over at least 7
live days. Zero hits: bound 3 / (n_eff r), n_eff being live days over the design effect of two-day blocks, r the lower bound of the
signature's recall. Rates are messages in a live day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spamtide.measure import DAY_US, HOUR_US, Series, Window
from spamtide.watch.values import BadWatch, Hour

SILENT_SHARE = 0.05
SILENT_DAYS = 7
ACTIVE_DAYS = 28


@dataclass(frozen=True, slots=True)
class Rates:
    """``window``: where the rate while active was read; ``active_rate`` None where fewer than seven live days of it are known, or no hit.

    ``live_days`` and ``hits`` since T (the last seven days where there is no T). ``upper_bound``: of the rate then, as a share of
    the active rate. ``effect``: the design effect it was widened by.
    """

    window: Window | None
    active_rate: float | None
    live_days: float
    hits: float
    upper_bound: float | None
    effect: float
    recall: float

    @property
    def silent(self) -> bool:
        """Whether the rule above holds."""
        return self.upper_bound is not None and self.upper_bound < SILENT_SHARE and self.live_days >= SILENT_DAYS

    @property
    def active_per_hour(self) -> float | None:
        """The active rate in a live hour."""
        return None if self.active_rate is None else self.active_rate / 24


def hours_of(series: Series, window: Window | None = None) -> list[Hour]:
    """The hours of an hourly series that lie wholly in ``window``. Raises BadWatch ``not_hourly``."""
    if series.bin_us != HOUR_US:
        raise BadWatch(
            "not_hourly", "An alarm steps by the hour, and these counts come in other bins.", "Give one row an hour."
        )
    rows = zip(series.starts, series.counts, series.exposures, series.missing, strict=True)
    hours = [Hour(int(t), None if m else float(c), float(e)) for t, c, e, m in rows]
    return hours if window is None else within(hours, window)


def within(hours: Sequence[Hour], window: Window) -> list[Hour]:
    """Hours that lie wholly in a window."""
    return [h for h in hours if window.start <= h.start and h.start + HOUR_US <= window.end]


def tally(hours: Sequence[Hour]) -> tuple[float, float]:
    """Live days and hits of some hours."""
    live = [h for h in hours if h.live]
    return sum(h.exposure for h in live) / 24, sum(h.count or 0.0 for h in live)


def active_window(hours: Sequence[Hour], until: int) -> Window | None:
    """The 28 live days before ``until``, or those there are; None where there are fewer than seven."""
    live, start = 0.0, None
    for hour in reversed(hours):
        if hour.start + HOUR_US <= until and hour.live:
            live, start = live + hour.exposure, hour.start
            if live >= ACTIVE_DAYS * 24 * (1 - 1e-9):
                break
    return Window(start, until) if start is not None and live >= SILENT_DAYS * 24 * (1 - 1e-9) else None


def design_effect(hours: Sequence[Hour], share: float = SILENT_SHARE) -> float:
    """Variance of two-day blocks over Poisson's, as it would be at ``share`` of their rate; 1 where they vary no more than chance.

    What makes days differ is taken to multiply the rate: of the variance beyond chance, relative to the mean, ``share`` is left.
    """
    blocks: dict[int, list[float]] = {}
    for hour in hours:
        if hour.live:
            block = blocks.setdefault(hour.start // (2 * DAY_US), [0.0, 0.0])
            block[0] += hour.count or 0.0
            block[1] += hour.exposure
    counts, live = np.array(list(blocks.values()), dtype=np.float64).reshape(-1, 2).T
    if len(counts) < 3 or counts.sum() <= 0:
        return 1.0
    expected = live * counts.sum() / live.sum()
    dispersion = float(((counts - expected) ** 2 / expected).sum() / (len(counts) - 1))
    return 1.0 + max(dispersion - 1.0, 0.0) * share


def upper_rate(hits: float, days: float, effect: float = 1.0, recall: float = 1.0) -> float:
    """Upper 95 % bound of a rate per live day: Poisson's exact one of ``hits / effect`` in ``days / effect``, over the recall."""
    from scipy.special import gammaincinv

    return float(gammaincinv(hits / effect + 1.0, 0.95)) * effect / (days * recall)


def measure_silence(
    hours: Sequence[Hour], silent_since: int | None, *, active: Window | None = None, recall: float = 1.0
) -> Rates:
    """The rates of a signature at the end of ``hours`` (all of it, in order, from before its last activity).

    ``active``: where the rate while active is read; by default the 28 live days before ``silent_since``, or before the last
    seven days. Raises BadWatch ``no_hours``, ``bad_recall``.
    """
    if not hours:
        raise BadWatch("no_hours", "There is no hour to watch.", "Give counts that reach beyond the last activity.")
    if not 0 < recall <= 1:
        raise BadWatch("bad_recall", f"A recall of {recall:g} is none.", "Give its bounds between 0 and 1: 0.8,0.95.")
    at = hours[-1].start + HOUR_US
    since = silent_since if silent_since is not None else at - SILENT_DAYS * DAY_US
    window = active if active is not None else active_window(hours, since)
    before = within(hours, window) if window is not None else []
    days, hits = tally(before)
    rate = hits / days if days >= SILENT_DAYS * (1 - 1e-9) and hits > 0 else None
    live, seen = tally(within(hours, Window(since, max(at, since + 1))))
    effect = design_effect(before)
    upper = upper_rate(seen, live, effect, recall) / rate if rate and live > 0 else None
    return Rates(window, rate, live, seen, upper, effect, recall)
