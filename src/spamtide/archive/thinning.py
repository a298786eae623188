"""Thinning: the body of a message goes, by a written policy; envelope, header, hash of the raw bytes, leaf and facts stay.

What goes cannot be read again, so the facts of thinned messages are no longer computed but kept: their rows, of every table, lie in
``archive/kept`` as truth, and a later digest takes them from there. The journal has an entry before anything goes: which messages, by which
policy, and the hashes of the files with their facts. A thinned record without an entry is a failure of ``archive verify``.

A kill at any moment leaves a segment as it was or thinned: it is written beside the old one and takes its place by rename.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spamtide.archive.compaction import plain_names
from spamtide.archive.journal import Journal
from spamtide.archive.kernel import settle_segment, thin_records
from spamtide.archive.layout import segment_base
from spamtide.archive.locks import hold_lock
from spamtide.archive.parts import file_digest, sync_folder, write_parquet
from spamtide.errors import BrokenWorld

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from spamtide.archive.archive import Archive
    from spamtide.archive.tables import Snapshot, Tables

DAY_US = 86_400_000_000
Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class ThinningPolicy:
    """What the operator wrote: raw bytes for so many days, of an exact group so many a day; 0 means all."""

    raw_days: int = 0
    keep_per_group_day: int = 0


def rewriting_lock(root: Path) -> AbstractContextManager[None]:
    """The lock under which sealed segments are written anew: one process at a time. Waits."""
    return hold_lock(root, "rewriting", lambda: None)


def settle_rewritten(root: Path) -> None:
    """Complete or discard what a kill in the middle of a rewriting left. Call under the lock of rewriting."""
    for path in sorted((root / "segments").glob("*/*.*-new")):
        base = path.with_suffix("")
        if base.with_suffix(".seal").exists() and not base.with_suffix(".open").exists():
            settle_segment(str(base))


def due_messages(snapshot: Snapshot, feed: str, policy: ThinningPolicy, *, now: int) -> dict[Key, dict[int, int]]:
    """By segment the messages of ``feed`` that the policy would thin, thinned ones among them: receive time by ordinal.

    Of an exact group the earliest of each closed day are kept, so what is chosen does not depend on when one looks.
    """
    import _duckdb

    files = snapshot.files.get("message", ())
    if not files or policy == ThinningPolicy():
        return {}
    # File names are of our own making.
    named = ", ".join("'" + f.replace("'", "''") + "'" for f in files)
    today = now // DAY_US * DAY_US
    old = now - policy.raw_days * DAY_US if policy.raw_days else -(2**62)
    most = policy.keep_per_group_day or 2**62
    found: dict[Key, dict[int, int]] = {}
    with _duckdb.connect(":memory:") as engine:
        engine.execute(
            "SELECT writer, segment, ordinal, received_at FROM (SELECT writer, segment, ordinal, received_at, row_number() OVER ("
            "PARTITION BY exact, received_at // 86400000000 ORDER BY received_at, writer, segment, ordinal) AS place "
            f"FROM read_parquet([{named}]) WHERE feed = ?) "
            "WHERE received_at < ? OR (place > ? AND received_at < ?) ORDER BY writer, segment, ordinal",
            [feed, old, most, today],
        )
        while rows := engine.fetchmany(100_000):
            for writer, segment, ordinal, received_at in rows:
                found.setdefault((feed, writer, segment), {})[ordinal] = received_at
    return found


def thinned_already(journal: Journal, *, done: bool = False) -> dict[Key, set[int]]:
    """Ordinals by segment that the journal's entries name; with ``done`` those alone whose thinning came to its end."""
    found: dict[Key, set[int]] = {}
    finished = {(_key(r.body), r.body["at"]) for r in journal.read("thinned")} if done else set()
    for record in journal.read("thinning"):
        if not done or (_key(record.body), record.at) in finished:
            found.setdefault(_key(record.body), set()).update(record.body["ordinals"])
    return found


def _key(body: Mapping[str, Any]) -> Key:
    return body["feed"], body["writer"], body["segment"]


def missing_kept(archive: Archive) -> list[str]:
    """Files of kept facts that are gone or cannot be read."""
    lost = []
    for record in archive.journal.read("thinning"):
        for kept in record.body["kept"]:
            path = archive.root / kept["path"]
            if not (path.exists() and (file_digest(path) == kept["sha256"] or _has_fewer(path, kept["rows"]))):
                lost.append(kept["path"])
    return lost


def _has_fewer(path: Path, rows: int) -> bool:
    """Whether a file can be read and has fewer rows: an erasure wrote it anew."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return bool(pq.read_table(path).num_rows < rows)
    except (OSError, pa.ArrowInvalid):
        return False


def thin_segment(
    archive: Archive,
    tables: Tables,
    key: Key,
    due: Mapping[int, int],
    policy: dict[str, Any],
    *,
    facts_version: int,
    at: int,
) -> int:
    """Thin messages (receive time by ordinal) of one sealed segment; the bytes dropped. Call under the locks of the tables and of rewriting.

    Their facts must be in the tables. A kill between the entry and the deed leaves an entry too many, and the deed is done the next time.
    """
    feed, writer, number = key
    kept = _keep_facts(archive.root, tables, key, due, facts_version, at)
    body = {
        "feed": feed, "writer": writer, "segment": number, "ordinals": sorted(due), "policy": policy,
        "first": min(due.values()), "last": max(due.values()), "facts_version": facts_version, "kept": kept,
    }  # fmt: skip
    archive.journal.append("thinning", body, at)
    dropped = thin_records(str(segment_base(archive.root, *key)), sorted(due))
    archive.journal.append(
        "thinned", {"feed": feed, "writer": writer, "segment": number, "at": at, "bytes": dropped}, at
    )
    return dropped


def _keep_facts(
    root: Path, tables: Tables, key: Key, due: Mapping[int, int], facts_version: int, at: int
) -> list[dict[str, Any]]:
    import pyarrow as pa

    feed, writer, number = key
    days = {received_at // DAY_US for received_at in due.values()}
    rows: dict[str, list[pa.Table]] = {}
    for part in tables.parts(facts_version):
        mine = part.day in days if part.day is not None else (part.writer, part.segment) == key[1:]
        if part.feed == feed and mine and part.rows:
            found = _rows_of(tables.root / part.path, key, list(due))
            if found.num_rows:
                rows.setdefault(part.table, []).append(found)
    folder = root / "kept" / feed
    folder.mkdir(parents=True, exist_ok=True)
    kept = []
    for table, pieces in sorted(rows.items()):
        data = pa.concat_tables(pieces)
        path = folder / f"{writer}-{number:06d}-{at}-{table}.parquet"
        write_parquet(path, table, data)
        name = f"kept/{feed}/{path.name}"
        kept.append({"table": table, "path": name, "rows": data.num_rows, "sha256": file_digest(path)})
    for place in (folder, folder.parent, root):
        sync_folder(place)
    return kept


def _rows_of(path: Path, key: Key, ordinals: list[int]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    data = plain_names(pq.read_table(path))
    _, writer, number = key
    wanted = pc.is_in(data["ordinal"], pa.array(ordinals, data["ordinal"].type))
    wanted = pc.and_(wanted, pc.and_(pc.equal(data["writer"], writer), pc.equal(data["segment"], number)))
    return data.filter(wanted)


def kept_facts(base: str, ordinals: Sequence[int], schemas: Mapping[str, pa.Schema]) -> dict[str, pa.Table]:
    """Rows of thinned messages of the segment at ``base``, by table. A column that was not there yet is null, or its type's zero.

    Raises BrokenWorld ``facts_lost`` where the facts of one are gone.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    place = Path(base)
    folder = place.parents[2] / "kept" / place.parent.name
    # A message thinned twice, for a kill came between, is taken from the later file.
    times = sorted(
        (p.name.split("-")[2] for p in folder.glob(f"{place.name}-*-message.parquet")), key=int, reverse=True
    )
    left = set(ordinals)
    pieces: dict[str, list[pa.Table]] = {table: [] for table in schemas}
    for at in times:
        mine = left & set(
            pq.read_table(folder / f"{place.name}-{at}-message.parquet", columns=["ordinal"])["ordinal"].to_pylist()
        )
        left -= mine
        for table, schema in schemas.items():
            path = folder / f"{place.name}-{at}-{table}.parquet"
            if mine and path.exists():
                data = pq.read_table(path)
                data = data.filter(pc.is_in(data["ordinal"], pa.array(sorted(mine), data["ordinal"].type)))
                pieces[table].append(pa.Table.from_arrays([_column(data, field) for field in schema], schema=schema))
    if left:
        raise BrokenWorld(
            "facts_lost",
            f"The facts of {len(left)} thinned messages of {place} are gone.",
            "Restore archive/kept from a copy.",
        )
    return {table: pa.concat_tables(found) for table, found in pieces.items() if found}


def _column(data: pa.Table, field: pa.Field) -> pa.Array:
    import pyarrow as pa

    if field.name in data.column_names:
        return data[field.name].cast(field.type).combine_chunks()
    if field.nullable:
        return pa.nulls(data.num_rows, field.type)
    zero: Any = {"int64": 0, "int32": 0, "bool": False, "string": "", "binary": b""}[str(field.type)]
    return pa.array([zero] * data.num_rows, field.type)


def forget_kept(root: Path, gone: Mapping[Key, Sequence[int]]) -> None:
    """Take erased messages out of the kept facts, rewritten in place by rename."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for (feed, writer, number), ordinals in gone.items():
        for path in sorted((root / "kept" / feed).glob(f"{writer}-{number:06d}-*.parquet")):
            data = pq.read_table(path)
            left = data.filter(pc.invert(pc.is_in(data["ordinal"], pa.array(list(ordinals), data["ordinal"].type))))
            if left.num_rows < data.num_rows:
                write_parquet(path, path.stem.rpartition("-")[2], left)
