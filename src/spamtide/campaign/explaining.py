"""Why two messages are, or are not, in one campaign: the path between their exact groups, and what joined each step.

What joined a campaign of m exact groups are m - 1 edges, a tree: the path is the only one, and each step says how near its
two ends are and how near they had to be.
"""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spamtide.campaign.looks import BITS, differing_bits

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Explanation:
    """``path``: exact groups from one to the other, each near the one before; None between two campaigns. ``reasons``: one a step."""

    path: tuple[str, ...] | None
    reasons: tuple[dict[str, Any], ...]


def explain(one: str, other: str, edges: Callable[[], pa.Table]) -> Explanation:
    """The explanation of two exact groups. ``edges``: rows of the table ``campaign_edge`` of their campaign, read where they are needed."""
    if one == other:
        return Explanation((one,), ({"kind": "exact", "exact": one},))
    beside: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in edges().to_pylist():
        beside[row["leader"]][row["member"]] = row
        beside[row["member"]][row["leader"]] = row
    came: dict[str, str] = {one: one}
    waiting = deque([one])
    while waiting and other not in came:
        here = waiting.popleft()
        for there in beside[here]:
            if there not in came:
                came[there] = here
                waiting.append(there)
    if other not in came:
        return Explanation(None, ())
    path = [other]
    while path[-1] != one:
        path.append(came[path[-1]])
    path.reverse()
    steps = itertools.pairwise(path)
    return Explanation(tuple(path), tuple(_reason(a, b, beside[a][b]) for a, b in steps))


def _reason(one: str, other: str, edge: dict[str, Any]) -> dict[str, Any]:
    # A threshold below the usual one was lowered by what the two share beside their text.
    seen = {"differing_bits": differing_bits(edge["similarity"]), "bits": BITS} if edge["by"] == "picture" else {}
    return {
        "kind": "near", "from": one, "to": other, "by": edge["by"], "similarity": edge["similarity"] / 1000,
        "needed": edge["needed"] / 1000, **seen, "shingle": f"{edge['shingle'] & 0xFFFF_FFFF_FFFF_FFFF:016x}",
    }  # fmt: skip
