"""campaign: what belongs together. From fingerprints to near-duplicate groups, and what becomes of their ids.
"""campaign: what belongs together, and to whom. Near-duplicate groups and what becomes of their ids; learned dialects; sender
groups, a botnet being a name put on one.
``group`` works on any list of texts, without a workspace.
"""
from typing import TYPE_CHECKING, Any
from spamtide.campaign.aliases import Alias, Change, changes, follow
from spamtide.campaign.tables import GROUP_TABLES, campaign_id, group_schema
if TYPE_CHECKING:
    from spamtide.campaign.dialects import Dialect, Dialects, PathUse, Spoke, learn_dialects
    from spamtide.campaign.grouping import LISTS, Settled, group, lowest_of_each, settle, settle_sorted
# The rule of ``settle`` and its version: another one makes every generation stale.
METHOD = "near-1"
    from spamtide.campaign.membership import Members, Witnesses, follow_members, learn_witnesses, tell_members
    from spamtide.campaign.paths import PATH_COLUMNS, assign_dialects, path_uses
    from spamtide.campaign.senders import Mail, Merge, SenderGroup, SenderGroups, group_id, group_senders
# Where the names live that need numpy or pyarrow: loaded by those who group, not by those who ask for the dictionary.
_HOMES = {
    "dialects": ("Dialect", "Dialects", "PathUse", "Spoke", "learn_dialects"),
    "grouping": ("LISTS", "Settled", "group", "lowest_of_each", "settle", "settle_sorted"),
    "membership": ("Members", "Witnesses", "follow_members", "learn_witnesses", "tell_members"),
    "paths": ("PATH_COLUMNS", "assign_dialects", "path_uses"),
    "senders": ("Mail", "Merge", "SenderGroup", "SenderGroups", "group_id", "group_senders"),
}
__all__ = [
    "GROUP_TABLES",
    "LISTS",
    "METHOD",
    "PATH_COLUMNS",
    "Alias",
    "Change",
    "Dialect",
    "Dialects",
    "Mail",
    "Members",
    "Merge",
    "PathUse",
    "SenderGroup",
    "SenderGroups",
    "Settled",
    "Spoke",
    "Witnesses",
    "assign_dialects",
    "campaign_id",
    "changes",
    "follow",
    "follow_members",
    "group",
    "group_id",
    "group_schema",
    "group_senders",
    "learn_dialects",
    "learn_witnesses",
    "lowest_of_each",
    "path_uses",
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
    "tell_members",
]


def __getattr__(name: str) -> Any:
    # numpy is loaded by those who group, not by those who ask for the dictionary.
    if name in ("LISTS", "Settled", "group", "lowest_of_each", "settle", "settle_sorted"):
        import importlib
        return getattr(importlib.import_module("spamtide.campaign.grouping"), name)
    # numpy and pyarrow are loaded by those who infer.
    if name in __all__:
        return getattr(importlib.import_module("spamtide.campaign.template"), name)
    for home, names in _HOMES.items():
        if name in names:
            import importlib
            return getattr(importlib.import_module(f"spamtide.campaign.{home}"), name)
    raise AttributeError(name)
