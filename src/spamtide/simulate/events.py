"""What an event does to a volume over time: a factor of each hour, 1 where it does nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spamtide.simulate.chance import stream
from spamtide.simulate.scenario import EventPlan, microseconds

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def burst_spans(event: EventPlan, name: str, seed: int, end: int) -> list[tuple[int, int]]:
    """When the bursts are: on average one in ``every_days``, each of ``days``."""
    rng = stream("bursts", seed, name)
    spans: list[tuple[int, int]] = []
    at = microseconds(event.at)
    while True:
        at += int(rng.exponential(event.every_days) * DAY_US)
        if at >= end:
            return spans
        spans.append((at, at + int(event.days * DAY_US)))
        at += int(event.days * DAY_US)


def _level(event: EventPlan, at: Floats, spans: list[tuple[int, int]]) -> Floats:
    """The factor at instants, days since the event."""
    after = at >= 0
    until = np.inf if event.until is None else (microseconds(event.until) - microseconds(event.at)) / DAY_US
    done = np.clip(at / event.days, 0, 1)
    match event.kind:
        case "step" | "pause" | "vantage" | "persona" | "mx":
            held = np.full(at.shape, event.to)
        case "ramp" | "blocklist":
            # Queues run off; a list reaches one receiver after another.
            held = 1 + (event.to - 1) * done
        case "decay":
            held = event.to + (1 - event.to) * np.exp2(-np.maximum(at, 0) / (event.half_life_days or 1.0))
        case "pulse":
            held = 1 - (1 - event.to) * np.exp(-np.maximum(at, 0) / event.days)
        case "pre-decline":
            # It ends at the instant; before, the level slides down to it.
            return np.asarray(1 + (event.to - 1) * np.clip(1 + at / event.days, 0, 1), dtype=np.float64)
        case "ramp-up":
            return np.asarray(event.to + (1 - event.to) * done, dtype=np.float64)
        case "poisoning":
            return np.asarray((after & (at < until)) * 1.0, dtype=np.float64)
        case "bursts":
            inside = np.zeros(at.shape, dtype=bool)
            begin = microseconds(event.at)
            for a, b in spans:
                inside |= (at >= (a - begin) / DAY_US) & (at < (b - begin) / DAY_US)
            return np.where(inside, max(event.to, 0.0), 1.0)
        case _:
            return np.ones(at.shape)
    return np.where(after & (at < until), held, 1.0)


def factor(event: EventPlan, name: str, seed: int, starts: Ints, end: int) -> Floats:
    """The factor of each hour: at its middle, and where it bends inside an hour, the mean over its seconds."""
    spans = burst_spans(event, name, seed, end) if event.kind == "bursts" else []
    begin = microseconds(event.at)
    level = _level(event, (starts + HOUR_US // 2 - begin) / DAY_US, spans)
    bends = [begin, begin + int(event.days * DAY_US), begin - int(event.days * DAY_US)]
    bends += [microseconds(event.until)] if event.until else []
    bends += [edge for span in spans for edge in span]
    for bend in bends:
        hour = int((bend - starts[0]) // HOUR_US) if len(starts) else -1
        if 0 <= hour < len(starts) and bend != starts[hour]:
            seconds = starts[hour] + (np.arange(3_600) + 0.5) * 1e6
            level[hour] = _level(event, (seconds - begin) / DAY_US, spans).mean()
    return level


def silent_spans(event: EventPlan, end: int) -> list[tuple[int, int]]:
    """Spans in which the event leaves nothing at all, to the microsecond."""
    at, until = microseconds(event.at), end if event.until is None else microseconds(event.until)
    if event.feeds or event.to > 0:
        return []
    match event.kind:
        case "step" | "pause":
            return [(at, min(until, end))]
        case "ramp":
            from_then = at + int(event.days * DAY_US)
            return [(from_then, min(until, end))] if from_then < until else []
        case _:
            return []


def moved(event: EventPlan, starts: Ints) -> Floats:
    """Share of a group's mail that a migration has moved by each hour."""
    at = (starts + HOUR_US // 2 - microseconds(event.at)) / DAY_US
    return np.asarray(event.part * np.clip(at / event.days, 0, 1), dtype=np.float64)
