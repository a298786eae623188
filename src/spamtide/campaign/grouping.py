"""Near-duplicates: from fingerprints of exact groups to groups of them. A function of the set, whatever its order.

Method and figures: docs/explanation/campaigns.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spamtide.campaign.kernel import FingerprintSet, NearIndex
from spamtide.fingerprint import arrow_array, fingerprint_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

LISTS = ("shingles", "subject_marks", "link_marks", "picture_marks", "form_marks")


@dataclass(frozen=True, slots=True)
class Settled:
    """A grouping of n fingerprints.

    ``label``: int32, n of them, for each row the place of its group's first row by exact digest. ``edges``: what joined the
    groups, each group of m rows has m - 1: ``leader`` and ``member`` (rows), ``similarity`` and what was ``needed``
    (thousandths), ``by`` what (``text``, ``subject``, ``link``, ``build``, ``picture``, ``heading``), ``shingle`` (the hash by which the two met). ``compared``: pairs that were held against each other.
    """

    label: pa.Array
    edges: pa.Table
    compared: int


def settle(fingerprints: pa.Table, **rules: int) -> Settled:
    """Group ``fingerprints``: one row an exact group, ``exact`` (32 hex digits) and the lists of the table ``sketch``.

    Rows may come in any order. Memory: about 90 bytes a shingle beside the table. ``rules`` are the numbers of the method by
    name, for those who measure it. Raises ValueError for two rows of one exact group.
    """
    exact = np.asarray(fingerprints["exact"].combine_chunks()).astype("S32")
    order = np.argsort(exact, kind="stable")
    rows = fingerprints.select(["exact", *LISTS])
    if (order[1:] < order[:-1]).any():
        rows = rows.take(pa.array(order))
    found = settle_sorted(rows.to_batches(max_chunksize=100_000), index=None, **rules)
    label = np.empty(len(order), np.int32)
    label[order] = order[found.label.to_numpy()]
    edges = found.edges
    for name in ("leader", "member"):
        places = pa.array(order[edges[name].to_numpy()].astype(np.int32))
        edges = edges.set_column(edges.column_names.index(name), name, places)
    return Settled(pa.array(label), edges, found.compared)


def settle_sorted(batches: Iterable[pa.RecordBatch], *, index: str | None = None, **rules: int) -> Settled:
    """The same for batches whose rows ascend by ``exact`` throughout, so that no more than one of them is held beside the set.

    ``index``: a file to write for ``Newcomers``; durable when this returns.
    """
    gathered = FingerprintSet()
    for batch in batches:
        gathered.extend(*_given(batch))
    tables = gathered.group(index, **rules)
    edges = pa.table({name: arrow_array(column) for name, column in tables["edge"].items()})
    compared = arrow_array(tables["work"]["compared"])[0].as_py()
    return Settled(arrow_array(tables["label"]["label"]), edges, compared)


def lowest_of_each(prints: pa.Table) -> pa.Table:
    """One row an exact group, ascending by ``exact``: of rows that differ (other links, say) the lowest, whatever their order."""
    names = [("exact", "ascending"), *((name, "ascending") for name in LISTS)]
    rows = prints.select(["exact", *LISTS])
    rows = rows.take(pc.sort_indices(rows, sort_keys=names))
    exact = rows["exact"].combine_chunks()
    if len(exact) < 2:
        return rows
    new = pc.not_equal(exact[1:], exact[:-1])
    return rows.filter(pa.concat_arrays([pa.array([True]), new]))


_List = tuple[bytes, bytes]


def _given(batch: pa.RecordBatch) -> tuple[bytes, _List, _List, _List, _List, _List]:
    """Exact digests, and the lists, as the kernel takes them."""
    key = bytes.fromhex("".join(batch.column("exact").to_pylist()))
    shingles, subject, links, pictures, forms = (_buffers(batch.column(name)) for name in LISTS)
    return key, shingles, subject, links, pictures, forms


def _buffers(column: pa.Array) -> tuple[bytes, bytes]:
    """32-bit offsets from nought, and the values."""
    column = pc.fill_null(column.cast(pa.binary()), b"")
    _, offsets, values = column.buffers()
    ends = np.frombuffer(offsets, np.int32, len(column) + 1, column.offset * 4)
    data = b"" if values is None else values.to_pybytes()[ends[0] : ends[-1]]
    return (ends - ends[0]).astype(np.int32).tobytes(), data


class Newcomers:
    """Fingerprints that came after a settled grouping, each told at once: into one of its groups, or together with others.

    The same likeness decides as when grouping, as far as two fingerprints alone can tell; the next settled grouping sees all
    of them at once and may say otherwise. Of those that belong to no group of before at most ``bound`` exact groups are kept
    to be held against each other, the oldest go first. ``index`` is the file of ``settle_sorted``. Raises OSError,
    CorruptSegment.
    """

    def __init__(self, index: str, *, bound: int = 200_000) -> None:
        self._index = NearIndex(index)
        self._bound = bound
        self._apart: dict[str, pa.Table] = {}

    def take(self, fingerprints: pa.Table) -> dict[str, str | None]:
        """Of each exact group of ``fingerprints`` the digest by which the settled group is called that it belongs to, or None."""
        rows = lowest_of_each(fingerprints)
        found: dict[str, str | None] = {}
        for batch in rows.to_batches(max_chunksize=100_000):
            tables = self._index.assign(*_given(batch))
            labels = arrow_array(tables["nearest"]["label"]).to_pylist()
            found.update(zip(batch.column("exact").to_pylist(), labels, strict=True))
        for i, exact in enumerate(rows["exact"].to_pylist()):
            if found[exact] is None and exact not in self._apart:
                self._apart[exact] = rows.slice(i, 1)
        for exact in list(self._apart)[: max(0, len(self._apart) - self._bound)]:
            del self._apart[exact]
        return found

    def together(self) -> dict[str, str]:
        """Of each exact group that belongs to none of before the lowest digest of those that it belongs together with."""
        if not self._apart:
            return {}
        rows = lowest_of_each(pa.concat_tables(self._apart.values()))
        exact = rows["exact"].to_pylist()
        label = settle_sorted(rows.to_batches(max_chunksize=100_000)).label.to_pylist()
        return {e: exact[of] for e, of in zip(exact, label, strict=True)}


def group(texts: Sequence[str], *, subjects: Sequence[str] | None = None) -> NDArray[np.int64]:
    """For each of n texts the place of the first text of its group of near-duplicates (n,), int64.

    ``texts`` are what a person would see; ``subjects``, where there are any, as many. The grouping is a function of the set of
    texts: shuffled they fall into the same groups. Needs no workspace.

        >>> group(["buy cheap pills at our shop today", "see you on monday", "buy cheap p1lls at our shop today!"]).tolist()
        [0, 1, 0]

    Method: docs/explanation/campaigns.md.
    """
    if not texts:
        return np.empty(0, np.int64)
    prints = fingerprint_texts(texts, subjects)
    exact = np.asarray(prints["exact"].combine_chunks()).astype("S32")
    keys, first, of = np.unique(exact, return_index=True, return_inverse=True)
    settled = settle_sorted(prints.take(pa.array(first)).to_batches(max_chunksize=100_000))
    label = settled.label.to_numpy()[of]
    place = np.full(len(keys), len(texts), np.int64)
    np.minimum.at(place, label, np.arange(len(texts)))
    found: NDArray[np.int64] = place[label]
    return found
