"""To what messages an engine is narrowed, so that a page of questions about a few campaigns reads them once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spamtide.archive import Narrowing
from spamtide.measure import EVERYTHING, Among, Tree, by_campaign

if TYPE_CHECKING:
    from spamtide.archive import Engine


def narrowing(
    campaigns: Sequence[str], feeds: Sequence[str] = (), origins: Sequence[str] = (), tree: Tree = EVERYTHING
) -> Narrowing:
    """The messages of these campaigns that are of these feeds and origins (none meaning all) and match ``tree``.

    Where the query asks what the table ``campaign_message`` cannot answer, all messages of the campaigns.
    """
    if not by_campaign(tree):
        return Narrowing(tuple(campaigns))
    where = Among(tree, feeds, origins).where(campaign="m.campaign")
    return Narrowing(tuple(campaigns), where.text, where.parameters)


def left_to_ask(engine: Engine, how: dict[str, Any]) -> dict[str, Any]:
    """What a question must say (``campaigns``, ``feeds``, ``origins``, ``tree``) of such an engine: nothing that it is narrowed to already."""
    if engine.narrowed is None or engine.narrowed != narrowing(**how):
        return how
    return {"campaigns": ()} if by_campaign(how.get("tree", EVERYTHING)) else how
