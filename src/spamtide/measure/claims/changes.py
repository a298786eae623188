"""Rules on changes: steps that chain, one witness quoted twice, one number for two things, shares, duplicates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

from spamtide.event import Claim, Event
from spamtide.measure.claims.figures import (
    allowed,
    holds_event,
    ids,
    is_change,
    is_near,
    is_witnessed,
    overlap,
    point,
    spans_event,
)
from spamtide.measure.claims.values import ClaimFinding, verdict_of


def chains(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """Daily steps against a change over the same days: (1 + a)(1 + b) - 1, with the rounding of each."""
    steps = [c for c in claims if is_witnessed(c) and is_change(c) and c.window and c.baseline and allowed(c)]
    for whole in steps:
        for path in _paths(whole, steps):
            low = high = value = 1.0
            for step in path:
                bounds, middle = allowed(step), point(step)
                assert bounds is not None
                assert middle is not None
                low, high, value = low * (1 + bounds[0]), high * (1 + bounds[1]), value * (1 + middle)
            stated = allowed(whole)
            assert stated is not None
            agree = overlap((low - 1, high - 1), stated)
            ways = tuple(dict.fromkeys(w for step in path for w in _door(step, whole)))
            yield ClaimFinding(
                "chain_of_steps", ids([whole, *path]), verdict_of(agree, ways), () if agree else ways,
                {"steps": len(path), "chained": value - 1, "stated": point(whole)},
            )  # fmt: skip


def _door(step: Claim, whole: Claim) -> list[str]:
    """Steps lie in other windows by their nature, so only these doors are left."""
    found = ["about"] if "~" in (step.comparator, whole.comparator) else []
    return found + (["other_vantage"] if step.group != whole.group or whole.group == "unknown" else [])


def _paths(whole: Claim, steps: Sequence[Claim]) -> Iterator[list[Claim]]:
    """Ways from the baseline of ``whole`` to its window by two steps or more, each beginning where the last one ended."""
    same = [s for s in steps if s.id != whole.id and (s.about, s.metric) == (whole.about, whole.metric)]

    def follow(at: object, taken: list[Claim]) -> Iterator[list[Claim]]:
        if at == whole.window and len(taken) > 1:
            yield taken
            return
        for step in same:
            if step.baseline == at and step not in taken and len(taken) < 14:
                yield from follow(step.window, [*taken, step])

    yield from follow(whole.baseline, [])


def one_witness(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """Figures of several names that are one independence group: their agreement counts once."""
    sets: dict[tuple[str, str, str], list[Claim]] = {}
    for c in claims:
        if is_witnessed(c) and c.group != "unknown" and point(c) is not None and is_near(c, event):
            sets.setdefault((c.about, c.metric, c.group), []).append(c)
    for (_, _, group), same in sets.items():
        names = sorted({c.witness for c in same})
        if len(names) > 1:
            yield ClaimFinding(
                "one_witness", ids(same), "consistent", (),
                {"group": group, "witnesses": ",".join(names), "independent": 1},
            )  # fmt: skip


def same_number(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """One number on changes of different things: neither confirms the other."""
    changes = [c for c in claims if is_witnessed(c) and c.value is not None and is_change(c)]
    for a, b in combinations(changes, 2):
        assert a.value is not None
        assert b.value is not None
        if (a.about, a.metric) == (b.about, b.metric):
            continue
        reach = min(a.rounding or 0.0, b.rounding or 0.0) / 2
        if abs(a.value - b.value) <= reach + 1e-9:
            yield ClaimFinding(
                "same_number_different_metric", ids([a, b]), "consistent", (),
                {"value": a.value, "one": a.metric, "other": b.metric},
            )  # fmt: skip


def share_after(share: float, change: float) -> float:
    """The share that remains of ``share`` after its volume changed by ``change``, all else being as it was."""
    left = share * (1 + change)
    return left / (left + 1 - share)


def volume_change(before: float, after: float) -> float:
    """The change of a volume that takes its share from ``before`` to ``after``, all else being as it was."""
    return after / (1 - after) / (before / (1 - before)) - 1


def shares_against_volumes(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """A change of share in points as the change of volume that it stands for, beside the volumes others saw.

    Method: s1 = s0 (1 - d) / (s0 (1 - d) + 1 - s0); other mail is taken to be as it was, which is a way out.
    """
    volumes = [
        c for c in claims
        if c.metric == "volume-change" and c.about == "all-spam" and is_witnessed(c) and point(c) is not None and spans_event(c, event)
    ]  # fmt: skip
    for claim, base, (low, high), used in _share_changes(event, claims):
        if not 0 <= base + low <= base + high < 1:
            continue
        implied = (volume_change(base, base + low), volume_change(base, base + high))
        ways = ["other_mail_changed", "filter_before_the_count"]
        ways += ["window_not_stated"] if claim.window is None else []
        ways += ["mean_over_days_after_event"] if holds_event(claim.window, event) else []
        for volume in volumes:
            stated, middle = allowed(volume), point(volume)
            assert stated is not None
            assert middle is not None
            agree = overlap(implied, stated)
            doors = (*ways, *(["other_vantage"] if volume.group != claim.group else []))
            yield ClaimFinding(
                "share_against_volume", ids([claim, *used, volume]), verdict_of(agree, doors), () if agree else doors,
                {
                    "share_before": base, "share_change_low": low, "share_change_high": high, "implied_low": implied[0], "implied_high": implied[1],
                    "stated": middle, "stated_as_points": share_after(base, middle) - base,
                },
            )  # fmt: skip


def _share_changes(
    event: Event, claims: Sequence[Claim]
) -> Iterator[tuple[Claim, float, tuple[float, float], list[Claim]]]:
    """Changes of the share of spam in mail with the share before: stated ones, and the month of the event against the last."""
    shares = [c for c in claims if c.metric == "mail-share" and is_witnessed(c) and c.window and 0 < (c.value or 0) < 1]
    for claim in claims:
        if claim.metric == "mail-share-change" and is_witnessed(claim) and is_near(claim, event):
            bounds, earlier = allowed(claim), _last_before(claim, shares, event)
            if bounds is not None and earlier is not None:
                assert earlier.value is not None
                yield claim, earlier.value, bounds, [earlier]
    for after in shares:
        if not holds_event(after.window, event):
            continue
        before = _last_before(after, shares, event)
        if before is not None and before.window and after.window and before.window.end == after.window.start:
            assert before.value is not None
            assert after.value is not None
            half = ((before.rounding or 0.0) + (after.rounding or 0.0)) / 2
            change = after.value - before.value
            yield after, before.value, (change - half, change + half), [before]


def _last_before(claim: Claim, shares: Sequence[Claim], event: Event) -> Claim | None:
    """The latest share of the same witness whose window ends before the event."""
    past = [c for c in shares if c.group == claim.group and c.window and c.window.end <= event.started_at]
    return max(past, key=lambda c: c.window.end if c.window else 0, default=None)


def duplicates_against_volume(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """A fall of the share of duplicates as the fall of volume that it stands for if as many unique messages came as before.

    Method: d = 1 - (1 - D0) / (1 - D1); and the share before that a stated fall would need: D0 = 1 - (1 - D1)(1 - d).
    """
    shares = [c for c in claims if c.metric == "duplicate-share" and is_witnessed(c) and point(c) is not None]
    volumes = [
        c for c in claims
        if c.metric == "volume-change" and c.about == "all-spam" and is_witnessed(c) and point(c) is not None and spans_event(c, event)
    ]  # fmt: skip
    for before, after in combinations(sorted(shares, key=lambda c: c.window.start if c.window else 0), 2):
        if before.group != after.group or before.about != after.about:
            continue
        d0, d1 = allowed(before), allowed(after)
        assert d0 is not None
        assert d1 is not None
        # Shares: what a one-sided claim leaves open ends at 0 and at 1.
        (least0, most0), (least1, most1) = ((max(d[0], 0.0), min(d[1], 1.0)) for d in (d0, d1))
        if not least0 <= most0 or not least1 <= most1 or least1 >= 1:
            continue
        implied = ((1 - most0) / (1 - least1) - 1, (1 - least0) / (1 - most1) - 1 if most1 < 1 else math.inf)
        for volume in volumes:
            middle, one = point(volume), point(after)
            assert middle is not None
            assert one is not None
            bounds = allowed(volume)
            assert bounds is not None
            fits = overlap(implied, bounds)
            needed = 1 - (1 - one) * (1 + middle)
            ways = ["unique_messages_as_before"] if fits else ["unique_messages_changed"]
            ways += ["other_vantage"] if volume.group != after.group else []
            ways += ["duplicate_rule_not_published", "sample_size"]
            yield ClaimFinding(
                "duplicates_can_be_the_fall" if fits else "duplicates_are_not_the_fall", ids([before, after, volume]),
                "consistent_if", tuple(ways),
                {
                    "implied_low": implied[0], "implied_high": implied[1], "stated": middle, "share_before_needed": needed,
                    "share_before": point(before), "share_after": one,
                },
            )  # fmt: skip
