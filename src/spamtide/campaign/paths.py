"""From facts of messages to the use of each canonical path: later messages of a session count with its first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from spamtide.campaign.dialects import Dialects, PathUse

# The columns of the table ``message`` that are read.
PATH_COLUMNS = ("feed", "session", "dialect_path", "dialect_steps", "peer_unit", "network", "received_at")


def _plain(table: pa.Table) -> pa.Table:
    """The columns as text, not as dictionaries, so that tables of any origin are one; without rows that have no path."""
    kinds = {"received_at": pa.int64()}
    return pa.table({name: table[name].cast(kinds.get(name, pa.string())) for name in PATH_COLUMNS})


def with_first_paths(table: pa.Table) -> pa.Table:
    """The columns, each row with the path of its session's first message where that is in the table."""
    plain = _plain(table)
    later = pc.fill_null(pc.starts_with(plain["dialect_steps"], "+"), False)
    if not pc.any(later).as_py():
        return plain
    opening: dict[tuple[str, str], tuple[str, str]] = {}
    first = plain.filter(pc.and_(pc.invert(later), pc.is_valid(plain["session"])))
    for row in first.select(["feed", "session", "dialect_path", "dialect_steps"]).to_pylist():
        if row["dialect_steps"] is not None:
            opening[row["feed"], row["session"]] = (row["dialect_path"], row["dialect_steps"])
    paths, steps = plain["dialect_path"].to_pylist(), plain["dialect_steps"].to_pylist()
    keys = zip(plain["feed"].to_pylist(), plain["session"].to_pylist(), later.to_pylist(), strict=True)
    for i, (feed, session, is_later) in enumerate(keys):
        if is_later and session is not None:
            paths[i], steps[i] = opening.get((feed, session), (paths[i], steps[i]))
    plain = plain.set_column(2, "dialect_path", pa.array(paths, pa.string()))
    return plain.set_column(3, "dialect_steps", pa.array(steps, pa.string()))


def path_uses(tables: Iterable[pa.Table]) -> list[PathUse]:
    """The use of each path in messages with a transcript. A session must lie in one table whole."""
    found: dict[str, dict[str, Any]] = {}
    peers: dict[str, dict[str, int]] = defaultdict(dict)
    networks: dict[str, set[str]] = defaultdict(set)
    for table in tables:
        rows = with_first_paths(table)
        rows = rows.filter(pc.is_valid(rows["dialect_path"]))
        spans = rows.group_by(["dialect_path", "dialect_steps"]).aggregate(
            [("received_at", "count"), ("received_at", "min"), ("received_at", "max")]
        )
        for row in spans.to_pylist():
            old = found.get(row["dialect_path"])
            if old is not None:
                row["received_at_count"] += old["received_at_count"]
                row["received_at_min"] = min(row["received_at_min"], old["received_at_min"])
                row["received_at_max"] = max(row["received_at_max"], old["received_at_max"])
            found[row["dialect_path"]] = row
        for row in (
            rows.group_by(["dialect_path", "peer_unit", "network"]).aggregate([("received_at", "count")]).to_pylist()
        ):
            path, peer = row["dialect_path"], row["peer_unit"]
            if peer is not None:
                peers[path][peer] = peers[path].get(peer, 0) + row["received_at_count"]
            if row["network"] is not None:
                networks[path].add(row["network"])
    return [
        PathUse(
            path, row["dialect_steps"], row["received_at_count"], peers[path], frozenset(networks[path]),
            row["received_at_min"], row["received_at_max"],
        )
        for path, row in sorted(found.items())
    ]  # fmt: skip


def assign_dialects(dialects: Dialects, table: pa.Table) -> list[str | None]:
    """The dialect of each row; None where it is unknown, ambiguous, or the row has no transcript."""
    rows = with_first_paths(table)
    known: dict[tuple[str | None, str | None], str | None] = {(None, None): None}
    for row in rows.group_by(["dialect_path", "dialect_steps"]).aggregate([]).to_pylist():
        path, steps = row["dialect_path"], row["dialect_steps"]
        known[path, steps] = None if path is None or steps is None else dialects.assign(path, steps).dialect
    return [
        known[pair] for pair in zip(rows["dialect_path"].to_pylist(), rows["dialect_steps"].to_pylist(), strict=True)
    ]
