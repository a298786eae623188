"""Why two messages are, or are not, in one campaign: the path between their exact groups, and what each step shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Explanation:
    """``path``: exact groups from one to the other, each near the one before; None where it is not known. ``reasons``: what they share."""

    path: tuple[str, ...] | None
    reasons: tuple[dict[str, Any], ...]


def explain(one: str, other: str, members: Callable[[], pa.Table]) -> Explanation:
    """The explanation of two exact groups. ``members``: fingerprints (``exact`` and the columns of ``sketch``) of all exact groups
    of their campaigns, read only where they are needed. Paths through near-duplicates are not told yet: one exact group is the only reason.
    """
    if one == other:
        return Explanation((one,), ({"kind": "exact", "exact": one},))
    return Explanation(None, ())
