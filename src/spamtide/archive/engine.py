"""The embedded engine: an in-memory DuckDB over the files of one snapshot. Runs what measure builds.

Engines return integers, strings and booleans in a total order; nothing is rounded here, so that another engine gives
equal answers.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spamtide.archive.bycampaign import MEMBERS, ORDERED, ordered_views
from spamtide.archive.compiling import compile_answer, compile_expression

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.archive.narrowing import Narrowing
    from spamtide.archive.tables import Snapshot

_BATCH = 100_000


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Bounds of the engine; 0 threads means one a core this process may use, '' the system's temporary folder."""

    threads: int = 0
    memory_mib: int = 384
    temp_dir: str = ""

    @property
    def thread_count(self) -> int:
        """Threads to use."""
        return self.threads or len(os.sched_getaffinity(0))


class Engine:
    """A DuckDB over one snapshot; make one for each snapshot. Close it, or use it in a ``with`` block.

    ``generations``: further tables, each with its file, or None for an empty one (``generation_views``).
    """

    def __init__(
        self,
        snapshot: Snapshot,
        schemas: Mapping[str, pa.Schema],
        options: EngineOptions,
        generations: Mapping[str, tuple[pa.Schema, str | None]] | None = None,
    ) -> None:
        import duckdb
        import pyarrow as pa

        # One DuckDB in memory for each process: there is no database file to lock or to corrupt.
        raw = duckdb.connect(
            ":memory:",
            config={
                "threads": options.thread_count,
                "memory_limit": f"{options.memory_mib}MB",
                "temp_directory": options.temp_dir or tempfile.gettempdir(),
            },
        )
        # A file is never changed once it is named, and its footer is as large as what many questions read of it.
        raw.execute("LOAD parquet; SET parquet_metadata_cache = true")
        for name, schema in schemas.items():
            files = snapshot.files.get(name)
            if files:
                quoted = ", ".join("'" + f.replace("'", "''") + "'" for f in files)
                raw.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{quoted}])")
            else:
                fields = [pa.field("feed", pa.string()), pa.field("writer", pa.string()), *schema]
                _make_empty(raw, name, pa.schema(fields))
        ordered: dict[str, str | None] = {}
        for name, (schema, path) in (generations or {}).items():
            if name in ORDERED:
                ordered[name] = path
            elif path is None:
                _make_empty(raw, name, schema)
            else:
                quoted = "'" + path.replace("'", "''") + "'"
                raw.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({quoted})")
        for name, query in ordered_views(snapshot, ordered, members=MEMBERS in (generations or {})):
            raw.execute(f"CREATE VIEW {name} AS {query}")
        self._raw = raw
        self.files: Mapping[str, Sequence[str]] = snapshot.files
        self.narrowed: Narrowing | None = None

    def cursor(self) -> Engine:
        """The same engine for one more thread; close it before the engine itself."""
        other = Engine.__new__(Engine)
        other._raw, other.files, other.narrowed = self._raw.cursor(), self.files, None
        return other

    def interrupt(self) -> None:
        """Break off what it is asked just now, from another thread."""
        self._raw.interrupt()

    def close(self) -> None:
        """Let go of it."""
        self._raw.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, expression: Any) -> pa.Table:
        """Rows of an unbound Ibis expression, as an Arrow table."""
        return self._table(compile_expression(expression))

    def answer(self, build: Callable[..., Any], **how: Any) -> pa.Table:
        """Rows of the expression that ``build`` makes of these arguments; what was made of equal ones before is not made again."""
        return self._table(compile_answer(build, how))

    def _table(self, text: str) -> pa.Table:
        # The SQL is Ibis's, the rows come straight from the engine: no pandas on the way.
        return self._raw.sql(text).to_arrow_table()

    def ask(self, text: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of one statement of SQL that measure wrote, its parameters apart."""
        found = self._raw.execute(text, list(parameters))
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def change(self, text: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement that makes a temporary table, which this cursor alone sees in place of one of all."""
        self._raw.execute(text, list(parameters))

    def stream(self, build: Callable[..., Any], **how: Any) -> Iterator[pa.RecordBatch]:
        """The same rows in batches, for what need not fit in memory."""
        yield from self._raw.sql(compile_answer(build, how)).to_arrow_reader(_BATCH)


def _make_empty(raw: Any, name: str, schema: pa.Schema) -> None:
    # A table, not a registered one: only the connection that registers it would see it.
    raw.register("empty_of_it", schema.empty_table())
    raw.execute(f"CREATE TABLE {name} AS SELECT * FROM empty_of_it")
    raw.unregister("empty_of_it")
