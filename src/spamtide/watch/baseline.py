"""The background of a dead botnet, learnt from quiet days: how often its signature is met although it sends nothing.

The bound is the mean and two standard errors, taken over blocks of 48 hours, so that neither a day's rhythm nor hours that resemble
their neighbours make it too narrow; and two standard deviations of what blocks differ beyond their hours, since evidence is gathered
within days, and a background that drifts from day to day is above its mean for days. Backgrounds that come in bursts break every test
of a mean: where blocks differ far more than their hours would make them, the bound is one and a half times the worst block that was learnt
(the worst of 60 days is not that of a year). Measured in docs/explanation/watch.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from spamtide.measure import Refusal
from spamtide.watch.values import BLOCK_US, Baseline, Block, Hour

LEARN_DAYS = 60
# Sums of shares of hours are not exact.
LEARNT_PART = 1 - 1e-9
# Variance between blocks over that within: from here on the background comes in bursts. Independent hours pass 2.1 once in a thousand.
BURSTY = 3.0
# Standard errors of the mean, standard deviations of days, and how far beyond the worst learnt block a bursty background may go.
ERRORS, DAYS_APART, BEYOND_WORST = 2.0, 2.0, 1.5
# No hit in so many hours bounds the rate by three over them, at 95 %.
_NONE_SEEN = 3.0


def in_blocks(hours: Iterable[Hour]) -> tuple[Block, ...]:
    """Hours in blocks of 48, counted from 1970; those without a live hour are left out."""
    blocks: dict[int, Block] = {}
    for hour in hours:
        if hour.live:
            start = block_start(hour.start)
            blocks[start] = with_hour(blocks.get(start, Block(start)), hour)
    return tuple(blocks[start] for start in sorted(blocks))


def block_start(at: int) -> int:
    """Start of the block that an instant lies in."""
    return at // BLOCK_US * BLOCK_US


def with_hour(block: Block, hour: Hour) -> Block:
    """The block with one more hour; a dead or missing one adds nothing."""
    if not hour.live or hour.count is None:
        return block
    x, w = hour.count, hour.exposure
    return Block(block.start, block.hours + w, block.bins + 1, block.count + x, block.squares + x * x / w)


def learn_baseline(blocks: Sequence[Block], days: int = LEARN_DAYS) -> Baseline | Refusal:
    """The baseline of these blocks (n of them, n above 2), or a refusal where they hold fewer than ``days`` live days.

    Cost: proportional to n.
    """
    hours = sum(b.hours for b in blocks)
    if hours < days * 24 * LEARNT_PART or len(blocks) < 3:
        return Refusal("too_few_quiet_days", {"quiet_days": days}, {"quiet_days": math.floor(hours / 24 * 10) / 10})
    mean = sum(b.count for b in blocks) / hours
    n = len(blocks)
    apart = sum((b.count - mean * b.hours) ** 2 for b in blocks) * n / (n - 1)
    error = math.sqrt(apart) / hours
    # Blocks of a few hours are no measure of the worst 48.
    worst = max((b.count / b.hours for b in blocks if b.hours >= 24), default=mean)
    between, within = _spreads(blocks, mean)
    drift = math.sqrt(max(between - within, 0.0) * n / hours)
    usual = max(mean + ERRORS * error + DAYS_APART * drift, _NONE_SEEN / hours)
    burstiness = between / within if within > 0 else 1.0
    guarded = burstiness > BURSTY and BEYOND_WORST * worst > usual
    bound = BEYOND_WORST * worst if guarded else usual
    return Baseline(mean, bound, worst, burstiness, guarded, hours, n, within)


def _spreads(blocks: Sequence[Block], mean: float) -> tuple[float, float]:
    """Variance of a live hour, by the spread of blocks and by the spread of hours within them. Equal where hours are independent."""
    between = sum((b.count - mean * b.hours) ** 2 / b.hours for b in blocks) / (len(blocks) - 1)
    free = sum(b.bins - 1 for b in blocks)
    return between, sum(b.squares - b.count**2 / b.hours for b in blocks) / max(free, 1)
