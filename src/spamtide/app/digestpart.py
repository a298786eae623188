"""What a worker does with one task: a range of records becomes one Parquet part for each table that has rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from spamtide.archive import kept_facts, read_segment, write_part
from spamtide.fingerprint import TABLES, arrow_schema, digest


def digest_range(
    stage: str, segment: dict[str, Any], start: int, stop: int, batch_records: int, durable: bool = True
) -> dict[str, Any]:
    """Digest records ``start`` to ``stop`` of ``segment``: the answer of a worker, plain values."""
    records = read_segment(segment["base"], start, stop)
    tables: dict[str, list[pa.Table]] = {}
    if gone := records.thinned():
        # What they said cannot be read again; their facts were kept when they were thinned.
        ordinals = [records.get(i)[0] for i in gone]
        schemas = {name: arrow_schema(name) for name in TABLES}
        tables = {name: [rows] for name, rows in kept_facts(segment["base"], ordinals, schemas).items()}
    for first in range(0, len(records), batch_records):
        for name, table in digest(segment["number"], records.slice(first, first + batch_records)).items():
            if table.num_rows:
                tables.setdefault(name, []).append(table)
    defects: Counter[str] = Counter()
    parts = []
    messages = 0
    for name, pieces in tables.items():
        table = pa.concat_tables(pieces)
        if gone:
            table = table.sort_by([(c, "ascending") for c in ("ordinal", "position") if c in table.column_names])
        if name == "message":
            messages = table.num_rows
            for kinds in table["defects"].to_pylist():
                defects.update(kinds.split())
        part = write_part(
            Path(stage), name, table, feed=segment["feed"], writer=segment["writer"], segment=segment["number"],
            start=start, stop=stop, durable=durable,
        )  # fmt: skip
        parts.append(asdict(part))
    return {"parts": parts, "messages": messages, "defects": dict(defects)}
