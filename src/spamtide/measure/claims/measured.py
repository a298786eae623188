"""Claims beside what was measured here: the claims of the same metric about the same thing, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spamtide.event import Claim, Event
from spamtide.measure.claims.figures import allowed, holds_event, is_witnessed, overlap, point, spans_event
from spamtide.measure.claims.values import ClaimFinding, MeasuredChange, MeasuredShare, verdict_of
from spamtide.measure.values import DAY_US, Fact

# A claim whose window ends so long after the measured one is of another time.
FAR_DAYS = 60


def against_measured(
    event: Event, claims: Sequence[Claim], measured: Sequence[MeasuredChange]
) -> Iterator[ClaimFinding]:
    """Each measured change with each claim of the same that spans the event; a trap that is not the claim's is always a way out."""
    for here in measured:
        for claim in claims:
            stated = allowed(claim)
            if stated is None or not is_witnessed(claim) or not speaks_of(claim, here):
                continue
            if claim.baseline is not None and not spans_event(claim, event, FAR_DAYS):
                continue
            if claim.window is not None and abs(claim.window.end - here.end) > FAR_DAYS * DAY_US:
                continue
            agree = overlap(stated, (here.low, here.high))
            ways = ["other_vantage"]
            ways += ["about"] if claim.comparator == "~" else []
            ways += ["window_not_stated"] if claim.window is None else []
            if claim.window is not None and (claim.window.start, claim.window.end) != (here.start, here.end):
                ways.append("other_window")
            ways += ["mean_over_days_after_event"] if holds_event(claim.window, event) else []
            facts: dict[str, Fact] = {
                "measure": here.name, "feed": here.feed, "measured": here.value, "low": here.low, "high": here.high,
                "stated": point(claim),
            }  # fmt: skip
            yield ClaimFinding(
                "measured_beside_claim",
                (claim.id,),
                verdict_of(agree, tuple(ways)),
                () if agree else tuple(ways),
                facts,
            )


def against_shares(event: Event, claims: Sequence[Claim], measured: Sequence[MeasuredShare]) -> Iterator[ClaimFinding]:
    """Each measured duplicate share with the shares that others gave for days on the same side of the event.

    No rule of others is ours, and no trap is as large as another, so these doors are open whatever the figures.
    """
    for here in measured:
        for claim in claims:
            stated, window = allowed(claim), claim.window
            if claim.metric != "duplicate-share" or stated is None or window is None or not is_witnessed(claim):
                continue
            if not (window.start < here.end and here.start < window.end):
                continue
            if _before(here.start, here.end, event) != _before(window.start, window.end, event):
                continue
            agree = overlap(stated, (here.low, here.high))
            ways = ["other_vantage", "duplicate_rule_not_published", "sample_size"]
            ways += ["other_window"] if (window.start, window.end) != (here.start, here.end) else []
            yield ClaimFinding(
                "measured_share_beside_claim", (claim.id,), verdict_of(agree, tuple(ways)), () if agree else tuple(ways),
                {
                    "rule": here.rule, "feed": here.feed, "messages": here.messages, "measured": here.value, "low": here.low,
                    "high": here.high, "stated": point(claim),
                },
            )  # fmt: skip


def _before(start: int, end: int, event: Event) -> bool:
    return (start + end) // 2 < event.started_at


def speaks_of(claim: Claim, here: MeasuredChange) -> bool:
    """Whether a claim is of the metric and the subject that were measured; words in a subject are named in ``about``."""
    if claim.metric != here.metric:
        return False
    return claim.about == here.about or set(here.about.split("-")) <= set(claim.about.split("-"))


def subject_of(measure: str) -> tuple[str, str] | None:
    """What claims call the change of a measure: (about, metric); None for a measure that no claim speaks of, or another unit."""
    kind, _, rest = measure.partition(":")
    if "@" in measure:
        return None
    if kind == "volume" and not rest:
        return ("all-spam", "volume-change")
    if kind in ("subject", "subject-literal") and rest:
        return ("-".join(rest.split(",")), "subject-change")
    return (rest, "volume-change") if kind == "botnet" and rest else None
