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

from spamtide.campaign.bare import Bare
from spamtide.campaign.grouping import LISTS
from spamtide.campaign.looks import ALIKE_BITS, agreement

if TYPE_CHECKING:
    Ints = NDArray[np.int64]

# The numbers of the method, as in rust/src/pure/group/mod.rs: thousandths.
SKETCH, KEYS, SAMPLE, MANY = 45, 10, 8, 4
WEIGHTS = (200, 400, 1000)
BASE, WITHOUT, SUBJECT, LINK, LEAST = 550, 450, 400, 300, 240
# So alike are two subjects that are one.
SAME = 900
LIKE, AGREEING, OWN = 250, 250, 750
SPREAD, NEAR, COMMON, BOILERPLATE, PARTIAL = 16, 300, 200, 200, 800


_SCHEMA = pa.schema([("exact", pa.string()), *((name, pa.binary()) for name in LISTS)])


@dataclass(frozen=True, slots=True)
class Judged:
    """How like two exact groups are and how like they had to be, thousandths; which evidence lowered that; what was compared.

    ``by``: sketches, alone (``text``) or with evidence that lowered the need (``subject``, ``link``, ``build``); bits of two
    pictures (``picture``); subjects, where one of the two has no text (``heading``).
    """

    similarity: int
    needed: int
    subject: bool
    link: bool
    by: str = "text"

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


def _common(one: Ints, other: Ints) -> int:
    """Jaccard of two lists, thousandths."""
    either = len(np.union1d(one, other))
    return len(np.intersect1d(one, other)) * 1000 // either if either else 0


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
        self._bare = Bare(table["picture_marks"], table["form_marks"])
        self._boilerplate = cache(self._is_boilerplate)
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

    def similarity(
        self, one: int, other: int, without: Ints | None = None, *, alike: bool = False, discounted: bool = False
    ) -> int:
        """Weighted Jaccard of two sketches, thousandths; shingles of ``without`` left out.

        With ``alike`` all weigh the same; ``discounted``: boilerplate weighs little.
        """
        a, b = self._shingles.of(one), self._shingles.of(other)
        both = np.union1d(a, b)[:SKETCH]
        if without is not None and len(without):
            both = both[~np.isin(both, without)]
        weight = np.ones(len(both), np.int64) if alike else self.weights(both)
        if discounted:
            weight[[self._boilerplate(int(s)) for s in both]] = BOILERPLATE
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
        # Few words and many cannot be compared: no pair.
        pairs = [
            self.similarity(b, a, self._subject.of(b)) >= LIKE
            for a, b in combinations(carriers, 2)
            if self._bare.has(a) == self._bare.has(b)
        ]
        if not pairs:
            return alone or len(carriers) > 1
        return sum(pairs) * 1000 >= AGREEING * len(pairs)

    def _is_boilerplate(self, shingle: int) -> bool:
        """Whether hardly two of the lowest carriers of a shingle that many have are alike."""
        carriers = self._shingles.carriers(shingle)
        if len(carriers) < SPREAD:
            return False
        pairs = [self.similarity(b, a) >= NEAR for a, b in combinations(carriers[:SAMPLE].tolist(), 2)]
        return sum(pairs) * 1000 < COMMON * len(pairs)

    def _is_proven_subject(self, mark: int) -> bool:
        return self._alike(self._subject, mark, alone=True)

    def _is_proven_link(self, mark: int) -> bool:
        return self._alike(self._links, mark, alone=False)

    def _is_own(self, mark: int) -> bool:
        """Whether a bigram is one campaign's own: hardly two unlike messages carry it. Bare ones are compared by their pictures."""
        carriers = self._subject.carriers(mark)
        seen = [
            self._bare.differing(b, a) is not None
            if self._bare.has(a)
            else self.similarity(b, a, self._subject.of(b)) >= LIKE
            for a, b in combinations(carriers[:SAMPLE].tolist(), 2)
            if self._bare.has(a) == self._bare.has(b)
            and (not self._bare.has(a) or (self._bare.pictures(a) and self._bare.pictures(b)))
        ]
        return sum(seen) * 1000 >= OWN * len(seen) if seen else len(carriers) == 2

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
        found = self._judged[one, other] = self._judge(one, other)
        return found

    def _judge(self, one: int, other: int) -> Judged:
        (a, x), (b, y) = self._proven_of(one), self._proven_of(other)
        subject, link = bool(a & b), bool(x & y)
        bare = self._bare
        bits = bare.differing(one, other)
        if bits is not None:
            return Judged(agreement(bits), agreement(ALIKE_BITS), subject, link, "picture")
        titles, host = (self._subject.of(one), self._subject.of(other)), self._share(self._links, one, other)
        both_bare = bare.has(one) and bare.has(other)
        if both_bare and bare.pictures(one) and bare.pictures(other) and not host:
            return Judged(_common(*titles), SAME, subject, link, "heading")
        strangers = bool(a and b) and not subject and not link
        part = len(a & b) * 1000 // len(a | b) if subject else 0
        discounted, needed = False, WITHOUT
        if a or b or x or y:
            discounted = part < PARTIAL and (bool(a and b) and not subject if link else subject)
            needed = max(LEAST, BASE - SUBJECT * part // 1000 - LINK * link)
        by = "subject" if subject else "link" if link else "text"
        if both_bare and bare.build(one) == bare.build(other) and self._counts(bare.build(one)):
            lower = max(LEAST, needed - LINK)
            by = "build" if lower < needed and by == "text" else by
            needed = min(lower, needed)
        apart = bare.has(one) != bare.has(other)
        without = np.union1d(*titles) if apart else None
        similarity = self.similarity(one, other, without, alike=strangers, discounted=discounted)
        if apart and subject and similarity < needed and (link or host or any(map(self._is_own, a & b))):
            return Judged(_common(*titles), BASE if link else SAME, subject, link, "heading")
        return Judged(similarity, needed, subject, link, by)

    @staticmethod
    def _share(lists: _Lists, one: int, other: int) -> bool:
        return bool(len(np.intersect1d(lists.of(one), lists.of(other))))

    def _counts(self, build: frozenset[int]) -> bool:
        """Whether what bare messages are built like has carriers that are alike."""
        carriers = self._bare.carriers(build)[:SAMPLE]
        if not build or len(carriers) < 2:
            return False
        alike = [
            self._bare.differing(b, a) is not None
            or self.similarity(b, a, np.array(sorted(self._bare.forms(b)), np.int64)) >= LIKE
            for a, b in combinations(carriers, 2)
        ]
        return sum(alike) * 1000 >= AGREEING * len(alike)

    def neighbours(self, row: int) -> NDArray[np.int32]:
        """Rows that have one of the smallest recurring shingles of this one, a band of its pictures, its build, or, a picture and a letter, a bigram
        of its subject, ascending: those that it could have met."""
        own = self._shingles.of(row)
        keys = own[self._shingles.stands_in(own) > 1][:KEYS]
        met = [self._shingles.carriers(int(k)) for k in keys]
        met.append(np.array(self._bare.met(row), np.int32))
        under = [self._subject.carriers(mark) for mark in self._proven_of(row)[0]]
        met += [rows for rows in under if self._bare.mixed(rows.tolist())]
        if self._counts(self._bare.build(row)):
            met.append(np.array(self._bare.carriers(self._bare.build(row)), np.int32))
        found: NDArray[np.int32] = np.unique(np.concatenate(met))
        others: NDArray[np.int32] = found[found != row]
        return others
