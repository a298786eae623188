"""campaign: what belongs together. From fingerprints to near-duplicate groups; works on any list of texts too (``group``)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spamtide.campaign.grouping import LISTS, Settled, campaign_id, group, lowest_of_each, settle, settle_sorted

__all__ = ["LISTS", "Settled", "campaign_id", "group", "lowest_of_each", "settle", "settle_sorted"]


def __getattr__(name: str) -> Any:
    # numpy and pyarrow are loaded by those who group, not by everyone who asks for help.
    if name in __all__:
        import importlib

        return getattr(importlib.import_module("spamtide.campaign.grouping"), name)
    raise AttributeError(name)
