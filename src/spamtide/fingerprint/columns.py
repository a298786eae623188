"""The digest call: raw records in, Arrow tables of facts out, exactly the columns of the data dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from spamtide.fingerprint.facts import TABLES
from spamtide.fingerprint.kernel import digest_batch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spamtide.fingerprint.facts import Column
    from spamtide.fingerprint.kernel import RecordBatch

_TYPES = {"int64": pa.int64(), "int32": pa.int32(), "bool": pa.bool_(), "utf8": pa.string(), "binary": pa.binary()}
# Kind, rows, values, offsets, validity: Arrow's own layout.
Buffers = tuple[str, int, bytes, bytes | None, bytes | None]


def arrow_schema(table: str) -> pa.Schema:
    """Arrow schema of one table of facts, in the dictionary's order."""
    return schema_of(TABLES[table])


def schema_of(columns: Iterable[Column]) -> pa.Schema:
    """Arrow schema of the columns of a data dictionary, in its order."""
    return pa.schema([pa.field(c.name, _TYPES[c.kind], nullable=c.nullable) for c in columns])


def digest(segment: int, batch: RecordBatch) -> dict[str, pa.Table]:
    """Facts of every record of ``batch``, which belongs to segment number ``segment``; erased records give no rows.

    The interpreter lock is released meanwhile. Never raises for bad mail: what is wrong is in ``defects``.
    """
    raw = digest_batch(segment, batch)
    return {name: _table(name, raw.get(name, {})) for name in TABLES}


def _table(name: str, columns: dict[str, Buffers]) -> pa.Table:
    schema = arrow_schema(name)
    if not columns:
        return schema.empty_table()
    return pa.Table.from_arrays([arrow_array(columns[field.name]) for field in schema], schema=schema)


def arrow_array(column: Buffers) -> pa.Array:
    """One column as it crosses from the kernel, its bytes not copied."""
    kind, rows, values, offsets, validity = column
    buffers = [None if validity is None else pa.py_buffer(validity)]
    if offsets is not None:
        buffers.append(pa.py_buffer(offsets))
    buffers.append(pa.py_buffer(values))
    return pa.Array.from_buffers(_TYPES[kind], rows, buffers)
