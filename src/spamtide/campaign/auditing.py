"""How right the grouping is, by a person's judgement of pairs: which pairs to ask about, and what the answers say.

Two questions, two draws. *Together*: take a message of a campaign with more than one wording, and another of that campaign in other
words; do they belong together? Pairs are drawn so, thousands of them, and sorted into strata by how far over its threshold the pair
is; most of those shown are near it. *Apart*: take a message, and one of another campaign that is all but near enough; do
they belong together after all? Draws are with replacement, so that each stratum's answers are independent and counting is all there is.

Method: two-phase sampling for stratification (Cochran, Sampling Techniques, 1977, ch. 12); docs/explanation/campaigns.md.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spamtide.campaign.likeness import Likeness

Floats = NDArray[np.float64]

# Margins, thousandths: so far from its threshold a pair is doubtful.
DOUBTFUL = 150
# Share of the sample that each stratum gets, where it has pairs.
STRATA = {"chained": 0.25, "doubtful": 0.25, "clear": 0.25, "apart": 0.25}
TOGETHER = ("chained", "doubtful", "clear")
# Pairs of the first phase, messages looked at for what is near outside, and how many neighbours of one are compared.
FIRST, LOOKED, COMPARED = 6_000, 2_000, 100
VERDICTS = ("same", "different", "cannot-tell")
DRAWS, LEVEL = 20_000, 0.95


@dataclass(frozen=True, slots=True)
class AuditPair:
    """One pair of exact groups to be judged, ``one`` below ``other``, drawn ``times`` times in its stratum."""

    one: str
    other: str
    stratum: str
    times: int
    similarity: int
    needed: int

    @property
    def id(self) -> str:
        """Of the two digests alone, so that it is the same in every draw."""
        return "p-" + hashlib.sha256(f"spamtide pair {self.one} {self.other}".encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Draw:
    """What is asked. ``weight`` of each stratum of ``TOGETHER``: pairs of the first phase in it; ``looked`` messages had ``near`` of them something near outside."""

    pairs: tuple[AuditPair, ...]
    weight: Mapping[str, int]
    looked: int
    near: int


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its interval."""

    value: float
    low: float
    high: float
    level: float = LEVEL


@dataclass(frozen=True, slots=True)
class Tally:
    """Answers in one stratum, each pair as often as it was drawn."""

    same: int = 0
    different: int = 0
    cannot_tell: int = 0
    left: int = 0


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Numbers for one purpose."""
    digest = hashlib.sha256(f"spamtide audit {purpose} {seed}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def draw_pairs(likeness: Likeness, campaign: Sequence[str], messages: Sequence[int], *, sample: int, seed: int) -> Draw:
    """``sample`` pairs of the exact groups of ``likeness``; ``campaign`` and ``messages`` of each row. A function of the set and the seed.

    Where a stratum has no pair its part goes to the others. Shown in an order that tells nothing.
    """
    label = np.unique(np.asarray(campaign, dtype=str), return_inverse=True)[1]
    counts = np.asarray(messages, np.float64)
    found: dict[str, list[AuditPair]] = {name: [] for name in STRATA}
    for one, other in _together(label, counts, stream(seed, "together")):
        pair = _pair(likeness, one, other)
        margin = pair.similarity - pair.needed
        name = "chained" if margin < 0 else "doubtful" if margin < DOUBTFUL else "clear"
        found[name].append(_named(pair, name))
    weight = {name: len(found[name]) for name in TOGETHER}
    looked, found["apart"] = _apart(likeness, label, counts, stream(seed, "apart"), round(sample * STRATA["apart"]))
    pairs: list[AuditPair] = []
    for name, n in _parts({k: len(v) for k, v in found.items()}, sample).items():
        times = Counter(found[name][:n])
        pairs += [AuditPair(p.one, p.other, name, k, p.similarity, p.needed) for p, k in times.items()]
    order = stream(seed, "order").permutation(len(pairs))
    pairs.sort(key=lambda p: p.id)
    return Draw(tuple(pairs[i] for i in order), weight, looked, len(found["apart"]))


def _parts(there: Mapping[str, int], sample: int) -> dict[str, int]:
    """How many of each stratum are shown: by its share, as many as were drawn at most, what is left over to the others."""
    parts = dict.fromkeys(there, 0)
    left = sample
    while left > 0 and any(parts[k] < there[k] for k in there):
        open_ = {k: STRATA[k] for k in there if parts[k] < there[k]}
        whole = sum(open_.values())
        for k, share in open_.items():
            more = min(there[k] - parts[k], left, max(1, round(sample * share / whole) - parts[k]))
            parts[k] += more
            left -= more
    return parts


def _pair(likeness: Likeness, one: int, other: int) -> AuditPair:
    a, b = sorted((one, other))
    judged = likeness.judge(a, b)
    return AuditPair(likeness.exact[a], likeness.exact[b], "", 1, judged.similarity, judged.needed)


def _named(pair: AuditPair, stratum: str) -> AuditPair:
    return AuditPair(pair.one, pair.other, stratum, 1, pair.similarity, pair.needed)


def _together(label: NDArray[np.int64], counts: Floats, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Pairs of rows of one campaign: a message, and another of that campaign in other words."""
    sizes = np.bincount(label)
    able = np.flatnonzero(sizes[label] > 1)
    if not len(able):
        return []
    order = able[np.argsort(label[able], kind="stable")]
    members = {int(label[part[0]]): part for part in np.split(order, np.flatnonzero(np.diff(label[order])) + 1)}
    firsts = rng.choice(able, FIRST, p=counts[able] / counts[able].sum())
    pairs = []
    for first, u in zip(firsts.tolist(), rng.random(FIRST).tolist(), strict=True):
        others = members[int(label[first])]
        others = others[others != first]
        heaped = np.cumsum(counts[others])
        at = min(int(np.searchsorted(heaped, u * heaped[-1], "right")), len(others) - 1)
        pairs.append((first, int(others[at])))
    return pairs


def _apart(
    likeness: Likeness, label: NDArray[np.int64], counts: Floats, rng: np.random.Generator, enough: int
) -> tuple[int, list[AuditPair]]:
    """How many messages were looked at, and for each that has one a pair that is all but near enough, in another campaign."""
    if not len(label):
        return 0, []
    found: list[AuditPair] = []
    looked = 0
    for row in rng.choice(len(label), LOOKED, p=counts / counts.sum()).tolist():
        looked += 1
        others = likeness.neighbours(row)
        others = others[label[others] != label[row]]
        if len(others) > COMPARED:
            others = np.sort(rng.choice(others, COMPARED, replace=False))
        near = [p for o in others.tolist() if (p := _pair(likeness, row, o)).similarity > p.needed - DOUBTFUL]
        if near:
            found.append(_named(near[int(rng.integers(len(near)))], "apart"))
        if len(found) >= 4 * enough and looked >= LOOKED // 4:
            break
    return looked, found


def tally(pairs: Sequence[AuditPair], verdicts: Mapping[str, str]) -> dict[str, Tally]:
    """Answers by stratum; ``verdicts`` by the pair's id."""
    found: dict[str, Counter[str]] = {name: Counter() for name in STRATA}
    for pair in pairs:
        found[pair.stratum][verdicts.get(pair.id, "left")] += pair.times
    return {
        name: Tally(n["same"], n["different"], n["cannot-tell"], n["left"]) for name, n in found.items() if n.total()
    }


def estimate_share(
    same: Mapping[str, int], judged: Mapping[str, int], weight: Mapping[str, int], *, seed: int
) -> Share | None:
    """The share of pairs that belong together, strata by their weight; None while a stratum that weighs has no answer.

    The interval mixes distributions of each stratum's share by the weights, which are counts themselves: below, Jeffreys'; above,
    that of Clopper and Pearson, since near one the former's upper bound is too low. ``DRAWS`` draws by the seed.
    """
    names = [n for n in weight if weight[n]]
    if not names or any(not judged.get(n) for n in names):
        return None
    rng = stream(seed, "interval")
    mix = rng.dirichlet([weight[n] + 1.0 for n in names], DRAWS)
    low, high = np.zeros(DRAWS), np.zeros(DRAWS)
    value, whole = 0.0, sum(weight[n] for n in names)
    for i, n in enumerate(names):
        k, m = same.get(n, 0), judged[n]
        value += weight[n] / whole * k / m
        low += mix[:, i] * rng.beta(k + 0.5, m - k + 0.5, DRAWS)
        high += mix[:, i] * (rng.beta(k + 1, m - k, DRAWS) if k < m else 1.0)
    tail = (1 - LEVEL) / 2
    bounds = float(np.quantile(low, tail)), float(np.quantile(high, 1 - tail))
    return Share(_six(value), _six(min(bounds[0], value)), _six(max(bounds[1], value)))


def _six(value: float) -> float:
    return float(f"{value:.6g}")
