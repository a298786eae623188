"""A feed's messages by what they are, day by day: the series of every topic, language, origin, campaign, dialect and sender group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spamtide.app.engines import open_engine
from spamtide.errors import WrongUse
from spamtide.measure import DAY_US, PARTS, And, Series, Tree, Window, counts_by_parts

if TYPE_CHECKING:
    from spamtide.app.observatory import Observatory

# How a part is written as a measure: ``topic:pharma``, ``messages:language:ru``.
_WRITTEN = {"topic": "topic:", "campaign": "campaign:", "dialect": "dialect:", "botnet": "botnet:"}
UNKNOWN = "unknown"


def written(by: str, part: str) -> str:
    """The name of the series of a part."""
    return _WRITTEN.get(by, f"messages:{by}:") + part


@dataclass(frozen=True, slots=True)
class Cells:
    """Messages by bin and by what they are: n cells, their bins, counts and, by name of ``PARTS``, values."""

    bins: NDArray[np.int64]
    counts: NDArray[np.float64]
    values: Mapping[str, NDArray[np.object_]]

    def parts(self, by: str, n: int, where: NDArray[np.bool_] | None = None) -> dict[str, NDArray[np.float64]]:
        """Counts of n bins of every value of ``by``, most messages first; the cells ``where`` alone."""
        kept = np.ones(len(self.bins), dtype=bool) if where is None else where
        names, which = np.unique(self.values[by][kept].astype(np.str_), return_inverse=True)
        table = np.zeros((len(names), n))
        np.add.at(table, (which, self.bins[kept]), self.counts[kept])
        order = sorted(range(len(names)), key=lambda i: (-table[i].sum(), names[i]))
        return {str(names[i]) or UNKNOWN: table[i] for i in order}


def cells_of(
    observatory: Observatory, volume: Series, by: Sequence[str], *, tree: Tree | None = None, origins: Sequence[str]
) -> Cells:
    """The cells of a feed in the bins of ``volume``, whose name is the feed's; ``by``: of ``PARTS``, or ``country``.

    Groups campaigns and senders first where they are asked for. Raises WrongUse ``no_countries``.
    """
    workspace = observatory.workspace
    asked = ["peer" if name == "country" else name for name in by]
    generation = observatory.settled() if "campaign" in asked else None
    senders = observatory.settled_senders() if {"dialect", "botnet"} & set(asked) else None
    first = int(volume.starts[0])
    window = Window(first, int(volume.starts[-1]) + volume.bin_us)
    expression = counts_by_parts(
        tree if tree is not None else And(()), asked, bin_us=DAY_US, anchor=first, feeds=volume.name.split(","), origins=origins,
        window=window,
    )  # fmt: skip
    with open_engine(workspace, generation, senders) as engine:
        rows = engine.run(expression)
    values = {
        name: np.array(rows[f"by_{column}"].to_pylist(), dtype=object) for name, column in zip(by, asked, strict=True)
    }
    if "country" in values:
        values["country"] = _countries(observatory, values["country"])
    return Cells(np.asarray(rows["bin"].to_numpy()), rows["n"].to_numpy().astype(np.float64), values)


def _countries(observatory: Observatory, units: NDArray[np.object_]) -> NDArray[np.object_]:
    networks = observatory.workspace.networks
    if networks.table is None:
        raise WrongUse(
            "no_countries", "Countries need a table of networks, and there is none.", "docs/howto/networks.md shows how to name one."
        )  # fmt: skip
    known = {u: networks.of(u or None) for u in set(units.tolist())}
    return np.array([(n.country if (n := known[u]) is not None else None) or "" for u in units.tolist()], dtype=object)


def series_of_parts(volume: Series, cells: Cells, by: str, most: int) -> dict[str, Series]:
    """A series of each of the ``most`` largest values of ``by``, by its name as a measure."""
    found = {}
    for part, counts in list(cells.parts(by, len(volume.starts)).items())[:most]:
        if part != UNKNOWN:
            name = written(by, part)
            found[name] = replace(volume, name=name, measure=name, counts=np.where(volume.missing, 0.0, counts))
    return found


def written_parts(
    observatory: Observatory, series: Series, by: str, *, tree: Tree, origins: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Counts of every part of a series by its name as a measure, in its bins; a missing bin holds none."""
    cells = cells_of(observatory, series, [by], tree=tree, origins=origins)
    parts = cells.parts(by, len(series.starts))
    return {written(by, name): np.where(series.missing, 0.0, counts) for name, counts in parts.items()}


__all__ = ["PARTS", "UNKNOWN", "Cells", "cells_of", "series_of_parts", "written", "written_parts"]
