"""A message belongs to the bin that its microsecond is in, by the engine too."""

from __future__ import annotations

import duckdb
import ibis
import pytest

from spamtide.archive.compiling import compile_expression
from spamtide.measure import DAY_US, HOUR_US
from spamtide.measure.expressions import bin_number


@pytest.mark.parametrize("bin_us", [HOUR_US, DAY_US, 7 * DAY_US, 22 * DAY_US + 35_100_000_001])
@pytest.mark.parametrize("anchor", [0, 1_300_145_052_980_953, 1_300_286_700_000_000, 4_000_000_000_000_000])
def test_the_microsecond_before_an_edge_is_not_in_the_next_bin(bin_us: int, anchor: int) -> None:
    first = (1_300_000_000_000_000 - anchor) // bin_us
    edges = [anchor + (first + n) * bin_us for n in (0, 1, 191, 192, -500)]
    instants = [edge + off for edge in edges for off in (-1, 0, 1)]
    rows = ibis.table({"received_at": "int64", "utc_day": "int32", "utc_hour": "int32"}, name="message")
    asked = rows.select(rows.received_at, bin=bin_number(rows, bin_us, anchor))
    with duckdb.connect(":memory:") as engine:
        engine.execute(
            "CREATE TABLE message AS SELECT t AS received_at, floor(t / 86400000000)::INTEGER AS utc_day, "
            "floor(t / 3600000000)::INTEGER AS utc_hour FROM (SELECT unnest($1::BIGINT[]) AS t)",
            [instants],
        )
        found = dict(engine.sql(compile_expression(asked)).fetchall())
    assert found == {at: (at - anchor) // bin_us for at in instants}
