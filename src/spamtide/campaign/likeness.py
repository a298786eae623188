"""The judge of grouping for single pairs: how like two exact groups are, how like they had to be, and who else is near.

What the kernel does for a whole set, here for the few pairs that somebody asks about: the audit, and explanations. A test holds
its answers against the edges that the kernel gives.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from spamtide.campaign.grouping import LISTS

if TYPE_CHECKING:
    Ints = NDArray[np.int64]

# The numbers of the method, as in rust/src/pure/group/mod.rs: thousandths.
SKETCH, KEYS, SAMPLE, MANY = 45, 10, 8, 4
WEIGHTS = (200, 400, 1000)
BASE, WITHOUT, SUBJECT, LINK, LEAST = 550, 450, 400, 300, 240
LIKE, AGREEING = 250, 250


_SCHEMA = pa.schema([("exact", pa.string()), *((name, pa.binary()) for name in LISTS)])


@dataclass(frozen=True, slots=True)
class Judged:
    """How like two exact groups are and how like they had to be, thousandths; which evidence lowered that."""

    similarity: int
    needed: int
    subject: bool
    link: bool

    @property
    def margin(self) -> int:
        """By how much they are over the threshold; below nought: under it."""
        return self.similarity - self.needed


class _Lists:
    """One list of hashes a row, and where each hash stands."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        column = pc.fill_null(column.cast(pa.large_binary()), b"").combine_chunks()
        _, offsets, values = column.buffers()
        ends = np.frombuffer(offsets, np.int64, len(column) + 1, column.offset * 8)
        data = b"" if values is None else values
        self.ends = ends // 8
        self.values: Ints = np.frombuffer(data, np.int64, int(self.ends[-1]))
        order = np.argsort(self.values[self.ends[0] :], kind="stable")
        rows = np.repeat(np.arange(len(column), dtype=np.int32), np.diff(self.ends))
        self._sorted = self.values[self.ends[0] :][order]
        self._rows = rows[order]

    def of(self, row: int) -> Ints:
        """The hashes of a row, ascending."""
        return self.values[self.ends[row] : self.ends[row + 1]]

    def stands_in(self, hashes: Ints) -> Ints:
        """In how many rows each of these stands."""
        return np.searchsorted(self._sorted, hashes, "right") - np.searchsorted(self._sorted, hashes, "left")

    def carriers(self, value: int) -> NDArray[np.int32]:
        """The rows that have a hash, ascending."""
        first, last = (int(np.searchsorted(self._sorted, value, side)) for side in ("left", "right"))
        return self._rows[first:last]


class Likeness:
    """Fingerprints of a set of exact groups, held whole: about 2 KB of memory each.

    ``batches``: rows ascending by ``exact``, with the lists of the table ``sketch``.
    """

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        table = pa.Table.from_batches([b.select(_SCHEMA.names) for b in batches], _SCHEMA)
        self.exact: list[str] = table["exact"].to_pylist()
        self._shingles = _Lists(table["shingles"])
        self._subject = _Lists(table["subject_marks"])
        self._links = _Lists(table["link_marks"])
        self._proven = {"subject": cache(self._is_proven_subject), "link": cache(self._is_proven_link)}
        # The same pair is asked about again and again: an audit draws thousands, with replacement.
        self._judged: dict[tuple[int, int], Judged] = {}

    def __len__(self) -> int:
        return len(self.exact)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of each exact group."""
        return {e: i for i, e in enumerate(self.exact)}

    def weights(self, hashes: Ints) -> Ints:
        """What each shingle weighs: by how many exact groups have it."""
        stands = self._shingles.stands_in(hashes)
        return np.where(stands <= 1, WEIGHTS[0], np.where(stands < MANY, WEIGHTS[1], WEIGHTS[2])).astype(np.int64)

    def similarity(self, one: int, other: int, without: Ints | None = None, *, alike: bool = False) -> int:
        """Weighted Jaccard of two sketches, thousandths; shingles of ``without`` left out; with ``alike`` all weigh the same."""
        a, b = self._shingles.of(one), self._shingles.of(other)
        both = np.union1d(a, b)[:SKETCH]
        if without is not None and len(without):
            both = both[~np.isin(both, without)]
        weight = np.ones(len(both), np.int64) if alike else self.weights(both)
        whole = int(weight.sum())
        shared = np.isin(both, a) & np.isin(both, b)
        return int(weight[shared].sum()) * 1000 // whole if whole else 0

    def shared(self, one: int, other: int) -> list[tuple[int, int]]:
        """The shingles that both sketches have, each with what it weighs, the heaviest first."""
        hashes = np.intersect1d(self._shingles.of(one), self._shingles.of(other))
        found = zip(hashes.tolist(), self.weights(hashes).tolist(), strict=True)
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def _alike(self, marks: _Lists, mark: int, *, alone: bool) -> bool:
        carriers = marks.carriers(mark)[:SAMPLE].tolist()
        if len(carriers) < 2:
            return alone
        pairs = [self.similarity(b, a, self._subject.of(b)) >= LIKE for a, b in combinations(carriers, 2)]
        return sum(pairs) * 1000 >= AGREEING * len(pairs)

    def _is_proven_subject(self, mark: int) -> bool:
        return self._alike(self._subject, mark, alone=True)

    def _is_proven_link(self, mark: int) -> bool:
        return self._alike(self._links, mark, alone=False)

    def _proven_of(self, row: int) -> tuple[set[int], set[int]]:
        subject, link = self._proven["subject"], self._proven["link"]
        return {m for m in self._subject.of(row).tolist() if subject(m)}, {
            m for m in self._links.of(row).tolist() if link(m)
        }

    def judge(self, one: int, other: int) -> Judged:
        """How like two rows are, what they need to be a pair, and which evidence lowered it."""
        known = self._judged.get((one, other))
        if known is not None:
            return known
        (a, x), (b, y) = self._proven_of(one), self._proven_of(other)
        subject, link = bool(a & b), bool(x & y)
        strangers = bool(a and b) and not subject and not link
        needed = WITHOUT
        if a or b or x or y:
            needed = max(LEAST, BASE - SUBJECT * subject - LINK * link)
        similarity = self.similarity(one, other, alike=strangers)
        found = self._judged[one, other] = Judged(similarity, needed, subject, link)
        return found

    def neighbours(self, row: int) -> NDArray[np.int32]:
        """Rows that have one of the smallest recurring shingles of this one, ascending: those that it could have met."""
        own = self._shingles.of(row)
        keys = own[self._shingles.stands_in(own) > 1][:KEYS]
        if not len(keys):
            return np.empty(0, np.int32)
        found: NDArray[np.int32] = np.unique(np.concatenate([self._shingles.carriers(int(k)) for k in keys]))
        others: NDArray[np.int32] = found[found != row]
        return others
