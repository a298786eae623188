"""Those rows of a set that hardly say anything: fewer than eight words. What their pictures look like, and what they are built like.

As in ``rust/src/pure/group/bare.rs`` and ``looks.rs``, for the few pairs that somebody asks about.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

import numpy as np
import pyarrow as pa

from spamtide.campaign.looks import BITS, hashes_of, least_differing

# Pictures meet where one of nine bands of their bits is the same.
BANDS = 9
# The form of a message of fewer than eight words (rust/src/pure/forms.rs).
BARE = 4


class Bare:
    """Pictures and forms of bare rows; the others have none."""

    def __init__(self, pictures: pa.ChunkedArray, forms: pa.ChunkedArray) -> None:
        self._pictures: dict[int, frozenset[int]] = {}
        self._forms: dict[int, frozenset[int]] = {}
        mark = np.array([BARE], np.int64).tobytes()
        for row, cell in enumerate(forms.to_pylist()):
            if cell is not None and cell[:8] == mark:
                self._forms[row] = hashes_of(cell)
                self._pictures[row] = hashes_of(pictures[row].as_py())

    def has(self, row: int) -> bool:
        """It says fewer than eight words."""
        return row in self._forms

    def mixed(self, rows: list[int]) -> bool:
        """Some of these rows are bare and some are not."""
        return len({row in self._forms for row in rows}) == 2

    def pictures(self, row: int) -> frozenset[int]:
        """What its pictures look like."""
        return self._pictures.get(row, frozenset())

    def forms(self, row: int) -> frozenset[int]:
        """All its forms, the mark of few words among them."""
        return self._forms.get(row, frozenset())

    def build(self, row: int) -> frozenset[int]:
        """What it is built like: all its forms."""
        return self.forms(row) - {BARE}

    def differing(self, one: int, other: int) -> int | None:
        """In how many bits the pictures of two differ; None where they are not alike or one is not bare."""
        return least_differing(self.pictures(one), self.pictures(other))

    def met(self, row: int) -> list[int]:
        """Rows that have a band of a picture of this one."""
        return sorted({r for band in _bands(self.pictures(row)) for r in self._banded[band]})

    def carriers(self, build: frozenset[int]) -> list[int]:
        """Rows that are built like this, ascending."""
        return self._built.get(build, [])

    @cached_property
    def _built(self) -> dict[frozenset[int], list[int]]:
        found: dict[frozenset[int], list[int]] = defaultdict(list)
        for row in self._forms:
            found[self.build(row)].append(row)
        return found

    @cached_property
    def _banded(self) -> dict[tuple[int, int], list[int]]:
        found: dict[tuple[int, int], list[int]] = defaultdict(list)
        for row, pictures in self._pictures.items():
            for band in _bands(pictures):
                found[band].append(row)
        return found


def _bands(pictures: frozenset[int]) -> set[tuple[int, int]]:
    width = BITS // BANDS
    return {(band, p >> band * width & (1 << width) - 1) for p in pictures for band in range(BANDS)}
