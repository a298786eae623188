"""What decides between "after" and "because of" at a feed: parts of the mail with the target's share of each, and what competing targets sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from spamtide.app.partseries import UNKNOWN, cells_of, written
from spamtide.errors import Unanswerable, WrongUse
from spamtide.measure import EVERYTHING, Cut, Series, Tree

if TYPE_CHECKING:
    from spamtide.app.observatory import Observatory

# Parts that held fewer messages before the cut than this, or beyond so many, say nothing of a dose.
FEWEST, MOST = 50, 8


def target_group(observatory: Observatory, target: str | None) -> str | None:
    """The sender group that a person or a rule named after ``target``; None where there is none."""
    from spamtide.app.botnets import Senders

    if target is None:
        return None
    try:
        return Senders(observatory.workspace, observatory.settled_senders()).resolve(target)
    except (Unanswerable, WrongUse):
        return None


def doses_of(
    observatory: Observatory, series: Series, by: str, cut: Cut, *, tree: Tree, origins: Sequence[str]
) -> list[tuple[float, Series]]:
    """The larger parts of a measure by ``by``, each with the target's share of its messages before the cut.

    Raises WrongUse ``unknown_group`` where no sender group has the target's name.
    """
    group = target_group(observatory, cut.target)
    if group is None:
        raise WrongUse(
            "unknown_group", f"No sender group is called {cut.target}, so that its share of anything is not known.",
            "Name it: spamtide botnets name GROUP NAME --evidence TEXT.",
        )  # fmt: skip
    cells = cells_of(observatory, series, [by, "botnet"], tree=tree, origins=origins)
    n = len(series.starts)
    before = series.starts < cut.at
    found: list[tuple[float, Series]] = []
    own = cells.parts(by, n, cells.values["botnet"] == group)
    for part, counts in cells.parts(by, n).items():
        total = float(counts[before].sum())
        if part != UNKNOWN and total >= FEWEST and len(found) < MOST:
            share = float(own[part][before].sum()) / total if part in own else 0.0
            found.append((share, replace(series, name=written(by, part), counts=np.where(series.missing, 0.0, counts))))
    return found


def rivals_of(observatory: Observatory, series: Series, cut: Cut, *, origins: Sequence[str]) -> dict[str, Series]:
    """By competing event the messages of the sender group that is named after its target, in the bins of ``series``."""
    near = {str(n.facts["event"]): str(n.facts["target"]) for n in cut.notes if n.code == "competing_event"}
    groups = {
        event: group for event, target in near.items() if (group := target_group(observatory, target)) is not None
    }
    if not groups:
        return {}
    parts = cells_of(observatory, series, ["botnet"], tree=EVERYTHING, origins=origins).parts(
        "botnet", len(series.starts)
    )
    none = np.zeros(len(series.starts))
    return {event: replace(series, name=group, counts=parts.get(group, none)) for event, group in groups.items()}
