"""Compaction: the parts of closed days become one part a (table, feed, day), sorted by arrival.

A day is closed when the clock has left it. What comes later for a closed day is merged into its part the next time. Memory
is bounded by a day: parts are first split by day into files beside them, then each day is put together.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spamtide.archive.manifests import Root, read_day, read_root, write_day, write_root
from spamtide.archive.parts import Part, file_digest, write_parquet
from spamtide.archive.tables import Tables

if TYPE_CHECKING:
    import pyarrow as pa

DAY_US = 86_400_000_000
# More parts than this of closed days are worth gathering without being asked.
MANY_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did: days written, parts that went into them."""

    days: int = 0
    parts: int = 0


def compact(
    tables: Tables,
    facts_version: int,
    *,
    now: int,
    at_least: int = 1,
    progress: Callable[[float, float | None], None] | None = None,
) -> Compacted:
    """Gather the parts that hold only closed days. Call under the lock. Killed midway, nothing has changed.

    ``now``: microseconds since 1970 UTC; fewer parts than ``at_least`` are left alone. Replaced files stay for readers of older snapshots until a sweep.
    """
    key = str(facts_version)
    root = read_root(tables.root)
    if len(root.tail.get(key, [])) < at_least:
        return Compacted()
    closed = [p for p in root.tail.get(key, []) if p.rows == 0 or p.times(tables.root)[1] // DAY_US < now // DAY_US]
    if not closed:
        return Compacted()
    spill = tables.stage(facts_version) / f"spill.{os.getpid()}"
    root.generation += 1
    done = 0
    try:
        for feed in sorted({p.feed for p in closed}):
            split: dict[int, dict[str, list[Path]]] = {}
            for part in (p for p in closed if p.feed == feed and p.rows):
                _split(tables.root / part.path, part.table, spill, split)
            for day in sorted(split):
                _put_together(tables, root, facts_version, feed, day, split[day])
                done += 1
                if progress is not None:
                    progress(done, None)
        gone = {p.path for p in closed}
        root.tail[key] = [p for p in root.tail[key] if p.path not in gone]
        write_root(tables.root, root)
    finally:
        shutil.rmtree(spill, ignore_errors=True)
    for path in gone:
        # The grace of a sweep counts from now, when the last new reader could have seen it named.
        os.utime(tables.root / path)
    return Compacted(done, len(gone))


def _split(path: Path, table: str, spill: Path, split: dict[int, dict[str, list[Path]]]) -> None:
    import pyarrow.compute as pc
    import pyarrow.feather as feather
    import pyarrow.parquet as pq

    spill.mkdir(exist_ok=True)
    data = plain_names(pq.read_table(path))
    # Receive times are after 1982: dividing towards zero is dividing downwards.
    days = pc.divide(data["received_at"], DAY_US)
    for day in sorted(set(days.to_pylist())):
        target = split.setdefault(day, {}).setdefault(table, [])
        piece = spill / f"{path.stem}.{day}"
        feather.write_feather(data.filter(pc.equal(days, day)), piece, compression="zstd")
        target.append(piece)


def plain_names(data: pa.Table) -> pa.Table:
    """``feed`` and ``writer`` as plain text: pieces of several writers can then be put together."""
    import pyarrow as pa

    for i, name in enumerate(("feed", "writer")):
        data = data.set_column(i, pa.field(name, pa.string(), nullable=False), data[name].cast(pa.string()))
    return data


def _put_together(
    tables: Tables, root: Root, facts_version: int, feed: str, day: int, pieces: dict[str, list[Path]]
) -> None:
    import pyarrow as pa
    import pyarrow.feather as feather
    import pyarrow.parquet as pq

    stage = tables.stage(facts_version)
    days = root.days.setdefault(str(facts_version), {})
    name = f"{feed}/{day}"
    held = {p.table: p for p in read_day(tables.root, days[name])} if name in days else {}
    parts: list[Part] = []
    for table in sorted({*pieces, *held}):
        if table not in pieces:
            parts.append(held[table])
            continue
        data = [feather.read_table(piece) for piece in pieces[table]]
        if table in held:
            data.append(plain_names(pq.read_table(tables.root / held[table].path)))
        order = ["received_at", "writer", "segment", "ordinal", "position"]
        whole = pa.concat_tables(data)
        whole = whole.sort_by([(c, "ascending") for c in order if c in whole.column_names])
        path = stage / f"{feed}-day{day:06d}-{table}~{root.generation}.parquet"
        write_parquet(path, table, whole)
        parts.append(
            Part(
                table, feed, "", 0, 0, 0, f"{stage.name}/{path.name}", whole.num_rows, path.stat().st_size,
                file_digest(path), day,
            )
        )  # fmt: skip
        for piece in pieces[table]:
            piece.unlink()
    days[name] = write_day(tables.root, stage.name, feed, day, root.generation, parts)
