"""The truth about a world as files: ``world.json`` and Parquet tables that no other room reads."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from spamtide.fingerprint import arrow_array
from spamtide.simulate.making import variant_sums
from spamtide.simulate.scenario import UNSOLICITED

if TYPE_CHECKING:
    import pyarrow.parquet as pq

    from spamtide.simulate.world import World

COLUMNS = pa.schema(
    [
        ("feed", pa.string()),
        ("place", pa.int64()),
        ("received_at", pa.int64()),
        ("group", pa.string()),
        ("botnet", pa.string()),
        ("bot", pa.int32()),
        ("campaign", pa.int32()),
        ("near", pa.string()),
        ("exact", pa.string()),
        ("identical", pa.string()),
        ("language", pa.string()),
        ("origin", pa.string()),
        ("form", pa.string()),
        ("recipients", pa.int32()),
        ("delivery", pa.int64()),
        ("retry", pa.bool_()),
        ("unfinished", pa.bool_()),
    ]
)
# Rows of one row group.
ROWS = 100_000


def _named(names: list[str], places: pa.Array) -> pa.Array:
    return pa.array(names, pa.string()).take(places)


def message_rows(world: World, feed: str, place: int, made: pa.Table) -> pa.Table:
    """Rows of ``messages.parquet`` for messages just made; the first has the place ``place`` in its feed."""
    groups = [g.name for g in world.scenario.groups]
    near = _templates(world, made)
    columns = {
        "feed": pa.array([feed] * len(made), pa.string()),
        "place": pa.array(range(place, place + len(made)), pa.int64()),
        "group": _named(groups, made["group"].combine_chunks()),
        "botnet": _named([b.name for b in world.rates.botnets], made["botnet"].combine_chunks()),
        "near": pa.array(near, pa.string()),
    }
    return pa.table({f.name: columns.get(f.name, _plain(made, f)) for f in COLUMNS}, schema=COLUMNS)


def _templates(world: World, made: pa.Table) -> list[str]:
    """The template each message was filled in from: one a campaign, and one a language where its group speaks several."""
    several = {i: len(g.languages) > 1 for i, g in enumerate(world.scenario.groups)}
    rows = zip(*(made[name].to_pylist() for name in ("group", "campaign", "language")), strict=True)
    return [f"{world.scenario.groups[g].name}/{c}" + (f"/{spoken}" if several[g] else "") for g, c, spoken in rows]


def _plain(made: pa.Table, field: pa.Field) -> pa.Array | None:
    return made[field.name].cast(field.type) if field.name in made.column_names else None


class TruthFiles:
    """Writes ``messages.parquet`` while messages are made, and the rest on leaving without an error."""

    def __init__(self, folder: Path, world: World) -> None:
        self._folder, self._world = folder, world
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def __enter__(self) -> TruthFiles:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._flush()
        if self._writer is not None:
            self._writer.close()
        if kind is None:
            write_truth(self._folder, self._world)

    def add(self, rows: pa.Table) -> None:
        """Take the rows of messages just made."""
        self._waiting.append(rows)
        self._rows += len(rows)
        if self._rows >= ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow.parquet as pq

        if not self._waiting:
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._folder / "messages.parquet", COLUMNS, compression="zstd")
        self._writer.write_table(pa.concat_tables(self._waiting).combine_chunks())
        self._waiting, self._rows = [], 0


def write_truth(out: Path, world: World) -> None:
    """``world.json``; ``rates.parquet``: expected messages by hour, feed, group and botnet, both ways; ``bots.parquet`` and
    ``addresses.parquet``: hosts, and the addresses of each over time.
    """
    import pyarrow.parquet as pq

    out.mkdir(parents=True, exist_ok=True)
    pq.write_table(_rates(world), out / "rates.parquet", compression="zstd")
    for name, table in _senders(world).items():
        pq.write_table(table, out / f"{name}.parquet", compression="zstd")
    (out / "world.json").write_text(json.dumps(_document(world), indent=1) + "\n", encoding="utf-8")


def _rates(world: World) -> pa.Table:
    rates, tables = world.rates, []
    for i, feed in enumerate(world.scenario.feeds):
        for k, sent in enumerate(rates.streams):
            columns = {
                "hour_start": pa.array(rates.starts, pa.int64()),
                "feed": pa.array([feed.name] * rates.hours),
                "group": pa.array([world.scenario.groups[sent.group].name] * rates.hours),
                "botnet": pa.array([rates.botnets[sent.botnet].name] * rates.hours),
                "expected": rates.rates(i, k, with_event=True),
                "expected_without": rates.rates(i, k, with_event=False),
                "drawn": rates.counts[i][:, k],
            }
            tables.append(pa.table(columns))
    return pa.concat_tables(tables)


def _senders(world: World) -> dict[str, pa.Table]:
    found: dict[str, list[pa.Table]] = {"bots": [], "addresses": []}
    for i, botnet in enumerate(world.rates.botnets):
        for name, columns in world.maker.senders(i).items():
            table = pa.table({key: arrow_array(column) for key, column in columns.items()})
            if len(table):
                found[name].append(table.add_column(0, "botnet", pa.array([botnet.name] * len(table))))
    return {name: pa.concat_tables(tables) for name, tables in found.items() if tables}


def _document(world: World) -> dict[str, Any]:
    rates = world.rates
    return {
        "scenario": world.scenario.name,
        "seed": world.seed,
        "scale": world.scale,
        "start": world.start,
        "end": world.end,
        "messages": world.messages,
        "groups": {
            g.name: {
                "words": g.words, "missed": g.missed, "unique": g.unique, "variants": g.variants, "campaign_days": g.campaign_days,
                "unsolicited": g.topic in UNSOLICITED, "variant_weights": [float(w) for w in np.diff(variant_sums(g), prepend=0.0)],
                "stop": rates.stopped_at(g),
            }
            for g in world.scenario.groups
        },
        "botnets": {
            b.name: {
                "dialect": b.dialect, "hosts": b.hosts, "life_days": b.life_days, "tail": b.tail,
                "output_per_day": None if b.messages_per_hour is None else b.hosts * b.duty * 24 * b.messages_per_hour,
            }
            for b in rates.botnets
        },
    }  # fmt: skip
