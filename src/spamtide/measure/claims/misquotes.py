"""Rules on copies: what became of a figure when somebody else told it. The label in the registry is checked, not believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from spamtide.event import Claim, Event
from spamtide.measure.claims.figures import allowed, ids, is_witnessed, overlap, point
from spamtide.measure.claims.values import ClaimFinding, verdict_of
from spamtide.measure.values import Fact

# A copy whose figure is that far off its original is a slip of the pen, not a rounding.
SLIP = 3.0


def misquotes(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """A copy that names another denominator, metric, window or figure than what it copies."""
    known = {c.id: c for c in claims}
    for copy in claims:
        original = known.get(copy.restates or "")
        if original is None:
            continue
        code = what_changed(copy, original) or copy.flaw
        if code is None:
            continue
        stated = copy.window is not None and original.window is not None
        ways = () if stated else ("window_not_stated",)
        facts: dict[str, Fact] = {
            "copy": point(copy), "original": point(original), "source": copy.source,
            "value": point(copy), "one": copy.unit, "other": original.unit,
        }  # fmt: skip
        yield ClaimFinding(code, ids([copy, original]), verdict_of(False, ways), ways, facts)


def what_changed(copy: Claim, original: Claim) -> str | None:
    """The first of: the denominator, what it is a percentage of, the window, the unit, the figure; None for a faithful copy."""
    if copy.denominator is not None and original.denominator is not None and copy.denominator != original.denominator:
        return "denominator_changed"
    if copy.metric != original.metric:
        return "percent_of_what"
    if copy.window is not None and original.window is not None and copy.window != original.window:
        return "window_changed"
    if copy.unit != original.unit:
        return "unit_changed"
    one, other = point(copy), point(original)
    if one and other and not SLIP > one / other > 1 / SLIP:
        return "press_slip"
    return None


def unit_traps(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """One number of one witness on one thing under two units: servers or networks, messages or recipients."""
    figures = [c for c in claims if c.grade != "derived" and c.restates is None and c.value is not None]
    for a, b in combinations(figures, 2):
        if (a.about, a.group) != (b.about, b.group) or a.metric == b.metric or a.unit == b.unit or a.group == "unknown":
            continue
        if a.value == b.value and abs(a.value or 0.0) > 1:
            yield ClaimFinding(
                "unit_changed", ids([a, b]), "consistent_if", ("one_of_the_units",),
                {"value": a.value, "one": a.unit, "other": b.unit},
            )  # fmt: skip


def point_for_percent(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """A change of a share in points and a change of volume in per cent by one house: not one scale."""
    shares = [c for c in claims if c.metric.endswith("share-change") and is_witnessed(c) and point(c) is not None]
    volumes = [c for c in claims if c.metric == "volume-change" and c.about == "all-spam" and point(c) is not None]
    for a, b in ((s, v) for s in shares for v in volumes):
        one, other = allowed(a), allowed(b)
        if (
            a.group == b.group
            and a.group != "unknown"
            and one is not None
            and other is not None
            and overlap(one, other)
        ):
            yield ClaimFinding(
                "points_are_not_per_cent", ids([a, b]), "consistent", (), {"points": point(a), "per_cent": point(b)}
            )  # fmt: skip
