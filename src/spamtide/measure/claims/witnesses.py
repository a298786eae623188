"""Rules on witnesses: what kind of replication one claim is of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spamtide.event import Claim, Event
from spamtide.measure.claims.figures import ids, is_witnessed, point
from spamtide.measure.claims.values import ClaimFinding

# Metrics that speak of one quantity in two ways.
RELATED = (
    {"volume-change", "subject-change", "duplicate-share", "mail-share-change", "spam-share-change"},
    {"size", "sending-addresses", "sinkhole-addresses", "sinkhole-change", "address-change"},
)


def replication(one: Claim, other: Claim) -> str:
    """What ``other`` is to ``one``: ``restates``, ``presence-only``, ``same-metric``, ``related-metric`` or ``none``.

    A witness of the same group, or of a group nobody stated, restates: agreement with oneself is none.
    """
    if other.restates == one.id or other.group == one.group or "unknown" in (one.group, other.group):
        return "restates"
    if other.metric == "presence":
        return "presence-only"
    if (one.metric, one.about) == (other.metric, other.about):
        return "same-metric"
    if any(one.metric in kin and other.metric in kin for kin in RELATED):
        return "related-metric"
    return "none"


def not_replications(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """A claim of presence or absence printed beside another house's figures: it confirms the return or the silence, not them."""
    for said in claims:
        if said.metric != "presence" or not is_witnessed(said):
            continue
        beside = [
            c for c in claims
            if c.source == said.source and c.id != said.id and is_witnessed(c) and point(c) is not None
            and ("change" in c.metric or "share" in c.metric) and replication(c, said) == "presence-only"
        ]  # fmt: skip
        if beside:
            yield ClaimFinding(
                "not_a_replication", ids([said, *beside]), "consistent", (),
                {"kind": "presence-only", "witness": said.witness, "of": len(beside)},
            )  # fmt: skip


def replications(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """Figures of one metric on one thing by two independent groups printed in one place: these are replications."""
    for i, one in enumerate(claims):
        for other in claims[i + 1 :]:
            if one.source != other.source or not (is_witnessed(one) and is_witnessed(other)):
                continue
            if point(one) is None or point(other) is None or "change" not in one.metric:
                continue
            if replication(one, other) == "same-metric":
                yield ClaimFinding(
                    "replication", ids([one, other]), "consistent", (), {"kind": "same-metric", "witness": other.witness}
                )  # fmt: skip
