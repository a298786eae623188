"""Generations: small global tables written anew as a whole, numbered, complete or absent.

archive/tables/generations/KIND.json                 the manifest of the generation that counts
archive/tables/generations/KIND/NNNNNNNN/T.parquet   its tables

A *kind* is what is written together: ``campaign`` (members, campaigns, aliases), ``group`` (sender groups). Readers take
the generation that the manifest names and never lock. A crash leaves files that nothing names, which the next writer
removes; a generation that was replaced stays 15 minutes for those who read it.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from spamtide.archive.locks import hold_lock
from spamtide.archive.manifests import read_manifest, write_manifest
from spamtide.archive.parts import file_digest, sync_folder
from spamtide.archive.tables import GRACE_SECONDS
from spamtide.errors import BrokenWorld

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
_KIND = re.compile(r"[a-z_]{1,32}")
_LEVEL = 1
NEXT_STEP = "Move archive/tables/generations away: what was in it is computed again when it is asked for."


@dataclass(frozen=True, slots=True)
class Basis:
    """What a generation was computed from: equal bases give equal tables.

    ``changed``: the generation of the root at which messages last came or went; ``method``: the rule and its version;
    ``messages``: how many messages the tables had; ``ends``: how many records of each segment (FEED/WRITER-NUMBER), where that
    was kept.
    """

    facts_version: int
    changed: int
    method: str
    messages: int
    ends: dict[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class GenerationTable:
    """One table of a generation: its file (absolute), rows and hash."""

    path: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Generation:
    """A complete generation of one kind."""

    kind: str
    number: int
    basis: Basis
    tables: dict[str, GenerationTable]
    folder: str = ""

    def file(self, name: str) -> str | None:
        """A file that the generation keeps beside its tables, where it has it."""
        path = Path(self.folder) / name
        return str(path) if self.folder and path.exists() else None

    def is_of(self, facts_version: int, changed: int, method: str) -> bool:
        """Whether it was computed from these facts by this method."""
        return (self.basis.facts_version, self.basis.changed, self.basis.method) == (facts_version, changed, method)


class Generations:
    """The generations of one kind in one archive. Who writes holds the lock ``generations-KIND``."""

    def __init__(self, archive_root: Path, kind: str) -> None:
        assert _KIND.fullmatch(kind), kind
        self._archive = archive_root
        self.kind = kind
        self._top = archive_root / "tables" / "generations"
        self._folder = self._top / kind
        self._manifest = self._top / f"{kind}.json"

    def writing_lock(self, waiting: Callable[[], None] | None = None) -> AbstractContextManager[None]:
        """The lock under which a generation is made. When it is taken: wait after ``waiting``, or BrokenWorld ``locked``."""
        return hold_lock(self._archive, f"generations-{self.kind}", waiting)

    def current(self) -> Generation | None:
        """The generation that counts now, if there is one. Raises BrokenWorld ``corrupt_generation``, ``old_tables``."""
        if not self._manifest.exists():
            return None
        try:
            body = read_manifest(self._manifest)
        except BrokenWorld as error:
            raise BrokenWorld("corrupt_generation", error.message, NEXT_STEP) from None
        if body["format"] != FORMAT:
            raise BrokenWorld(
                "old_tables", f"{self._manifest} has format {body['format']}; this program reads {FORMAT}.", NEXT_STEP
            )
        folder = self._folder / f"{body['number']:08d}"
        tables = {
            name: GenerationTable(str(folder / f"{name}.parquet"), t["rows"], t["sha256"])
            for name, t in body["tables"].items()
        }
        return Generation(self.kind, body["number"], Basis(**body["basis"]), tables, str(folder))

    def draft(self) -> Draft:
        """A generation to be written, with the next number; nobody sees it before ``Draft.name``. Call under the lock."""
        current = self.current()
        number = current.number + 1 if current is not None else 1
        self.sweep()
        return Draft(self, self._folder / f"{number:08d}", number)

    def sweep(self, *, grace_seconds: float = GRACE_SECONDS) -> int:
        """Remove generations that were never named, and replaced ones older than the grace. Under the lock; how many."""
        current = self.current()
        removed = 0
        for folder in sorted(self._folder.glob("*")) if self._folder.is_dir() else ():
            number = int(folder.name)
            if current is not None and number == current.number:
                continue
            replaced = current is not None and number < current.number
            if not replaced or time.time() - folder.stat().st_mtime >= grace_seconds:
                shutil.rmtree(folder)
                removed += 1
        return removed

    def _name(self, draft: Draft, basis: Basis) -> Generation:
        sync_folder(draft.folder)
        sync_folder(self._folder)
        before = self.current()
        body = {
            "format": FORMAT, "kind": self.kind, "number": draft.number, "basis": asdict(basis),
            "tables": {n: {"rows": t.rows, "sha256": t.sha256} for n, t in sorted(draft.tables.items())},
        }  # fmt: skip
        write_manifest(self._manifest, body)
        sync_folder(self._top)
        if before is not None:
            # The grace counts from now, when the last new reader could have seen it named.
            os.utime(self._folder / f"{before.number:08d}")
        return Generation(self.kind, draft.number, basis, dict(draft.tables), str(draft.folder))


class Draft:
    """A generation that is being written. Use it in a ``with`` block; what is not named at its end is removed."""

    def __init__(self, owner: Generations, folder: Path, number: int) -> None:
        self._owner = owner
        self.folder = folder
        self.number = number
        self.tables: dict[str, GenerationTable] = {}
        self._named = False

    def __enter__(self) -> Draft:
        self.folder.mkdir(parents=True)
        return self

    def __exit__(self, *_: object) -> None:
        if not self._named:
            shutil.rmtree(self.folder, ignore_errors=True)

    def write(
        self, table: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch], *, plain: Sequence[str] = ()
    ) -> GenerationTable:
        """Write one table as its batches come, in their order, each a row group; durable when this returns.

        ``plain``: columns whose values seldom come again, so that a dictionary of them would be written for nothing; whole numbers among them
        are written as steps from one to the next, which are read in half the time.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.folder / f"{table}.parquet"
        rows = 0
        packed = [name for name in schema.names if name not in plain]
        steps = {name: "DELTA_BINARY_PACKED" for name in plain if pa.types.is_integer(schema.field(name).type)}
        with pq.ParquetWriter(
            path, schema, compression="zstd", compression_level=_LEVEL, use_dictionary=packed, column_encoding=steps
        ) as writer:
            for batch in batches:
                rows += batch.num_rows
                writer.write_table(pa.Table.from_batches([batch]).cast(schema))
        with path.open("rb") as file:
            os.fsync(file.fileno())
        self.tables[table] = GenerationTable(str(path), rows, file_digest(path))
        return self.tables[table]

    def name(self, basis: Basis) -> Generation:
        """Make this the generation that counts, in one atomic step. Durable when this returns."""
        generation = self._owner._name(self, basis)
        self._named = True
        return generation


def generation_views(
    generations: Iterable[Generation | None], schemas: Mapping[str, pa.Schema]
) -> dict[str, tuple[pa.Schema, str | None]]:
    """Each table of ``schemas`` with the file that holds it; None where no generation does."""
    files = {name: t.path for g in generations if g is not None for name, t in g.tables.items()}
    return {name: (schema, files.get(name)) for name, schema in schemas.items()}


def verify_generations(archive_root: Path) -> list[tuple[str, str, str]]:
    """Problems of the generations that count, as (code, thing, text)."""
    problems = []
    for manifest in sorted((archive_root / "tables" / "generations").glob("*.json")):
        kind = manifest.stem
        try:
            current = Generations(archive_root, kind).current()
        except BrokenWorld as error:
            problems.append((error.code, f"generations/{kind}", error.message))
            continue
        for name, table in current.tables.items() if current is not None else ():
            thing = f"generations/{kind}/{name}"
            if not Path(table.path).exists():
                problems.append(("missing_part", thing, "the manifest names it, but it is not there"))
            elif file_digest(Path(table.path)) != table.sha256:
                problems.append(("corrupt_part", thing, "its hash is not what the manifest says"))
    return problems
