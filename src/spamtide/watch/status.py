"""What may be said of a watched signature at an instant: active, declining, silent, returned, unknown, or too early to be watched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from spamtide.measure import DAY_US, HOUR_US, Note, Refusal, Window
from spamtide.watch.baseline import LEARN_DAYS, LEARNT_PART
from spamtide.watch.power import FOUND, RETURNS, Power, alarm_power, smallest_visible
from spamtide.watch.silence import SILENT_DAYS, Rates, measure_silence, tally, upper_rate, within
from spamtide.watch.values import THRESHOLD, Alarm, BadWatch, Baseline, Hour, WatchState

# A signature that nobody has checked for so long may have changed its clothes.
CHECKED_DAYS = 90
MIN_RECALL = 0.5
# What an alarm must rest on to be called a return.
NEEDED = {"messages": 20, "peers": 5, "networks": 3, "addresses": 2}


@dataclass(frozen=True, slots=True)
class Signature:
    """What is looked for: a measure, its recall (lower and upper bound; None: nobody stated it), and when a person last checked it."""

    measure: str
    recall: tuple[float, float] | None = None
    checked_at: int | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Evidence:
    """What came since the evidence began to rise; None where counts are all there is."""

    messages: int
    peers: int | None = None
    networks: int | None = None
    addresses: int | None = None

    @property
    def enough(self) -> bool:
        """Whether all that is known reaches what a return needs."""
        have = {"messages": self.messages, "peers": self.peers, "networks": self.networks, "addresses": self.addresses}
        return all(n is None or n >= NEEDED[name] for name, n in have.items())


@dataclass(frozen=True, slots=True)
class WatchStatus:
    """The status at ``at``, a live thing's or a dead one's.

    ``code``: active, declining, silent, silent_too_early, too_early, alarm, returned or unknown. ``minimum_detectable``: the
    smallest return that would be noticed, as a share of the active rate. ``calibrated_from``: since when the alarm could be
    raised, or from when on it can. ``refused``: why there is no alarm.
    """

    code: str
    at: int
    signature: Signature
    silent_since: int | None
    rates: Rates
    alarm: Alarm | None
    evidence: Evidence | None
    confirmed: bool
    baseline: Baseline | None
    refused: Refusal | None
    power: tuple[Power, ...]
    minimum_detectable: float | None
    calibrated_from: int | None
    threshold: float
    basis: str
    warnings: tuple[Note, ...] = ()


def judge(
    hours: Sequence[Hour],
    state: WatchState | Refusal,
    *,
    signature: Signature,
    silent_since: int | None,
    active: Window | None = None,
    evidence: Evidence | None = None,
    confirmed: bool = False,
    threshold: float = THRESHOLD,
    basis: str = "declared",
    warnings: Sequence[Note] = (),
) -> WatchStatus:
    """The status at the end of ``hours``: all of the signature's, in order, from before its last activity.

    ``state``: the watch stepped through them, or why there is none. ``active``: where its rate while active is read; by
    default the 28 live days before ``silent_since``. Raises BadWatch ``no_hours``, ``bad_recall``.
    """
    recall = signature.recall[0] if signature.recall is not None else 1.0
    rates = measure_silence(hours, silent_since, active=active, recall=recall)
    at = hours[-1].start + HOUR_US
    known = WatchState() if isinstance(state, Refusal) else state
    refused = state if isinstance(state, Refusal) else _not_learnt(known)
    power, least = _power(known.baseline, rates, threshold)
    notes = [*warnings]
    if signature.recall is None:
        notes.append(Note("recall_not_stated"))
    if known.baseline is not None and known.baseline.guarded:
        notes.append(Note("background_in_bursts", {"smallest_return": least}))
    return WatchStatus(
        _code(hours, known, rates, signature, silent_since, evidence), at, signature, silent_since, rates, known.alarm, evidence,
        confirmed, known.baseline, refused, power, least, _calibrated_from(known, refused, rates, silent_since, at), threshold, basis, tuple(notes),
    )  # fmt: skip


def _code(
    hours: Sequence[Hour], state: WatchState, rates: Rates, signature: Signature, since: int | None, evidence: Evidence | None
) -> str:  # fmt: skip
    at = hours[-1].start + HOUR_US
    if state.alarm is not None:
        return "returned" if evidence is None or evidence.enough else "alarm"
    if _in_the_dark(rates, signature, since, at):
        return "unknown"
    if since is None:
        return _by_rate(hours, rates, at)
    if state.baseline is None and rates.live_days < SILENT_DAYS:
        return "too_early"
    if rates.silent:
        return "silent" if state.baseline is not None else "silent_too_early"
    return _by_rate(hours, rates, at) if rates.live_days >= SILENT_DAYS else "unknown"


def _in_the_dark(rates: Rates, signature: Signature, since: int | None, at: int) -> bool:
    """Too little exposure, too little recall, or a signature that nobody checked for long."""
    if rates.active_rate is None or rates.recall < MIN_RECALL:
        return True
    if signature.checked_at is not None and at - signature.checked_at > CHECKED_DAYS * DAY_US:
        return True
    elapsed = SILENT_DAYS * DAY_US if since is None else at - since
    return rates.live_days < SILENT_DAYS and elapsed >= 2 * SILENT_DAYS * DAY_US


def _by_rate(hours: Sequence[Hour], rates: Rates, at: int) -> str:
    """Active, or declining: the upper bound of the last seven days' rate is below the active rate."""
    days, hits = tally(within(hours, Window(at - SILENT_DAYS * DAY_US, at)))
    if rates.active_rate is None or days <= 0:
        return "unknown"
    full = 1.0 + (rates.effect - 1.0) * 20
    return "declining" if upper_rate(hits, days, full, rates.recall) < rates.active_rate else "active"


def _not_learnt(state: WatchState) -> Refusal | None:
    if state.baseline is not None:
        return None
    days = _learnt_hours(state) / 24
    return Refusal("too_few_quiet_days", {"quiet_days": LEARN_DAYS}, {"quiet_days": math.floor(days * 10) / 10})


def _learnt_hours(state: WatchState) -> float:
    return sum(b.hours for b in state.learnt) + (state.open.hours if state.open is not None else 0.0)


def _calibrated_from(state: WatchState, refused: Refusal | None, rates: Rates, since: int | None, at: int) -> int:
    """When sixty quiet days were there, or will be if the feed stays up from now on."""
    if state.calibrated_at is not None:
        return state.calibrated_at
    there = _learnt_hours(state)
    if refused is not None and since is not None and not state.learnt:
        there = max(there, rates.live_days * 24)
    return at + math.ceil(max(LEARN_DAYS * 24 * LEARNT_PART - there, 0.0)) * HOUR_US


def _power(baseline: Baseline | None, rates: Rates, threshold: float) -> tuple[tuple[Power, ...], float | None]:
    """Power of the alarm; before there is one, that of having looked: the chance that so big a return would have shown more hits."""
    if rates.active_per_hour is None:
        return (), None
    if baseline is not None:
        return alarm_power(baseline, rates.active_per_hour, threshold), smallest_visible(
            baseline, rates.active_per_hour, threshold
        )
    if rates.live_days <= 0:
        return (), None
    from scipy.special import gammainc, gammaincinv

    seen = rates.hits / rates.effect + 1.0
    # The Poisson mean at which a count above what was seen has the chance wanted.
    mean = float(gammaincinv(seen, FOUND))
    per_share = (rates.active_rate or 0.0) * rates.live_days * rates.recall / rates.effect
    looked = tuple(Power(s, float(gammainc(seen, s * per_share)), rates.live_days * 24, None) for s in RETURNS)
    return looked, mean / per_share


def check_windows(active: Window | None, background: Window | None) -> None:
    """Raises BadWatch ``overlapping_windows`` where an active window and a background share an hour."""
    if (
        active is not None
        and background is not None
        and active.start < background.end
        and background.start < active.end
    ):
        raise BadWatch(
            "overlapping_windows", "The active window and the background overlap.", "A background is of days on which it was dead."
        )  # fmt: skip
