"""Parts: the Parquet files that tables are made of, written whole, by rename, durable before anything names them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

# Columns whose values come again, in spam: a question is asked of each value once, not of each message. Where they do not come again the
# writer gives the dictionary up by itself, at a mebibyte.
_DICTIONARY = [
    "feed", "writer", "time_origin", "origin", "defects", "marks", "persona", "language", "topic", "scheme", "sniffed_type", "declared_type",
    "subject", "subject_lower", "subject_folded", "second_subject", "peer_unit", "network", "dialect_path", "dialect_steps",
    "dialect_features", "link_domains", "link_hosts", "host", "domain", "attachment_folded",
]  # fmt: skip
# Rows that are read together. Of texts few are wanted at a time, and each is long.
_ROW_GROUP = {"text": 4_096}
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file of one table. ``path`` is relative to ``archive/tables``.

    A part of a segment holds its records ``start`` to ``stop``; a part of a closed day holds all of a feed's, has the
    ``day`` (whole UTC days since 1970) and no writer. ``first`` and ``last``: receive times; none in parts of older programs.
    """

    table: str
    feed: str
    writer: str
    segment: int
    start: int
    stop: int
    path: str
    rows: int
    size_bytes: int
    sha256: str
    day: int | None = None
    first: int | None = None
    last: int | None = None

    def times(self, root: Path) -> tuple[int, int]:
        """First and last receive time of its rows, of which there must be some; ``root`` is ``archive/tables``."""
        if self.first is not None and self.last is not None:
            return self.first, self.last
        import pyarrow.parquet as pq

        metadata = pq.ParquetFile(root / self.path).metadata
        column = metadata.schema.names.index("received_at")
        found = [metadata.row_group(i).column(column).statistics for i in range(metadata.num_row_groups)]
        return min(int(f.min) for f in found), max(int(f.max) for f in found)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_parquet(path: Path, table: str, data: pa.Table, *, durable: bool = True) -> None:
    """Write rows of a ``table`` to ``path`` by rename; its bytes are ``durable`` when this returns, its name when the folder is synced."""
    import pyarrow.parquet as pq

    # By rename: a worker that outlives a killed import must not be seen half-way through the same part.
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    pq.write_table(
        data, temporary, compression="zstd", compression_level=_LEVEL, use_dictionary=_DICTIONARY, write_statistics=True,
        row_group_size=_ROW_GROUP.get(table),
    )  # fmt: skip
    if durable:
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
    os.replace(temporary, path)


def write_part(
    stage: Path,
    table: str,
    data: pa.Table,
    *,
    feed: str,
    writer: str,
    segment: int,
    start: int,
    stop: int,
    durable: bool = True,
) -> Part:
    """Write one table of facts to a file in ``stage``, a folder of ``archive/tables``; named by no manifest yet.

    The columns ``feed`` and ``writer`` come first; rows keep the order of the segment. ``durable`` when this returns.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    n = data.num_rows
    for name, value in (("writer", writer), ("feed", feed)):
        column = pa.DictionaryArray.from_arrays(pa.array([0] * n, pa.int32()), pa.array([value]))
        data = data.add_column(0, pa.field(name, column.type, nullable=False), column)
    name = f"{feed}-{writer}-{segment:06d}-{start:08d}-{stop:08d}-{table}.parquet"
    path = stage / name
    write_parquet(path, table, data, durable=durable)
    times = pc.min_max(data["received_at"])
    return Part(
        table, feed, writer, segment, start, stop, f"{stage.name}/{name}", n, path.stat().st_size, file_digest(path),
        first=times["min"].as_py(), last=times["max"].as_py(),
    )  # fmt: skip
