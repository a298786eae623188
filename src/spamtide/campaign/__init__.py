"""campaign: what belongs together. From fingerprints to near-duplicate groups, and what becomes of their ids.
``group`` works on any list of texts, without a workspace.
"""
from typing import TYPE_CHECKING, Any
from spamtide.campaign.aliases import Alias, Change, changes, follow
from spamtide.campaign.tables import GROUP_TABLES, campaign_id, group_schema
if TYPE_CHECKING:
    from spamtide.campaign.grouping import LISTS, Settled, group, lowest_of_each, settle, settle_sorted
# The rule of ``settle`` and its version: another one makes every generation stale.
METHOD = "near-1"
__all__ = [
    "GROUP_TABLES",
    "LISTS",
    "METHOD",
    "Alias",
    "Change",
    "Settled",
    "campaign_id",
    "changes",
    "follow",
    "group",
    "group_schema",
    "lowest_of_each",
    "settle",
    "settle_sorted",
"""campaign: what belongs together. Owns exact groups and templates; near-duplicates and sender groups come with a later issue."""
    from spamtide.campaign.template import (
        Anchor,
        HeldBack,
        Line,
        Others,
        Refusal,
        Slot,
        Split,
        Template,
        Text,
        infer_template,
    )
    "Anchor",
    "HeldBack",
    "Line",
    "Others",
    "Refusal",
    "Slot",
    "Split",
    "Template",
    "Text",
    "infer_template",
]


def __getattr__(name: str) -> Any:
    # numpy is loaded by those who group, not by those who ask for the dictionary.
    if name in ("LISTS", "Settled", "group", "lowest_of_each", "settle", "settle_sorted"):
        import importlib
        return getattr(importlib.import_module("spamtide.campaign.grouping"), name)
    # numpy and pyarrow are loaded by those who infer.
    if name in __all__:
        return getattr(importlib.import_module("spamtide.campaign.template"), name)
    raise AttributeError(name)
