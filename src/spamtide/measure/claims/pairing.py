"""All figures of one metric about one thing, two by two. Never averaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from spamtide.event import Claim, Event
from spamtide.measure.claims.figures import allowed, ids, is_witnessed, overlap, point, share_time, ways_between
from spamtide.measure.claims.values import ClaimFinding, ClaimPair, verdict_of
from spamtide.measure.values import DAY_US, Fact

_SPANS = {"second": 1, "minute": 60, "half an hour": 1800, "hour": 3600, "day": 86_400, "month": 31 * 86_400}
HALF_DAY_US = DAY_US // 2
# Instants further apart are of two occasions.
NEAR_US = 31 * DAY_US


def same_metric(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """One finding for each metric and subject with two figures or more whose times may overlap."""
    sets: dict[tuple[str, str], list[Claim]] = {}
    for c in claims:
        if is_witnessed(c) and (point(c) is not None or c.at is not None):
            sets.setdefault((c.about, c.metric), []).append(c)
    for (about, metric), same in sets.items():
        pairs = tuple(_pair(event, a, b) for a, b in combinations(same, 2) if _comparable(a, b))
        if not pairs:
            continue
        used = [c for c in same if any(c.id in p.claims for p in pairs)]
        values = [x for c in used for x in (c.value, c.low, c.high) if x is not None]
        verdicts = {p.verdict for p in pairs}
        worst = next(v for v in ("inconsistent", "consistent_if", "consistent") if v in verdicts)
        facts: dict[str, Fact] = {
            "about": about, "metric": metric, "figures": len(used), "pairs": len(pairs),
            "disagree": sum(p.verdict != "consistent" for p in pairs),
            "groups": len({c.group for c in used if c.group != "unknown"}),
        }  # fmt: skip
        if values:
            facts |= {"lowest": min(values), "highest": max(values)}
        ways = () if worst == "inconsistent" else tuple(dict.fromkeys(w for p in pairs for w in p.ways_out))
        yield ClaimFinding("same_metric", ids(used), worst, ways, facts, pairs)


def _comparable(a: Claim, b: Claim) -> bool:
    """Whether two figures may speak of one time and of one unit; two of one account are not two accounts."""
    if (a.source, a.witness) == (b.source, b.witness) or (a.at is None) != (b.at is None):
        return False
    if a.at is not None and b.at is not None:
        return abs(a.at - b.at) <= NEAR_US
    alike = a.unit.split(",")[0] == b.unit.split(",")[0] or a.metric == "size"
    return alike and share_time(a, b)


def _pair(event: Event, a: Claim, b: Claim) -> ClaimPair:
    if a.at is not None and b.at is not None:
        gap, reach = abs(a.at - b.at), (_reach_us(a) + _reach_us(b)) / 2
        # The same hand of the clock, half a day off, is the commonest slip in a time of day.
        half_day = ("morning_for_evening",) if abs(gap - HALF_DAY_US) <= 2 * DAY_US / 24 + reach else ()
        ways = tuple(w for w in ways_between(a, b, event) if w != "other_unit") + half_day
        ways = ways or ("window_not_stated",) * any(c.window is None for c in (a, b))
        agree = gap <= reach
    else:
        one, other = allowed(a), allowed(b)
        assert one is not None
        assert other is not None
        ways, agree = ways_between(a, b, event), overlap(one, other)
    return ClaimPair((a.id, b.id), verdict_of(agree, ways), () if agree else ways)


def _reach_us(claim: Claim) -> float:
    """How finely an instant is stated: the length of its unit."""
    return _SPANS.get(claim.unit, 86_400) * 1e6
