"""The tables of facts: Parquet parts, and the manifests that name them. What no manifest names does not exist.

A query reads the parts of one facts version only, of one snapshot. Parts come by segment as they are digested; those of
closed days are gathered into one sorted part a (table, feed, day) by ``spamtide.archive.compaction``.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from spamtide.archive.layout import segment_name, segment_of
from spamtide.archive.locks import hold_lock
from spamtide.archive.manifests import Root, read_day, read_root, write_day, write_root
from spamtide.archive.parts import Part, file_digest, write_parquet
from spamtide.archive.provisional import Provisional
from spamtide.errors import BrokenWorld

if TYPE_CHECKING:
    from spamtide.archive.generations import Basis

# Files that nothing names any more stay this long for readers that opened their snapshot before.
GRACE_SECONDS = 15 * 60
# The generation of the root that first named a file of a closed day.
_NAMED_AT = re.compile(r"~(\d+)\.parquet$")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The parts that one query reads, as absolute paths by table; ``generation`` names the root that said so.

    ``changed``: the generation at which messages last came or went; two snapshots that agree in it hold the same messages.
    ``ends``: how many records of each segment (feed, writer, number) they hold. ``since``: what came after a basis, where one was named
    and that can be told.
    """

    generation: int
    facts_version: int
    files: dict[str, tuple[str, ...]]
    changed: int = 0
    ends: dict[tuple[str, str, int], int] = field(default_factory=dict)
    since: Since | None = None


@dataclass(frozen=True, slots=True)
class Since:
    """Where to look for messages that came after a generation was made: in these files of the table ``message``, absolute paths, those that
    stand at or after the ``ends`` of their segments, (feed, writer, number, records); what is of no such segment is all new.
    """

    files: tuple[str, ...] = ()
    ends: tuple[tuple[str, str, int, int], ...] = ()


class Tables:
    """The tables of one archive. Readers take snapshots and never lock; what changes them holds the lock ``tables``."""

    def __init__(self, archive_root: Path) -> None:
        self._archive = archive_root
        self.root = archive_root / "tables"
        self.provisional = Provisional(self.root)

    def lock(self, waiting: Callable[[], None] | None = None) -> AbstractContextManager[None]:
        """The lock under which parts are made and named. When it is taken: wait after ``waiting``, or BrokenWorld ``locked``."""
        return hold_lock(self._archive, "tables", waiting)

    def stage(self, facts_version: int) -> Path:
        """The folder into which parts of a facts version are written."""
        folder = self.root / f"facts-{facts_version}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def digested(self, facts_version: int) -> dict[tuple[str, str, int], int]:
        """How many records of each segment (feed, writer, number) the tables hold."""
        return read_root(self.root).ends(facts_version)

    def parts(self, facts_version: int) -> list[Part]:
        """All parts of a facts version, those of closed days first."""
        return self._parts(read_root(self.root), str(facts_version))

    def snapshot(self, facts_version: int, since: Basis | None = None) -> Snapshot:
        """The parts of one facts version, as named now; and what of them came after the basis ``since``."""
        root = read_root(self.root)
        parts = [part for part in self._parts(root, str(facts_version)) if part.rows]
        files: dict[str, list[str]] = {}
        for part in parts:
            files.setdefault(part.table, []).append(str(self.root / part.path))
        later = None if since is None or since.facts_version != facts_version else self._since(root, parts, since)
        named = {table: tuple(paths) for table, paths in files.items()}
        return Snapshot(root.generation, facts_version, named, root.changed, root.ends(facts_version), later)

    def _since(self, root: Root, parts: Sequence[Part], basis: Basis) -> Since | None:
        if root.changed == basis.changed:
            return Since()
        if root.rewritten > basis.changed or not basis.ends:
            return None

        def is_later(part: Part) -> bool:
            if part.day is None:
                return part.stop > basis.ends.get(segment_name(part.feed, part.writer, part.segment), 0)
            named_at = _NAMED_AT.search(part.path)
            # A day that was gathered before holds nothing later; one that was gathered since holds both.
            return named_at is None or int(named_at[1]) > basis.changed

        ends = [(*segment_of(name), records) for name, records in sorted(basis.ends.items())]
        paths = [str(self.root / part.path) for part in parts if part.table == "message" and is_later(part)]
        return Since(tuple(paths), tuple(ends))

    def changed(self) -> int:
        """The generation of the root at which messages last came or went; 0 before the first."""
        return read_root(self.root).changed

    def commit(self, facts_version: int, parts: Iterable[Part], digested: dict[tuple[str, str, int], int]) -> int:
        """Name new parts and how far each segment is digested, in one atomic step; the new generation.

        A part made again replaces the one of its name.
        """
        root = read_root(self.root)
        key = str(facts_version)
        root.generation += 1
        root.changed = root.generation
        new = list(parts)
        again = {part.path for part in new}
        root.tail[key] = [part for part in root.tail.get(key, []) if part.path not in again] + new
        known = root.digested.setdefault(key, {})
        if any(part.start < known.get(segment_name(part.feed, part.writer, part.segment), 0) for part in new):
            root.rewritten = root.generation
        for (feed, writer, number), records in digested.items():
            name = segment_name(feed, writer, number)
            known[name] = max(records, known.get(name, 0))
        write_root(self.root, root)
        return root.generation

    def drop_messages(self, places: Sequence[tuple[str, str, int, int]]) -> int:
        """Take messages (feed, writer, segment, ordinal) out of every table of every facts version; messages dropped.

        The parts that hold them are written anew, and every file that nothing names goes at once.
        """
        wanted: dict[str, set[tuple[str, int, int]]] = {}
        for feed, writer, segment, ordinal in places:
            wanted.setdefault(feed, set()).add((writer, segment, ordinal))
        root = read_root(self.root)
        root.generation += 1
        root.changed = root.rewritten = root.generation
        dropped = 0
        for version, tail in root.tail.items():
            for i, part in enumerate(tail):
                tail[i], n = self._without(part, wanted.get(part.feed, set()), root.generation)
                dropped += n
            for name, manifest in list(root.days.get(version, {}).items()):
                feed, _, day = name.rpartition("/")
                if feed not in wanted:
                    continue
                old = read_day(self.root, manifest)
                pairs = [self._without(part, wanted[feed], root.generation) for part in old]
                if any(new is not part for part, (new, _) in zip(old, pairs, strict=True)):
                    dropped += sum(n for _, n in pairs)
                    stage = Path(manifest.path).parent.name
                    root.days[version][name] = write_day(
                        self.root, stage, feed, int(day), root.generation, [new for new, _ in pairs]
                    )
        write_root(self.root, root)
        self.sweep(grace_seconds=0)
        self.provisional.clear()
        return dropped

    def sweep(self, *, grace_seconds: float = GRACE_SECONDS) -> int:
        """Remove files that no manifest names and that are older than the grace. Call under the lock. The number removed."""
        root = read_root(self.root)
        named = {part.path for version in {*root.tail, *root.days} for part in self._parts(root, version)}
        named |= {manifest.path for days in root.days.values() for manifest in days.values()}
        removed = 0
        for path in sorted(self.root.glob("facts-*/*")):
            if f"{path.parent.name}/{path.name}" not in named and time.time() - path.stat().st_mtime >= grace_seconds:
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
                removed += 1
        return removed

    def _parts(self, root: Root, version: str) -> list[Part]:
        days = [part for _, m in sorted(root.days.get(version, {}).items()) for part in read_day(self.root, m)]
        return days + root.tail.get(version, [])

    def _without(self, part: Part, gone: set[tuple[str, int, int]], generation: int) -> tuple[Part, int]:
        """The part without some messages (itself where it holds none), and how many rows of ``message`` it lost."""
        import pyarrow.parquet as pq

        here = {g for g in gone if part.day is not None or (g[:2] == (part.writer, part.segment))}
        if not here:
            return part, 0
        path = self.root / part.path
        rows = pq.read_table(path, columns=["writer", "segment", "ordinal"])
        columns = (rows[name].to_pylist() for name in ("writer", "segment", "ordinal"))
        keep = [place not in here for place in zip(*columns, strict=True)]
        lost = keep.count(False)
        if not lost:
            return part, 0
        import pyarrow as pa

        stem = path.name.removesuffix(".parquet").split("~")[0]
        fresh = path.with_name(f"{stem}~{generation}.parquet")
        write_parquet(fresh, part.table, pq.read_table(path).filter(pa.array(keep)))
        new = replace(
            part,
            path=f"{path.parent.name}/{fresh.name}",
            rows=part.rows - lost,
            size_bytes=fresh.stat().st_size,
            sha256=file_digest(fresh),
        )
        return new, lost if part.table == "message" else 0


def verify_tables(archive_root: Path) -> list[tuple[str, str, str]]:
    """Problems of the manifests and the parts they name, as (code, thing, text)."""
    tables = Tables(archive_root)
    try:
        root = read_root(tables.root)
        parts = [part for version in sorted({*root.tail, *root.days}) for part in tables._parts(root, version)]
    except BrokenWorld as error:
        return [(error.code, "tables", error.message)]
    problems = []
    for part in parts:
        path = tables.root / part.path
        if not path.exists():
            problems.append(("missing_part", part.path, "the manifest names it, but it is not there"))
        elif file_digest(path) != part.sha256:
            problems.append(("corrupt_part", part.path, "its hash is not what the manifest says"))
    return problems
