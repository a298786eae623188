"""What a comparison of claims gives: findings with a verdict and every way out; codes and numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from spamtide.measure.values import Fact

Verdict = Literal["consistent", "consistent_if", "inconsistent"]


@dataclass(frozen=True, slots=True)
class ClaimPair:
    """Two figures of one metric about one thing, and whether both can be true."""

    claims: tuple[str, str]
    verdict: Verdict
    ways_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimFinding:
    """What two or more claims say together. Code and ways out: docs/reference/codes.md.

    ``consistent_if`` lists every way out in ``ways_out``; ``inconsistent`` has none.
    """

    code: str
    claims: tuple[str, ...]
    verdict: Verdict
    ways_out: tuple[str, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)
    pairs: tuple[ClaimPair, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasuredChange:
    """A measured effect as a claim is compared with it: the change (-0.75) with its interval, between two instants.

    ``about`` and ``metric`` are those of the claims that speak of the same; ``name`` is the measure.
    """

    name: str
    feed: str | None
    about: str
    metric: str
    value: float
    low: float
    high: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class MeasuredShare:
    """A duplicate share measured here by ``rule`` between two instants, with its interval, as counted."""

    rule: str
    feed: str
    messages: int
    value: float
    low: float
    high: float
    start: int
    end: int


def verdict_of(agree: bool, ways_out: tuple[str, ...]) -> Verdict:
    """``consistent`` where figures agree; else ``inconsistent`` only if no way out is open."""
    if agree:
        return "consistent"
    return "consistent_if" if ways_out else "inconsistent"
