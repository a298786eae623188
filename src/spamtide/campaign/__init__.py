"""campaign: what belongs together, and to whom. Near-duplicate groups and what becomes of their ids; learned dialects; sender
groups, a botnet being a name put on one; templates of campaigns.

``group`` works on any list of texts, without a workspace.
"""

from typing import TYPE_CHECKING, Any

from spamtide.campaign.aliases import Alias, Change, changes, follow
from spamtide.campaign.explaining import Explanation, explain
from spamtide.campaign.glue import Glue, Joint, find_glue
from spamtide.campaign.looks import BITS, hashes_of, least_differing, shared_forms
from spamtide.campaign.sendertables import SENDER_METHOD, SENDER_TABLES, sender_schema
from spamtide.campaign.tables import GROUP_TABLES, IN_TIME, OF_DAY, OF_MESSAGE, SUBJECTS, campaign_id, group_schema

if TYPE_CHECKING:
    from spamtide.campaign.auditing import AuditPair, Draw, Share, Tally, draw_pairs, estimate_share, tally
    from spamtide.campaign.dialects import Dialect, Dialects, PathUse, Spoke, learn_dialects
    from spamtide.campaign.grouping import LISTS, Newcomers, Settled, group, lowest_of_each, settle, settle_sorted
    from spamtide.campaign.likeness import Judged, Likeness
    from spamtide.campaign.membership import Members, Witnesses, follow_members, learn_witnesses, tell_members
    from spamtide.campaign.paths import PATH_COLUMNS, assign_dialects, path_uses
    from spamtide.campaign.senders import Mail, Merge, SenderGroup, SenderGroups, group_id, group_senders
    from spamtide.campaign.template import (
        Anchor,
        HeaderField,
        HeaderTemplate,
        HeldBack,
        Line,
        Others,
        Piece,
        Refusal,
        Shape,
        Slot,
        SlotKind,
        Split,
        Template,
        Text,
        fill_slots,
        infer_headers,
        infer_template,
    )

# The rule of ``settle`` and its version: another one makes every generation stale.
METHOD = "near-4"
# The same of ``infer_template``: what was inferred by another is inferred again.
TEMPLATE_METHOD = "template-1"

# Where the names live that need numpy or pyarrow: loaded by those who group, not by those who ask for the dictionary.
_HOMES = {
    "auditing": ("AuditPair", "Draw", "Share", "Tally", "draw_pairs", "estimate_share", "tally"),
    "dialects": ("Dialect", "Dialects", "PathUse", "Spoke", "learn_dialects"),
    "grouping": ("LISTS", "Newcomers", "Settled", "group", "lowest_of_each", "settle", "settle_sorted"),
    "likeness": ("Judged", "Likeness"),
    "membership": ("Members", "Witnesses", "follow_members", "learn_witnesses", "tell_members"),
    "paths": ("PATH_COLUMNS", "assign_dialects", "path_uses"),
    "senders": ("Mail", "Merge", "SenderGroup", "SenderGroups", "group_id", "group_senders"),
    "template": (
        "Anchor",
        "HeaderField",
        "HeaderTemplate",
        "HeldBack",
        "Line",
        "Others",
        "Piece",
        "Refusal",
        "Shape",
        "Slot",
        "SlotKind",
        "Split",
        "Template",
        "Text",
        "fill_slots",
        "infer_headers",
        "infer_template",
    ),
}

__all__ = [
    "BITS",
    "GROUP_TABLES",
    "IN_TIME",
    "LISTS",
    "METHOD",
    "OF_DAY",
    "OF_MESSAGE",
    "PATH_COLUMNS",
    "SENDER_METHOD",
    "SENDER_TABLES",
    "SUBJECTS",
    "TEMPLATE_METHOD",
    "Alias",
    "Anchor",
    "AuditPair",
    "Change",
    "Dialect",
    "Dialects",
    "Draw",
    "Explanation",
    "Glue",
    "HeaderField",
    "HeaderTemplate",
    "HeldBack",
    "Joint",
    "Judged",
    "Likeness",
    "Line",
    "Mail",
    "Members",
    "Merge",
    "Newcomers",
    "Others",
    "PathUse",
    "Piece",
    "Refusal",
    "SenderGroup",
    "SenderGroups",
    "Settled",
    "Shape",
    "Share",
    "Slot",
    "SlotKind",
    "Split",
    "Spoke",
    "Tally",
    "Template",
    "Text",
    "Witnesses",
    "assign_dialects",
    "campaign_id",
    "changes",
    "draw_pairs",
    "estimate_share",
    "explain",
    "fill_slots",
    "find_glue",
    "follow",
    "follow_members",
    "group",
    "group_id",
    "group_schema",
    "group_senders",
    "hashes_of",
    "infer_headers",
    "infer_template",
    "learn_dialects",
    "learn_witnesses",
    "least_differing",
    "lowest_of_each",
    "path_uses",
    "sender_schema",
    "settle",
    "settle_sorted",
    "shared_forms",
    "tally",
    "tell_members",
]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            import importlib

            return getattr(importlib.import_module(f"spamtide.campaign.{home}"), name)
    raise AttributeError(name)
