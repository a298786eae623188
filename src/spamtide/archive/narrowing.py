"""An engine that holds some campaigns in memory: their messages are read once, and a dozen questions about them are asked of few rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.archive.engine import Engine

_DAY = re.compile(r"-day(\d{6})-")


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What an engine is narrowed to: messages of these campaigns that meet a condition, whose text names the messages ``m`` and has a ``?`` for
    each of its ``parameters``."""

    campaigns: tuple[str, ...]
    where: str = "true"
    parameters: tuple[Any, ...] = ()


def narrow_to_campaigns(engine: Engine, to: Narrowing, *, at_most: int, columns: Sequence[str] = ()) -> bool:
    """Put the rows of ``campaign_message`` that are meant, these columns or all, in front of all, in this engine or cursor; whether that was done.

    Not done where there are none, or where the campaigns have more than ``at_most`` messages. Every other table is whole.
    """
    marks = ", ".join("?" for _ in to.campaigns)
    known = engine.ask(f"SELECT sum(messages)::BIGINT AS n FROM campaign WHERE campaign IN ({marks})", to.campaigns)
    if not known[0]["n"] or known[0]["n"] > at_most:
        return False
    listed = ", ".join(f"m.{name}" for name in columns) or "m.*"
    engine.change(
        f"CREATE TEMP TABLE campaign_message AS SELECT {listed} FROM memory.main.campaign_message AS m "
        f"WHERE m.campaign IN ({marks}) AND ({to.where})",
        (*to.campaigns, *to.parameters),
    )
    engine.narrowed = to
    return True


def run_of_days(engine: Engine, table: str, days: Sequence[int], expression: Any) -> pa.Table:
    """Rows of an expression over ``table``, of which only files are opened that hold these UTC days, whole days since 1970."""
    wanted = set(days)
    files = [
        path for path in engine.files.get(table, ()) if (day := _DAY.search(path)) is None or int(day[1]) in wanted
    ]
    if not files:
        return engine.run(expression)
    quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
    with engine.cursor() as narrow:
        narrow.change(f"CREATE TEMP VIEW {table} AS SELECT * FROM read_parquet([{quoted}])")
        return narrow.run(expression)
