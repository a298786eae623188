"""Claims reconciled: what others' figures say together, and beside what was measured. Never an average of them.

Each rule is a function of the registry's data: event and claims in, findings out. It knows metrics, units, windows and groups,
and no figure of any event. Why, rule by rule: docs/explanation/claims.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from spamtide.event import Claim, Event
from spamtide.measure.claims.amounts import (
    attributable_cap,
    counted_and_scaled,
    lost_digits,
    per_bot_product,
    share_cap,
    totals_and_ratios,
)
from spamtide.measure.claims.changes import (
    chains,
    duplicates_against_volume,
    one_witness,
    same_number,
    share_after,
    shares_against_volumes,
    volume_change,
)
from spamtide.measure.claims.dates import reported_late, shown_change, true_change
from spamtide.measure.claims.figures import is_witnessed
from spamtide.measure.claims.measured import against_measured, against_shares, subject_of
from spamtide.measure.claims.misquotes import misquotes, point_for_percent, unit_traps, what_changed
from spamtide.measure.claims.pairing import same_metric
from spamtide.measure.claims.values import ClaimFinding, ClaimPair, MeasuredChange, MeasuredShare
from spamtide.measure.claims.witnesses import not_replications, replication, replications

RULES = (
    chains,
    one_witness,
    not_replications,
    replications,
    same_number,
    attributable_cap,
    share_cap,
    per_bot_product,
    totals_and_ratios,
    counted_and_scaled,
    duplicates_against_volume,
    shares_against_volumes,
    reported_late,
    misquotes,
    unit_traps,
    point_for_percent,
    lost_digits,
    same_metric,
)


def reconcile(
    event: Event,
    claims: Sequence[Claim],
    measured: Sequence[MeasuredChange] = (),
    shares: Sequence[MeasuredShare] = (),
) -> tuple[ClaimFinding, ...]:
    """What the claims about an event say together, rule by rule, and then beside what was measured.

    ``claims``: the event's own and whatever else speaks of its time. No finding averages, and none says which figure is right.
    """
    found = [finding for rule in RULES for finding in rule(event, claims)]
    return (*found, *against_measured(event, claims, measured), *against_shares(event, claims, shares))


__all__ = [
    "ClaimFinding",
    "ClaimPair",
    "MeasuredChange",
    "MeasuredShare",
    "is_witnessed",
    "reconcile",
    "replication",
    "share_after",
    "shown_change",
    "subject_of",
    "true_change",
    "volume_change",
    "what_changed",
]
