"""Ids of campaigns as people give them: of today or of an earlier generation."""

from __future__ import annotations

from spamtide.archive import FoundId, Generation, find_campaign
from spamtide.errors import WrongUse
from spamtide.measure import And, CampaignsAmong, Not, Or, Term, Tree


def known_campaign(generation: Generation | None, text: str) -> FoundId:
    """What an id leads to. Raises WrongUse ``unknown_campaign``."""
    found = find_campaign(generation, text) if generation is not None else None
    if found is None:
        raise WrongUse(
            "unknown_campaign", f"There is no campaign {text!r}, and none ever had this id.",
            "Ids come from 'spamtide campaigns' and 'spamtide search'.", campaign=text,
        )  # fmt: skip
    return found


def resolve_campaigns(generation: Generation | None, tree: Tree) -> Tree:
    """The query with each term on ``campaign`` replaced by what its id leads to now. Raises WrongUse ``unknown_campaign``."""
    match tree:
        case Term() if tree.field == "campaign":
            return CampaignsAmong(tree, known_campaign(generation, tree.value).now)
        case Not():
            return Not(resolve_campaigns(generation, tree.inner))
        case And():
            return And(tuple(resolve_campaigns(generation, p) for p in tree.parts))
        case Or():
            return Or(tuple(resolve_campaigns(generation, p) for p in tree.parts))
    return tree
