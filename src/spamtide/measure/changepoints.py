"""Unknown change points in many series at once, with a bounded share of false ones. docs/explanation/changes.md.

Each series is asked whether it changed at all: the statistic of ``scan`` against its law in worlds without a change, that are made
from the noise that the series itself may have (its posterior, so that an uncertain correlation is not taken for a known one),
with its weekdays, its exposure and its Poisson counts. Benjamini-Hochberg over all series looked at chooses; within a chosen one
further changes are asked for at the level that its choice leaves (Benjamini and Bogomolov 2014).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spamtide.measure.latent import BETA_SD, MU_SD, NUGGET, SIGMA, WEEKDAY_SD, philox
from spamtide.measure.methods import LiveDays, fit_default
from spamtide.measure.noise import Floats, Noise
from spamtide.measure.scan import EDGE_DAYS, EVERY_SPELL, best_of, placement, statistics
from spamtide.measure.values import DAY_US, Fact, Interval, Refusal, Series, Window

# One more than the estimator of an effect has: a level that wanders for weeks is no change.
RHO = (0.1, 0.45, 0.7, 0.88, 0.96)
# So few days, or so few counts, show nothing; bins hold five on average, at most seven days in one.
MIN_DAYS, MIN_COUNT, IN_A_BIN, GATHERED = 28, 60, 5.0, (1, 2, 4, 7)
# Bins that hold fewer than this on average are looked at on the scale of the square root.
LOW = 30
# Worlds without a change that a series is first held against; more where few of them reach it.
FIRST_WORLDS, MOST_WORLDS, AT_ONCE = 199, 20_000, 500
# A chosen series is asked for so many further changes at most.
MOST_SPLITS = 8
RATE = 0.1


@dataclass(frozen=True, slots=True)
class Change:
    """One change: where (instants), how much (level after it over level before it, up to the next changes), its p-value."""

    series: str
    at: Interval
    ratio: Interval
    p: float
    before: Window
    after: Window


@dataclass(frozen=True, slots=True)
class Changes:
    """What was found. ``rate``: the bound on the share of false ones; ``left_out``: series with too little to look at."""

    looked_at: tuple[str, ...]
    left_out: tuple[tuple[str, Refusal], ...]
    rate: float
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class _Days:
    """Live days of a series: their number from the first day on, weekday, counts, exposures; ``bins``: days gathered in one."""

    day: NDArray[np.int64]
    weekday: NDArray[np.int64]
    counts: Floats
    exposures: Floats
    gathered: int

    def part(self, first: int, last: int) -> _Days:
        """The days of bins ``first`` to ``last``, the end excluded."""
        keep = slice(first * self.gathered, last * self.gathered)
        return replace(
            self, day=self.day[keep], weekday=self.weekday[keep], counts=self.counts[keep], exposures=self.exposures[keep]
        )  # fmt: skip

    @property
    def bins(self) -> int:
        """Whole bins; what is left over at the end is not looked at."""
        return len(self.day) // self.gathered

    def best(self) -> Floats:
        """The best change, on every day: one column."""
        k, n = self.gathered, len(self.day)
        best = best_of(self.rows(self.counts[None, :])[0], k).column(self.bins, k)
        return np.repeat(np.append(best, best[-1]), k)[:n, None]

    def rows(self, counts: Floats) -> Floats:
        """Counts (R rows of days) as R rows of bins on the log scale, or the root's; weekdays taken out where bins are days."""
        n, k = self.bins, self.gathered
        c = counts[:, : n * k].reshape(len(counts), n, k).sum(axis=2)
        e = self.exposures[: n * k].reshape(n, k).sum(axis=1)
        # A log makes much of small counts: the square root, on which Poisson's spread is even, is the scale for those.
        low = self.counts[: n * k].sum() < LOW * n
        z = np.sqrt((c + 0.375) / e) if low else np.log(c + 0.5) - np.log(e)
        if k > 1:
            return np.asarray(z)
        x = (self.weekday[:n, None] == np.unique(self.weekday)[None, :]).astype(np.float64)
        x -= x.mean(axis=0)
        return np.asarray(z - z @ x @ np.linalg.pinv(x.T @ x) @ x.T)


def find_changes(series: Mapping[str, Series], *, rate: float = RATE, only: Sequence[str] | None = None) -> Changes:
    """Changes in daily ``series``, at most ``rate`` of them false in expectation over the series that are looked at.

    Worlds without a change are drawn from Philox keyed by the counts: the same counts give the same answer. A series of shorter bins is
    the caller's to gather. ``only``: names that are looked at; None: all. Cost: about .1 s a series, a second where much changed.
    """
    from threadpoolctl import threadpool_limits

    left_out, asked = [], {}
    for name in only if only is not None else series:
        days = _live(series[name])
        if isinstance(days, Refusal):
            left_out.append((name, days))
        else:
            asked[name] = days
    with threadpool_limits(1, "blas"):
        most = int(min(MOST_WORLDS, max(FIRST_WORLDS, np.ceil(4 * len(asked) / rate))))
        chances = {name: chance_of_none(days, most) for name, days in asked.items()}
        chosen = benjamini_hochberg(chances, rate)
        found: list[Change] = []
        for name in chosen:
            found += _changes_of(name, series[name], asked[name], chances[name], rate, len(chosen) / len(asked))
    found.sort(key=lambda c: (c.at.value, c.series))
    return Changes(tuple(asked), tuple(left_out), rate, tuple(found))


def benjamini_hochberg(chances: Mapping[str, float], rate: float) -> list[str]:
    """The names whose p-values lie below the line of Benjamini and Hochberg (1995), smallest first."""
    order = sorted(chances, key=lambda name: (chances[name], name))
    reached = [k for k, name in enumerate(order, 1) if chances[name] <= rate * k / len(order)]
    return order[: max(reached, default=0)]


def _live(series: Series) -> _Days | Refusal:
    """The live days, gathered until a bin holds five on average; a refusal where there are too few."""
    use = np.flatnonzero(series.live)
    counts = series.counts[use]
    total, n = float(counts.sum()), len(use)
    needed: dict[str, Fact] = {"live_days": MIN_DAYS, "count": MIN_COUNT}
    have: dict[str, Fact] = {"live_days": n, "count": total}
    if n < MIN_DAYS or total < MIN_COUNT:
        return Refusal("too_little_to_look_at", needed, have)
    gathered = next((k for k in GATHERED if total / n * k >= IN_A_BIN), GATHERED[-1])
    starts = series.starts[use]
    weekday = ((starts + series.bin_us // 2) // DAY_US + 3) % 7
    return _Days((starts - starts[0]) // DAY_US, weekday, counts, series.exposures[use], gathered)


def chance_of_none(days: _Days, most: int) -> float:
    """The p-value of "nothing changed in these days": the share of worlds without a change whose statistic is as large."""
    seen = float(statistics(days.rows(days.counts[None, :]), days.gathered)[0])
    noise = _noises(days)
    rng = philox("changes", days.day.astype(np.float64), days.counts, days.exposures)
    larger = made = 0
    wanted = FIRST_WORLDS
    while made < wanted:
        size = min(AT_ONCE, wanted - made)
        larger += int((statistics(days.rows(_worlds(days, noise, rng, size)), days.gathered) >= seen).sum())
        made += size
        if made >= FIRST_WORLDS and larger <= 0.1 * made:
            wanted = most
        if larger >= 20:
            break
    return (1 + larger) / (1 + made)


@dataclass(frozen=True, slots=True)
class _Noises:
    """Weights of the grid of noises of a series without a change, and under each the log rate's mean (days)."""

    points: tuple[tuple[float, float, float], ...]
    weights: Floats
    means: Floats


def _noises(days: _Days) -> _Noises:
    """The posterior of the noise: the grid and priors of the estimator (``latent``), beside the best change there is.

    Without that change among the columns a real one would be taken for noise that remembers, and hide itself. Where nothing changed
    it takes off a little too much, which the average over what the noise may be outweighs (bench/changes.py).
    """
    y, log_e = days.counts, np.log(days.exposures)
    weekdays = (days.weekday[:, None] == np.unique(days.weekday)[None, :]).astype(np.float64)
    x = np.hstack([np.ones((len(y), 1)), weekdays, days.best()])
    known = 1 + weekdays.shape[1]
    tightness = np.array([MU_SD, *[WEEKDAY_SD] * weekdays.shape[1], BETA_SD]) ** -2.0
    gaps = np.diff(days.day).astype(np.float64)

    def fit(z: Floats, v: Floats, rho: float, sigma: float, nugget: float) -> tuple[float, Floats, Noise]:
        noise = Noise.of(gaps, rho, sigma**2 * (1 - nugget), v + sigma**2 * nugget)
        solved = noise.solve(np.column_stack([x, z]))
        precision, h = x.T @ solved[:, :-1] + np.diag(tightness), x.T @ solved[:, -1]
        mean = np.linalg.solve(precision, h)
        weight = -0.5 * (z @ solved[:, -1] - h @ mean + noise.logdet + np.linalg.slogdet(precision)[1])
        return float(weight - 0.5 * np.log(sigma / 0.3) ** 2), np.asarray(mean), noise

    z, v = np.log(y + 0.5) - log_e, 1.0 / (y + 0.5)
    small = y < 30
    if small.any():
        # Laplace's working response, as in ``latent``: low counts are not Gaussian on the log scale.
        direct, eta = z, z.copy()
        for _ in range(12):
            rate = np.where(small, np.exp(np.clip(eta + log_e, -12, 12)), y + 0.5)
            z, v = np.where(small, eta + (y - rate) / rate, direct), 1.0 / rate
            _, mean, noise = fit(z, v, 0.45, 0.27, 0.5)
            eta = eta + np.clip(z - v * noise.solve((z - x @ mean)[:, None])[:, 0] - eta, -2.0, 2.0)
    points, weights, means = [], [], []
    for rho in RHO:
        for sigma in SIGMA:
            for nugget in NUGGET:
                weight, mean, _ = fit(z, v, rho, sigma, nugget)
                points.append((rho, sigma, nugget))
                weights.append(weight)
                means.append(x[:, :known] @ mean[:known])
    share = np.exp(np.array(weights) - max(weights))
    return _Noises(tuple(points), share / share.sum(), np.array(means))


def _worlds(days: _Days, noise: _Noises, rng: np.random.Generator, size: int) -> Floats:
    """Counts of ``size`` worlds in which nothing changed, a row each."""
    which = rng.choice(len(noise.points), size, p=noise.weights)
    rho, sigma, nugget = (np.array([noise.points[i][k] for i in which]) for k in range(3))
    n = len(days.day)
    spread = sigma * np.sqrt(1 - nugget)
    path = np.empty((size, n))
    path[:, 0] = spread * rng.standard_normal(size)
    steps = rng.standard_normal((n, size))
    for t in range(1, n):
        r = rho ** float(days.day[t] - days.day[t - 1])
        path[:, t] = r * path[:, t - 1] + spread * np.sqrt(1 - r**2) * steps[t]
    path += (sigma * np.sqrt(nugget))[:, None] * rng.standard_normal((size, n))
    rate = np.exp(np.clip(path + noise.means[which], -30, 18)) * days.exposures
    return rng.poisson(rate).astype(np.float64)


def _changes_of(name: str, series: Series, days: _Days, p: float, rate: float, chosen: float) -> list[Change]:
    """All changes of a chosen series: its stretches are split while a further change's p-value is below its share of rate times ``chosen``, the share of series that were chosen."""
    places: dict[int, float] = {}
    stretches, splits = [(0, days.bins, p)], 0
    share = rate * chosen / MOST_SPLITS
    most = int(min(MOST_WORLDS, max(FIRST_WORLDS, np.ceil(2 / share))))
    shortest = max(4, -(-2 * EDGE_DAYS // days.gathered))
    while stretches:
        first, last, chance = stretches.pop(0)
        part = days.part(first, last)
        best = best_of(part.rows(part.counts[None, :])[0], days.gathered, EVERY_SPELL)
        cuts = [first + place for place in best.places]
        for cut in cuts:
            places[cut] = chance
        for a, b in zip([first, *cuts], [*cuts, last], strict=True):
            enough = b - a >= shortest and days.part(a, b).counts.sum() >= MIN_COUNT / 2
            if splits < MOST_SPLITS and enough:
                splits += 1
                inner = chance_of_none(days.part(a, b), most)
                if inner <= share:
                    stretches.append((a, b, inner))
    ends = [0, *sorted(places), days.bins]
    return [_change(name, series, days, ends[i - 1 : i + 2], places[ends[i]], chosen) for i in range(1, len(ends) - 1)]


def _change(name: str, series: Series, days: _Days, ends: Sequence[int], p: float, chosen: float) -> Change:
    """One change between its neighbours: its instant by the likelihood of every bin, its ratio by the estimator of effects."""
    first, at, last = ends
    k, part = days.gathered, days.part(first, last)
    weight = placement(part.rows(part.counts[None, :])[0], k, 1)
    cumulated = np.cumsum(weight)
    low, high = (int(np.searchsorted(cumulated, q)) for q in (0.025, 0.975))
    starts = series.starts[series.live]
    value = min(max(at - first, low), high)
    # A bin may hold the change itself: the instant lies up to a bin to either side of an edge.
    instants = [float(starts[(first + place) * k]) for place in (value, low, high)]
    where = Interval(instants[0], instants[1] - k * DAY_US, instants[2] + k * DAY_US)
    before, after = days.part(first, at), days.part(at, last)
    ratio = _ratio(before, after, chosen)
    end = int(starts[min(last * k, len(starts)) - 1]) + DAY_US
    cut = int(starts[at * k])
    return Change(name, where, ratio, p, Window(int(starts[first * k]), cut), Window(cut, end))


def _ratio(before: _Days, after: _Days, chosen: float) -> Interval:
    """Level after over level before by the default estimator, its interval widened for having been chosen.

    Of chosen intervals at 1 - .05 R/m each, at most .05 miss in expectation (Benjamini and Yekutieli 2005): ``chosen`` is R/m.
    """
    from scipy.special import ndtri

    day = np.concatenate([before.day, after.day])
    post = np.concatenate([np.zeros(len(before.day), dtype=bool), np.ones(len(after.day), dtype=bool)])
    fit = fit_default(
        LiveDays(
            day - after.day[0], np.concatenate([before.weekday, after.weekday]), np.concatenate([before.counts, after.counts]),
            np.concatenate([before.exposures, after.exposures]), post,
        )
    )  # fmt: skip
    wider = float(ndtri(1 - 0.025 * chosen) / ndtri(0.975))
    low, high = ((end / fit.value) ** wider * fit.value for end in (fit.low, fit.high))
    return Interval(fit.value, low, high)
