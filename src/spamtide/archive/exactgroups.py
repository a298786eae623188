"""From the sketches of one snapshot to exact groups, and from their labels to campaigns: what a grouping reads and writes.

Works in an in-memory DuckDB that spills to disk, so that memory is bounded by its limit and by the fingerprints that
the grouping itself needs. Exact digests are held as 128-bit numbers, which order as their hex digits do.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from spamtide.archive.bycampaign import BY_CAMPAIGN, BY_TIME, messages_by_day, messages_in_order
from spamtide.campaign import SUBJECTS, campaign_id, group_schema

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.archive.engine import EngineOptions
    from spamtide.archive.generations import Generation
    from spamtide.archive.tables import Snapshot

_BATCH = 100_000
_HEX = "replace({}::VARCHAR, '-', '')"
_ROW_KEY = "((s.file_index::BIGINT << 32) + s.file_row_number::BIGINT)"
# Duplicates in the first 80 bits of two digests are made, not met; the later one then shows its whole digest.
_ID_BITS = len(campaign_id("0" * 32)) - len("c-")

# What ``spamtide.measure.campaign_facts`` computes of some messages, of all of them: a test says that they agree. Distinct things
# are counted in two steps, which can spill.
_CAMPAIGN = """
SELECT f.campaign, e.first_exact, f.messages, e.exact_groups, f.first_seen, f.last_seen, coalesce(p.peers, 0) AS peers,
  coalesce(n.networks, 0) AS networks, l.language, t.topic
FROM (SELECT campaign, count(*) AS messages, min(received_at) AS first_seen, max(received_at) AS last_seen FROM r GROUP BY 1) AS f
JOIN (SELECT campaign, count(*) AS exact_groups, arg_min(exact, row(first, exact)) AS first_exact
  FROM (SELECT campaign, exact, min(received_at) AS first FROM r GROUP BY 1, 2) GROUP BY 1) AS e USING (campaign)
LEFT JOIN (SELECT campaign, count(*) AS peers
  FROM (SELECT DISTINCT campaign, peer_unit FROM r WHERE peer_unit IS NOT NULL) GROUP BY 1) AS p USING (campaign)
LEFT JOIN (SELECT campaign, count(*) AS networks
  FROM (SELECT DISTINCT campaign, network FROM r WHERE network IS NOT NULL) GROUP BY 1) AS n USING (campaign)
JOIN (SELECT campaign, arg_min(language, row(-k, language)) AS language
  FROM (SELECT campaign, language, count(*) AS k FROM r GROUP BY 1, 2) GROUP BY 1) AS l USING (campaign)
JOIN (SELECT campaign, arg_min(topic, row(-k, topic)) AS topic
  FROM (SELECT campaign, topic, count(*) AS k FROM r GROUP BY 1, 2) GROUP BY 1) AS t USING (campaign)
ORDER BY f.messages DESC, f.first_seen, f.campaign
"""
_CAMPAIGN_FEED = """
SELECT campaign, feed::VARCHAR AS feed, count(*) AS messages, min(received_at) AS first_seen, max(received_at) AS last_seen
FROM r GROUP BY 1, 2 ORDER BY 1, 2
"""
# Those that ``spamtide.measure.campaign_listing`` finds in some messages.
_CAMPAIGN_SUBJECT = f"""
SELECT campaign, subject, k AS messages
FROM (SELECT campaign, subject::VARCHAR AS subject, count(*) AS k FROM r WHERE subject IS NOT NULL GROUP BY 1, 2)
QUALIFY row_number() OVER (PARTITION BY campaign ORDER BY k DESC, subject) <= {SUBJECTS} ORDER BY campaign, k DESC, subject
"""


def _files(paths: Iterable[str]) -> str:
    return "[" + ", ".join("'" + path.replace("'", "''") + "'" for path in paths) + "]"


def _schema(columns: Sequence[str]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([pa.field("exact", pa.string()), *(pa.field(c, pa.binary()) for c in columns)])


class ExactGroups:
    """The exact groups of one snapshot. Use it in a ``with`` block; first ``fingerprints``, then ``label``, then the rest."""

    def __init__(self, snapshot: Snapshot, options: EngineOptions) -> None:
        import duckdb

        self._snapshot = snapshot
        self._engine = duckdb.connect(
            ":memory:",
            config={
                "threads": options.thread_count,
                "memory_limit": f"{options.memory_mib}MB",
                "temp_directory": options.temp_dir or tempfile.gettempdir(),
                "preserve_insertion_order": False,
            },
        )
        self.messages = 0

    def __enter__(self) -> ExactGroups:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()

    def fingerprints(self, columns: Sequence[str]) -> pa.Table:
        """``exact`` and these columns of the table ``sketch``, one row an exact group, in no order.

        Messages of one exact group may differ in the hosts of their links: those of the greatest stand for all, so that
        the row is a function of the set of messages.
        """
        import pyarrow as pa

        query = self._gather(columns)
        return pa.Table.from_batches(self._batches(query, _schema(columns)) if query else [], _schema(columns))

    def in_order(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The same rows in batches, ascending by ``exact``: sorted on disk where they are many, so that only a batch is held."""
        query = self._gather(columns)
        if query:
            yield from self._batches(f"{query} ORDER BY g.e", _schema(columns))

    def _gather(self, columns: Sequence[str]) -> str:
        """Find the exact groups; the query of their fingerprints, nothing where there is no message."""
        files = self._snapshot.files.get("sketch", ())
        if not files:
            self._engine.execute("CREATE TABLE exact_group (e UUID, first BIGINT, n BIGINT, row_key BIGINT)")
            return ""
        read = f"read_parquet({_files(files)}) AS s"
        best = ", ".join([*(f"s.{c}" for c in columns if c != "shingles"), "hash(s.shingles)"])
        self._engine.execute(
            f"CREATE TABLE exact_group AS SELECT s.exact::UUID AS e, min(s.received_at) AS first, count(*) AS n, "
            f"arg_max({_ROW_KEY}, row({best})) AS row_key FROM {read} GROUP BY 1"
        )
        self.messages = int(self._one("SELECT coalesce(sum(n), 0) FROM exact_group"))
        listed = ", ".join([f"{_HEX.format('g.e')} AS exact", *(f"s.{c}" for c in columns)])
        return f"SELECT {listed} FROM {read} JOIN exact_group AS g ON g.row_key = {_ROW_KEY}"

    def label(self, exact: pa.ChunkedArray, labels: Any) -> None:
        """Take the label of each exact group, in the order in which they are given; name their campaigns."""
        import pyarrow as pa

        given = pa.table({"exact": exact, "label": pa.array(labels, pa.int32())})
        self._engine.register("given", given)
        self._engine.execute(
            "CREATE TABLE labelled AS SELECT g.e, g.first, given.label FROM given JOIN exact_group AS g ON g.e = given.exact::UUID"
        )
        self._engine.unregister("given")
        self._engine.execute(
            "CREATE TABLE leader AS SELECT DISTINCT ON (label) label, e, first FROM labelled ORDER BY label, first, e"
        )
        # The earliest of those that share an id keeps it.
        short = f"left({_HEX.format('e')}, {_ID_BITS})"
        self._engine.execute(
            f"CREATE TABLE named AS SELECT label, 'c-' || CASE WHEN row_number() OVER (PARTITION BY {short} ORDER BY first, e) = 1 "
            f"THEN {short} ELSE {_HEX.format('e')} END AS campaign FROM leader"
        )

    def members(self) -> Iterator[pa.RecordBatch]:
        """Rows of ``campaign_member``, in order of ``exact``."""
        return self._batches(
            f"SELECT {_HEX.format('l.e')} AS exact, n.campaign FROM labelled AS l JOIN named AS n USING (label) ORDER BY l.e",
            group_schema("campaign_member"),
        )

    def moves(
        self, previous: Generation, members: str, before: Snapshot | None = None
    ) -> list[tuple[str, str | None, int]]:
        """(old, new, exact groups) of old ids whose exact groups are not all in the campaign of that id.

        ``members`` is the file of the new table ``campaign_member``. ``before``: the snapshot of an older facts version, where
        the previous generation is of one; its messages are then found by their place, since their digests may differ.
        """
        old = f"SELECT campaign, exact FROM read_parquet({_files([previous.tables['campaign_member'].path])})"
        if before is not None:
            held, here = before.files.get("sketch", ()), self._snapshot.files.get("sketch", ())
            if not held or not here:
                return []
            old = (
                f"SELECT DISTINCT o.campaign, b.exact FROM ({old}) AS o JOIN read_parquet({_files(held)}) AS a ON a.exact = o.exact "
                f"JOIN read_parquet({_files(here)}) AS b ON (a.feed, a.writer, a.segment, a.ordinal) = (b.feed, b.writer, b.segment, b.ordinal)"
            )
        self._engine.execute(
            f"CREATE OR REPLACE TABLE pair AS SELECT o.campaign AS old, n.campaign AS new, count(*) AS n FROM ({old}) AS o "
            f"LEFT JOIN read_parquet({_files([members])}) AS n USING (exact) GROUP BY 1, 2"
        )
        found = self._engine.execute(
            "SELECT old, new, n FROM pair WHERE old IN (SELECT old FROM pair WHERE new IS DISTINCT FROM old) "
            "OR new IN (SELECT new FROM pair WHERE new IS DISTINCT FROM old) ORDER BY old, new NULLS LAST"
        ).fetchall()
        return [(str(o), None if n is None else str(n), int(k)) for o, n, k in found]

    def alive(self, ids: Sequence[str]) -> set[str]:
        """Those of these ids that name a campaign now."""
        found = self._engine.execute("SELECT campaign FROM named WHERE campaign IN (SELECT unnest(?))", [list(ids)])
        return {str(row[0]) for row in found.fetchall()}

    def rows(self, members: str) -> Iterator[pa.RecordBatch]:
        """Rows of the table ``campaign_message``, in order; ``members`` as above."""
        return messages_in_order(self._engine, BY_CAMPAIGN, self._snapshot.files.get("message", ()), members)

    def times(self, members: str) -> Iterator[pa.RecordBatch]:
        """Rows of the table ``message_time``, in order; ``members`` as above."""
        return messages_in_order(self._engine, BY_TIME, self._snapshot.files.get("message", ()), members)

    def days(self, members: str) -> Iterator[pa.RecordBatch]:
        """Rows of the table ``campaign_day``, in order; ``members`` as above."""
        return messages_by_day(self._engine, self._snapshot.files.get("message", ()), members)

    def subjects(self, members: str) -> Iterator[pa.RecordBatch]:
        """Rows of the table ``campaign_subject``, in order; ``members`` as above."""
        return self._known(_CAMPAIGN_SUBJECT, members, "campaign_subject")

    def campaigns(self, members: str) -> Iterator[pa.RecordBatch]:
        """Rows of the table ``campaign``, most messages first; ``members`` as above."""
        return self._known(_CAMPAIGN, members, "campaign")

    def feeds(self, members: str) -> Iterator[pa.RecordBatch]:
        """Rows of the table ``campaign_feed``, in order; ``members`` as above."""
        return self._known(_CAMPAIGN_FEED, members, "campaign_feed")

    def _known(self, query: str, members: str, table: str) -> Iterator[pa.RecordBatch]:
        messages = self._snapshot.files.get("message", ())
        if not messages:
            return iter(())
        rows = (
            f"SELECT m.*, c.campaign FROM read_parquet({_files(messages)}) AS m "
            f"JOIN read_parquet({_files([members])}) AS c ON c.exact = m.exact"
        )
        return self._batches(f"WITH r AS ({rows}) {query}", group_schema(table))

    def count(self) -> tuple[int, int]:
        """How many campaigns, and how many exact groups."""
        return int(self._one("SELECT count(*) FROM named")), int(self._one("SELECT count(*) FROM exact_group"))

    def _one(self, query: str) -> Any:
        # All of it: a result that is not read to its end keeps the connection.
        return self._engine.execute(query).fetchall()[0][0]

    def _batches(self, query: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for batch in self._engine.sql(query).to_arrow_reader(_BATCH):
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
