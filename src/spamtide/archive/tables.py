"""The tables of facts: Parquet parts, and the root manifest that names them. What no manifest names does not exist.

The root is replaced atomically; each part carries its SHA-256 there, and the root its own. A query reads the parts of
one facts version only.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spamtide.archive.locks import hold_lock
from spamtide.errors import BrokenWorld

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file of one table. ``path`` is relative to ``archive/tables``."""

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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The parts that one query reads, as absolute paths by table; ``generation`` names the root that said so."""

    generation: int
    facts_version: int
    files: dict[str, tuple[str, ...]]


@dataclass(slots=True)
class _Root:
    generation: int = 0
    # facts version -> "feed/writer-number" -> records digested
    digested: dict[str, dict[str, int]] = field(default_factory=dict)
    parts: dict[str, list[Part]] = field(default_factory=dict)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_part(
    stage: Path, table: str, data: pa.Table, *, feed: str, writer: str, segment: int, start: int, stop: int
) -> Part:
    """Write one table of facts to a file in ``stage``, a folder of ``archive/tables``; named by no manifest yet.

    The columns ``feed`` and ``writer`` come first; rows keep the order of the segment. Durable when this returns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    n = data.num_rows
    names = (("writer", writer), ("feed", feed))
    for name, value in names:
        column = pa.DictionaryArray.from_arrays(pa.array([0] * n, pa.int32()), pa.array([value]))
        data = data.add_column(0, pa.field(name, column.type, nullable=False), column)
    name = f"{feed}-{writer}-{segment:06d}-{start:08d}-{stop:08d}-{table}.parquet"
    path = stage / name
    # By rename: a worker that outlives a killed import must not be seen half-way through the same part.
    temporary = stage / f"{name}.{os.getpid()}"
    pq.write_table(
        data, temporary, compression="zstd", compression_level=1, use_dictionary=_DICTIONARY, write_statistics=True
    )
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)
    return Part(
        table, feed, writer, segment, start, stop, f"{stage.name}/{name}", n, path.stat().st_size, file_digest(path)
    )


_DICTIONARY = ["feed", "writer", "time_origin", "origin", "defects", "marks", "scheme", "sniffed_type", "declared_type"]


class Tables:
    """The tables of one archive. Readers take snapshots and never lock; ``commit`` holds the lock ``tables``."""

    def __init__(self, archive_root: Path) -> None:
        self._archive = archive_root
        self.root = archive_root / "tables"

    def lock(self) -> AbstractContextManager[None]:
        """The lock under which parts are made and named."""
        return hold_lock(self._archive, "tables")

    def stage(self, facts_version: int) -> Path:
        """The folder into which parts of a facts version are written."""
        folder = self.root / f"facts-{facts_version}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def digested(self, facts_version: int) -> dict[tuple[str, str, int], int]:
        """How many records of each segment (feed, writer, number) the tables hold."""
        found = {}
        for name, records in self._read().digested.get(str(facts_version), {}).items():
            feed, _, rest = name.partition("/")
            writer, _, number = rest.rpartition("-")
            found[(feed, writer, int(number))] = records
        return found

    def snapshot(self, facts_version: int) -> Snapshot:
        """The parts of one facts version, as named now."""
        root = self._read()
        files: dict[str, list[str]] = {}
        for part in root.parts.get(str(facts_version), []):
            if part.rows:
                files.setdefault(part.table, []).append(str(self.root / part.path))
        return Snapshot(root.generation, facts_version, {k: tuple(v) for k, v in files.items()})

    def commit(self, facts_version: int, parts: Iterable[Part], digested: dict[tuple[str, str, int], int]) -> int:
        """Name new parts and how far each segment is digested, in one atomic step; the new generation.

        A part made again replaces the one of its name.
        """
        root = self._read()
        key = str(facts_version)
        root.generation += 1
        new = list(parts)
        again = {part.path for part in new}
        root.parts[key] = [part for part in root.parts.get(key, []) if part.path not in again] + new
        known = root.digested.setdefault(key, {})
        for (feed, writer, number), records in digested.items():
            name = f"{feed}/{writer}-{number:06d}"
            known[name] = max(records, known.get(name, 0))
        self._write(root)
        return root.generation

    def drop_messages(self, facts_version: int, places: Sequence[tuple[str, str, int, int]]) -> int:
        """Take rows out of every table, rewriting the parts that hold them; the old files go at once. Rows dropped."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        wanted: dict[tuple[str, str, int], list[int]] = {}
        for feed, writer, segment, ordinal in places:
            wanted.setdefault((feed, writer, segment), []).append(ordinal)
        root = self._read()
        dropped, gone = 0, []
        for key, parts in root.parts.items():
            if key != str(facts_version):
                continue
            for i, part in enumerate(parts):
                ordinals = wanted.get((part.feed, part.writer, part.segment))
                if not ordinals or not any(part.start <= o < part.stop for o in ordinals):
                    continue
                path = self.root / part.path
                data = pq.read_table(path)
                kept = data.filter(pc.invert(pc.is_in(data["ordinal"], value_set=pa.array(ordinals, pa.int32()))))
                if kept.num_rows == data.num_rows:
                    continue
                dropped += data.num_rows - kept.num_rows if part.table == "message" else 0
                stem = path.name.removesuffix(".parquet").split("~")[0]
                fresh = path.with_name(f"{stem}~{root.generation + 1}.parquet")
                pq.write_table(kept, fresh, compression="zstd", compression_level=1, use_dictionary=_DICTIONARY)
                with fresh.open("rb") as file:
                    os.fsync(file.fileno())
                relative = f"{path.parent.name}/{fresh.name}"
                parts[i] = Part(
                    part.table, part.feed, part.writer, part.segment, part.start, part.stop,
                    relative, kept.num_rows, fresh.stat().st_size, file_digest(fresh),
                )  # fmt: skip
                gone.append(path)
        root.generation += 1
        self._write(root)
        for path in gone:
            path.unlink()
        return dropped

    def sweep(self) -> int:
        """Remove files that no manifest names: what a crash left. Call under the lock. The number removed."""
        named = {part.path for parts in self._read().parts.values() for part in parts}
        removed = 0
        for path in sorted(self.root.glob("facts-*/*")):
            if f"{path.parent.name}/{path.name}" not in named:
                path.unlink()
                removed += 1
        return removed

    def _read(self) -> _Root:
        path = self.root / "root.json"
        if not path.exists():
            return _Root()
        return _decode(path)

    def _write(self, root: _Root) -> None:
        body = {
            "format": FORMAT,
            "generation": root.generation,
            "digested": root.digested,
            "parts": {k: [asdict(p) for p in v] for k, v in root.parts.items()},
        }
        text = json.dumps(body, indent=1, sort_keys=True) + "\n"
        text += hashlib.sha256(text.encode()).hexdigest() + "\n"
        temporary = self.root / "root.json.new"
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        for folder in sorted({self.root / Path(p.path).parent for parts in root.parts.values() for p in parts}):
            _sync_folder(folder)
        os.replace(temporary, self.root / "root.json")
        _sync_folder(self.root)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _decode(path: Path) -> _Root:
    data = path.read_bytes()
    text, tail = data[:-65], data[-65:]
    if hashlib.sha256(text).hexdigest().encode() + b"\n" != tail:
        raise BrokenWorld(
            "corrupt_manifest",
            f"{path} is damaged.",
            "Move archive/tables away and run 'spamtide digest': tables are computed again from the segments.",
        )
    body: dict[str, Any] = json.loads(text)
    parts = {k: [Part(**p) for p in v] for k, v in body["parts"].items()}
    return _Root(body["generation"], body["digested"], parts)


def verify_tables(archive_root: Path) -> list[tuple[str, str, str]]:
    """Problems of the manifest and the parts it names, as (code, thing, text)."""
    tables = Tables(archive_root)
    try:
        root = tables._read()
    except BrokenWorld as error:
        return [(error.code, "tables/root.json", error.message)]
    problems = []
    for parts in root.parts.values():
        for part in parts:
            path = tables.root / part.path
            if not path.exists():
                problems.append(("missing_part", part.path, "the manifest names it, but it is not there"))
            elif file_digest(path) != part.sha256:
                problems.append(("corrupt_part", part.path, "its hash is not what the manifest says"))
    return problems
