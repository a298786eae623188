"""measure: what changed, by how much. Builds unbound queries; turns integers into estimates with intervals."""

from typing import TYPE_CHECKING, Any

from spamtide.measure.campaigns import (
    campaign_edges,
    campaign_facts,
    campaign_groups,
    campaign_links,
    campaign_listing,
    campaign_texts,
    campaign_values,
    exact_of,
    first_messages,
    other_texts,
    texts_of_exact,
)
from spamtide.measure.errors import BadMeasure, BadQuery, NotBuiltYet
from spamtide.measure.expressions import (
    arrival_times,
    counts_by_bin,
    first_hits,
    folded_needle,
    group_rows,
    matching,
    message_rows,
    peer_units_seen,
    uses,
)
from spamtide.measure.grammar import RULES, UNITS, Count, DuplicateMeasure, Measure, Share, parse_measure
from spamtide.measure.listing import Listing, ListingAfter, arrival_bounds, list_messages
from spamtide.measure.query import (
    BUILT_FIELDS,
    EVERYTHING,
    FIELDS,
    FOLDED_FIELDS,
    And,
    CampaignsAmong,
    Not,
    Or,
    PeersAmong,
    Term,
    Tree,
    parse_query,
)
from spamtide.measure.sightings import sightings
from spamtide.measure.values import (
    DAY_US,
    HOUR_US,
    Confidence,
    Duplicates,
    DuplicateShare,
    Effect,
    EqualN,
    Interval,
    Neighbour,
    Note,
    Path,
    Refusal,
    SecondOpinion,
    Series,
    Window,
    WindowCount,
)

if TYPE_CHECKING:
    from spamtide.measure.agreement import UNKNOWN_GROUP, Agreement, FeedEffect, Heterogeneity, Pooled, agree
    from spamtide.measure.claims import (
        ClaimFinding,
        ClaimPair,
        MeasuredChange,
        MeasuredShare,
        is_witnessed,
        reconcile,
        replication,
        subject_of,
    )
    from spamtide.measure.duplicates import duplicate_shares
    from spamtide.measure.effect import default_windows, estimate_effect
    from spamtide.measure.exposure import INFERRED, Exposure, exposure_shares, span, weakest_basis
    from spamtide.measure.given import BadGivenSeries, effect_of_given, given_series, rebinned, series_named
    from spamtide.measure.peers import (
        asks_for_peers,
        hidden_peers,
        judge_bins,
        large_peers,
        peer_notes,
        sessions_by_bin,
    )
    from spamtide.measure.returns import ReturnCurve, return_curve
    from spamtide.measure.population import Estimate, Population, Sightings, estimate_population
    from spamtide.measure.sendershares import UNKNOWN, GroupShare, WithoutGroup, shares_by_group, without_group
    from spamtide.measure.tasting import Tasting, taste

__all__ = [
    "BUILT_FIELDS",
    "DAY_US",
    "EVERYTHING",
    "FIELDS",
    "FOLDED_FIELDS",
    "HOUR_US",
    "INFERRED",
    "RULES",
    "UNITS",
    "UNKNOWN",
    "UNKNOWN_GROUP",
    "Agreement",
    "And",
    "BadGivenSeries",
    "BadMeasure",
    "BadQuery",
    "CampaignsAmong",
    "ClaimFinding",
    "ClaimPair",
    "Confidence",
    "Count",
    "DuplicateMeasure",
    "DuplicateShare",
    "Duplicates",
    "Effect",
    "EqualN",
    "Estimate",
    "Exposure",
    "FeedEffect",
    "GroupShare",
    "Heterogeneity",
    "Interval",
    "Listing",
    "ListingAfter",
    "Measure",
    "MeasuredChange",
    "MeasuredShare",
    "Neighbour",
    "Not",
    "NotBuiltYet",
    "Note",
    "Or",
    "Path",
    "PeersAmong",
    "Pooled",
    "Population",
    "Refusal",
    "ReturnCurve",
    "SecondOpinion",
    "Series",
    "Share",
    "Tasting",
    "Sightings",
    "Term",
    "Tree",
    "Window",
    "WindowCount",
    "WithoutGroup",
    "agree",
    "arrival_bounds",
    "arrival_times",
    "asks_for_peers",
    "campaign_edges",
    "campaign_facts",
    "campaign_groups",
    "campaign_links",
    "campaign_listing",
    "campaign_texts",
    "campaign_values",
    "counts_by_bin",
    "default_windows",
    "duplicate_shares",
    "effect_of_given",
    "estimate_effect",
    "estimate_population",
    "exact_of",
    "exposure_shares",
    "first_hits",
    "first_messages",
    "folded_needle",
    "given_series",
    "group_rows",
    "hidden_peers",
    "is_witnessed",
    "judge_bins",
    "large_peers",
    "list_messages",
    "matching",
    "message_rows",
    "other_texts",
    "parse_measure",
    "parse_query",
    "peer_notes",
    "peer_units_seen",
    "rebinned",
    "reconcile",
    "replication",
    "return_curve",
    "series_named",
    "sessions_by_bin",
    "shares_by_group",
    "sightings",
    "span",
    "subject_of",
    "taste",
    "texts_of_exact",
    "uses",
    "weakest_basis",
    "without_group",
]  # fmt: skip

# What computes with floats is loaded by those who ask for it: a search starts in a third of the time without numpy.
_LATE = {
    "agreement": ("UNKNOWN_GROUP", "Agreement", "FeedEffect", "Heterogeneity", "Pooled", "agree"),
    "claims": (
        "ClaimFinding",
        "ClaimPair",
        "MeasuredChange",
        "MeasuredShare",
        "is_witnessed",
        "reconcile",
        "replication",
        "subject_of",
    ),
    "duplicates": ("duplicate_shares",),
    "returns": ("ReturnCurve", "return_curve"),
    "sendershares": ("UNKNOWN", "GroupShare", "WithoutGroup", "shares_by_group", "without_group"),
    "effect": ("default_windows", "estimate_effect"),
    "tasting": ("Tasting", "taste"),
    "exposure": ("INFERRED", "Exposure", "exposure_shares", "span", "weakest_basis"),
    "population": ("Estimate", "Population", "Sightings", "estimate_population"),
    "peers": ("asks_for_peers", "hidden_peers", "judge_bins", "large_peers", "peer_notes", "sessions_by_bin"),
    "given": ("BadGivenSeries", "effect_of_given", "given_series", "rebinned", "series_named"),
}


def __getattr__(name: str) -> Any:
    for module, names in _LATE.items():
        if name in names:
            import importlib

            return getattr(importlib.import_module(f"spamtide.measure.{module}"), name)
    raise AttributeError(name)
